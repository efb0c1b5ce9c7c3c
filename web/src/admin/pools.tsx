// Pools: the list, a new one, one with its settings and entitlements.
import { useState } from 'preact/hooks';
import { api, asSentence, Problem, sentence, titleOf, type Pool } from '../api.ts';
import { bytes } from '../format.ts';
import { t } from '../language.ts';
import { useLive, useLivePage } from '../live.ts';
import { go } from '../route.ts';
import { ask } from '../ui/dialog.tsx';
import { Check, SelectField } from '../ui/field.tsx';
import { GroupIcon, PlusIcon, PoolIcon, UserIcon } from '../ui/icons.tsx';
import { Badge, Bones, Button, Empty, Failure, Notice } from '../ui/parts.tsx';
import { Table } from '../ui/table.tsx';
import { toast } from '../ui/toast.tsx';
import { may } from '../who.ts';
import type { PageProps } from './admin.tsx';
import { Charts } from './charts.tsx';
import { Head } from './head.tsx';
import { NamePicker } from './picker.tsx';
import { PoolForm } from './pool-form.tsx';
import { TilePicture } from './pool-icon.tsx';
import { createBody, draftOf, emptyDraft, updateBody } from './pool-values.ts';

const back = { href: '#/admin/pools', text: t('Pools') };
const typeText = { floating: t('Floating'), dedicated: t('Dedicated'), shared: t('Shared'), manual: t('Existing machines') };
const kindText = { group: t('Group'), user: t('User') };

/** Whether people can get a desktop of this pool, in a word. */
export function poolHealth(pool: Pool): { mood: 'good' | 'warn' | 'bad' | 'busy' | ''; text: string } {
  if (pool.deleting) return { mood: 'busy', text: t('Being deleted') };
  if (pool.template.state === 'failed') return { mood: 'bad', text: t('Template failed') };
  if (pool.template.state === 'waiting for the image') return { mood: 'busy', text: t('Waiting for the image') };
  if (pool.type !== 'manual' && pool.version === null) return { mood: 'warn', text: t('No image version') };
  if (!pool.enabled) return { mood: '', text: t('Closed') };
  if (pool.maintenance) return { mood: 'warn', text: t('Maintenance') };
  if (pool.type !== 'manual' && pool.template.state !== 'ready') return { mood: 'busy', text: pool.template.state };
  if (pool.counts.assigned >= pool.size) return { mood: 'warn', text: t('Full') };
  return { mood: 'good', text: t('Open') };
}

export function Health({ pool }: { pool: Pool }) {
  const health = poolHealth(pool);
  return <Badge mood={health.mood}>{health.text}</Badge>;
}

function TemplateNotice({ pool }: { pool: Pool }) {
  const { state, job, error, waits_for } = pool.template;
  if (state === 'failed') return <Notice mood="bad">{asSentence(error ?? t('the template could not be made'))}{job && <> <a href={`#/admin/jobs/${job}`}>{t('See its log')}</a></>}</Notice>;
  if (state === 'ready') return null;
  if (waits_for) return <Notice mood="busy">{t('No desktops yet: {reason}.', { reason: waits_for })}</Notice>;
  return (
    <Notice mood="busy">
      {t('The machine from which desktops are forked is not ready yet: {state}.', { state })}
      {job && <> <a href={`#/admin/jobs/${job}`}>{t('Follow it')}</a></>}
    </Notice>
  );
}

function PoolList({ me }: PageProps) {
  const page = useLivePage((query, signal) => api.pools(query, signal), ['pool', 'desktop', 'session'], []);
  const create = may(me, 'pools-write') && <a class="button main" href="#/admin/pools/new"><PlusIcon />{t('Create pool')}</a>;
  return (
    <>
      <Head title={t('Pools')} text={t('A pool is a set of like desktops. Each entitled person has a tile for it in their portal.')}>{create}</Head>
      <div class="card">
        <Table label={t('Pools')} file="pools" page={page} rowKey={(pool) => pool.id} empty={
          <Empty icon={<PoolIcon size={36} />} title={t('No pools yet')}>
            <p>{t('Create one from an image, say who may use it, and it appears in their portal at once.')}</p>{create}
          </Empty>
        } columns={[
          {
            head: t('Pool'),
            cell: (pool) => <><a href={`#/admin/pools/${pool.name}`}><strong>{titleOf(pool)}</strong></a><div class="small faint">{pool.name}</div></>,
          },
          { head: t('Type'), cell: (pool) => typeText[pool.type] },
          { head: t('Image'), cell: (pool) => <>{pool.image?.name ?? ''}<div class="small faint">{pool.type === 'manual' ? '' : pool.version === null ? t('no version yet') : pool.follows_newest ? t('version {version}, follows the newest', { version: String(pool.version) }) : t('version {version}', { version: String(pool.version) })}</div></> },
          { head: t('In session'), look: 'number', cell: (pool) => pool.counts.sessions },
          { head: t('Running'), look: 'number', cell: (pool) => pool.counts.running },
          { head: t('Desktops'), look: 'number', cell: (pool) => `${pool.counts.desktops} / ${pool.size}` },
          { head: t('Each'), cell: (pool) => <span class="no-wrap numbers">{t('{vcpus} × CPU, {size}', { vcpus: pool.vcpus, size: bytes(pool.memory_bytes) })}</span> },
          { head: t('State'), cell: (pool) => <Health pool={pool} /> },
        ]} />
      </div>
    </>
  );
}

function NewPool() {
  const images = useLive((signal) => api.images({ limit: 500 }, signal), ['image'], []);
  const usable = images.value?.items.filter((one) => one.newest !== null) ?? [];
  return (
    <>
      <Head title={t('Create a pool')} back={back} />
      {images.error !== null && <Failure error={images.error} again={images.reload} />}
      {!images.value && images.error === null && <Bones rows={6} height="2rem" />}
      {images.value && usable.length === 0 && (
        <div class="card"><Empty title={t('An image comes first')}><p>{t('Desktops are made from an image, and none is ready yet.')}</p>
          <a class="button main" href="#/admin/images/build">{t('Build an image')}</a></Empty></div>
      )}
      {images.value && usable.length > 0 && (
        <PoolForm start={emptyDraft(usable[0]!.name)} isNew images={images.value.items} write onCancel={() => go('/admin/pools')}
          onSave={async (draft) => {
            const pool = await api.createPool(createBody(draft));
            toast(t('Pool {name} is there. Now say who may use it.', { name: titleOf(pool) }));
            go(`/admin/pools/${pool.name}`);
          }} />
      )}
    </>
  );
}

function Entitlements({ pool, write }: { pool: Pool; write: boolean }) {
  const live = useLive((signal) => api.entitlements(pool.id, signal), ['entitlement', 'user', 'group'], [pool.id]);
  const [kind, setKind] = useState<'user' | 'group'>('group');
  const [name, setName] = useState('');
  const [wrong, setWrong] = useState<string | null>(null);
  const items = live.value?.items ?? [];
  const add = async () => {
    if (!name.trim()) return;
    try {
      await api.entitle(pool.id, kind, name.trim());
      setName('');
      setWrong(null);
      live.reload();
    } catch (problem) {
      setWrong(sentence(problem));
    }
  };
  return (
    <section class="card" aria-labelledby="entitled-head">
      <header><h2 id="entitled-head">{t('Who may use it')}</h2></header>
      <div class="inside stack">
        {live.error !== null && <Failure error={live.error} again={live.reload} />}
        {!live.value && live.error === null && <Bones rows={2} />}
        {live.value && items.length === 0 && <Notice mood="warn">{t('Nobody may use this pool yet. Add a group or a person.')}</Notice>}
        {items.length > 0 && (
          <ul class="chips">
            {items.map((one) => (
              <li key={`${one.kind} ${one.id}`} class="chip">
                {one.kind === 'group' ? <GroupIcon size={15} /> : <UserIcon size={15} />}
                <span><span class="unseen">{kindText[one.kind]} </span>{one.name}</span>
                {write && (
                  <button type="button" aria-label={one.kind === 'group' ? t('Take {pool} from group {name}', { pool: titleOf(pool), name: one.name }) : t('Take {pool} from user {name}', { pool: titleOf(pool), name: one.name })} onClick={() => ask({
                    title: t('Take {pool} from {name}?', { pool: titleOf(pool), name: one.name }),
                    text: t('Open sessions go on until they end; new ones are refused.'),
                    action: t('Take it back'),
                    danger: true,
                    run: async () => {
                      await api.disentitle(pool.id, one.kind, one.id);
                      live.reload();
                    },
                  })}>×</button>
                )}
              </li>
            ))}
          </ul>
        )}
        {write && (
          <form class="row bottom" onSubmit={(event) => { event.preventDefault(); void add(); }}>
            <SelectField label={t('Add')} value={kind} onValue={(value) => { setKind(value as 'user' | 'group'); setName(''); setWrong(null); }}
              options={[{ value: 'group', text: t('Group') }, { value: 'user', text: t('Person') }]} />
            <div class="grow"><NamePicker kind={kind} label={kind === 'group' ? t('Name of the group') : t('Name of the person')} value={name} onValue={setName}
              without={items.filter((one) => one.kind === kind).map((one) => one.name)} /></div>
            <Button type="submit" disabled={!name.trim()}>{t('Entitle')}</Button>
          </form>
        )}
        {wrong && <Notice mood="bad">{wrong}</Notice>}
      </div>
    </section>
  );
}

function goneWith(desktops: number): string {
  if (desktops === 0) return t('It has no desktops.');
  return t('{count} desktop with everything on it is deleted. | {count} desktops with everything on them are deleted.', { count: desktops });
}

function confirmDelete(pool: Pool): void {
  const choice = { force: false };
  ask({
    title: t('Delete pool {name}?', { name: titleOf(pool) }),
    text: (
      <div class="stack tight">
        <p>{goneWith(pool.counts.desktops)} {t('This cannot be undone.')}</p>
        {pool.counts.sessions > 0 && (
          <DeleteForce sessions={pool.counts.sessions} onValue={(on) => { choice.force = on; }} />
        )}
      </div>
    ),
    action: t('Delete pool'),
    danger: true,
    name: pool.name,
    run: async () => {
      await api.deletePool(pool.id, choice.force);
      toast(t('Pool {name} is deleted.', { name: titleOf(pool) }));
      go('/admin/pools');
    },
  });
}

function DeleteForce({ sessions, onValue }: { sessions: number; onValue: (on: boolean) => void }) {
  const [on, setOn] = useState(false);
  return (
    <Check label={t('End {count} open session at once | End {count} open sessions at once', { count: sessions })} checked={on} onValue={(value) => {
      setOn(value);
      onValue(value);
    }} />
  );
}

function OnePool({ me, name }: { me: PageProps['me']; name: string }) {
  const live = useLive((signal) => api.pool(name, signal), ['pool', 'desktop', 'session'], [name]);
  const images = useLive((signal) => api.images({ limit: 500 }, signal), ['image'], []);
  const [saved, setSaved] = useState(0);
  const write = may(me, 'pools-write');
  if (!live.value || !images.value) {
    const gone = live.error instanceof Problem && live.error.kind === 'not-found';
    return (
      <>
        <Head title={name} back={back} />
        {gone ? <div class="card"><Empty title={t('There is no such pool')}><p>{t('It was deleted, or its name is another.')}</p></Empty></div>
          : live.error !== null || images.error !== null ? <Failure error={live.error ?? images.error} again={() => { live.reload(); images.reload(); }} /> : <Bones rows={6} height="2rem" />}
      </>
    );
  }
  const pool = live.value;
  return (
    <>
      <Head title={titleOf(pool)} back={back} text={
        <>{t('{count} desktop | {count} desktops', { count: pool.counts.desktops })}, {t('{count} running', { count: pool.counts.running })}, {t('{count} session | {count} sessions', { count: pool.counts.sessions })}. <a href={`#/admin/desktops?pool=${pool.name}`}>{t('Show its desktops')}</a></>
      }>
        <Health pool={pool} />
        {write && <Button look="danger" onClick={() => confirmDelete(pool)}>{t('Delete…')}</Button>}
      </Head>
      <div class="stack wide">
        <TemplateNotice pool={pool} />
        <Entitlements pool={pool} write={write} />
        {write && <TilePicture pool={pool} onChange={live.reload} />}
        {may(me, 'status') && <Charts pool={pool.id} />}
        <PoolSettings key={saved} pool={pool} images={images.value.items} write={write} onSaved={() => {
          setSaved((n) => n + 1);
          live.reload();
        }} />
      </div>
    </>
  );
}

interface SettingsProps { pool: Pool; images: Parameters<typeof PoolForm>[0]['images']; write: boolean; onSaved: () => void }

/** Starts from the pool as it was when the page opened: a change by somebody else must not empty what is being typed. */
function PoolSettings({ pool, images, write, onSaved }: SettingsProps) {
  const [start] = useState(() => draftOf(pool));
  return (
    <PoolForm start={start} isNew={false} images={images} write={write} onSave={async (draft) => {
      const body = updateBody(start, draft);
      if (Object.keys(body).length > 0) await api.updatePool(pool.id, body);
      toast(t('Saved.'));
      onSaved();
    }} />
  );
}

export function Pools(props: PageProps) {
  const name = props.route.parts[2];
  if (name === undefined) return <PoolList {...props} />;
  if (name === 'new' && may(props.me, 'pools-write')) return <NewPool />;
  return <OnePool key={name} me={props.me} name={name} />;
}
