// Every desktop with its live picture, and what can be done with it.
import { useState } from 'preact/hooks';
import { api, asSentence, sentence, titleOf, type Desktop, type Me } from '../api.ts';
import { t } from '../language.ts';
import { useLive, useLivePage } from '../live.ts';
import { go } from '../route.ts';
import { ask, Dialog } from '../ui/dialog.tsx';
import type { Bulk } from '../ui/bulk.tsx';
import { SelectField, TextField } from '../ui/field.tsx';
import { DesktopIcon, MoreIcon } from '../ui/icons.tsx';
import { Menu, type MenuItem } from '../ui/menu.tsx';
import { Ago, Badge, Button, Empty, Notice } from '../ui/parts.tsx';
import { Table } from '../ui/table.tsx';
import { Thumbnail } from '../ui/thumbnail.tsx';
import { toast } from '../ui/toast.tsx';
import { may } from '../who.ts';
import type { PageProps } from './admin.tsx';
import { Head } from './head.tsx';
import { NamePicker } from './picker.tsx';
import { deedsFor, desktopStates, sessionStates, type DesktopDeed } from './states.ts';

function confirmDeed(desktop: Desktop, deed: 'stop' | 'reset' | 'refresh' | 'release' | 'delete'): void {
  const lost = desktop.user ? t('The work of {name} on it is lost.', { name: desktop.user.name }) : t('What is on it is lost.');
  const questions = {
    stop: { title: t('Switch off {name}?', { name: desktop.name }), text: `${desktop.session ? `${t('{name} is in session there.', { name: desktop.user?.name ?? t('Somebody') })} ` : ''}${t('It is shut down in an orderly way; after a minute the hard way.')}`, action: t('Switch off') },
    reset: { title: t('Reset {name}?', { name: desktop.name }), text: t('As if somebody pressed the reset button: what is not saved is lost.'), action: t('Reset') },
    refresh: { title: t('Refresh {name}?', { name: desktop.name }), text: `${t('It goes back to the image.')} ${lost}`, action: t('Refresh') },
    release: { title: t('Take {desktop} from {person}?', { desktop: desktop.name, person: desktop.user?.name ?? t('its owner') }), text: t('Their session ends, the desktop is refreshed and is free for somebody else.'), action: t('Release') },
    delete: { title: t('Delete {name}?', { name: desktop.name }), text: `${lost} ${t('An open session ends. The pool makes a new desktop where it needs one.')}`, action: t('Delete desktop') },
  };
  ask({
    ...questions[deed],
    danger: true,
    ...(deed === 'delete' ? { name: desktop.name } : {}),
    run: () => (deed === 'delete' ? api.deleteDesktop(desktop.id, true) : api.actOnDesktop(desktop.id, deed, deed === 'stop' && (desktop.session !== null || desktop.seats_taken > 0))),
  });
}

function Assign({ desktop, onClose }: { desktop: Desktop; onClose: () => void }) {
  const [name, setName] = useState('');
  const [wrong, setWrong] = useState<string | null>(null);
  const assign = async () => {
    try {
      await api.assignDesktop(desktop.id, name.trim());
      toast(t('{desktop} now belongs to {person}.', { desktop: desktop.name, person: name.trim() }));
      onClose();
    } catch (problem) {
      setWrong(sentence(problem));
    }
  };
  return (
    <Dialog title={t('Give {name} to somebody', { name: desktop.name })} onClose={onClose} footer={
      <><Button onClick={onClose}>{t('Cancel')}</Button><Button look="main" disabled={!name.trim()} onClick={assign}>{t('Assign')}</Button></>
    }>
      <form class="stack" onSubmit={(event) => { event.preventDefault(); void assign(); }}>
        {wrong && <Notice mood="bad">{wrong}</Notice>}
        <NamePicker kind="user" label={t('Person')} value={name} onValue={setName} help={t('They get this very desktop when they open the pool.')} />
      </form>
    </Dialog>
  );
}

const words: Record<DesktopDeed, string> = {
  console: t('Console'), start: t('Switch on'), stop: t('Switch off…'), reset: t('Reset…'), refresh: t('Refresh…'), assign: t('Assign…'), release: t('Release…'), delete: t('Delete…'),
};

function allowed(me: Me, deed: DesktopDeed): boolean {
  if (deed === 'console') return may(me, 'console');
  if (deed === 'delete') return may(me, 'desktops-delete');
  return may(me, deed === 'assign' || deed === 'release' ? 'desktops-assign' : 'desktops-power');
}

function DesktopMenu({ me, desktop, onAssign }: { me: Me; desktop: Desktop; onAssign: () => void }) {
  const items: MenuItem[] = deedsFor(desktop).filter((deed) => allowed(me, deed)).map((deed) => {
    switch (deed) {
      case 'console': return { text: words.console, href: `#/console/${desktop.name}` };
      case 'start': return { text: words.start, run: () => api.actOnDesktop(desktop.id, 'start') };
      case 'assign': return { text: words.assign, run: onAssign };
      default: return { text: words[deed], danger: deed === 'delete', line: deed === 'delete', run: () => confirmDeed(desktop, deed) };
    }
  });
  if (items.length === 0) return null;
  return <Menu label={t('Actions for {name}', { name: desktop.name })} items={items}><MoreIcon /></Menu>;
}

/** Deeds that one does to many. */
function bulkOf(me: Me): Bulk<Desktop> {
  const impossible = (deed: DesktopDeed) => (desktop: Desktop) => (deedsFor(desktop).includes(deed) ? null : desktopStates[desktop.state].text);
  const wanted: { deed: 'start' | 'stop' | 'reset' | 'refresh' | 'delete'; text: string; means: string }[] = [
    { deed: 'start', text: t('Switch on'), means: t('They start, as if somebody pressed the power button.') },
    { deed: 'stop', text: t('Switch off'), means: t('They are shut down in an orderly way; after a minute the hard way. Open sessions end.') },
    { deed: 'reset', text: t('Reset'), means: t('As if somebody pressed the reset button: what is not saved is lost.') },
    { deed: 'refresh', text: t('Refresh'), means: t('They go back to their image: what is on them is lost, and their sessions end.') },
    { deed: 'delete', text: t('Delete'), means: t('What is on them is lost, and their sessions end. A pool makes new desktops where it needs them.') },
  ];
  return {
    name: (desktop) => (desktop.user ? `${desktop.name} (${desktop.user.name})` : desktop.name),
    deeds: wanted.filter(({ deed }) => allowed(me, deed)).map(({ deed, text, means }) => ({
      text, means,
      danger: deed === 'delete',
      refuse: impossible(deed),
      run: (desktop) => (deed === 'delete' ? api.deleteDesktop(desktop.id, true) : api.actOnDesktop(desktop.id, deed, deed === 'stop' && (desktop.session !== null || desktop.seats_taken > 0))),
    })),
  };
}

function Screen({ desktop }: { desktop: Desktop }) {
  return (
    <div class="screen-small">
      {desktop.state === 'running' && (!desktop.seat_of || desktop.user) ? <Thumbnail desktop={desktop.id} width={240} every={10} /> : <DesktopIcon size={20} />}
    </div>
  );
}

const observed = ['running', 'starting', 'stopping', 'stopped', 'failed', 'absent'] as const;
const states = [{ value: '', text: t('All states') }, ...observed.map((value) => ({ value, text: desktopStates[value].text }))];

export function Desktops({ me, route }: PageProps) {
  const pool = route.query.get('pool') ?? '';
  const state = route.query.get('state') ?? '';
  const user = route.query.get('user') ?? '';
  const search = route.query.get('search') ?? '';
  const [assigning, setAssigning] = useState<Desktop | null>(null);
  const pools = useLive(async (signal) => (may(me, 'pools') ? (await api.pools({ limit: 500 }, signal)).items : []), ['pool'], []);
  const page = useLivePage((query, signal) => api.desktops({ ...query, pool, state, user, search }, signal), ['desktop', 'session'], [pool, state, user, search]);
  const filter = (change: Record<string, string>) => {
    const query = new URLSearchParams(Object.entries({ pool, state, user, search, ...change }).filter(([, value]) => value !== ''));
    go(`/admin/desktops${query.size > 0 ? `?${query}` : ''}`, true);
  };
  const filters = pool || state || user || search;
  return (
    <>
      <Head title={t('Desktops')} text={t('The machines behind the tiles. They appear and go by themselves, as their pools need them.')} />
      <div class="card">
        <div class="filters">
          <TextField label={t('Search')} type="search" value={search} onValue={(value) => filter({ search: value })} placeholder={t('A desktop or a person')} maxLength={200} />
          {pools.value && pools.value.length > 0 && (
            <SelectField label={t('Pool')} value={pool} onValue={(value) => filter({ pool: value })}
              options={[{ value: '', text: t('All pools') }, ...pools.value.map((one) => ({ value: one.name, text: titleOf(one) }))]} />
          )}
          <SelectField label={t('State')} value={state} onValue={(value) => filter({ state: value })} options={states} />
          {filters && <Button look="plain" onClick={() => go('/admin/desktops', true)}>{t('Show all')}</Button>}
        </div>
        <Table label={t('Desktops')} page={page} file="desktops" bulk={bulkOf(me)} rowKey={(desktop) => desktop.id} empty={
          <Empty icon={<DesktopIcon size={32} />} title={filters ? t('No desktop is like that') : t('No desktops yet')}>
            {filters ? <p>{t('Change the filters above.')}</p> : <><p>{t('Create a pool: its desktops appear here within a moment.')}</p><a class="button main" href="#/admin/pools">{t('To the pools')}</a></>}
          </Empty>
        } columns={[
          { head: t('Screen'), cell: (desktop) => <Screen desktop={desktop} /> },
          {
            head: t('Desktop'),
            cell: (desktop) => (
              <>
                <strong>{desktop.name}</strong>
                <div class="small faint">{desktop.seat_of ? t('Seat on {name}', { name: desktop.seat_of.name }) : desktop.machine ? `${desktop.machine.address}:${desktop.machine.port}` : t('{image}, version {version}', { image: desktop.image?.name ?? '', version: String(desktop.version) })}</div>
              </>
            ),
          },
          {
            head: t('State'),
            look: 'wide-cell',
            cell: (desktop) => (
              <>
                <Badge mood={desktopStates[desktop.state].mood}>{desktopStates[desktop.state].text}</Badge>
                {desktop.error && <div class="small error-text">{asSentence(desktop.error)}</div>}
              </>
            ),
          },
          {
            head: t('Person'),
            cell: (desktop) => (desktop.seats > 0 ? <span class="faint">{t('{taken} of {seats} seats in use', { taken: desktop.seats_taken, seats: desktop.seats })}</span> : desktop.user
              ? <>{desktop.user.name}<div class="small faint">{desktop.session ? sessionStates[desktop.session.state].text : t('assigned')}</div></>
              : <span class="faint">{t('free')}</span>),
          },
          { head: t('Changed'), cell: (desktop) => <Ago time={desktop.updated_ms} /> },
          { head: t('Actions'), look: 'actions', cell: (desktop) => <DesktopMenu me={me} desktop={desktop} onAssign={() => setAssigning(desktop)} /> },
        ]} />
      </div>
      {assigning && <Assign desktop={assigning} onClose={() => setAssigning(null)} />}
    </>
  );
}
