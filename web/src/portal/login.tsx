// The first page: name and password.
import { useEffect, useRef, useState } from 'preact/hooks';
import { api, Problem, type LoginNext } from '../api.ts';
import { t } from '../language.ts';
import { useTitle } from '../route.ts';
import { TextField } from '../ui/field.tsx';
import { Button, Notice } from '../ui/parts.tsx';
import { enter } from '../who.ts';
import { Lone } from './lone.tsx';
import { ProviderButtons, providerFailure } from './provider.tsx';
import { CodeStep, loginWrong } from './totp.tsx';

/** Seconds that remain of a wait the server asked for. */
function useWait(): [number, (seconds: number) => void] {
  const [until, setUntil] = useState(0);
  const [, tick] = useState(0);
  const left = Math.max(0, Math.ceil((until - Date.now()) / 1000));
  useEffect(() => {
    if (left === 0) return;
    const timer = setTimeout(() => tick((n) => n + 1), 1000);
    return () => clearTimeout(timer);
  });
  return [left, (seconds) => setUntil(Date.now() + seconds * 1000)];
}

export function Login({ why, failed, stay }: { why: string; failed: string | undefined; stay: boolean }) {
  useTitle(t('Log in'));
  const [name, setName] = useState('');
  const [password, setPassword] = useState('');
  const [wrong, setWrong] = useState<string | null>(failed === undefined ? null : providerFailure(failed));
  const [busy, setBusy] = useState(false);
  const [wait, setWait] = useWait();
  const [next, setNext] = useState<LoginNext | null>(null);
  const form = useRef<HTMLFormElement>(null);

  const submit = async (event: Event) => {
    event.preventDefault();
    if (busy || wait > 0) return;
    if (!name.trim() || !password) {
      setWrong(t('Give your name and your password.'));
      form.current?.querySelector<HTMLInputElement>(name.trim() ? '[name=password]' : '[name=name]')?.focus();
      return;
    }
    setBusy(true);
    setWrong(null);
    try {
      const answer = await api.login(name.trim(), password);
      if ('user' in answer) {
        enter(answer);
        return;
      }
      setNext(answer);
      setPassword('');
      setBusy(false);
    } catch (problem) {
      setWrong(loginWrong(problem));
      if (problem instanceof Problem && problem.retryAfterSeconds !== null) setWait(problem.retryAfterSeconds);
      setBusy(false);
      form.current?.querySelector<HTMLInputElement>('[name=password]')?.select();
    }
  };

  if (next) {
    return <CodeStep next={next} onMe={enter} onBack={(reason) => {
      setNext(null);
      setWrong(reason || null);
    }} />;
  }
  return (
    <Lone title={t('Log in')} text={t('Your desktops are one click away.')}>
      <form ref={form} class="stack" onSubmit={submit} noValidate>
        {why && !wrong && <Notice>{why}</Notice>}
        {wrong && <Notice mood="bad">{wrong}</Notice>}
        <TextField label={t('Name')} name="name" value={name} onValue={setName} autocomplete="username" autocapitalize="off"
          spellcheck={false} autoFocus />
        <TextField label={t('Password')} name="password" type="password" value={password} onValue={setPassword}
          autocomplete="current-password" />
        <Button type="submit" look="main wide" busy={busy} disabled={wait > 0}>
          {wait > 0 ? t('Wait {seconds} s', { seconds: wait }) : t('Log in')}
        </Button>
      </form>
      <ProviderButtons stay={stay} />
    </Lone>
  );
}
