// What the pool form knows without a server: its values, what is wrong with them, and what they will cost.
import type { Image, Pool, PoolCreate, PoolType, PoolUpdate, Provisioning, SelfAct, Status } from '../api.ts';
import { bytes } from '../format.ts';
import { t } from '../language.ts';

/** Numbers stay text while they are typed. Empty processors and memory: as the image says; empty limit: none. */
export interface PoolDraft {
  name: string;
  display_name: string;
  description: string;
  type: PoolType;
  provisioning: Provisioning;
  image: string;
  version: string; // '' follows the newest
  size: string;
  spares: string;
  seats: string; // of each machine, where several share it
  vcpus: string;
  memory_gib: string;
  refresh: boolean;
  restart_own: boolean;
  reset_own: boolean;
  refresh_own: boolean;
  application: string; // empty: the whole desktop
  sessions: string; // of one person in a floating pool
  home: string; // empty: none
  home_gib: string;
  power_plan: string; // '' none, and so the other two
  release_plan: string;
  display_plan: string;
  enabled: boolean;
  maintenance: boolean;
}

const gibibyte = 1024 ** 3;
const mostDesktops = 2000;
const mostSeats = 26;
const mostProcessors = 64;
const leastMemory = 64 * 1024 ** 2;

const inGib = (value: number) => String(Math.round((value / gibibyte) * 1000) / 1000);
const number = (text: string) => Number(text.trim().replace(',', '.'));

export function emptyDraft(image: string): PoolDraft {
  return {
    name: '', display_name: '', description: '', type: 'floating', provisioning: 'instant', image, version: '', size: '10', spares: '1', seats: '8', vcpus: '', memory_gib: '',
    refresh: true, application: '', sessions: '1', home: '', home_gib: '10', restart_own: true, reset_own: true, refresh_own: false, power_plan: '', release_plan: '', display_plan: '', enabled: true, maintenance: false,
  };
}

export function draftOf(pool: Pool): PoolDraft {
  return {
    name: pool.name,
    display_name: pool.display_name,
    description: pool.description,
    type: pool.type,
    provisioning: pool.provisioning,
    image: pool.image?.name ?? '',
    version: pool.follows_newest || pool.version === null ? '' : String(pool.version),
    size: String(pool.size),
    spares: String(pool.spares),
    seats: String(pool.seats || 8),
    vcpus: String(pool.vcpus),
    memory_gib: inGib(pool.memory_bytes),
    refresh: pool.refresh_on_log_off,
    restart_own: pool.self_service.includes('restart'),
    reset_own: pool.self_service.includes('reset'),
    refresh_own: pool.self_service.includes('refresh'),
    application: pool.application,
    sessions: String(pool.sessions_a_user),
    home: pool.home,
    home_gib: inGib(pool.home_bytes || 10 * gibibyte),
    power_plan: pool.power_plan?.name ?? '',
    release_plan: pool.release_plan?.name ?? '',
    display_plan: pool.display_plan?.name ?? '',
    enabled: pool.enabled,
    maintenance: pool.maintenance,
  };
}

export function nameWrong(name: string): string | null {
  if (name === '') return t('A name is needed.');
  // dots and the @ of an address pass too; nobody has to be told before they want them
  if (!/^[a-z0-9._@-]+$/.test(name)) return t('Small letters, digits and hyphens only.');
  if (!/^[a-z0-9]/.test(name)) return t('It must begin with a letter or digit.');
  if (name.length > 63) return t('At most 63 characters.');
  return null;
}

export function whole(text: string, least: number, most: number): string | null {
  const value = /^\d+$/.test(text.trim()) ? Number(text) : NaN;
  return value >= least && value <= most ? null : t('A whole number from {least} to {most} is needed.', { least, most });
}

function gib(text: string): string | null {
  return /^\d+([.,]\d+)?$/.test(text.trim()) ? null : t('A number of GiB is needed, such as 2 or 1.5.');
}

function memoryWrong(memory: number, hostMemory: number | null): string | null {
  if (memory < leastMemory) return t('At least 64 MiB (0.0625).');
  if (hostMemory === null || memory <= hostMemory) return null;
  return t('A desktop needs {need} of memory, this host has {has} for machines.', { need: bytes(memory), has: bytes(hostMemory) });
}

/** As the server takes it apart: only open quotation marks and its length are found here. */
export function applicationWrong(text: string): string | null {
  if (new TextEncoder().encode(text).length > 500) return t('At most 500 bytes.');
  const rest = text.replace(/\\./g, '').replace(/"[^"]*"|'[^']*'/g, '');
  return /["']/.test(rest) ? t('A quotation mark is not closed.') : null;
}

/** Spares are counted in them. 1: a desktop is one person's. */
function seatsOf(draft: PoolDraft): number {
  return draft.type === 'shared' ? Number(draft.seats) || 1 : 1;
}

export type PoolWrong = Partial<Record<keyof PoolDraft, string>>;

/** hostMemory: what the host has for machines, in bytes, where that is known. */
export function poolWrong(draft: PoolDraft, isNew: boolean, hostMemory: number | null = null): PoolWrong {
  const wrong: PoolWrong = {};
  const note = (field: keyof PoolDraft, text: string | null) => {
    if (text !== null) wrong[field] = text;
  };
  if (isNew) note('name', nameWrong(draft.name));
  if (draft.image === '') note('image', t('Choose an image.'));
  if (draft.display_name.length > 200) note('display_name', t('At most 200 characters.'));
  if (draft.description.length > 200) note('description', t('At most 200 characters.'));
  note('size', whole(draft.size, 1, mostDesktops));
  if (draft.type === 'shared') note('seats', whole(draft.seats, 1, mostSeats));
  note('spares', whole(draft.spares, 0, (wrong.size ? mostDesktops : Number(draft.size)) * seatsOf(draft)));
  if (draft.vcpus.trim() !== '') note('vcpus', whole(draft.vcpus, 1, mostProcessors));
  if (draft.memory_gib.trim() !== '') {
    note('memory_gib', gib(draft.memory_gib) ?? memoryWrong(number(draft.memory_gib) * gibibyte, hostMemory));
  }
  if (draft.type === 'floating') note('sessions', whole(draft.sessions, 1, 16));
  note('application', applicationWrong(draft.application.trim()));
  if (draft.home !== '' && !/^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/.test(draft.home)) note('home', t('Small letters, digits and hyphens only.'));
  if (draft.home !== '') note('home_gib', gib(draft.home_gib) ?? (number(draft.home_gib) * gibibyte < leastMemory ? t('At least 64 MiB (0.0625).') : null));
  return wrong;
}

/** Whole MiB, as QEMU wants them. */
const toBytes = (text: string) => Math.round(number(text) * 1024) * 1024 * 1024;

function sizes(draft: PoolDraft): Pick<PoolUpdate, 'vcpus' | 'memory_bytes'> {
  const result: Pick<PoolUpdate, 'vcpus' | 'memory_bytes'> = {};
  if (draft.vcpus.trim() !== '') result.vcpus = Number(draft.vcpus);
  if (draft.memory_gib.trim() !== '') result.memory_bytes = toBytes(draft.memory_gib);
  return result;
}

const selfActs: SelfAct[] = ['restart', 'reset', 'refresh'];

/** Of machines that several people share there are no homes, no self service and no application. */
function sharedBody(draft: PoolDraft): PoolUpdate {
  return draft.type === 'shared' ? { seats: Number(draft.seats), home: '', application: '', self_service: [] } : {};
}

export function createBody(draft: PoolDraft): PoolCreate {
  return {
    name: draft.name, image: draft.image, display_name: draft.display_name.trim(), description: draft.description.trim(), type: draft.type,
    version: draft.version === '' ? null : Number(draft.version), size: Number(draft.size), spares: Number(draft.spares),
    refresh_on_log_off: draft.refresh, provisioning: draft.provisioning, application: draft.application.trim(), ...(draft.type === 'floating' && { sessions_a_user: Number(draft.sessions) }), home: draft.home, ...(draft.home === '' || draft.type === 'shared' ? {} : { home_bytes: toBytes(draft.home_gib) }), self_service: selfActs.filter((act) => draft[`${act}_own`]),
    power_plan: draft.power_plan || null, release_plan: draft.release_plan || null, display_plan: draft.display_plan || null,
    enabled: draft.enabled, maintenance: draft.maintenance, ...sizes(draft), ...sharedBody(draft),
  };
}

/** Only what changed: other people may be changing other fields. */
export function updateBody(before: PoolDraft, after: PoolDraft): PoolUpdate {
  const all: Record<string, unknown> = { ...createBody(after) };
  const old: Record<string, unknown> = { ...createBody(before) };
  const body: Record<string, unknown> = {};
  for (const field of Object.keys(all)) {
    if (field !== 'name' && field !== 'type' && JSON.stringify(all[field]) !== JSON.stringify(old[field])) body[field] = all[field];
  }
  return body;
}

export interface Preview { mood: '' | 'warn'; lines: string[] }

/** What this pool will take of the host, in words. */
export function preview(draft: PoolDraft, images: Image[], status: Status | null): Preview {
  const image = images.find((one) => one.name === draft.image);
  const version = image?.versions.find((one) => String(one.version) === draft.version) ?? image?.versions.find((one) => one.version === image.newest);
  const { vcpus = version?.vcpus, memory_bytes: memory = version?.memory_bytes } = sizes(draft);
  const size = Number(draft.size);
  if (!image) return { mood: '', lines: [t('Choose an image to see what this pool will take.')] };
  if (image.newest === null) return { mood: 'warn', lines: [t('Image {name} has no usable version yet; build one first.', { name: image.name })] };
  if (!Number.isInteger(size) || size < 1 || !memory || !vcpus) return { mood: '', lines: [t('Fill in the fields to see what this pool will take.')] };

  const most = size * memory;
  const forks = draft.provisioning === 'instant';
  const idle = !forks ? memory : status ? Math.min(status.memory.desktop_bytes, memory) : 0;
  const processors = t('{count} processor | {count} processors', { count: vcpus });
  const lines = [forks ? t('This will fork up to {count} desktop with {processors} and {memory} each. | This will fork up to {count} desktops with {processors} and {memory} each.', { count: size, processors, memory: bytes(memory) })
    : t('This will boot up to {count} desktop with {processors} and {memory} each, {together} together. | This will boot up to {count} desktops with {processors} and {memory} each, {together} together.', { count: size, processors, memory: bytes(memory), together: bytes(most) })];
  if (status && forks) {
    lines.push(t('They share the memory of the image: about {together} together while idle ({each} each, as idle desktops of this host take now), and {most} if all were used to the full.', { together: bytes(idle * size), each: bytes(idle), most: bytes(most) }));
  }
  const file = version?.file_bytes ?? 0;
  if (draft.provisioning === 'full') lines.push(t('Each has a disk of its own: {each}, {together} together, unless the file system shares blocks.', { each: bytes(file), together: bytes(file * size) }));
  if (draft.type === 'shared') lines.push(t('{count} person works there at a time, on shared machines. | {count} people work there at a time, on shared machines.', { count: size * seatsOf(draft) }));
  const spares = Math.min(Math.ceil((Number(draft.spares) || 0) / seatsOf(draft)), size);
  if (!forks) lines.push(spares > 0 ? t('{count} waits booted for the next person. | {count} wait booted for the next person.', { count: spares }) : t('None is kept waiting; each boots when a person opens it.'));
  else lines.push(spares > 0 ? t('{count} waits running for the next person, so opening takes well under a second. | {count} wait running for the next person, so opening takes well under a second.', { count: spares })
    : t('None is kept waiting; each is forked when a person opens it.'));
  if (!status) return { mood: '', lines };
  const limit = status.memory.limit_bytes;
  const free = bytes(Math.max(0, limit - status.memory.used_bytes));
  const gives = t('This host gives machines {limit}, of which {free} are free.', { limit: bytes(limit), free });
  if (idle * size > limit) {
    lines.push(`${gives} ${t('When that is used up, new desktops are refused; those that run are safe.')}`);
    return { mood: 'warn', lines };
  }
  return { mood: '', lines: [...lines, `${gives} ${t('{count} more desktop fits now. | {count} more desktops fit now.', { count: status.counts.room })}`] };
}
