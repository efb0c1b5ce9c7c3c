// Every desktop with its live picture, and what can be done with it.
import { useState } from 'preact/hooks';
import { api, asSentence, sentence, titleOf, type Desktop, type Me } from '../api.ts';
import { useLive, useLivePage } from '../live.ts';
import { go } from '../route.ts';
import { ask, Dialog } from '../ui/dialog.tsx';
import { SelectField } from '../ui/field.tsx';
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
import { deedsFor, desktopStates, type DesktopDeed } from './states.ts';

function confirmDeed(desktop: Desktop, deed: 'stop' | 'reset' | 'refresh' | 'release' | 'delete'): void {
  const whose = desktop.user ? `${desktop.user.name}’s work on it` : 'What is on it';
  const questions = {
    stop: { title: `Switch off ${desktop.name}?`, text: desktop.session ? `${desktop.user?.name ?? 'Somebody'} is in session there. It is shut down in an orderly way, after a minute the hard way.` : 'It is shut down in an orderly way; after a minute the hard way.', action: 'Switch off' },
    reset: { title: `Reset ${desktop.name}?`, text: 'As if somebody pressed the reset button: what is not saved is lost.', action: 'Reset' },
    refresh: { title: `Refresh ${desktop.name}?`, text: `It goes back to the image. ${whose} is lost.`, action: 'Refresh' },
    release: { title: `Take ${desktop.name} from ${desktop.user?.name ?? 'its owner'}?`, text: 'Their session ends, the desktop is refreshed and is free for somebody else.', action: 'Release' },
    delete: { title: `Delete ${desktop.name}?`, text: `${whose} is lost, and an open session ends. The pool makes a new desktop where it needs one.`, action: 'Delete desktop' },
  };
  ask({
    ...questions[deed],
    danger: true,
    ...(deed === 'delete' ? { name: desktop.name } : {}),
    run: () => (deed === 'delete' ? api.deleteDesktop(desktop.id, true) : api.actOnDesktop(desktop.id, deed, deed === 'stop' && desktop.session !== null)),
  });
}

function Assign({ desktop, onClose }: { desktop: Desktop; onClose: () => void }) {
  const [name, setName] = useState('');
  const [wrong, setWrong] = useState<string | null>(null);
  const assign = async () => {
    try {
      await api.assignDesktop(desktop.id, name.trim());
      toast(`${desktop.name} now belongs to ${name.trim()}.`);
      onClose();
    } catch (problem) {
      setWrong(sentence(problem));
    }
  };
  return (
    <Dialog title={`Give ${desktop.name} to somebody`} onClose={onClose} footer={
      <><Button onClick={onClose}>Cancel</Button><Button look="main" disabled={!name.trim()} onClick={assign}>Assign</Button></>
    }>
      <form class="stack" onSubmit={(event) => { event.preventDefault(); void assign(); }}>
        {wrong && <Notice mood="bad">{wrong}</Notice>}
        <NamePicker kind="user" label="Person" value={name} onValue={setName} help="They get this very desktop when they open the pool." />
      </form>
    </Dialog>
  );
}

const words: Record<DesktopDeed, string> = {
  console: 'Console', start: 'Switch on', stop: 'Switch off…', reset: 'Reset…', refresh: 'Refresh…', assign: 'Assign…', release: 'Release…', delete: 'Delete…',
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
  return <Menu label={`Actions for ${desktop.name}`} items={items}><MoreIcon /></Menu>;
}

function Screen({ desktop }: { desktop: Desktop }) {
  return (
    <div class="screen-small">
      {desktop.state === 'running' ? <Thumbnail desktop={desktop.id} width={240} every={10} /> : <DesktopIcon size={20} />}
    </div>
  );
}

const observed = ['running', 'starting', 'stopping', 'stopped', 'failed', 'absent'] as const;
const states = [{ value: '', text: 'All states' }, ...observed.map((value) => ({ value, text: desktopStates[value].text }))];

export function Desktops({ me, route }: PageProps) {
  const pool = route.query.get('pool') ?? '';
  const state = route.query.get('state') ?? '';
  const user = route.query.get('user') ?? '';
  const [assigning, setAssigning] = useState<Desktop | null>(null);
  const pools = useLive(async (signal) => (may(me, 'pools') ? (await api.pools({ limit: 500 }, signal)).items : []), ['pool'], []);
  const page = useLivePage((query, signal) => api.desktops({ ...query, pool, state, user }, signal), ['desktop', 'session'], [pool, state, user]);
  const filter = (change: Record<string, string>) => {
    const query = new URLSearchParams(Object.entries({ pool, state, user, ...change }).filter(([, value]) => value !== ''));
    go(`/admin/desktops${query.size > 0 ? `?${query}` : ''}`, true);
  };
  const filters = pool || state || user;
  return (
    <>
      <Head title="Desktops" text="The machines behind the tiles. They appear and go by themselves, as their pools need them." />
      <div class="card">
        <div class="filters">
          {pools.value && pools.value.length > 0 && (
            <SelectField label="Pool" value={pool} onValue={(value) => filter({ pool: value })}
              options={[{ value: '', text: 'All pools' }, ...pools.value.map((one) => ({ value: one.name, text: titleOf(one) }))]} />
          )}
          <SelectField label="State" value={state} onValue={(value) => filter({ state: value })} options={states} />
          {filters && <Button look="plain" onClick={() => go('/admin/desktops', true)}>Show all</Button>}
        </div>
        <Table label="Desktops" page={page} rowKey={(desktop) => desktop.id} empty={
          <Empty icon={<DesktopIcon size={32} />} title={filters ? 'No desktop is like that' : 'No desktops yet'}>
            {filters ? <p>Change the filters above.</p> : <><p>Create a pool: its desktops appear here within a moment.</p><a class="button main" href="#/admin/pools">To the pools</a></>}
          </Empty>
        } columns={[
          { head: 'Screen', cell: (desktop) => <Screen desktop={desktop} /> },
          {
            head: 'Desktop',
            cell: (desktop) => (
              <>
                <strong>{desktop.name}</strong>
                <div class="small faint">{desktop.image.name}, version {desktop.version}</div>
              </>
            ),
          },
          {
            head: 'State',
            look: 'wide-cell',
            cell: (desktop) => (
              <>
                <Badge mood={desktopStates[desktop.state].mood}>{desktopStates[desktop.state].text}</Badge>
                {desktop.error && <div class="small error-text">{asSentence(desktop.error)}</div>}
              </>
            ),
          },
          {
            head: 'Person',
            cell: (desktop) => (desktop.user
              ? <>{desktop.user.name}<div class="small faint">{desktop.session ? desktop.session.state : 'assigned'}</div></>
              : <span class="faint">free</span>),
          },
          { head: 'Changed', cell: (desktop) => <Ago time={desktop.updated_ms} /> },
          { head: 'Actions', look: 'actions', cell: (desktop) => <DesktopMenu me={me} desktop={desktop} onAssign={() => setAssigning(desktop)} /> },
        ]} />
      </div>
      {assigning && <Assign desktop={assigning} onClose={() => setAssigning(null)} />}
    </>
  );
}
