// The second factor: its setting up, its code at the log-in, its card on the account page.
import { useEffect, useState } from 'preact/hooks';
import { api, Problem, sentence, type LoginNext, type Me, type TotpBegun } from '../api.ts';
import { language, t } from '../language.ts';
import { useLive } from '../live.ts';
import { useTitle } from '../route.ts';
import { Dialog } from '../ui/dialog.tsx';
import { TextField } from '../ui/field.tsx';
import { Ago, Badge, Bones, Button, copyText, Failure, Notice } from '../ui/parts.tsx';
import { toast } from '../ui/toast.tsx';
import { askWho, logOut } from '../who.ts';
import { Lone } from './lone.tsx';

/** Why a name and password did not do, in the person's language where that can be said. */
export function loginWrong(problem: unknown): string {
  return problem instanceof Problem && problem.kind === 'unauthenticated' && language() !== 'en'
    ? t('The name or the password is wrong.') : sentence(problem);
}

/** The server says in English what is wrong with a code; its clock is the part that a person needs in their own language. */
export function codeWrong(problem: unknown): string {
  if (language() === 'en' || !(problem instanceof Problem) || problem.kind !== 'forbidden') return sentence(problem);
  const time = /\d\d:\d\d:\d\d/.exec(problem.message)?.[0];
  if (!time) return t('This code was used already. Wait for the next one that your device shows.');
  return t('The code is wrong. The server’s clock says {time} UTC: a device whose clock is apart by more than half a minute shows other codes.', { time });
}

interface CodeFieldProps { value: string; onValue: (value: string) => void; wrong: string | null; recovery?: boolean }

function CodeField({ value, onValue, wrong, recovery = false }: CodeFieldProps) {
  return (
    <TextField label={t('Code')} name="code" value={value} onValue={onValue} wrong={wrong} autoFocus autocomplete="one-time-code" autocapitalize="off"
      spellcheck={false} inputMode={recovery ? 'text' : 'numeric'} maxLength={64}
      help={recovery ? t('The 6 digits that your authenticator app shows now, or one of your recovery codes.') : t('The 6 digits that your authenticator app shows now.')} />
  );
}

/** Runs a call that takes a code, and keeps what went wrong with it. */
function useCode<T>(call: (code: string) => Promise<T>, then: (value: T) => void) {
  const [code, setCode] = useState('');
  const [wrong, setWrong] = useState<string | null>(null);
  const [busy, setBusy] = useState(false);
  const submit = async (event?: Event) => {
    event?.preventDefault();
    if (busy) return;
    if (!code.trim()) {
      setWrong(t('Type the code.'));
      return;
    }
    setBusy(true);
    setWrong(null);
    try {
      then(await call(code));
    } catch (problem) {
      setWrong(codeWrong(problem));
      setCode('');
    }
    setBusy(false);
  };
  return { code, setCode, wrong, busy, submit };
}

/** The second step of a log-in; after a provider a cookie has the first. */
export function CodeStep({ next, onMe, onBack }: { next: LoginNext | null; onMe: (me: Me) => void; onBack: (why: string) => void }) {
  const { code, setCode, wrong, busy, submit } = useCode(async (text) => {
    try {
      return await api.loginCode(next && next.login, text);
    } catch (problem) {
      if (!(problem instanceof Problem) || problem.kind !== 'unauthenticated') throw problem;
      onBack(t('This log-in took too long. Begin again.'));
      return null;
    }
  }, (me) => me && onMe(me));
  return (
    <Lone title={t('Your code')} text={next ? t('The password was right. Your account has a second factor.') : t('Your account has a second factor at Oriel as well.')}>
      <form class="stack" onSubmit={submit} noValidate>
        <CodeField value={code} onValue={setCode} wrong={wrong} recovery />
        <Button type="submit" look="main wide" busy={busy}>{t('Log in')}</Button>
        <Button look="plain" onClick={() => onBack('')}>{t('Back')}</Button>
      </form>
    </Lone>
  );
}

const margin = 4; // modules of light around the code, which readers need

function QrCode({ rows }: { rows: string[] }) {
  const size = rows.length + 2 * margin;
  const dark = rows.flatMap((row, y) => [...row].map((one, x) => (one === '1' ? `M${x + margin} ${y + margin}h1v1h-1z` : ''))).join('');
  return (
    <svg class="qr" viewBox={`0 0 ${size} ${size}`} role="img" aria-label={t('QR code for your authenticator app')} shape-rendering="crispEdges">
      <path d={`M0 0h${size}v${size}h-${size}z`} fill="#fff" />
      <path d={dark} fill="#000" />
    </svg>
  );
}

function RecoveryCodes({ codes }: { codes: string[] }) {
  const copy = () => copyText(codes.join('\n')).then(() => toast(t('Copied.')));
  return (
    <div class="stack">
      <Notice mood="warn">{t('These are shown only now. Each stands in for one code when your device is not at hand. Keep them apart from it.')}</Notice>
      <ul class="recovery-codes mono" aria-label={t('Recovery codes')}>{codes.map((code) => <li key={code}>{code}</li>)}</ul>
      <div><Button look="small" onClick={copy}>{t('Copy all')}</Button></div>
    </div>
  );
}

interface SetUpProps { onCodes: (codes: string[]) => void }

function SetUp({ onCodes }: SetUpProps) {
  const [begun, setBegun] = useState<TotpBegun | null>(null);
  const [error, setError] = useState<unknown>(null);
  const begin = () => {
    setError(null);
    api.totpBegin().then(setBegun, setError);
  };
  useEffect(begin, []);
  const { code, setCode, wrong, busy, submit } = useCode((text) => api.totpConfirm(text), (made) => onCodes(made.recovery_codes));
  if (error) return <Failure error={error} again={begin} />;
  if (!begun) return <Bones rows={5} />;
  return (
    <form class="stack" onSubmit={submit} noValidate>
      <p class="quiet">{t('Scan this with an authenticator app on your phone, or type the key into it. Then type the code that it shows.')}</p>
      <QrCode rows={begun.qr} />
      <p class="small qr-key">{t('Key:')} <code>{begun.secret.replace(/(.{4})(?=.)/g, '$1 ')}</code></p>
      <CodeField value={code} onValue={setCode} wrong={wrong} />
      <Button type="submit" look="main wide" busy={busy}>{t('Switch on')}</Button>
    </form>
  );
}

/** Instead of every other page, for whom the rules of the house demand a second factor. */
export function MustEnrol() {
  useTitle(t('Second factor'));
  const [codes, setCodes] = useState<string[] | null>(null);
  if (codes) {
    return (
      <Lone title={t('Your recovery codes')}>
        <div class="stack">
          <RecoveryCodes codes={codes} />
          <Button look="main wide" onClick={askWho}>{t('I have kept them')}</Button>
        </div>
      </Lone>
    );
  }
  return (
    <Lone title={t('Set up a second factor')} text={t('Your role asks for one before anything else.')}>
      <SetUp onCodes={setCodes} />
      <Button look="plain wide" onClick={logOut}>{t('Log out')}</Button>
    </Lone>
  );
}

function SetUpDialog({ onClose }: { onClose: () => void }) {
  const [codes, setCodes] = useState<string[] | null>(null);
  if (codes) {
    return (
      <Dialog title={t('Your recovery codes')} onClose={onClose} footer={<Button look="main" onClick={onClose}>{t('I have kept them')}</Button>}>
        <RecoveryCodes codes={codes} />
      </Dialog>
    );
  }
  return <Dialog title={t('Set up a second factor')} onClose={onClose}><SetUp onCodes={setCodes} /></Dialog>;
}

function RemoveDialog({ onClose }: { onClose: () => void }) {
  const { code, setCode, wrong, busy, submit } = useCode((text) => api.totpRemove(text), () => {
    toast(t('Your second factor is removed.'));
    onClose();
  });
  return (
    <Dialog title={t('Remove your second factor?')} onClose={onClose} footer={
      <><Button onClick={onClose}>{t('Cancel')}</Button><Button look="main danger" busy={busy} onClick={() => submit()}>{t('Remove')}</Button></>
    }>
      <form class="stack" onSubmit={submit} noValidate>
        <p class="quiet">{t('From then on your password alone is enough.')}</p>
        <CodeField value={code} onValue={setCode} wrong={wrong} recovery />
      </form>
    </Dialog>
  );
}

function NewCodesDialog({ onClose }: { onClose: () => void }) {
  const [codes, setCodes] = useState<string[] | null>(null);
  const { code, setCode, wrong, busy, submit } = useCode((text) => api.recoveryCodes(text), (made) => setCodes(made.recovery_codes));
  const footer = codes ? <Button look="main" onClick={onClose}>{t('I have kept them')}</Button>
    : <><Button onClick={onClose}>{t('Cancel')}</Button><Button look="main" busy={busy} onClick={() => submit()}>{t('Make new codes')}</Button></>;
  return (
    <Dialog title={t('Your recovery codes')} onClose={onClose} footer={footer}>
      {codes ? <RecoveryCodes codes={codes} /> : (
        <form class="stack" onSubmit={submit} noValidate>
          <p class="quiet">{t('The codes that you have now stop working.')}</p>
          <CodeField value={code} onValue={setCode} wrong={wrong} recovery />
        </form>
      )}
    </Dialog>
  );
}

export function TotpCard() {
  const live = useLive((signal) => api.totp(signal), [], []);
  const [open, setOpen] = useState<'set-up' | 'remove' | 'codes' | null>(null);
  const close = () => {
    setOpen(null);
    live.reload();
  };
  const now = live.value;
  return (
    <section class="card" aria-labelledby="totp-head">
      <header>
        <h2 id="totp-head">{t('Second factor')}</h2>
        {now && (now.enrolled ? <Badge mood="good">{t('Switched on')}</Badge> : <Badge>{t('Switched off')}</Badge>)}
      </header>
      <div class="inside stack">
        {!now && (live.error ? <Failure error={live.error} again={live.reload} /> : <Bones rows={2} />)}
        {now && !now.enrolled && (
          <>
            <p class="quiet">{t('With it, logging in also asks for a code of an app on your phone: a stolen password alone opens nothing.')}</p>
            <div><Button look="main" onClick={() => setOpen('set-up')}>{t('Set up…')}</Button></div>
          </>
        )}
        {now?.enrolled && (
          <>
            <p class="quiet">{t('Set up:')} <Ago time={now.since_ms} />. {t('{count} recovery code is left. | {count} recovery codes are left.', { count: now.recovery_codes })}</p>
            <div class="row">
              <Button onClick={() => setOpen('codes')}>{t('New recovery codes…')}</Button>
              <Button look="danger" onClick={() => setOpen('remove')}>{t('Remove…')}</Button>
            </div>
          </>
        )}
      </div>
      {open === 'set-up' && <SetUpDialog onClose={close} />}
      {open === 'remove' && <RemoveDialog onClose={close} />}
      {open === 'codes' && <NewCodesDialog onClose={close} />}
    </section>
  );
}
