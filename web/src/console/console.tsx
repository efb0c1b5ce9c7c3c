// The console: one desktop in the whole window.
import { useCallback, useEffect, useMemo, useRef, useState } from 'preact/hooks';
import type RFB from '@novnc/novnc';
import { api, type Me } from '../api.ts';
import { go, useTitle } from '../route.ts';
import { readSetting, writeSetting } from '../theme.ts';
import { ask } from '../ui/dialog.tsx';
import type { MenuItem } from '../ui/menu.tsx';
import { toast } from '../ui/toast.tsx';
import { ClipboardBridge } from './clipboard.ts';
import type { Dial, Target } from './dial.ts';
import { layouts } from './layouts.ts';
import { Link, type LinkState } from './link.ts';
import { Overlay } from './overlay.tsx';
import { ClipboardPanel, KeyboardPanel, KeysPanel, PicturePanel, type KeyMode, type PictureMode } from './panels.tsx';
import { levelOf, useQuality, type Quality } from './quality.ts';
import { useFullScreen, useLiftedKeys, useResize, useScreenSize, useToolbarKey } from './screen.ts';
import { TextInput } from './textinput.ts';
import { Toolbar, type PanelName } from './toolbar.tsx';
import { Typist } from './typist.ts';

interface Props { target: Target; me: Me | null; first: Dial }

const pictures: Record<Exclude<PictureMode, 'auto'>, { quality: number; compression: number }> = {
  sharp: { quality: 9, compression: 2 },
  balanced: { quality: 6, compression: 2 },
  fast: { quality: 2, compression: 6 },
};

function pictureFor(mode: PictureMode, quality: Quality): { quality: number; compression: number } {
  if (mode !== 'auto') return pictures[mode];
  return levelOf(quality.roundTrip, 0) === 'poor' ? pictures.fast : pictures.balanced;
}

function initialLayout(): string {
  const kept = readSetting('oriel.layout');
  return layouts.some((one) => one.id === kept) ? kept! : 'us';
}

/** The link of this page: made once, ended with it. */
function useLink(target: Target, first: Dial, screen: { current: HTMLDivElement | null }) {
  const [link, setLink] = useState<Link | null>(null);
  const [state, setState] = useState<LinkState>({ name: 'dialing' });
  const [rfb, setRfb] = useState<RFB | null>(null);
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

export function Console({ target, me, first }: Props) {
  const screen = useRef<HTMLDivElement>(null);
  const field = useRef<HTMLTextAreaElement>(null);
  const { link, state, rfb } = useLink(target, first, screen);
  const rfbNow = useRef<RFB | null>(null);
  rfbNow.current = rfb;

  const [panel, setPanel] = useState<PanelName | null>(null);
  const [mode, setMode] = useState<KeyMode>(readSetting('oriel.keys') === 'characters' ? 'characters' : 'keys');
  const [layout, setLayout] = useState(initialLayout);
  const [picture, setPicture] = useState<PictureMode>((readSetting('oriel.picture') as PictureMode | null) ?? 'auto');
  const [resize, setResize] = useState(readSetting('oriel.resize') !== 'off');
  const [touchKeyboard, setTouchKeyboard] = useState(false);
  const modeNow = useRef(mode);
  modeNow.current = mode;

  const title = link?.connection?.desktop.name ?? target.name;
  const connected = state.name === 'connected';
  useTitle(connected ? title : `${title} (not connected)`);
  const quality = useQuality(link, connected);
  const { full, locked, toggleFull } = useFullScreen();
  const [size, watchSize] = useScreenSize(screen);
  const toolbarCalled = useToolbarKey(() => rfbNow.current !== null);

  const typist = useMemo(() => new Typist((keysym, code, down) => rfbNow.current?.sendKey(keysym, code, down),
    layouts.find((one) => one.id === layout) ?? layouts[0]!), []);
  const bridge = useMemo(() => new ClipboardBridge((text) => rfbNow.current?.clipboardPasteFrom(text)), []);
  const missed = useCallback((characters: string) => {
    toast(`“${[...new Set(characters)].slice(0, 12).join('')}” is not on the desktop’s keyboard. Use the clipboard for it.`, 'bad');
  }, []);

  const focusDesktop = useCallback(() => {
    if (modeNow.current === 'characters') field.current?.focus({ preventScroll: true });
    else rfbNow.current?.focus({ preventScroll: true });
  }, []);

  useEffect(() => {
    if (!rfb) return;
    rfb.scaleViewport = true;
    rfb.clipViewport = true;
    rfb.showDotCursor = false;
    rfb.background = 'transparent';
    rfb.addEventListener('clipboard', (event) => bridge.fromDesktop((event as CustomEvent<{ text: string }>).detail.text));
    watchSize();
  }, [rfb]);

  useEffect(() => {
    if (!rfb) return;
    const chosen = pictureFor(picture, quality);
    rfb.qualityLevel = chosen.quality;
    rfb.compressionLevel = chosen.compression;
  }, [rfb, picture, quality.level]);

  useResize(rfb, connected, resize);
  useLiftedKeys(screen, typist);

  useEffect(() => {
    if (!connected) return;
    setPanel(null);
    focusDesktop();
    void bridge.pull();
    const pull = () => void bridge.pull();
    window.addEventListener('focus', pull);
    return () => window.removeEventListener('focus', pull);
  }, [connected, rfb]);

  useEffect(() => {
    typist.layout = layouts.find((one) => one.id === layout) ?? layouts[0]!;
  }, [layout]);

  useEffect(() => {
    if (rfb) rfb.focusOnClick = mode === 'keys' && !touchKeyboard;
  }, [rfb, mode, touchKeyboard]);

  useEffect(() => {
    if (!field.current) return;
    const input = new TextInput(field.current, typist, { live: () => modeNow.current === 'keys', onMissed: missed });
    return () => input.close();
  }, []);

  const leave = () => go('/');
  const session = link?.connection?.session ?? null;
  const logOff = () => ask({
    title: 'Log off?',
    text: 'Your programs on this desktop are closed. What is not saved is lost.',
    action: 'Log off',
    danger: true,
    run: async () => {
      if (session) await api.logOffSession(session.id);
      leave();
    },
  });
  const more: MenuItem[] = [
    { text: 'Keyboard layout', run: () => setPanel('keyboard') },
    { text: session ? 'Disconnect: programs go on' : 'Close the console', run: leave, line: true },
    ...(session && me ? [{ text: 'Log off…', danger: true, run: logOff }] : []),
  ];

  const showKeyboard = () => {
    if (document.activeElement === field.current) {
      field.current?.blur();
    } else {
      setPanel(null);
      field.current?.focus();
    }
  };
  const keep = (name: string, value: string | null) => writeSetting(`oriel.${name}`, value);

  return (
    <main class={`console ${connected ? '' : 'console-covered'}`}>
      <div ref={screen} class="console-screen" role="application" aria-label={`${title}. Ctrl+Alt+Shift opens the controls.`}
        onPointerDown={() => {
          setPanel(null);
          if (mode === 'characters') focusDesktop();
        }} />
      <textarea ref={field} class="console-field" aria-label="Text for the desktop" autocapitalize="off" autocomplete="off"
        autocorrect="off" spellcheck={false} tabIndex={-1}
        onFocus={() => setTouchKeyboard(modeNow.current === 'keys')} onBlur={() => setTouchKeyboard(false)} />
      {connected && (
        <Toolbar title={title} quality={quality} panel={panel} onPanel={setPanel} full={full} onFull={toggleFull}
          touchKeyboard={touchKeyboard} onTouchKeyboard={showKeyboard} onLeave={leave} more={more} show={toolbarCalled} onEscape={focusDesktop}>
          {panel === 'clipboard' && <ClipboardPanel bridge={bridge} typist={typist} onType={focusDesktop} onMissed={missed} />}
          {panel === 'keys' && <KeysPanel typist={typist} locked={locked} />}
          {panel === 'keyboard' && (
            <KeyboardPanel mode={mode} layout={layout}
              onMode={(next) => { setMode(next); keep('keys', next === 'keys' ? null : next); }}
              onLayout={(next) => { setLayout(next); keep('layout', next); }} />
          )}
          {panel === 'picture' && (
            <PicturePanel quality={quality} size={size} picture={picture} resize={resize}
              onPicture={(next) => { setPicture(next); keep('picture', next === 'auto' ? null : next); }}
              onResize={(next) => { setResize(next); keep('resize', next ? null : 'off'); }} />
          )}
        </Toolbar>
      )}
      {!connected && (
        <div class="console-cover">
          <Overlay state={state} title={title} onReconnect={() => link?.reconnect()} onTakeOver={() => link?.takeOver()}
            onLeave={leave} />
        </div>
      )}
    </main>
  );
}
