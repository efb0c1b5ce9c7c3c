// The WebSocket of a display, opened before the code that reads it has arrived: keeps what comes until then, counts
// bytes, and remembers how it was closed. noVNC takes it as a raw channel (same properties as a WebSocket).
import type { RawChannel } from '@novnc/novnc';

export interface Closed { code: number; reason: string }

export class Channel implements RawChannel {
  onopen: (() => void) | null = null;
  onerror: ((event: unknown) => void) | null = null;
  received = 0;
  sent = 0;
  closed: Closed | null = null;
  readonly whenClosed: Promise<Closed>;

  private handler: ((event: { data: ArrayBuffer }) => void) | null = null;
  private closeHandler: ((event: Closed) => void) | null = null;
  private waiting: ArrayBuffer[] = [];
  private readonly socket: WebSocket;

  constructor(url: string) {
    this.socket = new WebSocket(url, ['binary']);
    this.socket.binaryType = 'arraybuffer';
    this.socket.onopen = () => this.onopen?.();
    this.socket.onerror = (event) => this.onerror?.(event);
    this.socket.onmessage = (event: MessageEvent<ArrayBuffer>) => {
      this.received += event.data.byteLength;
      if (this.handler) this.handler({ data: event.data });
      else this.waiting.push(event.data);
    };
    this.whenClosed = new Promise((resolve) => {
      this.socket.onclose = (event) => {
        this.closed = { code: event.code, reason: event.reason };
        this.closeHandler?.(this.closed);
        resolve(this.closed);
      };
    });
  }

  get binaryType(): string {
    return 'arraybuffer';
  }

  set binaryType(_ignored: string) {
    // always arraybuffer
  }

  get protocol(): string {
    return this.socket.protocol;
  }

  get readyState(): number {
    return this.socket.readyState;
  }

  get onmessage(): ((event: { data: ArrayBuffer }) => void) | null {
    return this.handler;
  }

  set onmessage(handler: ((event: { data: ArrayBuffer }) => void) | null) {
    this.handler = handler;
    if (!handler || this.waiting.length === 0) return;
    // noVNC sets its handlers first and learns that the socket is open afterwards, in the same turn: so not at once,
    // but before any further message can come
    queueMicrotask(() => {
      const early = this.waiting;
      this.waiting = [];
      for (const data of early) this.handler?.({ data });
    });
  }

  get onclose(): ((event: Closed) => void) | null {
    return this.closeHandler;
  }

  set onclose(handler: ((event: Closed) => void) | null) {
    this.closeHandler = handler;
  }

  send(data: ArrayBufferView | ArrayBuffer): void {
    this.sent += data.byteLength;
    this.socket.send(data as ArrayBufferView<ArrayBuffer> | ArrayBuffer);
  }

  close(): void {
    this.socket.close(1000);
  }
}

/** The address of a display: beside the page, whatever path a reverse proxy gave it. */
export function displayUrl(path: string, base = document.baseURI): string {
  const url = new URL(path, base);
  url.protocol = url.protocol === 'http:' ? 'ws:' : 'wss:';
  url.hash = '';
  return url.href;
}
