// What the form of a plan knows without a server: its values, what is wrong with them, and the settings that they make.
import type { Plan, PlanBody, PlanKind, Schedule } from '../api.ts';
import { t } from '../language.ts';
import { nameWrong, whole } from './pool-values.ts';
import { scheduleBody, scheduleDraft, scheduleRight, type ScheduleDraft } from './schedule-values.ts';

export const moments = ['on_disconnect', 'on_log_off', 'on_idle'] as const;
export const spans = ['log_off_after_minutes', 'lock_after_idle_minutes', 'disconnect_after_idle_minutes', 'log_off_after_idle_minutes', 'release_after_minutes'] as const;
export const clientKinds = ['browser', 'vv', 'rdp'];

const mostMinutes = 366 * 24 * 60;
const mostDesktops = 2000;
const leastScreen = 320;
const mostScreen = 16384;
const leastBandwidth = 64;
const mostBandwidth = 65000;

export interface RuleDraft { action: string; after_minutes: string }
type Moments = Record<(typeof moments)[number], RuleDraft>;
type Spans = Record<(typeof spans)[number], string>;

/** The fields of all kinds, so that trying another kind loses nothing. Numbers stay text while they are typed; empty: none. */
export interface PlanDraft extends Moments, Spans {
  name: string; description: string; kind: PlanKind;
  peak: ScheduleDraft | null; peak_spares: string; off_peak_spares: string;
  at_log_off: string; at_release: string;
  clipboard: string; files: string; limited: boolean; width: string; height: string; follow_window: boolean; view_only: boolean; sound: boolean; drives: boolean; usb: boolean; printers: boolean; bandwidth_kbit_s: string; clients: string[];
}

type Settings = Record<string, unknown>;

const text = (value: unknown) => (value === undefined || value === null ? '' : String(value));
const word = (value: unknown, otherwise: string) => (typeof value === 'string' ? value : otherwise);
const object = (value: unknown) => (value ?? {}) as Settings;

/** Minutes are what most people want once they choose an action. */
function ruleDraft(settings: Settings, key: string, usual: string): RuleDraft {
  const rule = object(settings[key]);
  const action = word(rule.action, 'none');
  return { action, after_minutes: action === 'none' && !rule.after_minutes ? usual : text(rule.after_minutes ?? 0) };
}

export function planDraft({ name, description, kind, settings }: Pick<Plan, 'name' | 'description' | 'kind' | 'settings'>): PlanDraft {
  const largest = settings.largest ? object(settings.largest) : null;
  return {
    name, description, kind,
    on_disconnect: ruleDraft(settings, 'on_disconnect', '10'), on_log_off: ruleDraft(settings, 'on_log_off', '60'), on_idle: ruleDraft(settings, 'on_idle', '30'),
    peak: settings.peak ? scheduleDraft(settings.peak as Schedule) : null,
    peak_spares: text(settings.peak_spares), off_peak_spares: text(settings.off_peak_spares),
    ...(Object.fromEntries(spans.map((one) => [one, text(settings[one])])) as Spans),
    at_log_off: word(settings.at_log_off, 'as-pool'), at_release: word(settings.at_release, 'as-pool'),
    clipboard: word(settings.clipboard, 'both'), files: word(settings.files, 'both'),
    limited: largest !== null, width: text(largest?.width ?? 1920), height: text(largest?.height ?? 1080),
    follow_window: settings.follow_window !== false, view_only: settings.view_only === true,
    sound: settings.sound !== false, drives: settings.drives !== false, usb: settings.usb !== false, printers: settings.printers !== false, bandwidth_kbit_s: text(settings.bandwidth_kbit_s),
    clients: (settings.clients as string[] | undefined) ?? [...clientKinds],
  };
}

/** What a chooser of plans offers; what is chosen is in it also before the list is there. */
export function planOptions(plans: Plan[], kind: PlanKind, chosen: string, none: string): { value: string; text: string }[] {
  const names = plans.filter((one) => one.kind === kind).map((one) => one.name);
  if (chosen !== '' && !names.includes(chosen)) names.push(chosen);
  return [{ value: '', text: none }, ...names.map((one) => ({ value: one, text: one }))];
}

export const emptyPlan = (): PlanDraft => planDraft({ name: '', description: '', kind: 'power', settings: {} });

export type PlanWrong = Partial<Record<keyof PlanDraft, string>>;
type Note = (field: keyof PlanDraft, wrong: string | null) => void;
const optional = (value: string, least: number, most: number) => (value.trim() === '' ? null : whole(value, least, most));

const checks: Record<PlanKind, (draft: PlanDraft, note: Note) => void> = {
  power(draft, note) {
    for (const one of moments) if (draft[one].action !== 'none') note(one, whole(draft[one].after_minutes, 0, mostMinutes));
    note('peak_spares', optional(draft.peak_spares, 0, mostDesktops));
    if (draft.peak === null) return;
    note('off_peak_spares', optional(draft.off_peak_spares, 0, mostDesktops));
    if (!scheduleRight(draft.peak)) note('peak', t('Something in the peak times is wrong.'));
  },
  release(draft, note) {
    for (const one of spans) note(one, optional(draft[one], 1, mostMinutes));
  },
  display(draft, note) {
    if (draft.limited) note('width', whole(draft.width, leastScreen, mostScreen));
    if (draft.limited) note('height', whole(draft.height, leastScreen, mostScreen));
    note('bandwidth_kbit_s', optional(draft.bandwidth_kbit_s, leastBandwidth, mostBandwidth));
    if (draft.clients.length === 0) note('clients', t('At least one way is needed.'));
  },
};

export function planWrong(draft: PlanDraft): PlanWrong {
  const wrong: PlanWrong = {};
  const note: Note = (field, said) => {
    if (said !== null) wrong[field] = said;
  };
  note('name', nameWrong(draft.name));
  if (draft.description.length > 200) note('description', t('At most 200 characters.'));
  checks[draft.kind](draft, note);
  return wrong;
}

/** undefined: the setting is left out, which is what it means by itself. */
const numberOf = (value: string) => (value.trim() === '' ? undefined : Number(value));

const makers: Record<PlanKind, (draft: PlanDraft, before: Settings) => Settings> = {
  power: (draft, before) => ({
    ...Object.fromEntries(moments.map((one) => {
      const { action, after_minutes } = draft[one];
      if (action === 'none') return [one, undefined];
      return [one, { ...object(before[one]), action, after_minutes: Number(after_minutes) }];
    })),
    peak: draft.peak === null ? undefined : scheduleBody(draft.peak),
    peak_spares: numberOf(draft.peak_spares),
    off_peak_spares: draft.peak === null ? undefined : numberOf(draft.off_peak_spares),
  }),
  release: (draft) => ({
    ...Object.fromEntries(spans.map((one) => [one, numberOf(draft[one])])),
    at_log_off: draft.at_log_off === 'as-pool' ? undefined : draft.at_log_off,
    at_release: draft.at_release === 'as-pool' ? undefined : draft.at_release,
  }),
  display: (draft, before) => ({
    clipboard: draft.clipboard === 'both' ? undefined : draft.clipboard,
    files: draft.files === 'both' ? undefined : draft.files,
    largest: draft.limited ? { ...object(before.largest), width: Number(draft.width), height: Number(draft.height) } : undefined,
    follow_window: draft.follow_window ? undefined : false,
    view_only: draft.view_only ? true : undefined,
    sound: draft.sound ? undefined : false,
    drives: draft.drives ? undefined : false,
    usb: draft.usb ? undefined : false,
    printers: draft.printers ? undefined : false,
    bandwidth_kbit_s: numberOf(draft.bandwidth_kbit_s),
    clients: draft.clients.length === clientKinds.length ? undefined : draft.clients,
  }),
};

/** `before`: the settings as the server has them. What this page does not know of them stays. */
export function planBody(draft: PlanDraft, before: Settings = {}): PlanBody {
  const all = { ...before, ...makers[draft.kind](draft, before) };
  const settings = Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined));
  return { name: draft.name, description: draft.description.trim(), settings };
}
