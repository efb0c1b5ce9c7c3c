// What stands over (or instead of) the picture while there is none, with the one thing to do next.
import type { ComponentChildren } from 'preact';
import { useLayoutEffect, useRef } from 'preact/hooks';
import { t } from '../language.ts';
import { Mark } from '../ui/logo.tsx';
import { Bar, Button } from '../ui/parts.tsx';
import { useNow } from '../live.ts';
import type { LinkState } from './link.ts';

interface Props {
  state: LinkState;
  title: string;
  home: string;
  /** null: there is no way back from here, such as after a ticket that was used up */
  onReconnect: (() => void) | null;
  onTakeOver: () => void;
  onLeave: () => void;
}

function Box({ title, children, busy = false }: { title: string; children?: ComponentChildren; busy?: boolean }) {
  const box = useRef<HTMLDivElement>(null);
  useLayoutEffect(() => {
    // after keys went to the desktop, Enter must do what the page proposes, from the moment it is seen
    box.current?.querySelector<HTMLElement>('.button.main')?.focus();
  }, [title]);
  return (
    <div ref={box} class="console-box" role={busy ? 'status' : 'alertdialog'} aria-label={title}>
      <Mark size={40} />
      <h1>{title}</h1>
      {children}
    </div>
  );
}

function Lost({ state, onReconnect, onLeave }: { state: Extract<LinkState, { name: 'lost' }>; onReconnect: (() => void) | null; onLeave: () => void }) {
  const now = useNow(1);
  const seconds = Math.max(0, Math.ceil((state.retryAt - now) / 1000));
  return (
    <Box title={t('Reconnecting')} busy>
      <p>{state.why} {t('Your programs go on.')}</p>
      <Bar value={null} label={t('Reconnecting')} />
      <p class="small numbers">{seconds > 0 ? t('Next try in {seconds} s', { seconds }) : t('Trying now')} · {t('attempt {number}', { number: state.attempt })}</p>
      <div class="row">{onReconnect && <Button look="main" onClick={onReconnect}>{t('Try now')}</Button>}<Button onClick={onLeave}>{t('Leave')}</Button></div>
    </Box>
  );
}

interface ChoiceProps { text: string; home: string; onReconnect: (() => void) | null; onLeave: () => void }

/** Once more, or away; where once more can never help, away is what the page proposes. */
function Choice({ text, home, onReconnect, onLeave }: ChoiceProps) {
  return (
    <div class="row">
      {onReconnect && <Button look="main" onClick={onReconnect}>{text}</Button>}
      <Button look={onReconnect ? '' : 'main'} onClick={onLeave}>{home}</Button>
    </div>
  );
}

export function Overlay({ state, title, home, onReconnect, onTakeOver, onLeave }: Props) {
  const leave = <Button onClick={onLeave}>{home}</Button>;
  const choice = (text: string) => <Choice text={text} home={home} onReconnect={onReconnect} onLeave={onLeave} />;
  switch (state.name) {
    case 'connected':
    case 'locked':
      return null;
    case 'dialing':
    case 'connecting':
      return <Box title={t('Opening {title}', { title })} busy><Bar value={null} label={t('Opening {title}', { title })} /></Box>;
    case 'preparing':
      return (
        <Box title={t('Preparing {title}', { title })} busy>
          <p>{state.step || t('The desktop has to start first. This takes longer only the first time.')}</p>
          <Bar value={state.progress > 0 ? state.progress : null} label={t('Preparing {title}', { title })} />
          {state.progress > 0 && <p class="small numbers">{state.progress} %</p>}
          {leave}
        </Box>
      );
    case 'lost':
      return <Lost state={state} onReconnect={onReconnect} onLeave={onLeave} />;
    case 'elsewhere':
      return (
        <Box title={t('Opened elsewhere')}>
          <p>{t('This desktop is now shown in another window or on another device. Nothing is lost.')}</p>
          {state.where && <p>{t('It was opened at {place}.', { place: state.where })}</p>}
          {choice(t('Reconnect here'))}
        </Box>
      );
    case 'closed':
      return (
        <Box title={t('Disconnected')}>
          <p>{t('{name} ended this view. Your programs are still open on the desktop.', { name: state.who })}</p>
          {choice(t('Reconnect'))}
        </Box>
      );
    case 'idle':
      return (
        <Box title={t('Nobody was here')}>
          <p>{t('Nothing was typed or moved for a while, so this view was closed. Your programs are still open on the desktop.')}</p>
          {choice(t('Reconnect'))}
        </Box>
      );
    case 'revoked':
      return (
        <Box title={t('This view was closed')}>
          <p>{state.why}</p>
          <div class="row">{leave}</div>
        </Box>
      );
    case 'busy':
      return (
        <Box title={t('Somebody is working here')}>
          <p>{t('A person is in session on this desktop, and one screen shows it at a time. Taking over disconnects them.')}</p>
          <div class="row"><Button look="main danger" onClick={onTakeOver}>{t('Take over')}</Button>{leave}</div>
        </Box>
      );
    case 'disconnected':
      return (
        <Box title={t('Disconnected')}>
          <p>{t('This view was closed in another window of yours or by an administrator. Your programs are still open on the desktop.')}</p>
          {choice(t('Reconnect'))}
        </Box>
      );
    case 'ended':
      return (
        <Box title={state.why ? t('Your session has ended') : t('You are logged off')}>
          <p>{state.why ?? t('The session on {title} has ended.', { title })}</p>
          <div class="row"><Button look="main" onClick={onLeave}>{home}</Button>
            {onReconnect && <Button onClick={onReconnect}>{t('Open again')}</Button>}</div>
        </Box>
      );
    case 'failed':
      return (
        <Box title={t('This desktop cannot be opened')}>
          <p>{state.why}</p>
          {choice(t('Try again'))}
        </Box>
      );
  }
}
