// Getting to a desktop: ask for a ticket (again and again while the desktop boots), and open the WebSocket at once.
import { api, Problem, type ConnectAnswer, type Connection, type Job } from '../api.ts';
import { t } from '../language.ts';
import { Channel, displayUrl } from './channel.ts';
import { placeOf } from './settings.ts';

export type Target =
  // the person's own desktop of this pool: of several the one used last, or `own` by its id, or another one besides
  | { kind: 'pool'; name: string; own?: string; another?: boolean }
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

/** takeOver: an operator's console ends the view of the person who works there. before: where the person was, and is brought back to. */
export function dial(target: Target, takeOver = false, before: string | null = null): Dial {
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
  let own = target.kind === 'pool' ? before ?? target.own : undefined;
  let another = target.kind === 'pool' && target.another === true && own === undefined;
  const askPool = async (name: string): Promise<ConnectAnswer> => {
    try {
      const answer = await api.connectPool(name, { ...placeOf(), ...(own !== undefined && { desktop: own }), ...(another && { another }) }, stop.signal);
      if (another && answer.job?.object?.kind === 'desktop' && answer.job.object.id !== null) { // it is the person's by now
        own = answer.job.object.id;
        another = false;
      }
      return answer;
    } catch (problem) {
      const gone = problem instanceof Problem && problem.kind === 'not-found' && own !== undefined && target.kind === 'pool' && !target.own && !target.another;
      if (!gone) throw problem;
      own = undefined; // whichever desktop it was: the pool was meant
      return askPool(name);
    }
  };
  const ask = (): Promise<ConnectAnswer> => (target.kind === 'pool' ? askPool(target.name) : api.connectDesktop(target.name, takeOver, stop.signal));

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
