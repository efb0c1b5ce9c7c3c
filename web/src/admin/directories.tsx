// Directories: where people come from besides Oriel itself.
import { useState } from 'preact/hooks';
import { api, sentence, titleOf, type Directory, type DirectoryStep } from '../api.ts';
import { t } from '../language.ts';
import { useLivePage } from '../live.ts';
import { ask, Dialog } from '../ui/dialog.tsx';
import { TextField } from '../ui/field.tsx';
import { KeyIcon, MoreIcon, PlusIcon } from '../ui/icons.tsx';
import { Menu } from '../ui/menu.tsx';
import { Badge, Button, Empty, Notice } from '../ui/parts.tsx';
import { Table } from '../ui/table.tsx';
import type { PageProps } from './admin.tsx';
import { DirectoryDialog } from './directory-form.tsx';
import { Head } from './head.tsx';

const stepText: Record<DirectoryStep['step'], string> = {
  resolve: t('Find its address'),
  connect: t('Connect'),
  tls: t('Secure the connection'),
  bind: t('Let the service account in'),
  base: t('Find the base'),
  find: t('Find the person'),
  'bind-user': t('Check the password'),
  groups: t('Find their groups'),
  entered: t('Groups that Oriel knows'),
};

function Steps({ steps }: { steps: DirectoryStep[] }) {
  return (
    <ol class="stack tight" aria-label={t('Steps of the test')}>
      {steps.map((one, index) => (
        <li key={index}>
          <div class="row tight"><Badge mood={one.ok ? 'good' : 'bad'}>{one.ok ? t('Went well') : t('Failed')}</Badge><strong>{stepText[one.step]}</strong><span class="small faint">{t('{ms} ms', { ms: one.milliseconds })}</span></div>
          <div class="small quiet">{one.detail}</div>
        </li>
      ))}
    </ol>
  );
}

function TestDialog({ directory, onClose }: { directory: Directory; onClose: () => void }) {
  const [user, setUser] = useState('');
  const [password, setPassword] = useState('');
  const [steps, setSteps] = useState<DirectoryStep[] | null>(null);
  const [wrong, setWrong] = useState<string | null>(null);
  const run = async () => {
    setSteps(null);
    setWrong(null);
    try {
      setSteps((await api.testDirectory(directory.id, user.trim(), password)).steps);
    } catch (problem) {
      setWrong(sentence(problem));
    }
  };
  return (
    <Dialog title={t('Test {name}', { name: titleOf(directory) })} onClose={onClose} footer={<><Button onClick={onClose}>{t('Done')}</Button><Button look="main" onClick={run}>{t('Test')}</Button></>}>
      <form class="stack" onSubmit={(event) => { event.preventDefault(); void run(); }}>
        <p class="quiet">{t('Walks the way of a log-in and shows each step. Nobody is logged in.')}</p>
        <TextField label={t('Login name')} value={user} onValue={setUser} autocapitalize="off" autocomplete="off" spellcheck={false} help={t('Empty: only the way to the directory.')} />
        <TextField label={t('Password')} type="password" value={password} onValue={setPassword} autocomplete="off" help={t('Empty: the person is only looked for.')} />
        <button type="submit" hidden />
        {wrong && <Notice mood="bad">{wrong}</Notice>}
        <div role="status">{steps && <Steps steps={steps} />}</div>
      </form>
    </Dialog>
  );
}

type Open = { kind: 'edit'; directory: Directory | null } | { kind: 'test'; directory: Directory } | null;

export function Directories(_: PageProps) {
  const page = useLivePage((query, signal) => api.directories(query, signal), ['directory', 'user', 'group'], []);
  const [open, setOpen] = useState<Open>(null);
  const close = () => {
    setOpen(null);
    page.reload();
  };
  const remove = (directory: Directory) => ask({
    title: t('Delete {name}?', { name: directory.name }),
    text: t('Its users and groups are deleted with it. That is refused while one of them has a desktop.'),
    action: t('Delete directory'),
    danger: true,
    name: directory.name,
    run: async () => {
      await api.deleteDirectory(directory.id);
      page.reload();
    },
  });
  const create = <Button look="main" onClick={() => setOpen({ kind: 'edit', directory: null })}><PlusIcon />{t('Add directory')}</Button>;
  return (
    <>
      <Head title={t('Directories')} text={t('People of LDAP, Active Directory or an OpenID provider log in as there. They are asked in this order.')}>{create}</Head>
      <div class="card">
        <Table label={t('Directories')} file="directories" page={page} rowKey={(one) => one.id} empty={<Empty icon={<KeyIcon size={32} />} title={t('No directories yet')}>{create}</Empty>} columns={[
          { head: t('Directory'), cell: (one) => <><strong>{titleOf(one)}</strong><div class="small faint">{one.name}</div></> },
          { head: t('Kind'), cell: (one) => (one.kind === 'ldap' ? 'LDAP' : t('OpenID Connect')) },
          { head: t('Users'), cell: (one) => one.users },
          { head: t('Groups'), cell: (one) => one.groups },
          { head: t('State'), cell: (one) => (one.enabled ? <Badge mood="good">{t('Active')}</Badge> : <Badge mood="bad">{t('Switched off')}</Badge>) },
          {
            head: t('Actions'),
            look: 'actions',
            cell: (one) => (
              <Menu label={t('Actions for {name}', { name: one.name })} items={[
                ...(one.kind === 'ldap' ? [{ text: t('Test…'), run: () => setOpen({ kind: 'test', directory: one }) }] : []),
                { text: t('Change…'), run: () => setOpen({ kind: 'edit', directory: one }) },
                { text: t('Delete…'), danger: true, line: true, run: () => remove(one) },
              ]}><MoreIcon /></Menu>
            ),
          },
        ]} />
      </div>
      {open?.kind === 'edit' && <DirectoryDialog directory={open.directory} onClose={close} />}
      {open?.kind === 'test' && <TestDialog directory={open.directory} onClose={close} />}
    </>
  );
}
