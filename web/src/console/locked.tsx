// A locked desktop: its person logs in again, here, and goes on where they were. A log-in from before the lock is not enough.
import { useEffect, useRef, useState } from 'preact/hooks';
import { api, apiUrl, Problem, sentence, type LoginNext, type LoginProvider, type Me, type Session } from '../api.ts';
import { t } from '../language.ts';
import { codeWrong, loginWrong } from '../portal/totp.tsx';
import { TextField } from '../ui/field.tsx';
import { LockIcon } from '../ui/icons.tsx';
import { Button, Notice } from '../ui/parts.tsx';
import { askWho, enter } from '../who.ts';

export type LockedSession = Pick<Session, 'id' | 'locked_ms' | 'user'>;

interface Props {
  session: LockedSession;
  me: Me;
  home: string;
  /** The desktop is open again. */
  onOpen: () => void;
  onLeave: () => void;
}

/** Password, then the code of who has a second factor. */
function useAgain(name: string, onMe: (me: Me) => Promise<void>) {
  const [text, setText] = useState('');
  const [next, setNext] = useState<LoginNext | null>(null);
  const [wrong, setWrong] = useState<string | null>(null);
  const [busy, setBusy] = useState(false);
  const submit = async (event: Event) => {
    event.preventDefault();
    if (busy || !text) return;
    setBusy(true);
    setWrong(null);
    try {
      const answer = next ? await api.loginCode(next.login, text) : await api.login(name, text);
      setText('');
      if ('user' in answer) await onMe(answer);
      else setNext(answer);
    } catch (problem) {
      const late = next && problem instanceof Problem && problem.kind === 'unauthenticated';
      if (late) setNext(null);
      setWrong(late ? t('This log-in took too long. Begin again.') : next ? codeWrong(problem) : loginWrong(problem));
      setText('');
    }
    setBusy(false);
  };
  return { text, setText, next, wrong, setWrong, busy, submit };
}

/** Ways through a provider open beside this page, which notices when the person is back. */
function Providers({ onBack }: { onBack: () => void }) {
  const [providers, setProviders] = useState<LoginProvider[]>([]);
  const gone = useRef(false);
  useEffect(() => {
    const stop = new AbortController();
    api.loginProviders(stop.signal).then((answer) => setProviders(answer.items)).catch(() => {
      // the password's way is there all the same
    });
    const back = () => {
      if (gone.current) onBack();
    };
    window.addEventListener('focus', back);
    return () => {
      stop.abort();
      window.removeEventListener('focus', back);
    };
  }, []);
  if (providers.length === 0) return null;
  return (
    <div class="stack tight providers">
      {providers.map((one) => (
        <a key={one.name} class="button wide" target="_blank" rel="noopener" href={apiUrl(`login/provider/${encodeURIComponent(one.name)}?again=true`)}
          onClick={() => {
            gone.current = true;
          }}>{t('Log in with {name}', { name: one.display_name })}</a>
      ))}
    </div>
  );
}

export function LockedCard({ session, me, home, onOpen, onLeave }: Props) {
  const unlock = async () => {
    await api.unlockSession(session.id);
    onOpen();
  };
  const again = useAgain(me.user.name, async (entered) => {
    enter(entered);
    await unlock();
  });
  const tryAgain = async () => {
    await askWho(); // of this very browser: a log-in beside this page has changed its cookie
    try {
      await unlock();
    } catch (problem) {
      again.setWrong(sentence(problem));
    }
  };
  return (
    <div class="console-cover console-locked">
      <div class="console-box" role="dialog" aria-modal="true" aria-labelledby="locked-title">
        <LockIcon size={40} />
        <h1 id="locked-title">{t('Locked')}</h1>
        <p>{t('Log in again to go on. Your programs are still open on the desktop.')}</p>
        <form class="stack locked-form" onSubmit={again.submit} noValidate>
          {again.wrong && <Notice mood="bad">{again.wrong}</Notice>}
          <input type="text" name="username" autocomplete="username" value={me.user.name} readOnly hidden />
          {again.next
            ? <TextField key="code" label={t('Code')} name="code" value={again.text} onValue={again.setText} autoFocus autocomplete="one-time-code" spellcheck={false} maxLength={64}
              help={t('The 6 digits that your authenticator app shows now, or one of your recovery codes.')} />
            : <TextField key="password" label={t('Password of {name}', { name: me.user.name })} name="password" type="password" value={again.text} onValue={again.setText} autoFocus
              autocomplete="current-password" />}
          <Button type="submit" look="main wide" busy={again.busy}>{t('Unlock')}</Button>
        </form>
        <Providers onBack={() => void tryAgain()} />
        <Button look="plain" onClick={onLeave}>{home}</Button>
      </div>
    </div>
  );
}
