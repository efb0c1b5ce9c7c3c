// Pools: the list, a new one, one with its settings and entitlements.
import { useState } from 'preact/hooks';
import { api, asSentence, Problem, sentence, titleOf, type Pool } from '../api.ts';
import { bytes, count } from '../format.ts';
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
import { Head } from './head.tsx';
import { NamePicker } from './picker.tsx';
import { PoolForm } from './pool-form.tsx';
import { createBody, draftOf, emptyDraft, updateBody } from './pool-values.ts';

const back = { href: '#/admin/pools', text: 'Pools' };
const typeText = { floating: 'Floating', dedicated: 'Dedicated' };

/** Whether people can get a desktop of this pool, in a word. */
export function poolHealth(pool: Pool): { mood: 'good' | 'warn' | 'bad' | 'busy' | ''; text: string } {
  if (pool.deleting) return { mood: 'busy', text: 'Being deleted' };
  if (pool.template.state === 'failed') return { mood: 'bad', text: 'Template failed' };
  if (pool.template.state === 'waiting for the image') return { mood: 'busy', text: 'Waiting for the image' };
  if (pool.version === null) return { mood: 'warn', text: 'No image version' };
  if (!pool.enabled) return { mood: '', text: 'Closed' };
  if (pool.maintenance) return { mood: 'warn', text: 'Maintenance' };
  if (pool.template.state !== 'ready') return { mood: 'busy', text: pool.template.state };
  if (pool.counts.assigned >= pool.size) return { mood: 'warn', text: 'Full' };
  return { mood: 'good', text: 'Open' };
}

export function Health({ pool }: { pool: Pool }) {
  const health = poolHealth(pool);
  return <Badge mood={health.mood}>{health.text}</Badge>;
}

function TemplateNotice({ pool }: { pool: Pool }) {
  const { state, job, error, waits_for } = pool.template;
  if (state === 'failed') return <Notice mood="bad">{asSentence(error ?? 'the template could not be made')}{job && <> <a href={`#/admin/jobs/${job}`}>See its log</a></>}</Notice>;
  if (state === 'ready') return null;
  if (waits_for) return <Notice mood="busy">No desktops yet: {waits_for}.</Notice>;
  return (
    <Notice mood="busy">
      The machine from which desktops are forked is not ready yet: {state}.
      {job && <> <a href={`#/admin/jobs/${job}`}>Follow it</a></>}
    </Notice>
  );
}

function PoolList({ me }: PageProps) {
  const page = useLivePage((query, signal) => api.pools(query, signal), ['pool', 'desktop', 'session'], []);
  const create = may(me, 'pools-write') && <a class="button main" href="#/admin/pools/new"><PlusIcon />Create pool</a>;
  return (
    <>
      <Head title="Pools" text="A pool is a set of like desktops. Each entitled person has a tile for it in their portal.">{create}</Head>
      <div class="card">
        <Table label="Pools" page={page} rowKey={(pool) => pool.id} empty={
          <Empty icon={<PoolIcon size={36} />} title="No pools yet">
            <p>Create one from an image, say who may use it, and it appears in their portal at once.</p>{create}
          </Empty>
        } columns={[
          {
            head: 'Pool',
            cell: (pool) => <><a href={`#/admin/pools/${pool.name}`}><strong>{titleOf(pool)}</strong></a><div class="small faint">{pool.name}</div></>,
          },
          { head: 'Type', cell: (pool) => typeText[pool.type] },
          { head: 'Image', cell: (pool) => <>{pool.image.name}<div class="small faint">{pool.version === null ? 'no version yet' : `version ${pool.version}`}{pool.follows_newest ? ', follows the newest' : ''}</div></> },
          { head: 'In session', look: 'number', cell: (pool) => pool.counts.sessions },
          { head: 'Running', look: 'number', cell: (pool) => pool.counts.running },
          { head: 'Desktops', look: 'number', cell: (pool) => `${pool.counts.desktops} / ${pool.size}` },
          { head: 'Each', cell: (pool) => <span class="no-wrap numbers">{pool.vcpus} × CPU, {bytes(pool.memory_bytes)}</span> },
          { head: 'State', cell: (pool) => <Health pool={pool} /> },
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
      <Head title="Create a pool" back={back} />
      {images.error !== null && <Failure error={images.error} again={images.reload} />}
      {!images.value && images.error === null && <Bones rows={6} height="2rem" />}
      {images.value && usable.length === 0 && (
        <div class="card"><Empty title="An image comes first"><p>Desktops are made from an image, and none is ready yet.</p>
          <a class="button main" href="#/admin/images/build">Build an image</a></Empty></div>
      )}
      {images.value && usable.length > 0 && (
        <PoolForm start={emptyDraft(usable[0]!.name)} isNew images={images.value.items} write onCancel={() => go('/admin/pools')}
          onSave={async (draft) => {
            const pool = await api.createPool(createBody(draft));
            toast(`Pool ${titleOf(pool)} is there. Now say who may use it.`);
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
      <header><h2 id="entitled-head">Who may use it</h2></header>
      <div class="inside stack">
        {live.error !== null && <Failure error={live.error} again={live.reload} />}
        {!live.value && live.error === null && <Bones rows={2} />}
        {live.value && items.length === 0 && <Notice mood="warn">Nobody may use this pool yet. Add a group or a person.</Notice>}
        {items.length > 0 && (
          <ul class="chips">
            {items.map((one) => (
              <li key={`${one.kind} ${one.id}`} class="chip">
                {one.kind === 'group' ? <GroupIcon size={15} /> : <UserIcon size={15} />}
                <span><span class="unseen">{one.kind} </span>{one.name}</span>
                {write && (
                  <button type="button" aria-label={`Take ${titleOf(pool)} from ${one.kind} ${one.name}`} onClick={() => ask({
                    title: `Take ${titleOf(pool)} from ${one.name}?`,
                    text: 'Open sessions go on until they end; new ones are refused.',
                    action: 'Take it back',
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
            <SelectField label="Add" value={kind} onValue={(value) => { setKind(value as 'user' | 'group'); setName(''); setWrong(null); }}
              options={[{ value: 'group', text: 'Group' }, { value: 'user', text: 'Person' }]} />
            <div class="grow"><NamePicker kind={kind} label={kind === 'group' ? 'Name of the group' : 'Name of the person'} value={name} onValue={setName}
              without={items.filter((one) => one.kind === kind).map((one) => one.name)} /></div>
            <Button type="submit" disabled={!name.trim()}>Entitle</Button>
          </form>
        )}
        {wrong && <Notice mood="bad">{wrong}</Notice>}
      </div>
    </section>
  );
}

function goneWith(desktops: number): string {
  if (desktops === 0) return 'It has no desktops.';
  return `${count(desktops, 'desktop')} with everything on ${desktops === 1 ? 'it is' : 'them are'} deleted.`;
}

function confirmDelete(pool: Pool): void {
  const choice = { force: false };
  ask({
    title: `Delete pool ${titleOf(pool)}?`,
    text: (
      <div class="stack tight">
        <p>{goneWith(pool.counts.desktops)} This cannot be undone.</p>
        {pool.counts.sessions > 0 && (
          <DeleteForce sessions={pool.counts.sessions} onValue={(on) => { choice.force = on; }} />
        )}
      </div>
    ),
    action: 'Delete pool',
    danger: true,
    name: pool.name,
    run: async () => {
      await api.deletePool(pool.id, choice.force);
      toast(`Pool ${titleOf(pool)} is deleted.`);
      go('/admin/pools');
    },
  });
}

function DeleteForce({ sessions, onValue }: { sessions: number; onValue: (on: boolean) => void }) {
  const [on, setOn] = useState(false);
  return (
    <Check label={`End ${count(sessions, 'open session')} at once`} checked={on} onValue={(value) => {
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
        {gone ? <div class="card"><Empty title="There is no such pool"><p>It was deleted, or its name is another.</p></Empty></div>
          : live.error !== null || images.error !== null ? <Failure error={live.error ?? images.error} again={() => { live.reload(); images.reload(); }} /> : <Bones rows={6} height="2rem" />}
      </>
    );
  }
  const pool = live.value;
  return (
    <>
      <Head title={titleOf(pool)} back={back} text={
        <>{count(pool.counts.desktops, 'desktop')}, {pool.counts.running} running, {count(pool.counts.sessions, 'session')}. <a href={`#/admin/desktops?pool=${pool.name}`}>Show its desktops</a></>
      }>
        <Health pool={pool} />
        {write && <Button look="danger" onClick={() => confirmDelete(pool)}>Delete…</Button>}
      </Head>
      <div class="stack wide">
        <TemplateNotice pool={pool} />
        <Entitlements pool={pool} write={write} />
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
      toast('Saved.');
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
