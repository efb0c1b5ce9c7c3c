// Getting to a desktop: ask for a ticket (again and again while the desktop boots), and open the WebSocket at once.
import { api, Problem, type ConnectAnswer, type Connection, type Job } from '../api.ts';
import { t } from '../language.ts';
import { Channel, displayUrl } from './channel.ts';
import { placeOf } from './settings.ts';

export type Target =
  | { kind: 'pool'; name: string }      // the person's own desktop of this pool
  | { kind: 'desktop'; name: string }   // the console of this very desktop, for operators
  | { kind: 'ticket'; name: string; ticket: string }; // a ticket somebody else got (`oriel desktop connect`)

export interface Line { connection: Connection | null; channel: Channel }

export interface Dial {
  line: Promise<Line>;
  /** Called with the job while the desktop is being prepared. */
  onProgress: ((job: Job) => void) | null;
  job: Job | null;
  abandon: () => void;
}

const askAgain = 1000;

function pause(milliseconds: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(resolve, milliseconds);
    signal.addEventListener('abort', () => {
      clearTimeout(timer);
      reject(new DOMException('abandoned', 'AbortError'));
    }, { once: true });
  });
}

/** takeOver: an operator's console ends the view of the person who works there. */
export function dial(target: Target, takeOver = false): Dial {
  const stop = new AbortController();
  let taken: Channel | null = null;
  const self: Dial = {
    line: Promise.resolve(null as never),
    onProgress: null,
    job: null,
    abandon: () => {
      stop.abort();
      taken?.close();
    },
  };

  const open = (path: string): Channel => {
    taken = new Channel(displayUrl(path));
    return taken;
  };
  const ask = (): Promise<ConnectAnswer> =>
    target.kind === 'pool' ? api.connectPool(target.name, placeOf(), stop.signal) : api.connectDesktop(target.name, takeOver, stop.signal);

  const run = async (): Promise<Line> => {
    if (target.kind === 'ticket') return { connection: null, channel: open(`api/v1/display/${encodeURIComponent(target.ticket)}`) };
    for (;;) {
      const answer = await ask();
      if (answer.connection) return { connection: answer.connection, channel: open(answer.connection.path) };
      self.job = answer.job;
      self.onProgress?.(answer.job);
      if (answer.job.state === 'failed' || answer.job.state === 'cancelled') {
        throw new Problem('unavailable', 503, answer.job.error ?? t('Preparing the desktop was cancelled.'));
      }
      await pause(askAgain, stop.signal);
    }
  };
  self.line = run();
  self.line.catch(() => {}); // whoever awaits it hears of it; nobody need
  return self;
}
