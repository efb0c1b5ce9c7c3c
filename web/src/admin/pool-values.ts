// What the pool form knows without a server: its values, what is wrong with them, and what they will cost.
import type { Image, OnLogOff, Pool, PoolCreate, PoolType, PoolUpdate, Status } from '../api.ts';
import { bytes } from '../format.ts';

/** Numbers stay text while they are typed. Empty processors and memory: as the image says. */
export interface PoolDraft {
  name: string;
  display_name: string;
  description: string;
  type: PoolType;
  image: string;
  version: string; // '' follows the newest
  maximum: string;
  spares: string;
  vcpus: string;
  memory_gib: string;
  on_log_off: OnLogOff;
  enabled: boolean;
}

const gibibyte = 1024 ** 3;
const mostDesktops = 2000;
const mostProcessors = 64;
const leastMemory = 64 * 1024 ** 2;
/** Private memory of a forked desktop that nobody uses; see bench/, idle_desktop_mib. */
const idleDesktop = 45 * 1024 ** 2;

export function emptyDraft(image: string): PoolDraft {
  return {
    name: '', display_name: '', description: '', type: 'floating', image, version: '', maximum: '10', spares: '1', vcpus: '', memory_gib: '',
    on_log_off: 'refresh', enabled: true,
  };
}

export function draftOf(pool: Pool): PoolDraft {
  return {
    name: pool.name,
    display_name: pool.display_name === pool.name ? '' : pool.display_name,
    description: pool.description,
    type: pool.type,
    image: pool.image.name,
    version: pool.follows_newest ? '' : String(pool.version),
    maximum: String(pool.maximum),
    spares: String(pool.spares),
    vcpus: String(pool.vcpus),
    memory_gib: String(Math.round((pool.memory_bytes / gibibyte) * 1000) / 1000),
    on_log_off: pool.on_log_off,
    enabled: pool.enabled,
  };
}

export function nameWrong(name: string): string | null {
  if (name === '') return 'A name is needed.';
  if (/[A-Z]/.test(name)) return 'Small letters only.';
  if (!/^[a-z0-9]/.test(name) || !/[a-z0-9]$/.test(name)) return 'It must begin and end with a letter or digit.';
  if (!/^[a-z0-9._-]+$/.test(name)) return 'Only small letters, digits, dot, hyphen and underscore.';
  if (name.length > 63) return 'At most 63 characters.';
  return null;
}

function whole(text: string, least: number, most: number): string | null {
  if (!/^\d+$/.test(text.trim())) return 'A whole number is needed.';
  const value = Number(text);
  return value < least || value > most ? `Between ${least} and ${most}.` : null;
}

export type PoolWrong = Partial<Record<keyof PoolDraft, string>>;

export function poolWrong(draft: PoolDraft, isNew: boolean): PoolWrong {
  const wrong: PoolWrong = {};
  const note = (field: keyof PoolDraft, text: string | null) => {
    if (text !== null) wrong[field] = text;
  };
  if (isNew) note('name', nameWrong(draft.name));
  if (draft.image === '') note('image', 'Choose an image.');
  if (draft.display_name.length > 200) note('display_name', 'At most 200 characters.');
  if (draft.description.length > 200) note('description', 'At most 200 characters.');
  note('maximum', whole(draft.maximum, 0, mostDesktops));
  note('spares', whole(draft.spares, 0, mostDesktops));
  if (!wrong.maximum && !wrong.spares && Number(draft.spares) > Number(draft.maximum)) {
    note('spares', `Not more than the ${draft.maximum} desktops the pool may have.`);
  }
  if (draft.vcpus.trim() !== '') note('vcpus', whole(draft.vcpus, 1, mostProcessors));
  const memory = draft.memory_gib.trim().replace(',', '.');
  if (memory !== '') {
    if (!/^\d+(\.\d+)?$/.test(memory)) note('memory_gib', 'A number of GiB is needed, such as 2 or 1.5.');
    else if (Number(memory) * gibibyte < leastMemory) note('memory_gib', 'At least 64 MiB (0.0625).');
  }
  return wrong;
}

function sizes(draft: PoolDraft): Pick<PoolUpdate, 'vcpus' | 'memory_bytes'> {
  const result: Pick<PoolUpdate, 'vcpus' | 'memory_bytes'> = {};
  if (draft.vcpus.trim() !== '') result.vcpus = Number(draft.vcpus);
  if (draft.memory_gib.trim() !== '') {
    // whole MiB, as QEMU wants it
    result.memory_bytes = Math.round(Number(draft.memory_gib.trim().replace(',', '.')) * 1024) * 1024 * 1024;
  }
  return result;
}

export function createBody(draft: PoolDraft): PoolCreate {
  return {
    name: draft.name, image: draft.image, display_name: draft.display_name.trim(), description: draft.description.trim(), type: draft.type,
    version: draft.version === '' ? null : Number(draft.version), maximum: Number(draft.maximum), spares: Number(draft.spares),
    on_log_off: draft.on_log_off, enabled: draft.enabled, ...sizes(draft),
  };
}

/** Only what changed: other people may be changing other fields. */
export function updateBody(before: PoolDraft, after: PoolDraft): PoolUpdate {
  const all: Record<string, unknown> = { ...createBody(after) };
  const old: Record<string, unknown> = { ...createBody(before) };
  const body: Record<string, unknown> = {};
  for (const field of Object.keys(all)) {
    if (field !== 'name' && field !== 'type' && all[field] !== old[field]) body[field] = all[field];
  }
  return body;
}

export interface Preview { mood: '' | 'warn'; lines: string[] }

/** What this pool will take of the host, in words. */
export function preview(draft: PoolDraft, images: Image[], status: Status | null): Preview {
  const image = images.find((one) => one.name === draft.image);
  const version = image?.versions.find((one) => String(one.version) === draft.version) ?? image?.versions.find((one) => one.version === image.newest);
  const { vcpus = version?.vcpus, memory_bytes: memory = version?.memory_bytes } = sizes(draft);
  const maximum = Number(draft.maximum);
  if (!image) return { mood: '', lines: ['Choose an image to see what this pool will take.'] };
  if (image.newest === null) return { mood: 'warn', lines: [`Image ${image.name} has no usable version yet; build one first.`] };
  if (!Number.isInteger(maximum) || !memory || !vcpus) return { mood: '', lines: ['Fill in the fields to see what this pool will take.'] };
  if (maximum === 0) return { mood: 'warn', lines: ['With at most 0 desktops, nobody can use this pool.'] };

  const most = maximum * memory;
  const lines = [
    `This will fork up to ${maximum} ${maximum === 1 ? 'desktop' : 'desktops'} with ${vcpus} ${vcpus === 1 ? 'processor' : 'processors'} and ${bytes(memory)} each.`,
    `They share the memory of the image: idle ones take about ${bytes(idleDesktop)} each (${bytes(idleDesktop * maximum)} together), and ${bytes(most)} if all were used to the full.`,
  ];
  const spares = Math.min(Number(draft.spares) || 0, maximum);
  lines.push(spares > 0 ? `${spares} ${spares === 1 ? 'waits' : 'wait'} running for the next person, so opening takes well under a second.`
    : 'None is kept waiting; each is forked when a person opens it.');
  if (!status) return { mood: '', lines };
  const limit = status.memory.limit_bytes;
  if (most > limit) {
    lines.push(`This host gives desktops ${bytes(limit)}. When that is used up, new desktops are refused; those that run are safe.`);
    return { mood: 'warn', lines };
  }
  return { mood: '', lines: [...lines, `This host gives desktops ${bytes(limit)}, of which ${bytes(Math.max(0, limit - status.memory.used_bytes))} are free.`] };
}
