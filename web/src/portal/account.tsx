// One's own password and API tokens.
import { useState } from 'preact/hooks';
import { api, sentence, titleOf, type Me, type TokenMade } from '../api.ts';
import { until } from '../format.ts';
import { useLivePage } from '../live.ts';
import { useTitle } from '../route.ts';
import { ask, Dialog } from '../ui/dialog.tsx';
import { SelectField, TextField } from '../ui/field.tsx';
import { KeyIcon, PlusIcon } from '../ui/icons.tsx';
import { Ago, Button, CopyBox, Empty, Notice } from '../ui/parts.tsx';
import { Table } from '../ui/table.tsx';
import { toast } from '../ui/toast.tsx';
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
      toast('Your password is changed. Your other logins have ended.');
    } catch (problem) {
      setWrong(sentence(problem));
    }
    setBusy(false);
  };

  return (
    <section class="card" aria-labelledby="password-head">
      <header><h2 id="password-head">Password</h2></header>
      <form class="inside stack narrow" onSubmit={submit} noValidate>
        {wrong && <Notice mood="bad">{wrong}</Notice>}
        <TextField label="Current password" type="password" autocomplete="current-password" value={current} onValue={setCurrent}
          wrong={tried && !current ? 'Needed, so that nobody changes it behind your back.' : null} />
        <PasswordFields value={next} onValue={setNext} tried={tried} />
        <div><Button type="submit" look="main" busy={busy}>Change password</Button></div>
      </form>
    </section>
  );
}

const lives = [
  { value: '30', text: '30 days' },
  { value: '90', text: '90 days' },
  { value: '365', text: 'One year' },
  { value: '', text: 'Without end' },
];

function NewToken({ onClose }: { onClose: () => void }) {
  const [name, setName] = useState('');
  const [days, setDays] = useState('365');
  const [made, setMade] = useState<TokenMade | null>(null);
  const [wrong, setWrong] = useState<string | null>(null);
  const make = async () => {
    if (!name.trim()) {
      setWrong('Say what it is for, so that you know later which one to delete.');
      return;
    }
    try {
      setMade(await api.createToken({ name: name.trim(), days: days === '' ? null : Number(days) }));
    } catch (problem) {
      setWrong(sentence(problem));
    }
  };
  if (made) {
    return (
      <Dialog title="Your new token" onClose={onClose} footer={<Button look="main" onClick={onClose}>I have kept it</Button>}>
        <div class="stack">
          <Notice mood="warn">It is shown only now. Whoever has it can do what you can.</Notice>
          <CopyBox text={made.token} label="Token" />
          <p class="small faint">Use it as <code>Authorization: Bearer TOKEN</code>, or give it to the <code>oriel</code> command.</p>
        </div>
      </Dialog>
    );
  }
  return (
    <Dialog title="New API token" onClose={onClose} footer={
      <><Button onClick={onClose}>Cancel</Button><Button look="main" onClick={make}>Make token</Button></>
    }>
      <form class="stack" onSubmit={(event) => { event.preventDefault(); void make(); }}>
        <TextField label="What is it for?" value={name} onValue={setName} maxLength={200} placeholder="Nightly report" wrong={wrong} />
        <SelectField label="Valid for" value={days} onValue={setDays} options={lives} help="Afterwards it stops working by itself." />
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
        <h2 id="tokens-head">API tokens</h2>
        <Button look="small" onClick={() => setMaking(true)}><PlusIcon size={15} />New token</Button>
      </header>
      <div class="inside flush">
        <Table label="API tokens" page={page} rowKey={(token) => token.id} empty={
          <Empty icon={<KeyIcon size={32} />} title="No tokens">
            <p>A token lets a script or the <code>oriel</code> command on another machine act as you.</p>
          </Empty>
        } columns={[
          { head: 'For', cell: (token) => token.name },
          { head: 'Made', cell: (token) => <Ago time={token.created_ms} /> },
          { head: 'Last used', cell: (token) => <Ago time={token.last_used_ms} /> },
          { head: 'Ends', cell: (token) => (token.expires_ms === null ? 'never' : until(token.expires_ms)) },
          {
            head: 'Actions',
            look: 'actions',
            cell: (token) => (
              <Button look="small danger" onClick={() => ask({
                title: `Delete the token “${token.name}”?`,
                text: 'Scripts that use it stop working at once.',
                action: 'Delete token',
                danger: true,
                run: async () => {
                  await api.deleteToken(token.id);
                  page.reload();
                },
              })}>Delete</Button>
            ),
          },
        ]} />
      </div>
      {making && <NewToken onClose={() => { setMaking(false); page.reload(); }} />}
    </section>
  );
}

export function Account({ me }: { me: Me }) {
  useTitle('Account');
  return (
    <div class="portal stack wide">
      <div class="portal-head">
        <h1>{titleOf(me.user)}</h1>
        <p class="quiet">You log in as <strong>{me.user.name}</strong>. Roles: {me.user.roles.join(', ') || 'none'}.</p>
      </div>
      <PasswordCard me={me} />
      <TokensCard />
    </div>
  );
}
