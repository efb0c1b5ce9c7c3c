// The connection to one desktop over its whole life: dial, show, lose, dial again. Knows noVNC; knows no page.
import type RFB from '@novnc/novnc';
import { api, Problem, sentence, type Connection, type DesktopState, type Session } from '../api.ts';
import { t } from '../language.ts';
import type { Channel, Closed } from './channel.ts';
import { dial, type Dial, type Target } from './dial.ts';
import { SoundRfb } from './sound-rfb.ts';

export type LinkState =
  | { name: 'dialing' }
  | { name: 'preparing'; progress: number; step: string }
  | { name: 'connecting' }
  | { name: 'connected' }
  | { name: 'lost'; attempt: number; retryAt: number; why: string }
  | { name: 'elsewhere'; where: string | null } // address and browser
  | { name: 'closed'; who: string } // by an operator or the help desk
  | { name: 'idle' } // nobody did anything for as long as the plan allows
  | { name: 'revoked'; why: string }
  | { name: 'locked'; session: Session } // its person has to log in again
  | { name: 'busy' } // a person is in session and their viewer is exclusive: an operator may take over
  | { name: 'disconnected' }
  | { name: 'ended'; why: string | null } // null: by a log off
  | { name: 'failed'; why: string };

// why a display was closed (docs/architecture.md, contract 1)
const closedElsewhere = 4001;
const closedRevoked = 4002;
const closedBy = 4003;
const closedByRules = 4004;
const closedIdle = 4005;

const firstRetry = 500;
const longestRetry = 15_000;
const settle = 1200;      // ms until the server has noticed that a viewer came or went
const connectTimeout = 15_000;

/** Problems that another try will not cure. */
const final = ['forbidden', 'not-found', 'invalid', 'unsupported', 'conflict', 'too-large'];

type Verdict = 'elsewhere' | 'disconnected' | 'ended' | 'retry';

/** Why a display ended in an orderly way, from what the server knows a moment later. */
export function judge(session: Session | null, desktop: DesktopState | null): Verdict {
  if (session === null || session.state === 'ended') return 'ended';
  if (session.state === 'connected' || session.state === 'connecting') return 'elsewhere';
  return desktop === 'running' ? 'disconnected' : 'retry';
}

export class Link {
  state: LinkState = { name: 'dialing' };
  connection: Connection | null = null;
  channel: Channel | null = null;
  rfb: SoundRfb | null = null;
  frames = 0;
  onState: (state: LinkState) => void = () => {};
  onRfb: (rfb: SoundRfb) => void = () => {};

  private current: Dial | null = null;
  private attempt = 0;
  private retryTimer = 0;
  private connectTimer = 0;
  private over = false;
  private exclusive = false;
  private takesOver = false;
  private mark: string | null = null;
  private readonly online = () => {
    if (this.state.name !== 'lost') return;
    clearTimeout(this.retryTimer);
    void this.retryUnlessElsewhere();
  };

  constructor(private readonly target: Target, private readonly screen: HTMLElement) {
    // a person's viewer is the only one: the newest takes over (RFB shared-flag 0, RFC 6143 7.3.1)
    this.exclusive = target.kind !== 'desktop';
    window.addEventListener('online', this.online);
  }

  start(first: Dial): void {
    void this.follow(first);
  }

  /** An operator's console ends the person's view; never without having been asked for. */
  takeOver(): void {
    this.takesOver = true;
    this.reconnect();
  }

  /** Called by a person who wants the desktop here, now. */
  reconnect(): void {
    this.attempt = 0;
    this.retryNow();
  }

  retryNow(): void {
    clearTimeout(this.retryTimer);
    if (this.over) return;
    if (this.target.kind === 'ticket') {
      this.become({ name: 'failed', why: t('This address worked once. Get a new one to connect again.') });
      return;
    }
    const over = this.state.name === 'ended' || this.state.name === 'failed';
    void this.follow(dial(this.target, this.takesOver, over ? null : this.connection?.desktop.id ?? null), this.attempt > 0);
    this.takesOver = false; // asked for once
  }

  /** Ends the display; the session goes on. */
  close(): void {
    this.over = true;
    clearTimeout(this.retryTimer);
    clearTimeout(this.connectTimer);
    window.removeEventListener('online', this.online);
    this.dropRfb();
    this.current?.abandon();
  }

  private become(state: LinkState): void {
    if (this.over) return;
    this.state = state;
    this.onState(state);
  }

  private dropRfb(): void {
    const rfb = this.rfb;
    this.rfb = null;
    if (rfb) rfb.disconnect();
    this.channel = null;
  }

  private async follow(next: Dial, checkFirst = false): Promise<void> {
    this.current?.abandon();
    this.current = next;
    this.dropRfb();
    if (this.attempt === 0) this.become(next.job ? this.preparing(next) : { name: 'dialing' });
    next.onProgress = () => this.become(this.preparing(next));
    try {
      const line = await next.line;
      if (this.over || this.current !== next) return;
      if (checkFirst) this.mark = null;
      this.connection = line.connection ?? this.connection;
      this.keepTo();
      this.attach(line.channel);
    } catch (problem) {
      if (this.over || this.current !== next || (problem instanceof DOMException && problem.name === 'AbortError')) return;
      const locked = await this.lockedSession(problem);
      if (locked) this.become({ name: 'locked', session: locked });
      else if (await this.isBusy(problem)) this.become({ name: 'busy' });
      else this.refused(problem);
    }
  }

  /** Who loads this page again wants this desktop, and not yet another one. */
  private keepTo(): void {
    if (this.target.kind === 'pool' && this.target.another && this.connection) {
      history.replaceState(null, '', `#/desktop/${encodeURIComponent(this.target.name)}?own=${this.connection.desktop.id}`);
    }
  }

  /** One's own session is refused while it is locked: to whoever had logged in before. */
  private async lockedSession(problem: unknown): Promise<Session | null> {
    if (this.target.kind !== 'pool' || !(problem instanceof Problem) || problem.kind !== 'forbidden') return null;
    const { name, own } = this.target;
    const desktop = this.connection?.desktop.id ?? own;
    const sessions = await api.sessions({ limit: 100 }).catch(() => null);
    return sessions?.items.find((one) => one.locked_ms !== null
      && (desktop === undefined ? one.pool?.name === name || one.pool?.id === name : one.desktop?.id === desktop)) ?? null;
  }

  /** A console is refused while a person works there. */
  private async isBusy(problem: unknown): Promise<boolean> {
    if (this.target.kind !== 'desktop' || !(problem instanceof Problem) || problem.kind !== 'conflict') return false;
    const desktop = await api.desktop(this.target.name).catch(() => null);
    return desktop?.session?.state === 'connected';
  }

  private preparing(next: Dial): LinkState {
    return { name: 'preparing', progress: next.job?.progress ?? 0, step: next.job?.step ?? '' };
  }

  private refused(problem: unknown): void {
    const why = sentence(problem);
    if (problem instanceof Problem && (final.includes(problem.kind) || problem.kind === 'unauthenticated')) {
      this.become({ name: 'failed', why });
      return;
    }
    if (this.attempt === 0 && !(problem instanceof Problem && problem.kind === 'network')) {
      this.become({ name: 'failed', why }); // the first try of a person: say it plainly, they choose when to try again
      return;
    }
    const wait = problem instanceof Problem && problem.retryAfterSeconds !== null ? problem.retryAfterSeconds * 1000 : 0;
    this.retryLater(why, wait);
  }

  private retryLater(why: string, atLeast = 0): void {
    const delay = Math.max(atLeast, Math.min(longestRetry, firstRetry * 2 ** this.attempt) * (0.8 + Math.random() * 0.4));
    this.attempt += 1;
    this.become({ name: 'lost', attempt: this.attempt, retryAt: Date.now() + delay, why });
    clearTimeout(this.retryTimer);
    this.retryTimer = window.setTimeout(() => void this.retryUnlessElsewhere(), delay);
  }

  /** Before taking the picture back by itself: not from the device where the person went on meanwhile. */
  private async retryUnlessElsewhere(): Promise<void> {
    const before = this.mark;
    const session = this.connection?.session;
    if (session && before !== null) {
      try {
        const now = await api.session(session.id);
        if (now.state === 'ended') return this.become(endedBy(now));
        if (now.state === 'connected' && markOf(now) !== before) return this.become({ name: 'elsewhere', where: now.client });
      } catch (problem) {
        if (problem instanceof Problem && problem.kind === 'not-found') return this.become(endedBy(null));
        if (problem instanceof Problem && problem.kind === 'network') return this.refused(problem);
      }
    }
    this.retryNow();
  }

  private attach(channel: Channel): void {
    this.become({ name: 'connecting' });
    this.channel = channel;
    if (channel.closed) {
      this.lost(channel.closed);
      return;
    }
    const rfb = new SoundRfb(this.screen, channel, { shared: !this.exclusive });
    this.rfb = rfb;
    this.frames = 0;
    this.countFrames(rfb);
    this.connectTimer = window.setTimeout(() => channel.close(), connectTimeout);
    rfb.addEventListener('connect', () => {
      if (this.rfb !== rfb) return;
      clearTimeout(this.connectTimer);
      this.attempt = 0;
      this.become({ name: 'connected' });
      void this.remember();
    });
    this.onRfb(rfb);
    void channel.whenClosed.then((closed) => {
      clearTimeout(this.connectTimer);
      if (this.rfb !== rfb || this.over) return;
      this.rfb = null;
      this.channel = null;
      void this.gone(closed);
    });
  }

  private countFrames(rfb: RFB): void {
    const display = rfb._display;
    const flip = display?.flip;
    if (!display || !flip) return;
    display.flip = (fromQueue) => {
      if (!fromQueue) this.frames += 1;
      flip.call(display, fromQueue);
    };
  }

  /** What the server says of this session while it is ours: changes when another viewer takes over. */
  private async remember(): Promise<void> {
    const session = this.connection?.session;
    if (!session) return;
    await new Promise((resolve) => setTimeout(resolve, settle));
    if (this.state.name !== 'connected') return;
    try {
      this.mark = markOf(await api.session(session.id));
    } catch {
      this.mark = null; // only a precaution is lost
    }
  }

  private async gone(closed: Closed): Promise<void> {
    const early = this.state.name === 'connecting';
    if (closed.code === closedElsewhere) this.become({ name: 'elsewhere', where: closed.reason || null });
    else if (closed.code === closedRevoked || closed.code === closedByRules) this.become({ name: 'revoked', why: closed.reason });
    else if (closed.code === closedIdle) this.become({ name: 'idle' });
    else if (closed.code === closedBy && closed.reason) this.become({ name: 'closed', who: closed.reason });
    else if (closed.code === closedBy) this.become({ name: 'disconnected' });
    else if (closed.code !== 1000) this.lost(closed);
    else if (!early) await this.ended();
    else this.lost(closed);
  }

  private lost(closed: Closed): void {
    if (this.target.kind === 'ticket') {
      this.become({ name: 'failed', why: t('The connection ended. This address worked once; get a new one to connect again.') });
      return;
    }
    const why = closed.code === 1001 ? t('Oriel is being restarted.') : t('The connection was interrupted.');
    this.retryLater(why);
  }

  private async ended(): Promise<void> {
    if (this.target.kind === 'ticket') return this.become({ name: 'disconnected' });
    const session = this.connection?.session;
    if (!session) return this.become({ name: 'disconnected' });
    await new Promise((resolve) => setTimeout(resolve, settle));
    if (this.over || this.rfb) return;
    let now: Session | null = null;
    let desktop: DesktopState | null = null;
    try {
      now = await api.session(session.id);
      const tiles = (await api.portal()).tiles;
      desktop = tiles.find((tile) => tile.pool.id === now?.pool?.id)?.desktop?.state ?? null;
    } catch (problem) {
      if (problem instanceof Problem && problem.kind !== 'not-found') return this.retryLater(sentence(problem));
    }
    const verdict = judge(now, desktop);
    if (verdict === 'retry') this.retryLater(t('Your desktop is being restarted.'), settle);
    else if (verdict === 'elsewhere') this.become({ name: 'elsewhere', where: now?.client ?? null });
    else this.become(verdict === 'ended' ? endedBy(now) : { name: verdict });
  }
}

const endings: Record<string, string> = {
  'desktop taken away': t('An administrator took this desktop back.'),
  'desktop stopped': t('An administrator switched this desktop off.'),
  'machine died': t('The desktop stopped without having been asked to. Open it again.'),
  'shut down by the guest': t('The desktop was shut down from inside.'),
  'idle for too long': t('Nobody did anything here for so long that the session was ended.'),
  'disconnected for too long': t('Nobody was connected for so long that the session was ended.'),
  'did not start': t('The desktop did not start. Open it again.'),
};

/** Why a session is over, where it was not a plain log off. */
export function endedBy(session: Session | null): LinkState {
  return { name: 'ended', why: endings[session?.end_reason ?? ''] ?? null };
}

function markOf(session: Session): string {
  return `${session.since_ms} ${session.client ?? ''}`;
}
