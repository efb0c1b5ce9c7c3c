// The page behind a one-time link: the person sets their password and is logged in.
import { useState } from 'preact/hooks';
import { api, Problem, sentence, type LoginNext, type Me } from '../api.ts';
import { t } from '../language.ts';
import { go, useTitle } from '../route.ts';
import { Button, Notice } from '../ui/parts.tsx';
import { enter } from '../who.ts';
import { Lone } from './lone.tsx';
import { CodeStep } from './totp.tsx';
import { PasswordFields, passwordWrong, type NewPassword } from './password.tsx';

export function Setup({ token }: { token: string }) {
  useTitle(t('Set your password'));
  const [password, setPassword] = useState<NewPassword>({ first: '', second: '' });
  const [tried, setTried] = useState(false);
  const [busy, setBusy] = useState(false);
  const [wrong, setWrong] = useState<{ text: string; dead: boolean } | null>(null);

  const [next, setNext] = useState<LoginNext | null>(null);
  const inside = (me: Me) => {
    go('/', true);
    enter(me);
  };
  const submit = async (event: Event) => {
    event.preventDefault();
    setTried(true);
    if (busy || passwordWrong(password) !== null) return;
    setBusy(true);
    try {
      const answer = await api.setup(token, password.first);
      if ('user' in answer) inside(answer);
      else setNext(answer);
    } catch (problem) {
      const dead = problem instanceof Problem && ['not-found', 'unauthenticated', 'forbidden'].includes(problem.kind);
      setWrong({ text: sentence(problem), dead });
      setBusy(false);
    }
  };

  if (next) return <CodeStep next={next} onMe={inside} onBack={() => go('/', true)} />;
  return (
    <Lone title={t('Set your password')} text={wrong?.dead ? '' : t('This link works once. Afterwards you log in with your name and this password.')}>
      <form class="stack" onSubmit={submit} noValidate>
        {wrong && (
          <Notice mood="bad">
            {wrong.text}
            {wrong.dead && !/\bask\b/i.test(wrong.text) && ` ${t('Ask your administrator for a new link.')}`}
          </Notice>
        )}
        {wrong?.dead ? <a class="button main wide" href="#/">{t('Log in with a password')}</a> : (
          <>
            <PasswordFields value={password} onValue={setPassword} tried={tried} />
            <Button type="submit" look="main wide" busy={busy}>{t('Set password and log in')}</Button>
          </>
        )}
      </form>
    </Lone>
  );
}
