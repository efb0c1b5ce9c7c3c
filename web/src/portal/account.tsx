// One's own password, second factor and API tokens.
import { useState } from 'preact/hooks';
import { api, sentence, titleOf, type Me, type Scope, type TokenMade } from '../api.ts';
import { until } from '../format.ts';
import { t, tx } from '../language.ts';
import { useLivePage } from '../live.ts';
import { useTitle } from '../route.ts';
import { ask, Dialog } from '../ui/dialog.tsx';
import { SelectField, TextField } from '../ui/field.tsx';
import { KeyIcon, PlusIcon } from '../ui/icons.tsx';
import { Ago, Button, CopyBox, Empty, Notice } from '../ui/parts.tsx';
import { Table } from '../ui/table.tsx';
import { toast } from '../ui/toast.tsx';
import { roleNames } from '../who.ts';
import { LoginsCard } from './logins.tsx';
import { TotpCard } from './totp.tsx';
import { PasswordFields, passwordWrong, type NewPassword } from './password.tsx';

function PasswordCard({ me }: { me: Me }) {
  const [current, setCurrent] = useState('');
  const [next, setNext] = useState<NewPassword>({ first: '', second: '' });
  const [tried, setTried] = useState(false);
  const [wrong, setWrong] = useState<string | null>(null);
  const [busy, setBusy] = useState(false);

  const submit = async (event: Event) => {
    event.preventDefault();
    setTried(true);
    if (busy || !current || passwordWrong(next) !== null) return;
    setBusy(true);
    try {
      await api.setPassword(me.user.name, next.first, current);
      setCurrent('');
      setNext({ first: '', second: '' });
      setTried(false);
      setWrong(null);
      toast(t('Your password is changed. Your other logins have ended.'));
    } catch (problem) {
      setWrong(sentence(problem));
    }
    setBusy(false);
  };

  return (
    <section class="card" aria-labelledby="password-head">
      <header><h2 id="password-head">{t('Password')}</h2></header>
      <form class="inside stack narrow" onSubmit={submit} noValidate>
        {wrong && <Notice mood="bad">{wrong}</Notice>}
        <TextField label={t('Current password')} type="password" autocomplete="current-password" value={current} onValue={setCurrent}
          wrong={tried && !current ? t('Needed, so that nobody changes it behind your back.') : null} />
        <PasswordFields value={next} onValue={setNext} tried={tried} />
        <div><Button type="submit" look="main" busy={busy}>{t('Change password')}</Button></div>
      </form>
    </section>
  );
}

/** Of people whom somebody else knows: there is nothing to change here. */
function PasswordElsewhere({ directory }: { directory: string }) {
  return (
    <section class="card" aria-labelledby="password-head">
      <header><h2 id="password-head">{t('Password')}</h2></header>
      <div class="inside"><p>{t('You log in by {directory}, and change your password there. Oriel has none of yours.', { directory })}</p></div>
    </section>
  );
}

const lives = [
  { value: '30', text: t('30 days') },
  { value: '90', text: t('90 days') },
  { value: '365', text: t('One year') },
  { value: '', text: t('Without end') },
];

/** The ones that a choice of one makes sense of; `oriel token create --scope` joins several. */
const uses: { value: Scope; text: string }[] = [
  { value: 'all', text: t('Everything that you may') },
  { value: 'read', text: t('Only read') },
  { value: 'portal', text: t('Your own desktops') },
  { value: 'desktops', text: t('Desktops') },
  { value: 'sessions', text: t('Sessions') },
  { value: 'pools', text: t('Pools') },
  { value: 'images', text: t('Images') },
  { value: 'users', text: t('Users') },
  { value: 'jobs', text: t('Jobs') },
  { value: 'audit', text: t('Events') },
  { value: 'hosts', text: t('Hosts') },
];

function namesOfUses(scopes: Scope[]): string {
  return scopes.map((scope) => uses.find((one) => one.value === scope)?.text ?? scope).join(', ');
}

function NewToken({ onClose }: { onClose: () => void }) {
  const [name, setName] = useState('');
  const [days, setDays] = useState('365');
  const [use, setUse] = useState<string>('all');
  const [made, setMade] = useState<TokenMade | null>(null);
  const [wrong, setWrong] = useState<string | null>(null);
  const make = async () => {
    if (!name.trim()) {
      setWrong(t('Say what it is for, so that you know later which one to delete.'));
      return;
    }
    try {
      setMade(await api.createToken({ name: name.trim(), days: days === '' ? null : Number(days), scopes: [use as Scope] }));
    } catch (problem) {
      setWrong(sentence(problem));
    }
  };
  if (made) {
    return (
      <Dialog title={t('Your new token')} onClose={onClose} footer={<Button look="main" onClick={onClose}>{t('I have kept it')}</Button>}>
        <div class="stack">
          <Notice mood="warn">{use === 'all' ? t('It is shown only now. Whoever has it can do what you can.') : t('It is shown only now. Keep it as a password.')}</Notice>
          <CopyBox text={made.token} label={t('Token')} />
          <p class="small faint">{tx('Use it as {header}, or give it to the {command} command.', { header: <code>Authorization: Bearer TOKEN</code>, command: <code>oriel</code> })}</p>
        </div>
      </Dialog>
    );
  }
  return (
    <Dialog title={t('New API token')} onClose={onClose} footer={
      <><Button onClick={onClose}>{t('Cancel')}</Button><Button look="main" onClick={make}>{t('Make token')}</Button></>
    }>
      <form class="stack" onSubmit={(event) => { event.preventDefault(); void make(); }}>
        <TextField label={t('What is it for?')} value={name} onValue={setName} maxLength={200} placeholder={t('Nightly report')} wrong={wrong} />
        <SelectField label={t('May do')} value={use} onValue={setUse} options={uses} help={t('Never more than your roles allow.')} />
        <SelectField label={t('Valid for')} value={days} onValue={setDays} options={lives} help={t('Afterwards it stops working by itself.')} />
      </form>
    </Dialog>
  );
}

function TokensCard() {
  const page = useLivePage((query, signal) => api.tokens(query, signal), ['token'], []);
  const [making, setMaking] = useState(false);
  return (
    <section class="card" aria-labelledby="tokens-head">
      <header>
        <h2 id="tokens-head">{t('API tokens')}</h2>
        <Button look="small" onClick={() => setMaking(true)}><PlusIcon size={15} />{t('New token')}</Button>
      </header>
      <div class="inside flush">
        <Table label={t('API tokens')} page={page} rowKey={(token) => token.id} empty={
          <Empty icon={<KeyIcon size={32} />} title={t('No tokens')}>
            <p>{tx('A token lets a script or the {command} command on another machine act as you.', { command: <code>oriel</code> })}</p>
          </Empty>
        } columns={[
          { head: t('For'), cell: (token) => token.name },
          { head: t('May do'), cell: (token) => namesOfUses(token.scopes) },
          { head: t('Made'), cell: (token) => <Ago time={token.created_ms} /> },
          { head: t('Last used'), cell: (token) => <Ago time={token.last_used_ms} /> },
          { head: t('Ends'), cell: (token) => (token.expires_ms === null ? t('never') : until(token.expires_ms)) },
          {
            head: t('Actions'),
            look: 'actions',
            cell: (token) => (
              <Button look="small danger" onClick={() => ask({
                title: t('Delete the token “{name}”?', { name: token.name }),
                text: t('Scripts that use it stop working at once.'),
                action: t('Delete token'),
                danger: true,
                run: async () => {
                  await api.deleteToken(token.id);
                  page.reload();
                },
              })}>{t('Delete')}</Button>
            ),
          },
        ]} />
      </div>
      {making && <NewToken onClose={() => { setMaking(false); page.reload(); }} />}
    </section>
  );
}

export function Account({ me }: { me: Me }) {
  useTitle(t('Account'));
  return (
    <div class="portal stack wide">
      <div class="portal-head">
        <h1>{titleOf(me.user)}</h1>
        <p class="quiet">{tx('You log in as {name}. Roles: {roles}.', { name: <strong>{me.user.name}</strong>, roles: roleNames(me.user.roles) })}</p>
      </div>
      {me.directory ? <PasswordElsewhere directory={me.directory.name} /> : <PasswordCard me={me} />}
      <TotpCard />
      <LoginsCard />
      <TokensCard />
    </div>
  );
}
