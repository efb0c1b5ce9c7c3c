// Hooks: a value of the API that stays true while the page is open.
import { useCallback, useEffect, useRef, useState } from 'preact/hooks';
import type { ChangeKind, Job, Page } from './api.ts';
import { listen, streamConnected } from './stream.ts';

export interface Live<T> {
  value: T | null;
  error: unknown;
  loading: boolean;
  reload: () => void;
  put: (value: T) => void;
}

const calm = 150;      // changes come in swarms: wait for the rest of one
const atMostEvery = 800;

/** Loads, and loads again when something of these kinds changed, when the stream resyncs and when the page comes back. */
export function useLive<T>(load: (signal: AbortSignal) => Promise<T>, kinds: ChangeKind[], inputs: unknown[]): Live<T> {
  const [value, setValue] = useState<T | null>(null);
  const [error, setError] = useState<unknown>(null);
  const [loading, setLoading] = useState(true);
  const loader = useRef(load);
  loader.current = load;
  const again = useRef<() => void>(() => {});

  useEffect(() => {
    let timer = 0;
    let last = 0;
    let running: AbortController | null = null;
    let missed = false;

    const run = async () => {
      if (running) {
        missed = true;
        return;
      }
      const mine = new AbortController();
      running = mine;
      last = Date.now();
      try {
        const next = await loader.current(mine.signal);
        if (mine.signal.aborted) return;
        setValue(() => next);
        setError(null);
      } catch (problem) {
        if (mine.signal.aborted) return;
        setError(problem);
      }
      setLoading(false);
      running = null;
      if (missed) {
        missed = false;
        soon();
      }
    };
    const soon = () => {
      if (timer) return;
      timer = window.setTimeout(() => {
        timer = 0;
        void run();
      }, Math.max(calm, last + atMostEvery - Date.now()));
    };
    const unlisten = listen((message) => {
      if (message.type === 'resync') soon();
      else if (message.type === 'change' && kinds.includes(message.change.kind)) soon();
      else if (message.type === 'job' && kinds.includes('job') && message.job.state !== 'running') soon();
    });
    const onVisible = () => {
      if (!document.hidden && Date.now() - last > 30_000) soon();
    };
    document.addEventListener('visibilitychange', onVisible);
    again.current = soon;
    setLoading(true);
    void run();
    return () => {
      running?.abort();
      clearTimeout(timer);
      unlisten();
      document.removeEventListener('visibilitychange', onVisible);
    };
  }, inputs);

  const reload = useCallback(() => again.current(), []);
  return { value, error, loading, reload, put: (next) => setValue(() => next) };
}

export interface LivePage<T> extends Live<Page<T>> {
  number: number;
  back: (() => void) | null;
  forth: (() => void) | null;
  /** the rows of all pages, read anew */
  all: () => Promise<T[]>;
}

/** The longest page that the API gives. */
const longest = 500;

/** The rows of all pages of a list. */
export async function allOf<T>(load: (query: { limit: number; after?: string }, signal: AbortSignal) => Promise<Page<T>>): Promise<T[]> {
  const rows: T[] = [];
  const signal = new AbortController().signal;
  for (let after: string | null | undefined; after !== null;) {
    const page: Page<T> = await load(after === undefined ? { limit: longest } : { limit: longest, after }, signal);
    rows.push(...page.items);
    after = page.next;
  }
  return rows;
}

/** The same for a paged list: remembers the cursors of the pages before. */
export function useLivePage<T>(
  load: (query: { limit: number; after?: string }, signal: AbortSignal) => Promise<Page<T>>,
  kinds: ChangeKind[],
  inputs: unknown[],
  limit = 50,
): LivePage<T> {
  const [cursors, setCursors] = useState<string[]>([]);
  const key = JSON.stringify(inputs);
  const lastKey = useRef(key);
  let current = cursors;
  if (lastKey.current !== key) {
    lastKey.current = key;
    current = [];
    setCursors([]);
  }
  const after = current.at(-1);
  const live = useLive((signal) => load(after === undefined ? { limit } : { limit, after }, signal), kinds, [key, after]);
  const next = live.value?.next ?? null;
  return {
    ...live,
    number: current.length + 1,
    back: current.length > 0 ? () => setCursors(current.slice(0, -1)) : null,
    forth: next === null ? null : () => setCursors([...current, next]),
    all: () => allOf(load),
  };
}

/** Progress of jobs as the stream tells it: newer than what a list said. */
export function useJobProgress(): Map<string, Job> {
  const [jobs, setJobs] = useState<Map<string, Job>>(new Map());
  useEffect(() => listen((message) => {
    if (message.type === 'job') setJobs((before) => new Map(before).set(message.job.id, message.job));
  }), []);
  return jobs;
}

export function useStreamConnected(): boolean {
  const [state, setState] = useState(streamConnected());
  useEffect(() => listen((message) => {
    if (message.type === 'state') setState(message.connected);
  }), []);
  return state;
}

/** A clock for "3 min ago": renders again every so many seconds. */
export function useNow(seconds: number): number {
  const [now, setNow] = useState(Date.now());
  useEffect(() => {
    const timer = window.setInterval(() => setNow(Date.now()), seconds * 1000);
    return () => clearInterval(timer);
  }, [seconds]);
  return now;
}
