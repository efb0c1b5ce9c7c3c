// Numbers and times as people read them.

const byteUnits = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'];

export function bytes(value: number): string {
  if (!Number.isFinite(value) || value < 0) return '–';
  let unit = 0;
  let rest = value;
  while (rest >= 1024 && unit < byteUnits.length - 1) {
    rest /= 1024;
    unit += 1;
  }
  const digits = unit === 0 || rest >= 100 ? 0 : 1;
  return `${rest.toFixed(digits).replace(/\.0$/, '')} ${byteUnits[unit]}`;
}

export function mebibytes(value: number): string {
  return bytes(value * 1024 * 1024);
}

export function count(value: number, one: string, many = `${one}s`): string {
  return `${value.toLocaleString('en')} ${value === 1 ? one : many}`;
}

export function duration(milliseconds: number): string {
  const seconds = Math.max(0, Math.round(milliseconds / 1000));
  if (seconds < 60) return `${seconds} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes} min`;
  const hours = Math.floor(minutes / 60);
  if (hours < 24) return hours < 6 && minutes % 60 !== 0 ? `${hours} h ${minutes % 60} min` : `${hours} h`;
  return count(Math.floor(hours / 24), 'day');
}

export function ago(then: number, now = Date.now()): string {
  const passed = now - then;
  if (passed < 0) return 'just now';
  if (passed < 45_000) return 'just now';
  return `${duration(passed)} ago`;
}

export function until(then: number, now = Date.now()): string {
  return then <= now ? 'over' : `in ${duration(then - now)}`;
}

export function clock(then: number): string {
  return new Date(then).toLocaleString(undefined, { dateStyle: 'medium', timeStyle: 'medium' });
}
