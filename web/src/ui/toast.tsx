// Short messages in the corner; errors stay until they are closed or 12 s have passed.
import { useEffect, useState } from 'preact/hooks';
import { t } from '../language.ts';
import { CloseIcon } from './icons.tsx';

interface Toast { id: number; text: string; mood: 'good' | 'bad' }

let serial = 0;
let toasts: Toast[] = [];
let show: (toasts: Toast[]) => void = () => {};

function drop(id: number): void {
  toasts = toasts.filter((one) => one.id !== id);
  show(toasts);
}

export function toast(text: string, mood: 'good' | 'bad' = 'good'): void {
  const id = ++serial;
  toasts = [...toasts.filter((one) => one.text !== text), { id, text, mood }].slice(-4);
  show(toasts);
  setTimeout(() => drop(id), mood === 'bad' ? 12_000 : 4_500);
}

export function Toasts() {
  const [shown, setShown] = useState<Toast[]>([]);
  useEffect(() => {
    show = setShown;
    setShown(toasts);
    return () => {
      show = () => {};
    };
  }, []);
  return (
    <div class="toasts" role="status" aria-live="polite">
      {shown.map((one) => (
        <div key={one.id} class={`toast ${one.mood}`}>
          <span class="grow">{one.text}</span>
          <button type="button" class="button plain icon small" aria-label={t('Close this message')} onClick={() => drop(one.id)}>
            <CloseIcon size={14} />
          </button>
        </div>
      ))}
    </div>
  );
}
