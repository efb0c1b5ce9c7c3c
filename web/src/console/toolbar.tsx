// The console's toolbar: hides when it is not needed, comes by pointer, touch, or Ctrl+Alt+Shift.
import type { ComponentChildren, TargetedKeyboardEvent } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import { t } from '../language.ts';
import {
  BackIcon, ClipboardIcon, FilesIcon, FullIcon, KeyboardIcon, KeycapIcon, LetterIcon, MoreIcon, MutedIcon, OutIcon, SignalIcon, SmallerIcon, SoundIcon,
} from '../ui/icons.tsx';
import { Menu, type MenuItem } from '../ui/menu.tsx';
import { levelText, type Quality } from './quality.ts';
import type { Sound } from './sound.ts';

export type PanelName = 'clipboard' | 'files' | 'keys' | 'keyboard' | 'picture';

interface ToolProps {
  label: string;
  children: ComponentChildren;
  onClick: () => void;
  pressed?: boolean;
  expanded?: boolean;
  look?: string;
}

function Tool({ label, children, onClick, pressed, expanded, look = '' }: ToolProps) {
  return (
    <button type="button" class={`tool ${look}`} aria-label={label} title={label} aria-pressed={pressed}
      aria-expanded={expanded} onClick={onClick}>{children}</button>
  );
}

interface ToolbarProps {
  title: string;
  quality: Quality;
  sound: Sound;
  files: boolean; // may be moved one way at least
  panel: PanelName | null;
  onPanel: (panel: PanelName | null) => void;
  full: boolean;
  onFull: () => void;
  touchKeyboard: boolean;
  onTouchKeyboard: () => void;
  onLeave: () => void;
  home: string; // where leaving leads
  more: MenuItem[];
  show: number; // counts up when the toolbar is called by key
  onEscape: () => void;
  children: ComponentChildren;
}

const lingers = 2600;

export function Toolbar(props: ToolbarProps) {
  const { title, quality, panel, onPanel, full, onFull, show } = props;
  const [open, setOpen] = useState(true);
  const bar = useRef<HTMLDivElement>(null);
  const timer = useRef(0);
  const pinned = panel !== null;

  const hideSoon = () => {
    clearTimeout(timer.current);
    timer.current = window.setTimeout(() => {
      if (!bar.current?.matches(':hover, :focus-within')) setOpen(false);
    }, lingers);
  };
  useEffect(() => {
    if (pinned) setOpen(true);
    else hideSoon();
    return () => clearTimeout(timer.current);
  }, [pinned]);
  const focused = useRef(0);
  useEffect(() => {
    if (show === focused.current) return;
    if (!open) {
      setOpen(true); // hidden things take no focus: once more when it is there
      return;
    }
    focused.current = show;
    bar.current?.querySelector<HTMLElement>('.tool')?.focus();
  }, [show, open]);

  const toggle = (name: PanelName) => onPanel(panel === name ? null : name);
  const keys = (event: TargetedKeyboardEvent<HTMLDivElement>) => {
    if (event.key === 'Escape') {
      event.preventDefault();
      if (panel) onPanel(null);
      setOpen(false);
      props.onEscape();
      return;
    }
    if (event.key !== 'ArrowLeft' && event.key !== 'ArrowRight') return;
    const tools = [...(bar.current?.querySelectorAll<HTMLElement>('.tools .tool, .tools .menu > button') ?? [])];
    const at = tools.indexOf(document.activeElement as HTMLElement);
    if (at < 0) return;
    event.preventDefault();
    tools.at((at + (event.key === 'ArrowRight' ? 1 : -1)) % tools.length)?.focus();
  };

  const shown = open || pinned;
  return (
    <div ref={bar} class={`toolbar ${shown ? 'open' : ''}`} onKeyDown={keys} onPointerEnter={() => setOpen(true)}
      onPointerLeave={hideSoon} onFocusIn={() => setOpen(true)} onFocusOut={hideSoon}>
      <div class="tools" role="toolbar" aria-label={t('Controls of {title}', { title: title || t('the desktop') })}>
        <Tool label={props.home} onClick={props.onLeave}><BackIcon /></Tool>
        {title && <span class="tools-title one-line">{title}</span>}
        <Tool label={`${levelText[quality.level]}. ${t('Picture and connection')}`} expanded={panel === 'picture'}
          look={`signal ${quality.level}`} onClick={() => toggle('picture')}><SignalIcon /></Tool>
        {props.sound.offered && (
          <Tool label={t('Sound of the desktop')} pressed={props.sound.on} onClick={props.sound.toggle}>{props.sound.on ? <SoundIcon /> : <MutedIcon />}</Tool>
        )}
        <Tool label={t('Clipboard')} expanded={panel === 'clipboard'} onClick={() => toggle('clipboard')}><ClipboardIcon /></Tool>
        {props.files && <Tool label={t('Files')} expanded={panel === 'files'} onClick={() => toggle('files')}><FilesIcon /></Tool>}
        <Tool label={t('Send keys')} expanded={panel === 'keys'} onClick={() => toggle('keys')}><KeycapIcon /></Tool>
        <Tool label={t('On-screen keyboard')} look="touch-only" pressed={props.touchKeyboard} onClick={props.onTouchKeyboard}>
          <KeyboardIcon />
        </Tool>
        <Tool label={t('Keyboard layout')} look="not-phone" expanded={panel === 'keyboard'} onClick={() => toggle('keyboard')}>
          <LetterIcon />
        </Tool>
        {document.fullscreenEnabled && (
          <Tool label={full ? t('Leave full screen') : t('Full screen')} pressed={full} onClick={onFull}>
            {full ? <SmallerIcon /> : <FullIcon />}
          </Tool>
        )}
        <Menu label={t('Session')} look="tool" items={props.more}>{props.more.length > 1 ? <MoreIcon /> : <OutIcon />}</Menu>
      </div>
      {shown && props.children}
      <button type="button" class="toolbar-handle" aria-label={t('Show the controls (Ctrl+Alt+Shift)')} tabIndex={shown ? -1 : 0}
        onClick={() => { setOpen(true); hideSoon(); }}><span /></button>
    </div>
  );
}
