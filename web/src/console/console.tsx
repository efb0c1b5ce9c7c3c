// The console: one desktop in the whole window.
import { useCallback, useEffect, useMemo, useRef, useState } from 'preact/hooks';
import type RFB from '@novnc/novnc';
import { api, sentence, type Me } from '../api.ts';
import { t } from '../language.ts';
import { useLive } from '../live.ts';
import { logOffTextOf } from '../portal/logoff.ts';
import { go, useTitle } from '../route.ts';
import { ask } from '../ui/dialog.tsx';
import type { MenuItem } from '../ui/menu.tsx';
import { toast } from '../ui/toast.tsx';
import { ClipboardBridge } from './clipboard.ts';
import type { Dial, Target } from './dial.ts';
import { FilesPanel, sendDropped, useFiles } from './files-panel.tsx';
import { Link, type LinkState } from './link.ts';
import { LockedCard } from './locked.tsx';
import { Overlay } from './overlay.tsx';
import { ClipboardPanel, KeyboardPanel, KeysPanel, PicturePanel } from './panels.tsx';
import { useQuality } from './quality.ts';
import { readSetting, writeSetting } from '../storage.ts';
import { useStarting } from './starting.ts';
import { Button } from '../ui/parts.tsx';
import { useFullScreen, useLiftedKeys, useResize, useScreenSize, useToolbarKey } from './screen.ts';
import { pictureLevels, useSettings, type Settings } from './settings.ts';
import { useSound } from './sound.ts';
import type { SoundRfb } from './sound-rfb.ts';
import { TextInput } from './textinput.ts';
import { Toolbar, type PanelName } from './toolbar.tsx';
import { Typist } from './typist.ts';
import { Messages } from '../ui/messages.tsx';
import { Watched } from './watched.tsx';

interface Props { target: Target; me: Me | null; first: Dial }

interface Held<T> { current: T }

/** The link of this page: made once, ended with it. */
function useLink(target: Target, first: Dial, screen: Held<HTMLDivElement | null>) {
  const [link, setLink] = useState<Link | null>(null);
  const [state, setState] = useState<LinkState>({ name: 'dialing' });
  const [rfb, setRfb] = useState<SoundRfb | null>(null);
  useEffect(() => {
    const made = new Link(target, screen.current!);
    made.onState = setState;
    made.onRfb = setRfb;
    setLink(made);
    made.start(first);
    const leave = () => made.close();
    window.addEventListener('pagehide', leave); // closing the tab disconnects
    return () => {
      window.removeEventListener('pagehide', leave);
      made.close();
    };
  }, []);
  return { link, state, rfb };
}

function missed(characters: string, nothingTyped = false): void {
  const which = `“${[...new Set(characters)].slice(0, 12).join('')}”`;
  toast(nothingTyped ? t('Nothing was typed: {characters} cannot be typed on the desktop’s keyboard layout. Send the text to the desktop’s clipboard instead.', { characters: which })
    : t('{characters} is not on the desktop’s keyboard. Use the clipboard for it.', { characters: which }), 'bad');
}

const hinted = 'oriel.hinted';
const hintLasts = 9000;

const hintText = () => (matchMedia('(hover: none)').matches ? t('Tap the line at the top for the controls')
  : t('Move the mouse to the top for the controls, or press Ctrl+Alt+Shift'));

/** At the first desktop of this browser: where the controls went. */
function useHint(connected: boolean): boolean {
  const [hint, setHint] = useState(false);
  useEffect(() => {
    if (!connected || readSetting(hinted) !== null) return;
    writeSetting(hinted, 'yes');
    setHint(true);
    const timer = window.setTimeout(() => setHint(false), hintLasts);
    return () => {
      clearTimeout(timer);
      setHint(false);
    };
  }, [connected]);
  return hint;
}

/** What people call the desktop. An address may carry an id instead of a name: that tells nobody anything. */
function titleFor(target: Target, link: Link | null): string {
  const name = link?.connection?.desktop.name;
  if (name) return name;
  return /^[0-9A-HJKMNP-TV-Z]{26}$/.test(target.name) ? '' : target.name;
}

/** Keys, text and clipboard: everything that goes to the desktop, whichever connection it has now. */
function useInput(rfb: RFB | null, settings: Settings, field: Held<HTMLTextAreaElement | null>) {
  const now = useRef({ rfb, settings });
  now.current = { rfb, settings };
  const typist = useMemo(() => new Typist((keysym, code, down) => now.current.rfb?.sendKey(keysym, code, down), settings.layout), []);
  const bridge = useMemo(() => new ClipboardBridge((text) => now.current.rfb?.clipboardPasteFrom(text)), []);
  const focus = useCallback(() => {
    if (now.current.settings.mode === 'characters') field.current?.focus({ preventScroll: true });
    else now.current.rfb?.focus({ preventScroll: true });
  }, []);
  useEffect(() => {
    typist.layout = settings.layout;
  }, [settings.layout]);
  useEffect(() => {
    if (!field.current) return;
    const input = new TextInput(field.current, typist, { live: () => now.current.settings.mode === 'keys', onMissed: missed });
    return () => input.close();
  }, []);
  useEffect(() => {
    // a text that is being typed ends with its connection, and where the person takes the keyboard back
    const stop = (event: KeyboardEvent) => event.isTrusted && typist.stop();
    window.addEventListener('keydown', stop, { capture: true });
    return () => {
      typist.stop();
      window.removeEventListener('keydown', stop, { capture: true });
    };
  }, [rfb]);
  useEffect(() => {
    rfb?.addEventListener('clipboard', (event) => bridge.fromDesktop((event as CustomEvent<{ text: string }>).detail.text));
  }, [rfb]);
  return { typist, bridge, focus };
}

/** The session as it is now: what its plan allows, whether it is locked. */
function useSession(session: string | null) {
  return useLive((signal) => (session ? api.session(session, signal) : Promise.resolve(null)), ['session'], [session]);
}

/** What happens once a picture is there: the keyboard goes to it, and the clipboard is brought up to date. */
function useArrival(connected: boolean, rfb: RFB | null, focus: () => void, bridge: ClipboardBridge): void {
  useEffect(() => {
    if (!connected) return;
    focus();
    const pull = () => void bridge.pull();
    pull();
    window.addEventListener('focus', pull);
    return () => window.removeEventListener('focus', pull);
  }, [connected, rfb]);
}

/** Where one came from: an operator's console belongs to the administration. */
function homeOf(target: Target): { path: string; text: string } {
  return target.kind === 'desktop' ? { path: '/admin/desktops', text: t('Back to the administration') } : { path: '/', text: t('Back to your desktops') };
}

function sessionMenu(link: Link | null, me: Me | null, onKeyboard: () => void, leave: () => void): MenuItem[] {
  const session = link?.connection?.session ?? null;
  const items: MenuItem[] = [
    { text: t('Keyboard layout'), run: onKeyboard },
    ...(session && me ? [{ text: t('Lock'), run: () => void api.lockSession(session.id).catch((problem: unknown) => toast(sentence(problem), 'bad')), line: true }] : []),
    { text: session ? t('Disconnect: programs go on') : t('Close the console'), run: leave, line: !(session && me) },
  ];
  if (!session || !me) return items;
  const logOff = async () => ask({
    title: t('Log off?'),
    text: await logOffTextOf(session.id),
    action: t('Log off'),
    danger: true,
    run: async () => {
      await api.logOffSession(session.id);
      go('/');
    },
  });
  return [...items, { text: t('Log off…'), danger: true, run: logOff }];
}

export function Console({ target, me, first }: Props) {
  const screen = useRef<HTMLDivElement>(null);
  const field = useRef<HTMLTextAreaElement>(null);
  const { link, state, rfb } = useLink(target, first, screen);
  const [settings, change] = useSettings();
  const { typist, bridge, focus } = useInput(rfb, settings, field);
  const [panel, setPanel] = useState<PanelName | null>(null);
  const [touchKeyboard, setTouchKeyboard] = useState(false);
  const { full, locked, toggleFull } = useFullScreen();
  const [size, watchSize] = useScreenSize(screen);
  const connected = state.name === 'connected';
  const called = useToolbarKey(connected);
  const quality = useQuality(link, connected);
  const title = titleFor(target, link);
  const [starting, noMoreStarting] = useStarting(screen, connected);
  const hint = useHint(connected);
  useTitle(connected ? title : t('{title} (not connected)', { title: title || t('Desktop') }));
  useResize(rfb, connected, settings.resize);
  useLiftedKeys(screen, typist);
  useArrival(connected, rfb, focus, bridge);
  const own = target.kind === 'ticket' ? null : link?.connection?.session?.id ?? null;
  const live = useSession(connected ? own : null);
  const plan = live.value?.display;
  const closed = connected && me && live.value && live.value.locked_ms !== null ? live.value : null;
  useEffect(() => {
    if (connected && !closed) focus();
  }, [closed === null]);
  const { files, moves } = useFiles(own);
  const ways = files && !closed ? plan?.files ?? null : null;
  const sound = useSound(rfb, own === null || plan?.sound === true);

  useEffect(() => {
    if (!rfb) return;
    rfb.scaleViewport = true; // until the guest has the window's size, or where it cannot
    rfb.clipViewport = true;
    rfb.background = 'transparent';
    watchSize();
  }, [rfb]);
  useEffect(() => {
    if (!rfb) return;
    const levels = pictureLevels(settings.picture, quality);
    rfb.qualityLevel = levels.quality;
    rfb.compressionLevel = levels.compression;
  }, [rfb, settings.picture, quality.level]);
  useEffect(() => {
    if (rfb) rfb.focusOnClick = settings.mode === 'keys' && !touchKeyboard;
  }, [rfb, settings.mode, touchKeyboard]);
  useEffect(() => setPanel(null), [connected]);
  const drop = (event: DragEvent) => {
    if (!files || !ways?.to_desktop || !event.dataTransfer?.types.includes('Files')) return;
    event.preventDefault();
    if (event.type !== 'drop') return;
    sendDropped(files, event.dataTransfer);
    setPanel('files');
  };

  const showKeyboard = () => {
    if (document.activeElement === field.current) {
      field.current?.blur();
      return;
    }
    setPanel(null);
    field.current?.focus();
  };
  const home = homeOf(target);
  const leave = () => go(home.path);
  const over = state.name === 'ended' || state.name === 'disconnected';
  useEffect(() => {
    if (over && me?.kiosk_pool) leave(); // to the next person
  }, [over]);

  return (
    <main class={`console ${connected && !closed ? '' : 'console-covered'}`} onDragOver={drop} onDrop={drop}>
      <div ref={screen} class="console-screen" role="application" aria-label={t('{title}. Ctrl+Alt+Shift opens the controls.', { title: title || t('Desktop') })}
        onPointerDown={() => {
          setPanel(null);
          if (settings.mode === 'characters') focus();
        }} />
      <textarea ref={field} class="console-field" aria-label={t('Text for the desktop')} autocapitalize="off" autocomplete="off"
        autocorrect="off" spellcheck={false} tabIndex={-1}
        onFocus={() => setTouchKeyboard(settings.mode === 'keys')} onBlur={() => setTouchKeyboard(false)} />
      {connected && !closed && (
        <Toolbar title={title} quality={quality} sound={sound} files={ways !== null && (ways.to_desktop || ways.from_desktop)} panel={panel} onPanel={setPanel} full={full} onFull={toggleFull}
          touchKeyboard={touchKeyboard} onTouchKeyboard={showKeyboard} onLeave={leave} show={called} onEscape={focus}
          more={sessionMenu(link, me, () => setPanel('keyboard'), leave)} home={home.text}>
          {panel === 'clipboard' && <ClipboardPanel bridge={bridge} typist={typist} onType={focus} onMissed={missed} />}
          {panel === 'files' && own && files && ways && <FilesPanel session={own} files={files} moves={moves} plan={ways} />}
          {panel === 'keys' && <KeysPanel typist={typist} locked={locked} />}
          {panel === 'keyboard' && <KeyboardPanel settings={settings} onChange={change} />}
          {panel === 'picture' && <PicturePanel quality={quality} size={size} most={plan?.bandwidth_kbit_s ?? null} settings={settings} onChange={change} />}
        </Toolbar>
      )}
      {connected && (starting || hint || own) && (
        <div class="console-lines">
          {own && <Messages session={own} />}
          {own && <Watched session={own} />}
          {starting && (
            <div class="console-line" role="status">
              <span class="wheel" aria-hidden="true" />{t('Your desktop is starting')}
              <Button look="small plain" onClick={() => { noMoreStarting(); focus(); }}>{t('Hide')}</Button>
            </div>
          )}
          {hint && <div class="console-line" role="status">{hintText()}</div>}
        </div>
      )}
      {closed && me && <LockedCard key={closed.id} session={closed} me={me} home={home.text} onOpen={live.reload} onLeave={leave} />}
      {state.name === 'locked' && me && <LockedCard key={state.session.id} session={state.session} me={me} home={home.text} onOpen={() => link?.reconnect()} onLeave={leave} />}
      {!connected && state.name !== 'locked' && (
        <div class="console-cover">
          <Overlay state={state} title={title || t('your desktop')} home={home.text} onReconnect={target.kind === 'ticket' ? null : () => link?.reconnect()} onTakeOver={() => link?.takeOver()} onLeave={leave} />
        </div>
      )}
    </main>
  );
}
