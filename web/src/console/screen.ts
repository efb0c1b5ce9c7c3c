// Hooks of the console around the picture: size, full screen, keys that must not stay down, the toolbar's key.
import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks';
import type RFB from '@novnc/novnc';
import type { Typist } from './typist.ts';

const quiet = 250; // ms without a change before the guest is asked to change its mode

/** The guest follows the window, once it has stopped changing: a mode switch is heavy for a guest. */
export function useResize(rfb: RFB | null, connected: boolean, on: boolean): void {
  // in the same breath as the page changes: noVNC looks at the size before the next frame
  useLayoutEffect(() => {
    if (!rfb || !connected) return;
    rfb.resizeSession = on;
    if (!on) return;
    let timer = 0;
    const changed = () => {
      rfb.resizeSession = false; // noVNC would ask at every step
      clearTimeout(timer);
      timer = window.setTimeout(() => {
        rfb.resizeSession = true;
      }, quiet);
    };
    window.addEventListener('resize', changed);
    return () => {
      clearTimeout(timer);
      window.removeEventListener('resize', changed);
      rfb.resizeSession = false; // the picture that leaves the page is 0 × 0: asked for that, a guest turns its screen off
    };
  }, [rfb, connected, on]);
}

/** The desktop's own size as text, read from the picture when it changes. */
export function useScreenSize(screen: { current: HTMLElement | null }): [string, () => void] {
  const [size, setSize] = useState('–');
  const observer = useRef<MutationObserver | null>(null);
  const watch = () => {
    observer.current?.disconnect();
    const canvas = screen.current?.querySelector('canvas');
    if (!canvas) return;
    const read = () => setSize(canvas.width > 0 ? `${canvas.width} × ${canvas.height}` : '–');
    observer.current = new MutationObserver(read);
    observer.current.observe(canvas, { attributes: true, attributeFilter: ['width', 'height'] });
    read();
  };
  useEffect(() => () => observer.current?.disconnect(), []);
  return [size, watch];
}

interface KeyboardLock { lock?: (keys?: string[]) => Promise<void>; unlock?: () => void }

export function useFullScreen(): { full: boolean; locked: boolean; toggleFull: () => void } {
  const [full, setFull] = useState(document.fullscreenElement !== null);
  const keyboard = (navigator as Navigator & { keyboard?: KeyboardLock }).keyboard;
  const canLock = typeof keyboard?.lock === 'function';
  useEffect(() => {
    const changed = () => {
      const now = document.fullscreenElement !== null;
      setFull(now);
      if (now) keyboard?.lock?.().catch(() => {});
      else keyboard?.unlock?.();
    };
    document.addEventListener('fullscreenchange', changed);
    return () => {
      document.removeEventListener('fullscreenchange', changed);
      keyboard?.unlock?.();
      if (document.fullscreenElement) void document.exitFullscreen().catch(() => {});
    };
  }, []);
  const toggleFull = () => {
    if (document.fullscreenElement) void document.exitFullscreen();
    else void document.documentElement.requestFullscreen({ navigationUI: 'hide' }).catch(() => {});
  };
  return { full, locked: full && canLock, toggleFull };
}

/** No key may stay down on the desktop when the person turns to something else. */
export function useLiftedKeys(screen: { current: HTMLElement | null }, typist: Typist): void {
  useEffect(() => {
    const lift = () => {
      typist.releaseAll();
      // noVNC lifts its keys when the window loses the focus; tell it so for every other way of losing it
      window.dispatchEvent(new Event('blur'));
    };
    const hidden = () => {
      if (document.hidden) lift();
    };
    const element = screen.current;
    const out = (event: FocusEvent) => {
      if (event.relatedTarget instanceof Node && element?.contains(event.relatedTarget)) return;
      lift();
    };
    element?.addEventListener('focusout', out);
    document.addEventListener('visibilitychange', hidden);
    return () => {
      element?.removeEventListener('focusout', out);
      document.removeEventListener('visibilitychange', hidden);
    };
  }, []);
}

/** Ctrl+Alt+Shift, pressed and let go without another key: the way to the toolbar for those who use keys only. */
export function useToolbarKey(active: boolean): number {
  const [called, setCalled] = useState(0);
  const now = useRef(active);
  now.current = active;
  useEffect(() => {
    let armed = false;
    const down = (event: KeyboardEvent) => {
      const modifier = ['Control', 'Alt', 'Shift', 'Meta'].includes(event.key);
      armed = modifier && event.ctrlKey && event.altKey && event.shiftKey;
    };
    const up = () => {
      if (armed && now.current) setCalled((n) => n + 1);
      armed = false;
    };
    // in the capture phase: noVNC stops the events that it uses
    window.addEventListener('keydown', down, true);
    window.addEventListener('keyup', up, true);
    return () => {
      window.removeEventListener('keydown', down, true);
      window.removeEventListener('keyup', up, true);
    };
  }, []);
  return called;
}
