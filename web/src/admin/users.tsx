// People: make, change, send a password link.
import { useState } from 'preact/hooks';
import { api, sentence, titleOf, type Link, type Me, type Role, type User } from '../api.ts';
import { until } from '../format.ts';
import { t } from '../language.ts';
import { useLivePage } from '../live.ts';
import { go } from '../route.ts';
import type { Bulk } from '../ui/bulk.tsx';
import { ask, Dialog } from '../ui/dialog.tsx';
import { Check, TextField } from '../ui/field.tsx';
import { MoreIcon, PlusIcon, UserIcon } from '../ui/icons.tsx';
import { Menu } from '../ui/menu.tsx';
import { Ago, Badge, Button, CopyBox, Empty, Notice } from '../ui/parts.tsx';
import { QuotaDialog } from '../ui/quota.tsx';
import { Table } from '../ui/table.tsx';
import { toast } from '../ui/toast.tsx';
import { askEndOthers, LoginsTable } from '../portal/logins.tsx';
import type { PageProps } from './admin.tsx';
import { Head } from './head.tsx';
import { roleNames, roleText } from '../who.ts';
import { nameWrong } from './pool-values.ts';

const roles: { role: Role; text: string; help: string }[] = [
  { role: 'user', text: roleText.user, help: t('Uses the desktops they are entitled to.') },
  { role: 'helpdesk', text: roleText.helpdesk, help: t('Sees sessions and desktops; disconnects, logs off, resets.') },
  { role: 'operator', text: roleText.operator, help: t('Runs the house: sees pools and images, opens consoles, assigns desktops, follows jobs.') },
  { role: 'auditor', text: roleText.auditor, help: t('Reads the events, nothing else.') },
  { role: 'admin', text: roleText.admin, help: t('May do everything.') },
];

function RoleChecks({ value, onValue }: { value: Role[]; onValue: (roles: Role[]) => void }) {
  return (
    <fieldset class="field">
      <legend class="label">{t('Roles')}</legend>
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
    <Dialog title={t('Password link for {user}', { user })} onClose={onClose} footer={<Button look="main" onClick={onClose}>{t('Done')}</Button>}>
      <div class="stack">
        <p class="quiet">{t('Send this address to {user}. With it they set their password and are logged in. It works once and ends {when}.', { user, when: until(link.expires_ms) })}</p>
        <CopyBox text={link.url} label={t('Link')} />
        <Notice mood="warn">{t('Whoever opens it first becomes {user}. Send it on a way you trust.', { user })}</Notice>
      </div>
    </Dialog>
  );
}

type Open = { kind: 'new' } | { kind: 'edit'; user: User } | { kind: 'link'; user: string; link: Link } | { kind: 'logins'; user: User } | { kind: 'quota'; user: User } | null;

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
    <Dialog title={t('Add a user')} onClose={onClose} footer={
      <><Button onClick={onClose}>{t('Cancel')}</Button><Button look="main" onClick={make}>{t('Add and make a link')}</Button></>
    }>
      <form class="stack" onSubmit={(event) => { event.preventDefault(); void make(); }} noValidate>
        {wrong && <Notice mood="bad">{wrong}</Notice>}
        <TextField label={t('Login name')} value={name} onValue={setName} wrong={tried || name ? bad : null} autocapitalize="off" autocomplete="off"
          spellcheck={false} help={t('What they type to log in. It cannot be changed later.')} />
        <TextField label={t('Full name')} value={display} onValue={setDisplay} maxLength={200} help={t('How Oriel greets them. Empty: the login name.')} />
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
    <Dialog title={user.name} onClose={onClose} footer={<><Button onClick={onClose}>{t('Cancel')}</Button><Button look="main" onClick={save}>{t('Save')}</Button></>}>
      <form class="stack" onSubmit={(event) => { event.preventDefault(); void save(); }}>
        {wrong && <Notice mood="bad">{wrong}</Notice>}
        <TextField label={t('Full name')} value={display} onValue={setDisplay} maxLength={200} />
        <RoleChecks value={chosen} onValue={setChosen} />
        <Check label={t('May log in')} help={t('Off: their logins end and new ones are refused. Nothing of theirs is deleted.')} checked={enabled} onValue={setEnabled} />
        <p class="small faint">{t('Groups: {names}', { names: user.groups.map((one) => one.name).join(', ') || t('none') })}</p>
      </form>
    </Dialog>
  );
}

function LoginsDialog({ user, onClose }: { user: User; onClose: () => void }) {
  const end = () => askEndOthers(t('Every browser in which {name} is logged in is logged out, and the desktops open there are closed. Their programs go on.', { name: user.name }), user.id);
  return (
    <Dialog title={t('Logins of {name}', { name: user.name })} onClose={onClose} footer={
      <><Button look="danger" onClick={end}>{t('End all')}</Button><Button look="main" onClick={onClose}>{t('Done')}</Button></>
    }><LoginsTable user={user.id} /></Dialog>
  );
}

/** Deeds that one does to many. */
function bulkOf(me: Me): Bulk<User> {
  const others = (user: User) => (user.id === me.user.id ? t('that is you') : null);
  return {
    name: (user) => user.name,
    deeds: [
      { text: t('Let log in'), means: t('They may log in again.'), refuse: (user) => (user.enabled ? t('may log in already') : null), run: (user) => api.updateUser(user.id, { enabled: true }) },
      { text: t('Shut out'), means: t('Their logins end and new ones are refused. Nothing of theirs is deleted.'), danger: true, refuse: (user) => others(user) ?? (user.enabled ? null : t('is shut out already')), run: (user) => api.updateUser(user.id, { enabled: false }) },
      { text: t('Delete'), means: t('Their logins and API tokens end. Log them off and release their desktops first.'), danger: true, refuse: others, run: (user) => api.deleteUser(user.id) },
    ],
  };
}

export function Users({ me, route }: PageProps) {
  const search = route.query.get('search') ?? '';
  const page = useLivePage((query, signal) => api.users({ ...query, search }, signal), ['user', 'group'], [search]);
  const [open, setOpen] = useState<Open>(null);
  const close = () => {
    setOpen(null);
    page.reload();
  };
  const link = async (user: User) => setOpen({ kind: 'link', user: user.name, link: await api.passwordLink(user.id) });
  const remove = (user: User) => ask({
    title: t('Delete {name}?', { name: user.name }),
    text: t('Their logins and API tokens end. Log them off and release their desktops first.'),
    action: t('Delete user'),
    danger: true,
    name: user.name,
    run: async () => {
      await api.deleteUser(user.id);
      toast(t('{name} is deleted.', { name: user.name }));
      page.reload();
    },
  });
  const resetTotp = (user: User) => ask({
    title: t('Take away the second factor of {name}?', { name: user.name }),
    text: t('For whoever lost their device and their recovery codes. Their password alone is then enough, until they set up a new one.'),
    action: t('Take away'),
    danger: true,
    run: async () => {
      await api.resetTotp(user.id);
      page.reload();
    },
  });
  return (
    <>
      <Head title={t('Users')} text={t('People who may log in. What they may open is decided by the pools.')}><Button look="main" onClick={() => setOpen({ kind: 'new' })}><PlusIcon />{t('Add user')}</Button></Head>
      <div class="card">
        <div class="filters">
          <TextField label={t('Search')} type="search" value={search} onValue={(value) => go(`/admin/users${value ? `?${new URLSearchParams({ search: value })}` : ''}`, true)} placeholder={t('A name or a mail address')} maxLength={200} />
        </div>
        <Table label={t('Users')} page={page} file="users" bulk={bulkOf(me)} rowKey={(user) => user.id} empty={<Empty icon={<UserIcon size={32} />} title={search ? t('Nobody is called that') : t('Nobody yet')} />} columns={[
          { head: t('Person'), cell: (user) => <><strong>{titleOf(user)}</strong><div class="small faint">{user.name}</div>{user.directory && <div class="small faint">{t('From {name}', { name: user.directory.name })}</div>}</> },
          { head: t('Roles'), cell: (user) => <div class="row tight">{user.roles.map((role) => <Badge key={role} plain mood={role === 'admin' ? 'busy' : ''}>{roleNames([role])}</Badge>)}</div> },
          { head: t('Groups'), cell: (user) => (user.groups.length > 0 ? user.groups.map((one) => one.name).join(', ') : <span class="faint">{t('none')}</span>) },
          {
            head: t('State'),
            cell: (user) => (!user.enabled ? <Badge mood="bad">{t('May not log in')}</Badge> : user.password_set || user.directory ? <Badge mood="good">{t('Active')}</Badge> : <Badge mood="warn">{t('No password yet')}</Badge>),
          },
          { head: t('Last login'), cell: (user) => <Ago time={user.last_login_ms} /> },
          {
            head: t('Actions'),
            look: 'actions',
            cell: (user) => (
              <Menu label={t('Actions for {name}', { name: user.name })} items={[
                { text: t('Change…'), run: () => setOpen({ kind: 'edit', user }) },
                ...(user.directory ? [] : [{ text: t('Password link…'), run: () => link(user) }]),
                { text: t('Quota…'), run: () => setOpen({ kind: 'quota', user }) },
                { text: t('Logins…'), run: () => setOpen({ kind: 'logins', user }) },
                ...(user.totp ? [{ text: t('Take away second factor…'), run: () => resetTotp(user) }] : []),
                { text: t('Delete…'), danger: true, line: true, run: () => remove(user) },
              ]}><MoreIcon /></Menu>
            ),
          },
        ]} />
      </div>
      {open?.kind === 'new' && <NewUser onClose={close} onLink={(user, made) => setOpen({ kind: 'link', user, link: made })} />}
      {open?.kind === 'edit' && <EditUser user={open.user} onClose={close} />}
      {open?.kind === 'quota' && <QuotaDialog whose={{ kind: 'user', id: open.user.id, name: titleOf(open.user) }} onClose={close} />}
      {open?.kind === 'logins' && <LoginsDialog user={open.user} onClose={close} />}
      {open?.kind === 'link' && <LinkDialog user={open.user} link={open.link} onClose={close} />}
    </>
  );
}
