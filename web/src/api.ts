// docs/api.yaml in TypeScript: its schemas as types, its operations as functions. Nothing else calls fetch.
import { language, t } from './language.ts';

export type Role = 'admin' | 'operator' | 'helpdesk' | 'auditor' | 'user';
export type PoolType = 'floating' | 'dedicated' | 'shared' | 'manual';
export type DesktopState =
  | 'absent' | 'starting' | 'running' | 'stopping' | 'stopped' | 'refreshing' | 'deleting' | 'failed'
  | 'unknown' | 'reachable' | 'unreachable';
export type SessionState = 'connecting' | 'connected' | 'disconnected' | 'ended';
export type JobState = 'queued' | 'running' | 'done' | 'failed' | 'cancelled';
export type ChangeKind =
  | 'user' | 'group' | 'directory' | 'pool' | 'plan' | 'policy' | 'entitlement' | 'desktop' | 'session' | 'home' | 'image' | 'job' | 'event' | 'token' | 'login' | 'kiosk' | 'host' | 'portal';

export interface Page<T> { items: T[]; next: string | null }
export interface Ref { id: string; name: string }
export interface ObjectRef { kind: string; id: string | null; name: string | null }
export interface Person { id: string | null; name: string; display_name: string; roles: Role[] }
export type Scope =
  | 'all' | 'read' | 'portal' | 'account' | 'desktops' | 'sessions' | 'pools' | 'images' | 'users' | 'jobs' | 'audit' | 'hosts' | 'enrol';
export interface Me { user: Person; csrf: string | null; scopes: Scope[]; must_enrol: boolean; kiosk_pool?: Ref | null; directory?: Ref | null }
/** The password was right; a code is asked for. */
export interface LoginProvider { name: string; display_name: string }
export interface LoginNext { next: 'totp'; login: string; expires_ms: number }
export interface Totp { enrolled: boolean; required: boolean; since_ms: number | null; recovery_codes: number }
export interface TotpBegun { secret: string; uri: string; qr: string[] }
export interface RecoveryCodes { recovery_codes: string[] }

export interface DesktopBrief { id: string; name: string; state: DesktopState }
export interface SessionBrief { id: string; state: SessionState; since_ms: number }
export type QuotaKind = 'desktops' | 'running' | 'memory_bytes' | 'disk_bytes';
export type Most = number | 'unlimited' | null;
export type QuotaSet = Record<QuotaKind, Most>;
export interface Quota extends QuotaSet { kind: 'user' | 'group'; id: string; name: string }
export interface QuotaLimit { used: number; most: number | null; from: { kind: 'user' | 'group'; name: string } | null }
export type QuotaUse = { user: Ref } & Record<QuotaKind, QuotaLimit>;
export type Provisioning = 'instant' | 'linked' | 'full';
export type SelfAct = 'restart' | 'reset' | 'refresh';
export type NativeClient = 'vv' | 'rdp';
export type ClientKind = 'browser' | NativeClient;
export interface Tile {
  pool: {
    id: string; name: string; display_name: string; description: string; type: PoolType; image: string;
    refresh_on_log_off: boolean; self_service: SelfAct[]; icon: number | null; home: boolean; application: boolean;
  };
  desktop: DesktopBrief | null;
  session: SessionBrief | null;
  desktops: { desktop: DesktopBrief; session: SessionBrief | null }[]; // the one used last first, which is also `desktop`
  another: boolean;
  clients: ClientKind[];
  denied: string | null;
}
export interface Connection {
  desktop: DesktopBrief;
  session: SessionBrief | null;
  ticket: string;
  path: string;
  expires_ms: number;
  url: string;
  file?: { name: string; type: string; text: string }; // of a native client, and then without path and url
}
export interface Session {
  id: string; user: Ref | null; pool: Ref | null; desktop: Ref | null; state: SessionState;
  client: string | null; started_ms: number; since_ms: number; ended_ms: number | null; end_reason: string | null; policy: Ref | null;
  activity: Activity; idle_since_ms: number | null; idle_ms: number | null; locked: boolean; locked_ms: number | null; agent: 'none' | 'ready';
  steps?: { name: string; at_us: number; took_us: number }[];
  display?: { sound: boolean; bandwidth_kbit_s: number | null; files: { to_desktop: boolean; from_desktop: boolean } } | null;
}
export interface FileList { folder: string; items: { name: string; size_bytes: number; modified_ms: number }[]; left_out: number; free_bytes: number }
export interface Transfer { id: string; direction: 'to_desktop' | 'from_desktop'; name: string; size_bytes: number; done_bytes: number; piece_bytes: number }
export type Activity = 'connecting' | 'active' | 'idle' | 'locked' | 'disconnected' | 'ended';
export interface FoundPerson {
  id: string; name: string; display_name: string; enabled: boolean; last_login_ms: number | null; sessions: Session[];
}
export type ShadowConsent = 'ask' | 'notify';
export interface HelpSettings { shadow_consent: ShadowConsent }
export interface HelpMessage { id: string; session: { id: string; desktop: string }; by: string; text: string; sent_ms: number }
export type ShadowMode = 'view' | 'control';
export interface Shadow {
  id: string; session: string; by: { id: string | null; name: string }; mode: ShadowMode; consent: 'ask' | 'notify';
  state: 'asked' | 'allowed' | 'refused' | 'expired' | 'open' | 'ended'; asked_ms: number; since_ms: number; until_ms: number;
}
export interface Pool {
  id: string; name: string; display_name: string; description: string; type: PoolType;
  image: Ref | null; version: number | null; follows_newest: boolean; size: number; spares: number; seats: number;
  vcpus: number; memory_bytes: number; refresh_on_log_off: boolean; self_service: SelfAct[]; provisioning: Provisioning; icon: boolean; home: string; home_bytes: number; application: string; sessions_a_user: number;
  enabled: boolean; maintenance: boolean; deleting: boolean;
  counts: { desktops: number; running: number; assigned: number; sessions: number };
  power_plan: Ref | null; release_plan: Ref | null; display_plan: Ref | null;
  template: { state: string; job: string | null; error: string | null; waits_for: string | null };
  created_ms: number; updated_ms: number;
}
export interface PoolUpdate {
  image?: string; display_name?: string; description?: string; version?: number | null;
  size?: number; spares?: number; seats?: number; vcpus?: number | null; memory_bytes?: number | null;
  refresh_on_log_off?: boolean; self_service?: SelfAct[]; provisioning?: Provisioning; enabled?: boolean; maintenance?: boolean; home?: string; home_bytes?: number; application?: string; sessions_a_user?: number;
  power_plan?: string | null; release_plan?: string | null; display_plan?: string | null;
}
export interface PoolCreate extends PoolUpdate { name: string; image: string; type?: PoolType }
export interface Schedule { time_zone?: string; windows?: { days?: string[]; from?: string; to?: string }[]; holidays?: string[] }
export type PlanKind = 'power' | 'release' | 'display';
export interface Plan { id: string; name: string; description: string; kind: PlanKind; settings: Record<string, unknown>; pools: number }
export interface PlanBody { name: string; description: string; settings: Record<string, unknown> }
export interface PolicyMember extends Ref { gone: boolean }
export interface Policy {
  id: string; name: string; description: string; enabled: boolean;
  when: {
    users: PolicyMember[]; groups: PolicyMember[]; pools: PolicyMember[]; roles: string[]; addresses: string[]; devices: string[];
    times: Schedule | null;
  };
  then: { deny: string | null; only_pools: PolicyMember[]; power_plan: Ref | null; release_plan: Ref | null; display_plan: Ref | null };
  warnings: string[];
}
export interface PolicyBody {
  name: string; description?: string; enabled?: boolean;
  when?: Record<'users' | 'groups' | 'pools' | 'roles' | 'addresses' | 'devices', string[]> & { times: Schedule | null };
  then?: { deny: string | null; only_pools: string[]; power_plan: string | null; release_plan: string | null; display_plan: string | null };
}
export interface PolicyQuestion { user: string; address?: string; device?: string; pool?: string; time_ms?: number }
type PolicyPlan = { id: string; name: string; from: 'policy' | 'pool' } | null;
export interface PolicyExplanation {
  decided: Ref | null; denied: string | null; hidden: boolean; entitled: boolean;
  plans: { power: PolicyPlan; release: PolicyPlan; display: PolicyPlan };
  rules: { policy: Ref; reason: string; why: string }[];
}
export interface Home {
  id: string; user: Ref | null; name: string; size_bytes: number; state: 'new' | 'kept' | 'deleting'; desktop: Ref | null;
  used_ms: number | null; created_ms: number; updated_ms: number;
}
/** Where a person is: their desktop's session speaks, types and counts time like that. */
export interface Place { language?: string; keyboard?: string; time_zone?: string }
export interface PoolWish extends Place { desktop?: string; another?: boolean }
export interface Entitlement { kind: 'user' | 'group'; id: string; name: string }
export interface Desktop {
  id: string; name: string; pool: Ref; state: DesktopState;
  desired: 'running' | 'stopped' | 'deleted';
  observed: 'absent' | 'starting' | 'running' | 'stopping' | 'stopped' | 'failed';
  agent: 'none' | 'ready'; user: Ref | null; session: SessionBrief | null; image: Ref | null; version: number | null;
  machine: { protocol: 'vnc'; address: string; port: number; mac: string | null; password_set: boolean } | null;
  seat_of: Ref | null; seats: number; seats_taken: number;
  generation: number; observed_generation: number; error: string | null; created_ms: number; updated_ms: number;
}
export interface ImageVersion {
  version: number; state: 'building' | 'ready' | 'failed' | 'deleting'; disk_bytes: number; file_bytes: number;
  memory_bytes: number; vcpus: number; checksum: string; job: string | null; error: string | null; created_ms: number;
}
export interface Image {
  id: string; name: string; display_name: string; description: string; recipe: string | null;
  newest: number | null; versions: ImageVersion[]; pools: Ref[]; building: string | null;
  created_ms: number; updated_ms: number;
}
export interface Recipe { name: string; description: string; text: string }
export interface User {
  id: string; name: string; display_name: string; email: string; roles: Role[]; enabled: boolean; password_set: boolean; totp: boolean;
  groups: Ref[]; directory: Ref | null; created_ms: number; updated_ms: number; last_login_ms: number | null;
}
export type DirectoryKind = 'ldap' | 'oidc';
export interface Directory {
  id: string; name: string; display_name: string; kind: DirectoryKind; position: number; enabled: boolean; settings: Record<string, unknown>;
  secret_set: boolean; users: number; groups: number; created_ms: number; updated_ms: number;
}
export interface DirectoryChange { name?: string; display_name?: string; enabled?: boolean; settings?: Record<string, unknown>; secret?: string }
export interface DirectoryStep {
  step: 'resolve' | 'connect' | 'tls' | 'bind' | 'base' | 'find' | 'bind-user' | 'groups' | 'entered'; ok: boolean; detail: string; milliseconds: number;
}
export interface Group {
  id: string; name: string; display_name: string; built_in: boolean; members: Ref[];
  directory: Ref | null; directory_group: string | null; missing_since_ms: number | null; created_ms: number; updated_ms: number;
}
export interface Token {
  id: string; name: string; scopes: Scope[]; created_ms: number; expires_ms: number | null; last_used_ms: number | null;
}
export interface Login {
  id: string; user: Ref; current: boolean; address: string | null; browser: string | null;
  means: 'password' | 'provider' | 'kiosk'; means_name: string | null; since_ms: number; seen_ms: number; expires_ms: number;
}
export interface KioskFields { name?: string; user?: string; pool?: string; networks?: string[]; certificates?: string[]; enabled?: boolean }
export interface Kiosk {
  id: string; name: string; networks: string[]; certificates: string[]; user: Ref; pool: Ref; enabled: boolean; logins: number;
  created_ms: number; updated_ms: number;
}
export interface TokenMade extends Token { token: string }
export interface Link { url: string; expires_ms: number }
export interface Job {
  id: string; kind: string; title: string; state: JobState; progress: number; step: string;
  object: ObjectRef | null; error: string | null; cancel_requested: boolean; actor: string | null;
  created_ms: number; started_ms: number | null; ended_ms: number | null;
}
export interface AuditEvent {
  id: string; time_ms: number; actor: string; address: string | null; action: string;
  object: ObjectRef | null; result: string; detail: Record<string, unknown>;
}
export interface Change { kind: ChangeKind; id: string; op: 'create' | 'update' | 'delete' }
export type StatisticName = 'sessions' | 'connected' | 'desktops' | 'running' | 'assigned' | 'log_on_ms' | 'memory_bytes' | 'processor_percent';
export interface Statistics {
  name: StatisticName; unit: 'count' | 'ms' | 'bytes' | 'percent'; from_ms: number; to_ms: number; step_ms: number;
  points: { time_ms: number; value: number }[];
}
export interface Status {
  version: string; host: string; started_ms: number;
  accelerator: { name: string; reason: string };
  qemu: string | null; store: string;
  memory: { limit_bytes: number; used_bytes: number; desktop_bytes: number };
  disk: { total_bytes: number; free_bytes: number; floor_bytes: number };
  counts: {
    users: number; groups: number; pools: number; images: number; desktops: number;
    running: number; starting: number; failed: number; room: number; sessions: number; jobs: number; waiting: number;
    templates: number;
  };
  warnings: string[];
}

/** An RFC 9457 problem, or `network` when no answer came at all. `message` is a sentence for people. */
export class Problem extends Error {
  constructor(
    readonly kind: string,
    readonly status: number,
    detail: string,
    readonly retryAfterSeconds: number | null = null,
  ) {
    super(detail);
    this.name = 'Problem';
  }
}

/** The server's words as a whole sentence. Names stay as they are: only a plain first word gets a capital. */
export function asSentence(text: string): string {
  const words = text.trim();
  const begun = /^[a-z]+(?=[\s:,])/.test(words) ? words.charAt(0).toUpperCase() + words.slice(1) : words;
  return begun === '' || /[.!?…]$/.test(begun) ? begun : `${begun}.`;
}

/** The server speaks English. What many people meet is said in theirs, where they read another language. */
function translated(problem: Problem): string | null {
  if (language() === 'en') return null;
  switch (problem.kind) {
    case 'full': return t('No desktop is free now. Try again later, or tell your administrator.');
    case 'forbidden': return t('You are not allowed to do this.');
    case 'too-many': return t('Too many attempts. Wait a moment, then try again.');
    case 'no-space': return t('The server has no space left. Tell your administrator.');
    default: return null;
  }
}

/** What went wrong, for people. Whatever shows an error shows it through this. */
export function sentence(error: unknown): string {
  const known = error instanceof Problem ? translated(error) : null;
  if (known !== null) return known;
  if (error instanceof Error && error.message) return asSentence(error.message);
  return t('Something went wrong in this page. Reload it; if it comes again, tell your administrator.');
}

type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
type Query = Record<string, string | number | boolean | null | undefined>;
interface Options { body?: unknown; bytes?: Blob; query?: Query; signal?: AbortSignal; once?: boolean }

let csrf: string | null = null;
let onLoggedOut: () => void = () => {};

/** Called whenever the server no longer knows who we are. */
export function whenLoggedOut(then: () => void): void {
  onLoggedOut = then;
}

export function apiUrl(path: string): string {
  return new URL(`api/v1/${path}`, document.baseURI).href;
}

function withQuery(path: string, query: Query | undefined): string {
  const pairs = Object.entries(query ?? {}).filter(([, value]) => value !== undefined && value !== null && value !== '');
  if (pairs.length === 0) return path;
  return `${path}?${new URLSearchParams(pairs.map(([name, value]) => [name, String(value)]))}`;
}

async function problemOf(response: Response): Promise<Problem> {
  const wait = Number(response.headers.get('Retry-After'));
  const retry = Number.isFinite(wait) && wait > 0 ? wait : null;
  try {
    const body = (await response.json()) as { type?: string; title?: string; detail?: string };
    const kind = body.type?.split('/').pop() ?? 'internal';
    return new Problem(kind, response.status, body.detail || body.title || t('The server answered {status}.', { status: response.status }), retry);
  } catch {
    const detail = response.status >= 502 && response.status <= 504
      ? t('Oriel is not answering behind its gateway. It may be restarting; try again in a moment.')
      : t('The server answered {status}, without saying why.', { status: response.status });
    return new Problem(response.status >= 502 ? 'unavailable' : 'internal', response.status, detail, retry);
  }
}

export async function send(method: Method, path: string, options: Options = {}): Promise<Response> {
  const headers: Record<string, string> = { Accept: 'application/json' };
  if (method !== 'GET' && csrf !== null) headers['X-Oriel-CSRF'] = csrf;
  if (options.body !== undefined) headers['Content-Type'] = 'application/json';
  if (options.bytes) headers['Content-Type'] = 'application/octet-stream';
  if (options.once) headers['Idempotency-Key'] = crypto.randomUUID();
  let response: Response;
  try {
    response = await fetch(apiUrl(withQuery(path, options.query)), {
      method,
      headers,
      body: options.bytes ?? (options.body === undefined ? null : JSON.stringify(options.body)),
      credentials: 'same-origin',
      cache: 'no-store',
      signal: options.signal ?? null,
    });
  } catch (error) {
    if (error instanceof DOMException && error.name === 'AbortError') throw error;
    throw new Problem('network', 0, t('Oriel cannot be reached. Check your network connection.'));
  }
  if (response.ok) return response;
  const problem = await problemOf(response);
  if (response.status === 401 && path !== 'login' && path !== 'login/code' && path !== 'setup') onLoggedOut();
  throw problem;
}

async function call<T>(method: Method, path: string, options: Options = {}): Promise<T> {
  const response = await send(method, path, options);
  if (response.status === 204) return undefined as T;
  return (await response.json()) as T;
}

async function enter<T extends Me | LoginNext>(path: 'login' | 'login/code' | 'login/kiosk' | 'setup' | 'me', body?: unknown): Promise<T> {
  const answer = await call<T>(body === undefined ? 'GET' : 'POST', path, { body });
  if ('user' in answer) csrf = answer.csrf;
  return answer;
}

const at = encodeURIComponent;
const list = <T>(path: string) => (query: Query = {}, signal?: AbortSignal) => call<Page<T>>('GET', path, { query, signal });

/** What people see of a thing: its title, or its name where none was given. */
export function titleOf(thing: { name: string; display_name: string }): string {
  return thing.display_name || thing.name;
}

export type DesktopAction = 'start' | 'stop' | 'restart' | 'reset' | 'refresh' | 'release';
export type ConnectAnswer = { connection: Connection; job: null } | { connection: null; job: Job };

async function connect(path: string, signal?: AbortSignal, body: object = {}): Promise<ConnectAnswer> {
  const response = await send('POST', path, { body, signal });
  if (response.status === 202) return { connection: null, job: ((await response.json()) as { job: Job }).job };
  return { connection: (await response.json()) as Connection, job: null };
}

export const api = {
  health: (signal?: AbortSignal) => call<{ status: string; version: string }>('GET', 'health', { signal }),
  me: () => enter<Me>('me'),
  login: (name: string, password: string) => enter<Me | LoginNext>('login', { name, password }),
  loginCode: (login: string | null, code: string) => enter<Me>('login/code', login === null ? { code } : { login, code }),
  loginProviders: (signal?: AbortSignal) => call<{ items: LoginProvider[]; kiosk: boolean }>('GET', 'login/providers', { signal }),
  loginKiosk: () => enter<Me>('login/kiosk', {}),
  setup: (token: string, password: string) => enter<Me | LoginNext>('setup', { token, password }),
  logout: () => call<{ provider_url: string } | undefined>('POST', 'logout'),
  portal: (signal?: AbortSignal) => call<{ tiles: Tile[] }>('GET', 'portal', { signal }),
  status: (signal?: AbortSignal) => call<Status>('GET', 'status', { signal }),
  statistics: (query: { name: StatisticName; pool: string | undefined; from: number; to: number; step: number }, signal?: AbortSignal) =>
    call<Statistics>('GET', 'statistics', { query, signal }),

  quotas: (signal?: AbortSignal) => call<Page<Quota>>('GET', 'quotas', { signal }),
  ownQuota: (signal?: AbortSignal) => call<QuotaUse>('GET', 'portal/quota', { signal }),
  setQuota: (kind: 'user' | 'group', id: string, body: QuotaSet) => call<Quota>('PUT', `quotas/${kind}s/${at(id)}`, { body }),
  removeQuota: (kind: 'user' | 'group', id: string) => call<void>('DELETE', `quotas/${kind}s/${at(id)}`),

  setIcon: (pool: string, png: string) => call<void>('PUT', `pools/${at(pool)}/icon`, { body: { png } }),
  removeIcon: (pool: string) => call<void>('DELETE', `pools/${at(pool)}/icon`),
  restartOwn: (pool: string, desktop: string) => call<void>('POST', `portal/pools/${at(pool)}/restart`, { body: { desktop } }),
  resetOwn: (pool: string, desktop: string) => call<Tile>('POST', `portal/pools/${at(pool)}/reset`, { body: { desktop } }),
  refreshOwn: (pool: string, desktop: string) => call<Tile>('POST', `portal/pools/${at(pool)}/refresh`, { body: { desktop } }),

  connectPool: (pool: string, wish: PoolWish, signal?: AbortSignal) => connect(`pools/${at(pool)}/connect`, signal, wish),
  connectPoolWith: (pool: string, client: NativeClient) => connect(`pools/${at(pool)}/connect`, undefined, { client }),
  connectDesktop: (desktop: string, takeOver: boolean, signal?: AbortSignal) =>
    connect(`desktops/${at(desktop)}/connect`, signal, takeOver ? { take_over: true } : {}),

  sessions: list<Session>('sessions'),
  session: (id: string, signal?: AbortSignal) => call<Session>('GET', `sessions/${at(id)}`, { signal }),
  files: (session: string, signal?: AbortSignal) => call<FileList>('GET', `sessions/${at(session)}/files`, { signal }),
  beginTransfer: (session: string, toDesktop: boolean, name: string, size: number) =>
    call<Transfer>('POST', `sessions/${at(session)}/files`, { body: toDesktop ? { direction: 'to_desktop', name, size_bytes: size } : { direction: 'from_desktop', name } }),
  transfer: (session: string, id: string) => call<Transfer>('GET', `sessions/${at(session)}/files/${at(id)}`),
  sendPiece: (session: string, id: string, offset: number, bytes: Blob, signal?: AbortSignal) =>
    call<{ done_bytes: number }>('PUT', `sessions/${at(session)}/files/${at(id)}/bytes`, { bytes, query: { offset }, signal }),
  readPiece: async (session: string, id: string, offset: number, signal?: AbortSignal) =>
    (await send('GET', `sessions/${at(session)}/files/${at(id)}/bytes`, { query: { offset }, signal })).blob(),
  finishTransfer: (session: string, id: string) => call<{ name: string }>('POST', `sessions/${at(session)}/files/${at(id)}/finish`),
  cancelTransfer: (session: string, id: string) => call<void>('DELETE', `sessions/${at(session)}/files/${at(id)}`),
  people: (search: string, signal?: AbortSignal) => call<{ items: FoundPerson[] }>('GET', 'people', { query: { search }, signal }),
  messageSession: (id: string, text: string) => call<{ id: string; in_guest: boolean; problem: string | null }>('POST', `sessions/${at(id)}/message`, { body: { text } }),
  helpSettings: (signal?: AbortSignal) => call<HelpSettings>('GET', 'settings/help', { signal }),
  updateHelpSettings: (body: HelpSettings) => call<HelpSettings>('PATCH', 'settings/help', { body }),
  helps: (kind: 'user' | 'group', name: string, signal?: AbortSignal) => call<{ groups: Ref[] | null }>('GET', `${kind}s/${at(name)}/helps`, { signal }),
  setHelps: (kind: 'user' | 'group', name: string, groups: string[] | null) => call<{ groups: Ref[] | null }>('PUT', `${kind}s/${at(name)}/helps`, { body: { groups } }),
  messages: (signal?: AbortSignal) => call<{ items: HelpMessage[] }>('GET', 'messages', { signal }),
  closeMessage: (id: string) => call<void>('DELETE', `messages/${at(id)}`),
  shadowSession: (id: string, mode: ShadowMode) => call<Shadow>('POST', `sessions/${at(id)}/shadow`, { body: { mode } }),
  shadows: (session: string, signal?: AbortSignal) => call<{ items: Shadow[] }>('GET', `sessions/${at(session)}/shadows`, { signal }),
  shadow: (id: string) => call<Shadow>('GET', `shadows/${at(id)}`),
  answerShadow: (id: string, allow: boolean) => call<Shadow>('POST', `shadows/${at(id)}/answer`, { body: { allow } }),
  endShadow: (id: string) => call<Shadow>('POST', `shadows/${at(id)}/end`),
  connectShadow: (id: string) => call<Connection>('POST', `shadows/${at(id)}/connect`),
  disconnectSession: (id: string) => call<Session>('POST', `sessions/${at(id)}/disconnect`),
  lockSession: (id: string) => call<Session>('POST', `sessions/${at(id)}/lock`),
  unlockSession: (id: string) => call<Session>('POST', `sessions/${at(id)}/unlock`),
  logOffSession: (id: string) => call<Session>('POST', `sessions/${at(id)}/log-off`),

  pools: list<Pool>('pools'),
  pool: (pool: string, signal?: AbortSignal) => call<Pool>('GET', `pools/${at(pool)}`, { signal }),
  createPool: (body: PoolCreate) => call<Pool>('POST', 'pools', { body, once: true }),
  updatePool: (pool: string, body: PoolUpdate) => call<Pool>('PATCH', `pools/${at(pool)}`, { body }),
  deletePool: (pool: string, force: boolean) => call<void>('DELETE', `pools/${at(pool)}`, { query: { force } }),
  entitlements: (pool: string, signal?: AbortSignal) =>
    call<Page<Entitlement>>('GET', `pools/${at(pool)}/entitlements`, { signal }),
  entitle: (pool: string, kind: 'user' | 'group', name: string) =>
    call<void>('PUT', `pools/${at(pool)}/entitlements/${kind}s/${at(name)}`),
  disentitle: (pool: string, kind: 'user' | 'group', name: string) =>
    call<void>('DELETE', `pools/${at(pool)}/entitlements/${kind}s/${at(name)}`),

  plans: list<Plan>('plans'),
  createPlan: (body: PlanBody & { kind: PlanKind }) => call<Plan>('POST', 'plans', { body, once: true }),
  updatePlan: (plan: string, body: PlanBody) => call<Plan>('PATCH', `plans/${at(plan)}`, { body }),
  deletePlan: (plan: string) => call<void>('DELETE', `plans/${at(plan)}`),
  /** All of them: their order means something only as a whole. */
  policies: async (signal?: AbortSignal) => {
    const all: Policy[] = [];
    for (let after: string | undefined; ;) {
      const page: Page<Policy> = await call<Page<Policy>>('GET', 'policies', { query: { limit: 500, after }, signal });
      all.push(...page.items);
      if (page.next === null) return all;
      after = page.next;
    }
  },
  createPolicy: (body: PolicyBody) => call<Policy>('POST', 'policies', { body, once: true }),
  updatePolicy: (policy: string, body: PolicyBody) => call<Policy>('PATCH', `policies/${at(policy)}`, { body }),
  deletePolicy: (policy: string) => call<void>('DELETE', `policies/${at(policy)}`),
  orderPolicies: (policies: string[]) => call<void>('PUT', 'policies/order', { body: { policies } }),
  explainPolicy: (body: PolicyQuestion) => call<PolicyExplanation>('POST', 'policies/explain', { body }),
  homes: list<Home>('homes'),
  growHome: (user: string, name: string, bytes: number) => call<Home>('PATCH', `homes/${at(user)}/${at(name)}`, { body: { size_bytes: bytes } }),
  deleteHome: (user: string, name: string) => call<void>('DELETE', `homes/${at(user)}/${at(name)}`),

  desktops: list<Desktop>('desktops'),
  desktop: (desktop: string, signal?: AbortSignal) => call<Desktop>('GET', `desktops/${at(desktop)}`, { signal }),
  actOnDesktop: (desktop: string, action: DesktopAction, force = false) =>
    call<Desktop>('POST', `desktops/${at(desktop)}/${action}`, force ? { query: { force } } : {}),
  assignDesktop: (desktop: string, user: string) =>
    call<Desktop>('POST', `desktops/${at(desktop)}/assign`, { body: { user } }),
  deleteDesktop: (desktop: string, force: boolean) => call<void>('DELETE', `desktops/${at(desktop)}`, { query: { force } }),
  thumbnail: async (desktop: string, width: number, signal?: AbortSignal) =>
    (await send('GET', `desktops/${at(desktop)}/thumbnail`, { query: { width }, signal })).blob(),

  images: list<Image>('images'),
  image: (image: string, signal?: AbortSignal) => call<Image>('GET', `images/${at(image)}`, { signal }),
  buildImage: (body: { name: string; recipe?: string; recipe_text?: string }) =>
    call<{ job: Job }>('POST', 'images', { body, once: true }),
  deleteImage: (image: string) => call<void>('DELETE', `images/${at(image)}`),
  recipes: list<Recipe>('recipes'),

  users: list<User>('users'),
  createUser: (body: { name: string; display_name?: string; email?: string; roles?: Role[]; password?: string }) =>
    call<User>('POST', 'users', { body, once: true }),
  updateUser: (user: string, body: { display_name?: string; email?: string; roles?: Role[]; enabled?: boolean }) =>
    call<User>('PATCH', `users/${at(user)}`, { body }),
  deleteUser: (user: string) => call<void>('DELETE', `users/${at(user)}`),
  setPassword: (user: string, password: string, current?: string) =>
    call<void>('PUT', `users/${at(user)}/password`, { body: current === undefined ? { password } : { password, current } }),
  passwordLink: (user: string) => call<Link>('POST', `users/${at(user)}/link`),

  directories: list<Directory>('directories'),
  createDirectory: (body: DirectoryChange & { kind: DirectoryKind }) => call<Directory>('POST', 'directories', { body, once: true }),
  updateDirectory: (directory: string, body: DirectoryChange) => call<Directory>('PATCH', `directories/${at(directory)}`, { body }),
  deleteDirectory: (directory: string) => call<void>('DELETE', `directories/${at(directory)}`),
  testDirectory: (directory: string, user: string, password: string) =>
    call<{ ok: boolean; steps: DirectoryStep[] }>('POST', `directories/${at(directory)}/test`, { body: user ? { user, ...(password ? { password } : {}) } : {} }),

  groups: list<Group>('groups'),
  createGroup: (body: { name: string; display_name?: string; directory?: string; directory_group?: string }) => call<Group>('POST', 'groups', { body, once: true }),
  updateGroup: (group: string, body: { display_name?: string }) => call<Group>('PATCH', `groups/${at(group)}`, { body }),
  deleteGroup: (group: string) => call<void>('DELETE', `groups/${at(group)}`),
  addMember: (group: string, user: string) => call<void>('PUT', `groups/${at(group)}/members/${at(user)}`),
  removeMember: (group: string, user: string) => call<void>('DELETE', `groups/${at(group)}/members/${at(user)}`),

  jobs: list<Job>('jobs'),
  job: (id: string, signal?: AbortSignal) => call<Job>('GET', `jobs/${at(id)}`, { signal }),
  jobLog: async (id: string, from: number, signal?: AbortSignal) => {
    const response = await send('GET', `jobs/${at(id)}/log`, { query: { from }, signal });
    return { text: await response.text(), next: Number(response.headers.get('X-Oriel-Next') ?? from) };
  },
  cancelJob: (id: string) => call<{ job: Job }>('POST', `jobs/${at(id)}/cancel`),
  events: list<AuditEvent>('events'),

  totp: (signal?: AbortSignal) => call<Totp>('GET', 'totp', { signal }),
  totpBegin: () => call<TotpBegun>('POST', 'totp'),
  totpConfirm: (code: string) => call<RecoveryCodes>('POST', 'totp/confirm', { body: { code } }),
  totpRemove: (code: string) => call<void>('POST', 'totp/remove', { body: { code } }),
  recoveryCodes: (code: string) => call<RecoveryCodes>('POST', 'totp/recovery-codes', { body: { code } }),
  resetTotp: (user: string) => call<void>('DELETE', `users/${at(user)}/totp`),

  kiosks: list<Kiosk>('kiosks'),
  createKiosk: (body: KioskFields) => call<Kiosk>('POST', 'kiosks', { body, once: true }),
  updateKiosk: (kiosk: string, body: KioskFields) => call<Kiosk>('PATCH', `kiosks/${at(kiosk)}`, { body }),
  deleteKiosk: (kiosk: string) => call<void>('DELETE', `kiosks/${at(kiosk)}`),

  logins: list<Login>('logins'),
  endLogin: (id: string) => call<void>('DELETE', `logins/${at(id)}`),
  endLogins: (user?: string) => call<{ ended: number }>('DELETE', 'logins', { query: { user } }),

  tokens: list<Token>('tokens'),
  createToken: (body: { name: string; days: number | null; scopes: Scope[] }) => call<TokenMade>('POST', 'tokens', { body }),
  deleteToken: (id: string) => call<void>('DELETE', `tokens/${at(id)}`),
};
