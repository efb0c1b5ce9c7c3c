// The server's event stream. Browsers allow six HTTP/1.1 connections to a server over all tabs, so of all tabs of this
// browser only one holds the stream and tells the others; a lock decides which, and the next takes over when it closes.
import { api, apiUrl, type Change, type Job } from './api.ts';

export type StreamMessage =
  | { type: 'change'; change: Change }
  | { type: 'job'; job: Job }
  | { type: 'resync' }
  | { type: 'state'; connected: boolean };

type Listener = (message: StreamMessage) => void;

const listeners = new Set<Listener>();
const firstRetry = 1000;
const longestRetry = 20_000;

let channel: BroadcastChannel | null = null;
let source: EventSource | null = null;
let release: (() => void) | null = null;
let retryTimer = 0;
let retryDelay = firstRetry;
let connected = true;
let stop: AbortController | null = null;

function deliver(message: StreamMessage): void {
  if (message.type === 'state') connected = message.connected;
  for (const listener of [...listeners]) listener(message);
}

function tellAll(message: StreamMessage): void {
  deliver(message);
  channel?.postMessage(message);
}

function parse(event: Event): unknown {
  try {
    return JSON.parse((event as MessageEvent<string>).data);
  } catch {
    return null;
  }
}

function open(): void {
  source = new EventSource(apiUrl('stream'));
  source.addEventListener('open', () => {
    retryDelay = firstRetry;
    tellAll({ type: 'state', connected: true });
  });
  source.addEventListener('change', (event) => {
    const change = parse(event) as Change | null;
    if (change) tellAll({ type: 'change', change });
  });
  source.addEventListener('job', (event) => {
    const job = parse(event) as Job | null;
    if (job) tellAll({ type: 'job', job });
  });
  source.addEventListener('resync', () => tellAll({ type: 'resync' }));
  source.addEventListener('error', () => {
    tellAll({ type: 'state', connected: false });
    // EventSource itself gives up after an answer that is no stream (502 of a proxy): try again ourselves
    if (source?.readyState !== EventSource.CLOSED) return;
    clearTimeout(retryTimer);
    retryTimer = window.setTimeout(reopen, retryDelay);
    retryDelay = Math.min(retryDelay * 2, longestRetry);
  });
}

function reopen(): void {
  // the stream does not say why it was refused; a 401 of `me` does, and api.ts then logs out
  api.me().catch(() => {}).finally(() => {
    if (stop) open();
  });
}

export function startStream(): void {
  if (stop) return;
  stop = new AbortController();
  if (!('locks' in navigator) || !('BroadcastChannel' in window)) {
    open();
    return;
  }
  const name = `oriel.stream.${new URL('.', document.baseURI).pathname}`;
  channel = new BroadcastChannel(name);
  channel.onmessage = (event: MessageEvent<StreamMessage>) => deliver(event.data);
  const hold = () => new Promise<void>((resolve) => {
    release = resolve;
    open();
  });
  navigator.locks.request(name, { signal: stop.signal }, hold).catch(() => {
    // aborted by stopStream while waiting: nothing to undo
  });
}

export function stopStream(): void {
  stop?.abort();
  stop = null;
  clearTimeout(retryTimer);
  source?.close();
  source = null;
  release?.();
  release = null;
  channel?.close();
  channel = null;
  connected = true;
}

export function streamConnected(): boolean {
  return connected;
}

export function listen(listener: Listener): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}
