// Weekly windows of time, as plans and policies have them: what a form knows of them without a server.
import type { Schedule } from '../api.ts';
import { language, t } from '../language.ts';

export const days = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'];
export const mostWindows = 64;

/** Fields that these pages do not know stay in them, and are sent back as they came. */
export interface WindowDraft { days: string[]; from: string; to: string }
export interface ScheduleDraft { time_zone: string; windows: WindowDraft[]; holidays: string }

export const officeHours = (): WindowDraft => ({ days: days.slice(0, 5), from: '08:00', to: '18:00' });
export const emptySchedule = (zone: string): ScheduleDraft => ({ time_zone: zone, windows: [officeHours()], holidays: '' });

/** A field for a time of day has no 24:00; as an end the server reads 00:00 the same. */
export function scheduleDraft(schedule: Schedule): ScheduleDraft {
  return {
    ...schedule,
    time_zone: schedule.time_zone ?? 'UTC',
    windows: (schedule.windows ?? []).map((one) => ({ ...one, days: one.days ?? [...days], from: one.from ?? '00:00', to: (one.to ?? '24:00').replace('24:00', '00:00') })),
    holidays: (schedule.holidays ?? []).join(', '),
  };
}

const dates = (text: string) => text.split(/[\s,;]+/).filter(Boolean);

export function scheduleBody(draft: ScheduleDraft): Schedule {
  return {
    ...draft,
    time_zone: draft.time_zone.trim(),
    windows: draft.windows.map((one) => ({ ...one, days: days.filter((day) => one.days.includes(day)), to: one.to === '00:00' ? '24:00' : one.to })),
    holidays: dates(draft.holidays),
  };
}

/** Whether a window goes on into the day after the one on which it begins. */
export function overnight({ from, to }: WindowDraft): boolean {
  return from !== '' && to !== '' && to !== '00:00' && to <= from;
}

function zoneKnown(zone: string): boolean {
  try {
    new Intl.DateTimeFormat('en', { timeZone: zone });
    return /^[A-Za-z]/.test(zone);
  } catch {
    return false;
  }
}

function isDate(text: string): boolean {
  const time = /^\d{4}-\d{2}-\d{2}$/.test(text) ? Date.parse(`${text}T00:00:00Z`) : NaN;
  return !Number.isNaN(time) && new Date(time).toISOString().startsWith(text);
}

function windowWrong(one: WindowDraft): string | null {
  if (one.days.length === 0) return t('At least one day is needed.');
  return one.from === '' || one.to === '' ? t('Give a time for both.') : null;
}

export interface ScheduleWrong { time_zone: string | null; windows: (string | null)[]; holidays: string | null }

const firstMonday = Date.UTC(2024, 0, 1);
const daysOf = { weekday: 'short', timeZone: 'UTC' } as const;
export const dayText = (day: string) => new Intl.DateTimeFormat(language(), daysOf).format(firstMonday + days.indexOf(day) * 86_400_000);

/** "Mon, Tue 08:00–18:00; 20:00–22:00 (Europe/Berlin)" */
export function scheduleText({ windows = [], time_zone = 'UTC' }: Schedule): string {
  const each = windows.map(({ days: some, from = '00:00', to = '24:00' }) => (
    `${some && some.length < days.length ? `${some.map(dayText).join(', ')} ` : ''}${from}–${to}`));
  return `${each.join('; ') || t('never')} (${time_zone})`;
}

/** As one types. The server has the last word: it may know fewer time zones. */
export function scheduleWrong(draft: ScheduleDraft): ScheduleWrong {
  const bad = dates(draft.holidays).find((one) => !isDate(one));
  return {
    time_zone: zoneKnown(draft.time_zone.trim()) ? null : t('A time zone is needed, such as Europe/Berlin.'),
    windows: draft.windows.map(windowWrong),
    holidays: bad === undefined ? null : t('"{text}" is no date such as 2026-12-25.', { text: bad }),
  };
}

export function scheduleRight(draft: ScheduleDraft): boolean {
  const wrong = scheduleWrong(draft);
  return !wrong.time_zone && !wrong.holidays && wrong.windows.every((one) => one === null);
}
