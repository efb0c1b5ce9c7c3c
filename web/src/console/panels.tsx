// What opens under the console's toolbar: clipboard, keys, keyboard, picture and connection.
import type { ComponentChildren } from 'preact';
import { useEffect, useId, useRef, useState } from 'preact/hooks';
import { bytes } from '../format.ts';
import { number, t } from '../language.ts';
import { Check, Choices, SelectField } from '../ui/field.tsx';
import { Button } from '../ui/parts.tsx';
import { toast } from '../ui/toast.tsx';
import { ClipboardBridge } from './clipboard.ts';
import { layouts } from './layouts.ts';
import { levelText, type Quality } from './quality.ts';
import type { KeyMode, PictureMode, Settings } from './settings.ts';
import type { Typist } from './typist.ts';

export function Panel({ title, children }: { title: string; children: ComponentChildren }) {
  const id = useId();
  return (
    <section class="console-panel" aria-labelledby={id}>
      <h2 id={id}>{title}</h2>
      {children}
    </section>
  );
}

interface ClipboardProps { bridge: ClipboardBridge; typist: Typist; onType: () => void; onMissed: (characters: string, nothingTyped?: boolean) => void }

export function ClipboardPanel({ bridge, typist, onType, onMissed }: ClipboardProps) {
  const [text, setText] = useState(bridge.text);
  const [auto, setAuto] = useState(bridge.auto);
  const field = useRef<HTMLTextAreaElement>(null);
  useEffect(() => {
    bridge.listener = () => {
      setText(bridge.text);
      setAuto(bridge.auto);
    };
    field.current?.focus();
    return () => {
      bridge.listener = () => {};
    };
  }, [bridge]);

  const here = async () => {
    try {
      await navigator.clipboard.writeText(text);
      toast(t('Copied to this computer.'));
    } catch {
      field.current?.select();
      toast(t('The browser did not allow it. The text is marked: copy it with Ctrl+C.'), 'bad');
    }
  };
  const there = () => {
    bridge.toDesktop(text);
    toast(t('Sent to the desktop’s clipboard. Paste there.'));
  };
  const type = () => {
    // half a text is worse than none: it may be a command, or a password
    const missing = typist.missing(text);
    if (missing) {
      onMissed(missing, true);
      return;
    }
    onType();
    void typist.paced(text);
  };
  const sync = async (on: boolean) => {
    if (!(await bridge.setAuto(on))) toast(t('The browser did not allow reading the clipboard.'), 'bad');
  };

  return (
    <Panel title={t('Clipboard')}>
      <label class="unseen" for="clipboard-text">{t('Text on the clipboard')}</label>
      <textarea id="clipboard-text" ref={field} class="input mono" rows={5} value={text} spellcheck={false}
        placeholder={t('Text copied on the desktop appears here. Write or paste something to send it there.')}
        onInput={(event) => setText(event.currentTarget.value)} />
      <div class="row tight">
        <Button look="small main" onClick={there} disabled={!text}>{t('Send to desktop')}</Button>
        <Button look="small" onClick={here} disabled={!text}>{t('Copy to this computer')}</Button>
        <Button look="small" onClick={type} disabled={!text}>{t('Type it')}</Button>
      </div>
      <p class="small faint">{t('“Type it” presses the keys one by one, for places that do not paste.')}</p>
      {ClipboardBridge.canRead() && (
        <Check label={t('Keep both clipboards the same')} help={t('Your browser asks once for permission.')} checked={auto} onValue={sync} />
      )}
    </Panel>
  );
}

export interface Combination { text: string; codes: string[]; means?: string }

export const combinations: Combination[] = [
  { text: 'Ctrl+Alt+Del', codes: ['ControlLeft', 'AltLeft', 'Delete'] },
  { text: 'Super', codes: ['MetaLeft'], means: t('Menu of the desktop') },
  { text: 'Alt+Tab', codes: ['AltLeft', 'Tab'], means: t('Next window') },
  { text: 'Alt+F4', codes: ['AltLeft', 'F4'], means: t('Close window') },
  { text: 'Ctrl+W', codes: ['ControlLeft', 'KeyW'], means: t('Close tab') },
  { text: 'Ctrl+T', codes: ['ControlLeft', 'KeyT'], means: t('New tab') },
  { text: 'Ctrl+N', codes: ['ControlLeft', 'KeyN'], means: t('New window') },
  { text: 'Ctrl+Tab', codes: ['ControlLeft', 'Tab'], means: t('Next tab') },
  { text: 'F11', codes: ['F11'], means: t('Full screen there') },
  { text: 'Esc', codes: ['Escape'] },
  { text: 'Print Screen', codes: ['PrintScreen'] },
  { text: 'Ctrl+Alt+T', codes: ['ControlLeft', 'AltLeft', 'KeyT'], means: t('Terminal') },
  { text: 'Ctrl+Alt+F1', codes: ['ControlLeft', 'AltLeft', 'F1'] },
  { text: 'Ctrl+Alt+F7', codes: ['ControlLeft', 'AltLeft', 'F7'] },
];

const sticky = [
  { text: 'Ctrl', code: 'ControlLeft', keysym: 0xffe3 },
  { text: 'Alt', code: 'AltLeft', keysym: 0xffe9 },
  { text: 'Shift', code: 'ShiftLeft', keysym: 0xffe1 },
  { text: 'Super', code: 'MetaLeft', keysym: 0xffeb },
];

export function KeysPanel({ typist, locked }: { typist: Typist; locked: boolean }) {
  const [, again] = useState(0);
  const grid = useRef<HTMLDivElement>(null);
  useEffect(() => grid.current?.querySelector('button')?.focus(), []);
  return (
    <Panel title={t('Send keys')}>
      <div ref={grid} class="key-grid">
        {combinations.map((one) => (
          <button key={one.text} type="button" class="key-cap" onClick={() => typist.combination(one.codes)}>
            <kbd>{one.text}</kbd>
            {one.means && <span>{one.means}</span>}
          </button>
        ))}
      </div>
      <h3>{t('Hold down')}</h3>
      <div class="row tight">
        {sticky.map((one) => (
          <button key={one.code} type="button" class="key-cap short" aria-pressed={typist.isDown(one.code)} onClick={() => {
            if (typist.isDown(one.code)) typist.release(one.code);
            else typist.press(one.code, one.keysym);
            again((n) => n + 1);
          }}><kbd>{one.text}</kbd></button>
        ))}
      </div>
      <p class="small faint">
        {locked ? t('In full screen this browser passes almost all keys to the desktop; hold Esc to leave.')
          : t('Your browser keeps some keys for itself. In full screen, Chrome and Edge pass them on.')}
      </p>
    </Panel>
  );
}

interface SettingsProps { settings: Settings; onChange: (change: Partial<Settings>) => void }

export function KeyboardPanel({ settings, onChange }: SettingsProps) {
  return (
    <Panel title={t('Keyboard')}>
      <Choices legend={t('Send to the desktop')} value={settings.mode} onValue={(value) => onChange({ mode: value as KeyMode })} options={[
        { value: 'keys', text: t('The keys I press'), help: t('Best when your keyboard and the desktop have the same layout.') },
        { value: 'characters', text: t('The characters I type'), help: t('When the layouts differ, or for input methods and dead keys.') },
      ]} />
      <SelectField label={t('Keyboard layout of the desktop')} value={settings.layout.id}
        onValue={(value) => onChange({ layout: layouts.find((one) => one.id === value) ?? layouts[0]! })}
        help={t('Used for characters, on-screen keyboards and “Type it”. It is set on the desktop itself.')}
        options={layouts.map((one) => ({ value: one.id, text: one.name }))} />
    </Panel>
  );
}

interface PictureProps extends SettingsProps { quality: Quality; size: string; most: number | null }

export function PicturePanel({ quality, size, most, settings, onChange }: PictureProps) {
  return (
    <Panel title={t('Picture and connection')}>
      <dl class="facts numbers">
        <div><dt>{t('Connection')}</dt><dd>{levelText[quality.level]}</dd></div>
        <div><dt>{t('Round trip')}</dt><dd>{quality.roundTrip === null ? '–' : `${Math.round(quality.roundTrip)} ms`}</dd></div>
        <div><dt>{t('Frames')}</dt><dd>{t('{count} a second', { count: number(quality.frames, quality.frames < 10 ? 1 : 0) })}</dd></div>
        <div><dt>{t('Data')}</dt><dd>{t('{count} a second', { count: bytes(quality.bytes) })}</dd></div>
        {most !== null && <div><dt>{t('Data at most')}</dt><dd>{t('{count} kbit/s, as the organisation set it', { count: number(most) })}</dd></div>}
        <div><dt>{t('Desktop size')}</dt><dd>{size}</dd></div>
      </dl>
      <SelectField label={t('Picture quality')} value={settings.picture} onValue={(value) => onChange({ picture: value as PictureMode })} options={[
        { value: 'auto', text: t('Automatic') },
        { value: 'sharp', text: t('Sharp: for text and drawings') },
        { value: 'balanced', text: t('Balanced') },
        { value: 'fast', text: t('Fast: for slow connections') },
      ]} />
      <Check label={t('Fit the desktop to this window')} help={t('Off: the desktop keeps its size and the picture is scaled.')}
        checked={settings.resize} onValue={(resize) => onChange({ resize })} />
    </Panel>
  );
}
