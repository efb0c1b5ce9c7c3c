// The clipboard between this computer and the desktop. The browser decides how much of it may happen by itself, so the
// panel with both buttons always works, and synchronising is an offer.
import { readSetting, writeSetting } from '../storage.ts';

const key = 'oriel.clipboard.auto';
const most = 1024 * 1024; // characters; more would block the display's connection

export type ClipboardListener = () => void;

export class ClipboardBridge {
  /** What the desktop copied last, or what was sent to it. */
  text = '';
  auto: boolean;
  listener: ClipboardListener = () => {};
  private lastLocal: string | null = null;

  constructor(private readonly paste: (text: string) => void) {
    this.auto = readSetting(key) === 'on';
  }

  static canRead(): boolean {
    return typeof navigator.clipboard?.readText === 'function';
  }

  static canWrite(): boolean {
    return typeof navigator.clipboard?.writeText === 'function';
  }

  /** Switches synchronising; asks the browser for permission, so call it from a click. False: refused. */
  async setAuto(on: boolean): Promise<boolean> {
    if (on) {
      try {
        this.lastLocal = await navigator.clipboard.readText();
        if (this.lastLocal) this.toDesktop(this.lastLocal);
      } catch {
        this.auto = false;
        this.listener();
        return false;
      }
    }
    this.auto = on;
    writeSetting(key, on ? 'on' : null);
    this.listener();
    return true;
  }

  /** The desktop copied something. */
  fromDesktop(text: string): void {
    this.text = text;
    this.listener();
    if (!this.auto || !ClipboardBridge.canWrite()) return;
    this.lastLocal = text;
    navigator.clipboard.writeText(text).catch(() => {
      // the window has no focus: the panel still has the text
    });
  }

  toDesktop(text: string): void {
    const sent = text.length > most ? text.slice(0, most) : text;
    this.text = sent;
    this.listener();
    this.paste(sent);
  }

  /** Called when the window gets the focus: something may have been copied elsewhere. */
  async pull(): Promise<void> {
    if (!this.auto || !ClipboardBridge.canRead()) return;
    try {
      const text = await navigator.clipboard.readText();
      if (text === '' || text === this.lastLocal) return;
      this.lastLocal = text;
      this.toDesktop(text);
    } catch {
      // not permitted now
    }
  }
}
