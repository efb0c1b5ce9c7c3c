// The small parts: button, badge, notice, empty state, progress, copy box, time.
import type { ButtonHTMLAttributes, ComponentChildren } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import { sentence } from '../api.ts';
import { ago, clock } from '../format.ts';
import { t } from '../language.ts';
import { useNow } from '../live.ts';
import { CopyIcon, DoneIcon, InfoIcon, RefreshIcon, WarnIcon } from './icons.tsx';
import { toast } from './toast.tsx';

interface ButtonProps extends Omit<ButtonHTMLAttributes<HTMLButtonElement>, 'onClick' | 'label'> {
  onClick?: (event: MouseEvent) => unknown;
  look?: string;
  label?: string;
  busy?: boolean;
  children?: ComponentChildren;
}

/** A button. If onClick returns a promise the button waits for it, and a failure becomes a toast. */
export function Button({ onClick, look = '', label, busy = false, children, disabled, ...rest }: ButtonProps) {
  const [working, setWorking] = useState(false);
  const waits = busy || working;
  const click = async (event: MouseEvent) => {
    if (waits || !onClick) return;
    const result = onClick(event);
    if (!(result instanceof Promise)) return;
    setWorking(true);
    try {
      await result;
    } catch (problem) {
      toast(sentence(problem), 'bad');
    }
    setWorking(false);
  };
  return (
    <button type="button" {...rest} class={`button ${look}`} aria-label={label} title={label}
      aria-busy={waits} disabled={disabled || waits} onClick={click}>
      {waits && <span class="wheel" aria-hidden="true" />}
      {!(waits && look.includes('icon')) && children}
    </button>
  );
}

export type Mood = 'good' | 'warn' | 'bad' | 'busy' | '';

export function Badge({ mood = '', plain = false, children }: { mood?: Mood; plain?: boolean; children: ComponentChildren }) {
  return <span class={`badge ${mood} ${plain ? 'plain' : ''}`}>{children}</span>;
}

interface NoticeProps {
  mood?: Mood;
  /** the answer to a button far below: comes into the picture and takes the focus */
  seek?: boolean;
  children: ComponentChildren;
}

export function Notice({ mood = '', seek = false, children }: NoticeProps) {
  const box = useRef<HTMLDivElement>(null);
  useEffect(() => {
    if (!seek) return;
    box.current?.scrollIntoView({ block: 'center' });
    box.current?.focus({ preventScroll: true });
  }, []);
  return (
    <div ref={box} class={`notice ${mood}`} tabIndex={seek ? -1 : undefined} role={mood === 'bad' ? 'alert' : 'status'}>
      {mood === 'good' ? <DoneIcon /> : mood === 'bad' || mood === 'warn' ? <WarnIcon /> : <InfoIcon />}
      <div class="grow">{children}</div>
    </div>
  );
}

export function Failure({ error, again }: { error: unknown; again?: () => void }) {
  return (
    <Notice mood="bad">
      <div class="row apart">
        <span>{sentence(error)}</span>
        {again && <Button look="small" onClick={again}><RefreshIcon size={15} />{t('Try again')}</Button>}
      </div>
    </Notice>
  );
}

export function Empty({ icon, title, children }: { icon?: ComponentChildren; title: string; children?: ComponentChildren }) {
  return (
    <div class="empty">
      {icon}
      <h2>{title}</h2>
      {children}
    </div>
  );
}

export function Bones({ rows = 4, height = '1.25rem' }: { rows?: number; height?: string }) {
  return (
    <div class="stack" role="status" aria-label={t('Loading')}>
      {Array.from({ length: rows }, (_, row) => (
        <div key={row} class="bone" style={{ height, width: `${100 - (row % 3) * 14}%` }} />
      ))}
    </div>
  );
}

interface BarProps { value: number | null; label: string; mood?: 'warn' | 'bad' | '' }

/** value: 0 to 100, or null when nobody knows. */
export function Bar({ value, label, mood = '' }: BarProps) {
  const known = value !== null;
  return (
    <div class={`bar ${mood} ${known ? '' : 'unknown'}`} role="progressbar" aria-label={label}
      aria-valuemin={0} aria-valuemax={100} aria-valuenow={known ? Math.round(value) : undefined}>
      <i style={known ? { width: `${Math.max(0, Math.min(100, value))}%` } : {}} />
    </div>
  );
}

export function Ago({ time }: { time: number | null }) {
  const now = useNow(20);
  if (time === null) return <span class="faint">{t('never')}</span>;
  return <time dateTime={new Date(time).toISOString()} title={clock(time)}>{ago(time, now)}</time>;
}

export async function copyText(text: string): Promise<void> {
  await navigator.clipboard.writeText(text);
}

export function CopyBox({ text, label }: { text: string; label: string }) {
  const copy = async () => {
    try {
      await copyText(text);
      toast(t('Copied.'));
    } catch {
      toast(t('The browser did not allow copying; mark the text and copy it by hand.'), 'bad');
    }
  };
  return (
    <div class="copybox">
      <input class="input" readOnly value={text} aria-label={label} onFocus={(event) => event.currentTarget.select()} />
      <Button look="icon" label={t('Copy: {what}', { what: label })} onClick={copy}><CopyIcon /></Button>
    </div>
  );
}
