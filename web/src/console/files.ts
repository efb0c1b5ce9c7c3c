// Files between this computer and the desktop: one after the other, in pieces, so that any size goes and a lost answer costs one piece.
import { api, Problem, sentence, type Transfer } from '../api.ts';
import { t } from '../language.ts';

export type MoveState = 'waits' | 'moves' | 'done' | 'failed' | 'cancelled';
export interface Move { key: number; toDesktop: boolean; name: string; size: number; done: number; state: MoveState; problem: string | null; given: string | null }

/** What the server is asked; another one in tests. */
export type Wire = Pick<typeof api, 'beginTransfer' | 'sendPiece' | 'readPiece' | 'finishTransfer' | 'cancelTransfer'>;

interface Item extends Move { file: File | null; stop: AbortController }

const kept = 20; // moves that are over and still shown
const tries = 8; // of one piece, while the network or the desktop is away
const pause = (ms: number, signal: AbortSignal) => new Promise<void>((resolve) => {
  const timer = setTimeout(resolve, ms);
  signal.addEventListener('abort', () => { clearTimeout(timer); resolve(); }, { once: true });
});

function problemText(error: unknown): string {
  if (error instanceof Problem && error.kind === 'no-space') return t('There is not enough room for it on the desktop.');
  if (error instanceof Problem && error.kind === 'forbidden') return t('Your organisation does not allow moving files this way.');
  return sentence(error);
}

const passes = (error: unknown) => error instanceof Problem && ['network', 'unavailable', 'too-many', 'timeout'].includes(error.kind);

export class Files {
  onChange: () => void = () => {};
  onDone: (move: Move) => void = () => {};
  private items: Item[] = [];
  private serial = 0;
  private working = false;

  constructor(private readonly session: string, private readonly save: (name: string, content: Blob) => void, private readonly wire: Wire = api, private readonly rest = 2000) {}

  get moves(): readonly Move[] {
    return this.items;
  }

  get busy(): boolean {
    return this.items.some((one) => one.state === 'waits' || one.state === 'moves');
  }

  send(files: Iterable<File>): void {
    for (const file of files) this.add({ toDesktop: true, name: file.name, size: file.size, file });
  }

  fetch(name: string, size: number): void {
    this.add({ toDesktop: false, name, size, file: null });
  }

  cancel(key: number): void {
    const item = this.items.find((one) => one.key === key);
    if (!item || (item.state !== 'waits' && item.state !== 'moves')) return;
    item.state = 'cancelled';
    item.stop.abort();
    this.onChange();
  }

  close(): void {
    for (const one of this.items) this.cancel(one.key);
  }

  private add(what: Pick<Item, 'toDesktop' | 'name' | 'size' | 'file'>): void {
    const over = this.items.filter((one) => one.state !== 'waits' && one.state !== 'moves');
    const gone = new Set(over.slice(0, Math.max(0, over.length - kept)));
    this.items = [...this.items.filter((one) => !gone.has(one)),
      { ...what, key: ++this.serial, done: 0, state: 'waits', problem: null, given: null, stop: new AbortController() }];
    this.onChange();
    void this.work();
  }

  private async work(): Promise<void> {
    if (this.working) return;
    this.working = true;
    for (let next; (next = this.items.find((one) => one.state === 'waits'));) await this.move(next);
    this.working = false;
  }

  private async move(item: Item): Promise<void> {
    item.state = 'moves';
    this.onChange();
    let transfer: Transfer | null = null;
    try {
      transfer = await this.patiently(item, () => this.wire.beginTransfer(this.session, item.toDesktop, item.name, item.size));
      item.size = transfer.size_bytes;
      const content = item.toDesktop ? await this.push(item, transfer, item.file!) : await this.pull(item, transfer);
      const { name } = await this.wire.finishTransfer(this.session, transfer.id);
      item.given = name;
      item.state = 'done';
      if (content) this.save(item.name, content);
      this.onDone(item);
    } catch (error) {
      if (item.state === 'moves') {
        item.state = 'failed';
        item.problem = problemText(error);
      }
      if (transfer) void this.wire.cancelTransfer(this.session, transfer.id).catch(() => {}); // it may be over there, too
    }
    item.file = null;
    this.onChange();
  }

  /** Again and again while that may help; a cancel ends it. */
  private async patiently<T>(item: Item, ask: () => Promise<T>): Promise<T> {
    for (let left = tries; ; left--) {
      item.stop.signal.throwIfAborted();
      try {
        return await ask();
      } catch (error) {
        if (!passes(error) || left <= 1) throw error;
        await pause(this.rest, item.stop.signal);
      }
    }
  }

  private moved(item: Item, done: number): void {
    item.done = done;
    this.onChange();
  }

  private async push(item: Item, transfer: Transfer, file: File): Promise<null> {
    while (item.done < item.size) {
      const piece = file.slice(item.done, item.done + transfer.piece_bytes);
      const { done_bytes } = await this.patiently(item, () => this.wire.sendPiece(this.session, transfer.id, item.done, piece, item.stop.signal));
      this.moved(item, done_bytes);
    }
    return null;
  }

  private async pull(item: Item, transfer: Transfer): Promise<Blob> {
    const pieces: Blob[] = [];
    while (item.done < item.size) {
      const piece = await this.patiently(item, () => this.wire.readPiece(this.session, transfer.id, item.done, item.stop.signal));
      if (piece.size === 0) throw new Error(t('The desktop did not send the rest of it.'));
      pieces.push(piece);
      this.moved(item, item.done + piece.size);
    }
    return new Blob(pieces, { type: 'application/octet-stream' });
  }
}
