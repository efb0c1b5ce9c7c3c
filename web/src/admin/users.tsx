// People: make, change, send a password link.
import { useState } from 'preact/hooks';
import { api, sentence, titleOf, type Link, type Role, type User } from '../api.ts';
import { until } from '../format.ts';
import { useLivePage } from '../live.ts';
import { ask, Dialog } from '../ui/dialog.tsx';
import { Check, TextField } from '../ui/field.tsx';
import { MoreIcon, PlusIcon, UserIcon } from '../ui/icons.tsx';
import { Menu } from '../ui/menu.tsx';
import { Ago, Badge, Button, CopyBox, Empty, Notice } from '../ui/parts.tsx';
import { Table } from '../ui/table.tsx';
import { toast } from '../ui/toast.tsx';
import type { PageProps } from './admin.tsx';
import { Head } from './head.tsx';
import { nameWrong } from './pool-values.ts';

const roles: { role: Role; text: string; help: string }[] = [
  { role: 'user', text: 'User', help: 'Uses the desktops they are entitled to.' },
  { role: 'helpdesk', text: 'Help desk', help: 'Sees sessions and desktops; disconnects, logs off, resets.' },
  { role: 'operator', text: 'Operator', help: 'Runs the house: sees pools and images, opens consoles, assigns desktops, follows jobs.' },
  { role: 'auditor', text: 'Auditor', help: 'Reads the events, nothing else.' },
  { role: 'admin', text: 'Administrator', help: 'May do everything.' },
];

function RoleChecks({ value, onValue }: { value: Role[]; onValue: (roles: Role[]) => void }) {
  return (
    <fieldset class="field">
      <legend class="label">Roles</legend>
      <div class="stack tight">
        {roles.map(({ role, text, help }) => (
          <Check key={role} label={text} help={help} checked={value.includes(role)}
            onValue={(on) => onValue(on ? [...value, role] : value.filter((one) => one !== role))} />
        ))}
      </div>
    </fieldset>
  );
}

function LinkDialog({ user, link, onClose }: { user: string; link: Link; onClose: () => void }) {
  return (
    <Dialog title={`Password link for ${user}`} onClose={onClose} footer={<Button look="main" onClick={onClose}>Done</Button>}>
      <div class="stack">
        <p class="quiet">Send this address to {user}. With it they set their password and are logged in. It works once and ends {until(link.expires_ms)}.</p>
        <CopyBox text={link.url} label="Link" />
        <Notice mood="warn">Whoever opens it first becomes {user}. Send it on a way you trust.</Notice>
      </div>
    </Dialog>
  );
}

type Open = { kind: 'new' } | { kind: 'edit'; user: User } | { kind: 'link'; user: string; link: Link } | null;

function NewUser({ onClose, onLink }: { onClose: () => void; onLink: (user: string, link: Link) => void }) {
  const [name, setName] = useState('');
  const [display, setDisplay] = useState('');
  const [chosen, setChosen] = useState<Role[]>(['user']);
  const [tried, setTried] = useState(false);
  const [wrong, setWrong] = useState<string | null>(null);
  const bad = nameWrong(name);
  const make = async () => {
    setTried(true);
    if (bad) return;
    try {
      const user = await api.createUser({ name, display_name: display.trim(), roles: chosen });
      onLink(user.name, await api.passwordLink(user.id));
    } catch (problem) {
      setWrong(sentence(problem));
    }
  };
  return (
    <Dialog title="Add a user" onClose={onClose} footer={
      <><Button onClick={onClose}>Cancel</Button><Button look="main" onClick={make}>Add and make a link</Button></>
    }>
      <form class="stack" onSubmit={(event) => { event.preventDefault(); void make(); }} noValidate>
        {wrong && <Notice mood="bad">{wrong}</Notice>}
        <TextField label="Login name" value={name} onValue={setName} wrong={tried || name ? bad : null} autocapitalize="off" autocomplete="off"
          spellcheck={false} help="What they type to log in. It cannot be changed later." />
        <TextField label="Full name" value={display} onValue={setDisplay} maxLength={200} help="How Oriel greets them. Empty: the login name." />
        <RoleChecks value={chosen} onValue={setChosen} />
      </form>
    </Dialog>
  );
}

function EditUser({ user, onClose }: { user: User; onClose: () => void }) {
  const [display, setDisplay] = useState(user.display_name);
  const [chosen, setChosen] = useState<Role[]>(user.roles);
  const [enabled, setEnabled] = useState(user.enabled);
  const [wrong, setWrong] = useState<string | null>(null);
  const save = async () => {
    try {
      const change: Parameters<typeof api.updateUser>[1] = {};
      if (display.trim() !== user.display_name) change.display_name = display.trim();
      if (enabled !== user.enabled) change.enabled = enabled;
      if ([...chosen].sort().join() !== [...user.roles].sort().join()) change.roles = chosen;
      if (Object.keys(change).length > 0) await api.updateUser(user.id, change);
      onClose();
    } catch (problem) {
      setWrong(sentence(problem));
    }
  };
  return (
    <Dialog title={user.name} onClose={onClose} footer={<><Button onClick={onClose}>Cancel</Button><Button look="main" onClick={save}>Save</Button></>}>
      <form class="stack" onSubmit={(event) => { event.preventDefault(); void save(); }}>
        {wrong && <Notice mood="bad">{wrong}</Notice>}
        <TextField label="Full name" value={display} onValue={setDisplay} maxLength={200} />
        <RoleChecks value={chosen} onValue={setChosen} />
        <Check label="May log in" help="Off: their logins end and new ones are refused. Nothing of theirs is deleted." checked={enabled} onValue={setEnabled} />
        <p class="small faint">Groups: {user.groups.length > 0 ? user.groups.map((one) => one.name).join(', ') : 'none'}</p>
      </form>
    </Dialog>
  );
}

export function Users(_: PageProps) {
  const page = useLivePage((query, signal) => api.users(query, signal), ['user', 'group'], []);
  const [open, setOpen] = useState<Open>(null);
  const close = () => {
    setOpen(null);
    page.reload();
  };
  const link = async (user: User) => setOpen({ kind: 'link', user: user.name, link: await api.passwordLink(user.id) });
  const remove = (user: User) => ask({
    title: `Delete ${user.name}?`,
    text: 'Their logins and API tokens end. Log them off and release their desktops first.',
    action: 'Delete user',
    danger: true,
    name: user.name,
    run: async () => {
      await api.deleteUser(user.id);
      toast(`${user.name} is deleted.`);
      page.reload();
    },
  });
  return (
    <>
      <Head title="Users" text="People who may log in. What they may open is decided by the pools."><Button look="main" onClick={() => setOpen({ kind: 'new' })}><PlusIcon />Add user</Button></Head>
      <div class="card">
        <Table label="Users" page={page} rowKey={(user) => user.id} empty={<Empty icon={<UserIcon size={32} />} title="Nobody yet" />} columns={[
          { head: 'Person', cell: (user) => <><strong>{titleOf(user)}</strong><div class="small faint">{user.name}</div></> },
          { head: 'Roles', cell: (user) => <div class="row tight">{user.roles.map((role) => <Badge key={role} plain mood={role === 'admin' ? 'busy' : ''}>{role}</Badge>)}</div> },
          { head: 'Groups', cell: (user) => (user.groups.length > 0 ? user.groups.map((one) => one.name).join(', ') : <span class="faint">none</span>) },
          {
            head: 'State',
            cell: (user) => (!user.enabled ? <Badge mood="bad">May not log in</Badge> : user.password_set ? <Badge mood="good">Active</Badge> : <Badge mood="warn">No password yet</Badge>),
          },
          { head: 'Last login', cell: (user) => <Ago time={user.last_login_ms} /> },
          {
            head: 'Actions',
            look: 'actions',
            cell: (user) => (
              <Menu label={`Actions for ${user.name}`} items={[
                { text: 'Change…', run: () => setOpen({ kind: 'edit', user }) },
                { text: 'Password link…', run: () => link(user) },
                { text: 'Delete…', danger: true, line: true, run: () => remove(user) },
              ]}><MoreIcon /></Menu>
            ),
          },
        ]} />
      </div>
      {open?.kind === 'new' && <NewUser onClose={close} onLink={(user, made) => setOpen({ kind: 'link', user, link: made })} />}
      {open?.kind === 'edit' && <EditUser user={open.user} onClose={close} />}
      {open?.kind === 'link' && <LinkDialog user={open.user} link={open.link} onClose={close} />}
    </>
  );
}
