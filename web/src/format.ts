// Numbers and times as people read them.
import { locale, number, t } from './language.ts';

const byteUnits = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'];

export function bytes(value: number): string {
  if (!Number.isFinite(value) || value < 0) return '–';
  let unit = 0;
  let rest = value;
  while (rest >= 1024 && unit < byteUnits.length - 1) {
    rest /= 1024;
    unit += 1;
  }
  const text = unit === 0 ? String(rest) : number(rest, rest >= 100 ? 0 : 1);
  return `${text} ${byteUnits[unit]}`;
}

export function mebibytes(value: number): string {
  return bytes(value * 1024 * 1024);
}

const day = 24 * 3_600_000;

export function duration(milliseconds: number): string {
  const seconds = Math.max(0, Math.round(milliseconds / 1000));
  if (seconds < 60) return t('{count} s', { count: seconds });
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return t('{count} min', { count: minutes });
  const hours = Math.floor(minutes / 60);
  if (hours >= 24) return t('{count} day | {count} days', { count: Math.floor(hours / 24) });
  return hours < 6 && minutes % 60 !== 0 ? t('{hours} h {minutes} min', { hours, minutes: minutes % 60 }) : t('{count} h', { count: hours });
}

// days have messages of their own: "3 Tage" becomes "vor 3 Tagen"
export function ago(then: number, now = Date.now()): string {
  const passed = now - then;
  if (passed < 45_000) return t('just now');
  if (passed >= day) return t('{count} day ago | {count} days ago', { count: Math.floor(passed / day) });
  return t('{time} ago', { time: duration(passed) });
}

export function until(then: number, now = Date.now()): string {
  const left = then - now;
  if (left <= 0) return t('over');
  if (left >= day) return t('in {count} day | in {count} days', { count: Math.floor(left / day) });
  return t('in {time}', { time: duration(left) });
}

export function clock(then: number): string {
  return new Date(then).toLocaleString(locale(), { dateStyle: 'medium', timeStyle: 'medium' });
}
