// The help desk: a person, what they do, why their log-on was slow, and what can be done for them.
import { useEffect, useState } from 'preact/hooks';
import { api, sentence, type DesktopAction, type FoundPerson, type Session, type Shadow, type ShadowMode } from '../api.ts';
import { t } from '../language.ts';
import { useLive } from '../live.ts';
import { Dialog, ask } from '../ui/dialog.tsx';
import { AreaField, TextField } from '../ui/field.tsx';
import { UserIcon } from '../ui/icons.tsx';
import { Ago, Badge, Button, Empty, Failure, Notice } from '../ui/parts.tsx';
import { Thumbnail } from '../ui/thumbnail.tsx';
import { toast } from '../ui/toast.tsx';
import { may } from '../who.ts';
import type { PageProps } from './admin.tsx';
import { Head } from './head.tsx';
import { HelpRules } from './help-rules.tsx';
import { activities } from './states.ts';

const calm = 300;         // ms after the last letter
const lookAgain = 10_000; // a help desk for some groups only is not told of changes
const answerEvery = 1000;

/** Why a log-on is slow: each step, and how long it took. */
function Steps({ session }: { session: Session }) {
  const live = useLive((signal) => api.session(session.id, signal), ['session'], [session.id]);
  const steps = live.value?.steps ?? [];
  if (steps.length === 0) return <p class="quiet small">{t('Nothing is known of this log-on.')}</p>;
  const slowest = Math.max(...steps.map((step) => step.took_us));
  return (
    <table class="steps small">
      <caption class="small quiet">{t('Log-on, step by step')}</caption>
      <tbody>
        {steps.map((step) => (
          <tr key={`${step.name} ${step.at_us}`}>
            <th scope="row">{stepNames[step.name] ?? step.name}</th>
            <td class="numbers">{step.took_us === slowest ? <strong>{milliseconds(step.took_us)}</strong> : milliseconds(step.took_us)}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

const milliseconds = (us: number) => `${(us / 1000).toFixed(us < 100_000 ? 1 : 0)} ms`;

const stepNames: Record<string, string> = {
  choice: t('Which desktop'),
  claim: t('Claiming it'),
  machine: t('Its machine'),
  boot: t('Waiting for a boot'),
  client: t('Until the browser came'),
  picture: t('First picture'),
  identity: t('Identity (beside)'),
  network: t('Network (beside)'),
  'user session': t('User session (beside)'),
};

function Message({ session, onClose }: { session: Session; onClose: () => void }) {
  const [text, setText] = useState('');
  const [wrong, setWrong] = useState<string | null>(null);
  const [busy, setBusy] = useState(false);
  const send = async () => {
    setBusy(true);
    try {
      const sent = await api.messageSession(session.id, text.trim());
      toast(sent.in_guest ? t('Shown on the screen.') : t('Their browser shows it; their screen does not: {problem}', { problem: sent.problem ?? '' }));
      onClose();
    } catch (problem) {
      setWrong(sentence(problem));
      setBusy(false);
    }
  };
  return (
    <Dialog title={t('Message to {name}', { name: session.user?.name ?? '' })} onClose={onClose} footer={
      <>
        <Button onClick={onClose}>{t('Cancel')}</Button>
        <Button look="main" disabled={!text.trim()} busy={busy} onClick={() => void send()}>{t('Show it')}</Button>
      </>
    }>
      <AreaField label={t('Text')} rows={4} maxLength={2000} value={text} onValue={setText} help={t('It appears on the person’s screen and in their browser, with your name. The audit trail keeps it.')} />
      {wrong && <Notice mood="bad">{wrong}</Notice>}
    </Dialog>
  );
}

const refusals: Partial<Record<Shadow['state'], string>> = {
  refused: t('They do not want you to look on.'),
  expired: t('They did not answer in time.'),
  ended: t('It was ended.'),
};

/** Waits for the person's answer, then opens the display in a window of its own. */
function LookOn({ session, mode, onClose }: { session: Session; mode: ShadowMode; onClose: () => void }) {
  const [words, setWords] = useState(t('The person is being asked…'));
  const [url, setUrl] = useState<string | null>(null);
  useEffect(() => {
    let over = false;
    let shadow: Shadow | null = null;
    const run = async () => {
      try {
        shadow = await api.shadowSession(session.id, mode);
        while (!over && shadow.state === 'asked') {
          await new Promise((resolve) => setTimeout(resolve, answerEvery));
          shadow = await api.shadow(shadow.id);
        }
        if (over) return;
        if (shadow.state !== 'allowed') {
          setWords(refusals[shadow.state] ?? t('It was ended.'));
          return;
        }
        const connection = await api.connectShadow(shadow.id);
        setWords(t('Allowed. The person sees that you look on, and can end it.'));
        setUrl(`#/desktop/${connection.desktop.id}?ticket=${connection.ticket}`);
      } catch (problem) {
        setWords(sentence(problem));
      }
    };
    void run();
    return () => {
      over = true;
      if (shadow?.state === 'asked') void api.endShadow(shadow.id).catch(() => {});
    };
  }, []);
  return (
    <Dialog title={mode === 'view' ? t('Look at the screen of {name}', { name: session.user?.name ?? '' }) : t('Work in the session of {name}', { name: session.user?.name ?? '' })} onClose={onClose}
      footer={<Button onClick={onClose}>{t('Close')}</Button>}>
      <p role="status">{words}</p>
      {url && <a class="button main" href={url} target="_blank" rel="noopener" onClick={onClose}>{t('Open it')}</a>}
    </Dialog>
  );
}

function Buttons({ session, again }: { session: Session; again: () => void }) {
  const [message, setMessage] = useState(false);
  const [mode, setMode] = useState<ShadowMode | null>(null);
  const name = session.user?.name ?? '';
  const desktop = session.desktop;
  const machine = (action: DesktopAction, title: string, text: string, deed: string) => ask({
    title, text, action: deed, danger: true,
    run: async () => {
      await api.actOnDesktop(desktop!.id, action);
      again();
    },
  });
  return (
    <div class="row tight wrap">
      <Button look="small" onClick={() => setMessage(true)}>{t('Message…')}</Button>
      {session.state === 'connected' && <Button look="small" onClick={() => setMode('view')}>{t('Look on…')}</Button>}
      {session.state === 'connected' && <Button look="small" onClick={() => setMode('control')}>{t('Take control…')}</Button>}
      {session.state === 'connected' && (
        <Button look="small" onClick={async () => {
          await api.disconnectSession(session.id);
          again();
        }}>{t('Disconnect')}</Button>
      )}
      {desktop && <Button look="small" onClick={() => machine('restart', t('Restart {name}?', { name: desktop.name }),
        t('Programs of {name} are closed, and what is not saved is lost.', { name }), t('Restart'))}>{t('Restart…')}</Button>}
      {desktop && <Button look="small danger" onClick={() => machine('reset', t('Reset {name}?', { name: desktop.name }),
        t('As by the reset button: the guest is not asked, and what {name} has not saved is lost.', { name }), t('Reset'))}>{t('Reset…')}</Button>}
      <Button look="small danger" onClick={() => ask({
        title: t('Log off {name}?', { name }),
        text: t('Their programs are closed. If the desktop goes back to its image, everything on it is lost, saved files too.'),
        action: t('Log off'), danger: true,
        run: async () => {
          await api.logOffSession(session.id);
          again();
        },
      })}>{t('Log off…')}</Button>
      {message && <Message session={session} onClose={() => setMessage(false)} />}
      {mode && <LookOn session={session} mode={mode} onClose={() => setMode(null)} />}
    </div>
  );
}

function SessionBox({ session, again }: { session: Session; again: () => void }) {
  const look = activities[session.activity];
  return (
    <div class="help-session">
      {session.desktop && <Thumbnail desktop={session.desktop.id} width={320} every={10} alt={t('Screen of {name}', { name: session.desktop.name })} />}
      <div class="stack">
        <div class="row tight wrap">
          <strong>{session.desktop?.name ?? t('deleted')}</strong>
          <Badge mood={look.mood}>{look.text}</Badge>
          <span class="small quiet">{t('since')} <Ago time={session.activity === 'idle' ? session.idle_since_ms : session.since_ms} /></span>
          {session.agent === 'none' && <Badge mood="warn" plain>{t('no agent')}</Badge>}
          <span class="small quiet numbers">{session.client ?? ''}</span>
        </div>
        <Buttons session={session} again={again} />
        <Steps session={session} />
      </div>
    </div>
  );
}

function PersonBox({ person, again }: { person: FoundPerson; again: () => void }) {
  return (
    <section class="card stack" aria-label={person.name}>
      <div class="row tight wrap">
        <h2>{person.display_name || person.name}</h2>
        <span class="quiet">{person.name}</span>
        {!person.enabled && <Badge mood="bad">{t('Switched off')}</Badge>}
        <span class="small quiet">{t('last logged in')} <Ago time={person.last_login_ms} /></span>
      </div>
      {person.sessions.length === 0 && <p class="quiet">{t('Not in session.')}</p>}
      {person.sessions.map((session) => <SessionBox key={session.id} session={session} again={again} />)}
    </section>
  );
}

function Found({ search }: { search: string }) {
  const live = useLive((signal) => api.people(search, signal), ['session', 'desktop', 'user'], [search]);
  useEffect(() => {
    const timer = window.setInterval(live.reload, lookAgain);
    return () => clearInterval(timer);
  }, [search]);
  if (live.error) return <Failure error={live.error} again={live.reload} />;
  const people = live.value?.items ?? [];
  if (live.value && people.length === 0) {
    return <div class="card"><Empty icon={<UserIcon size={32} />} title={t('Nobody found')}><p>{t('You find people by part of their name, among those whom you may help.')}</p></Empty></div>;
  }
  return <>{people.map((person) => <PersonBox key={person.id} person={person} again={live.reload} />)}</>;
}

export function Help({ me }: PageProps) {
  const [typed, setTyped] = useState('');
  const [search, setSearch] = useState('');
  useEffect(() => {
    const timer = window.setTimeout(() => setSearch(typed.trim()), calm);
    return () => clearTimeout(timer);
  }, [typed]);
  return (
    <>
      <Head title={t('Help desk')} text={t('Find a person, see what they do, and help them.')} />
      <div class="card"><TextField label={t('Person')} type="search" autoFocus value={typed} onValue={setTyped} autocomplete="off" spellcheck={false} help={t('Part of a name')} /></div>
      {search && <Found key={search} search={search} />}
      {may(me, 'people') && <HelpRules />}
    </>
  );
}
