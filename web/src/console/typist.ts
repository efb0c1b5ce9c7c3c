// Turns characters into key strokes of the desktop's keyboard, and keeps books on which keys are down there.
// Needed where the browser gives characters and no keys (on-screen keyboards, pasted text) or where the person's
// keyboard has another layout than the desktop's: QEMU passes positions of keys, and the guest decides what they mean.
import { layoutCodes, type Layout } from './layouts.ts';

export type SendKey = (keysym: number, code: string | null, down: boolean) => void;

export interface Stroke { code: string; shift: boolean; altGr: boolean }

/** Keys without a character: their X11 keysyms. */
export const namedKeys: Record<string, number> = {
  Backspace: 0xff08, Tab: 0xff09, Enter: 0xff0d, NumpadEnter: 0xff8d, Escape: 0xff1b, Delete: 0xffff,
  Home: 0xff50, ArrowLeft: 0xff51, ArrowUp: 0xff52, ArrowRight: 0xff53, ArrowDown: 0xff54, PageUp: 0xff55,
  PageDown: 0xff56, End: 0xff57, Insert: 0xff63, ContextMenu: 0xff67, PrintScreen: 0xff61, Pause: 0xff13,
  ScrollLock: 0xff14, CapsLock: 0xffe5, NumLock: 0xff7f, ShiftLeft: 0xffe1, ShiftRight: 0xffe2, ControlLeft: 0xffe3,
  ControlRight: 0xffe4, AltLeft: 0xffe9, AltRight: 0xfe03, MetaLeft: 0xffeb, MetaRight: 0xffec, Space: 0x20,
  F1: 0xffbe, F2: 0xffbf, F3: 0xffc0, F4: 0xffc1, F5: 0xffc2, F6: 0xffc3, F7: 0xffc4, F8: 0xffc5, F9: 0xffc6,
  F10: 0xffc7, F11: 0xffc8, F12: 0xffc9,
};

export function keysymOf(character: string): number {
  const point = character.codePointAt(0) ?? 0;
  return (point >= 0x20 && point < 0x7f) || (point >= 0xa0 && point <= 0xff) ? point : 0x01000000 | point;
}

function find(layout: Layout, character: string): Stroke | null {
  for (let level = 0; level < layout.levels.length; level += 1) {
    const index = layout.levels[level]!.indexOf(character);
    const code = index < 0 ? undefined : layoutCodes[index];
    if (code !== undefined) return { code, shift: (level & 1) !== 0, altGr: (level & 2) !== 0 };
  }
  return null;
}

const spacing: Record<string, string> = {
  '\u0300': '`', '\u0301': '´', '\u0302': '^', '\u0303': '~', '\u0308': '¨', '\u0327': '¸',
};

/** The strokes that type a character, dead keys first; null when this keyboard cannot. */
export function strokesFor(layout: Layout, character: string): Stroke[] | null {
  if (character === ' ' || character === '\u00a0') return [{ code: 'Space', shift: false, altGr: false }];
  if (character === '\n' || character === '\r') return [{ code: 'Enter', shift: false, altGr: false }];
  if (character === '\t') return [{ code: 'Tab', shift: false, altGr: false }];
  const own = find(layout, character);
  if (own) return [own];
  for (const [accent, alone] of Object.entries(spacing)) {
    if (alone !== character) continue;
    const dead = find(layout, accent);
    if (dead) return [dead, { code: 'Space', shift: false, altGr: false }];
  }
  const parts = [...character.normalize('NFD')];
  if (parts.length !== 2) return null;
  const base = find(layout, parts[0]!);
  const accent = find(layout, parts[1]!);
  return base && accent ? [accent, base] : null;
}

const shifts = ['ShiftLeft', 'ShiftRight'];

// QEMU plays one key event each 10 ms, keeps some 340 of them, and drops what comes on top.
const eventMs = 20;
const sleep = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));

export class Typist {
  private readonly down = new Map<string, number>();
  private readonly send: SendKey;
  private events = 0;
  private order = 0; // of the text that is being typed

  constructor(send: SendKey, public layout: Layout) {
    this.send = (keysym, code, down) => {
      this.events += 1;
      send(keysym, code, down);
    };
  }

  press(code: string, keysym: number): void {
    this.down.set(code, keysym);
    this.send(keysym, code, true);
  }

  release(code: string): void {
    const keysym = this.down.get(code);
    if (keysym === undefined) return;
    this.down.delete(code);
    this.send(keysym, code, false);
  }

  releaseAll(): void {
    for (const code of [...this.down.keys()].reverse()) this.release(code);
  }

  isDown(code: string): boolean {
    return this.down.has(code);
  }

  tap(code: string, keysym = namedKeys[code] ?? 0): void {
    this.send(keysym, code, true);
    this.send(keysym, code, false);
  }

  /** Presses in order, releases in reverse: ControlLeft, AltLeft, Delete. */
  combination(codes: string[]): void {
    const keysyms = codes.map((code) => namedKeys[code] ?? keysymOf(this.characterOn(code)));
    codes.forEach((code, index) => this.send(keysyms[index]!, code, true));
    for (let index = codes.length - 1; index >= 0; index -= 1) this.send(keysyms[index]!, codes[index]!, false);
  }

  /** Types one character whatever Shift is doing now. False: this keyboard has no way to it. */
  type(character: string): boolean {
    const strokes = strokesFor(this.layout, character);
    if (!strokes) {
      // no key makes it: a server that knows the keysym may still find a way
      this.send(keysymOf(character), null, true);
      this.send(keysymOf(character), null, false);
      return false;
    }
    for (const stroke of strokes) this.stroke(stroke, character);
    return true;
  }

  /** Types a text; returns the characters that this keyboard cannot make. */
  text(text: string): string {
    let missed = '';
    for (const character of text.normalize('NFC').replace(/\r\n/g, '\n')) {
      if (!this.type(character)) missed += character;
    }
    return missed;
  }

  /** Types a text of any length, as fast as the desktop takes it. False: it was stopped, or another one began. */
  async paced(text: string, pause = sleep): Promise<boolean> {
    this.order += 1;
    const mine = this.order;
    for (const character of text.normalize('NFC').replace(/\r\n/g, '\n')) {
      const before = this.events;
      this.type(character);
      await pause((this.events - before) * eventMs);
      if (mine !== this.order) return false;
    }
    return true;
  }

  /** What `paced` has not typed yet is not typed any more. */
  stop(): void {
    this.order += 1;
  }

  /** The characters of a text that this keyboard cannot make, each once. */
  missing(text: string): string {
    const all = new Set(text.normalize('NFC').replace(/\r\n/g, '\n'));
    return [...all].filter((character) => strokesFor(this.layout, character) === null).join('');
  }

  /** The key that carries a character, for shortcuts: Ctrl+Z is where the desktop has its Z. */
  codeFor(character: string): string | null {
    return find(this.layout, character.toLowerCase())?.code ?? find(this.layout, character)?.code ?? null;
  }

  private characterOn(code: string): string {
    return this.layout.levels[0]?.[layoutCodes.indexOf(code)] ?? ' ';
  }

  private stroke(stroke: Stroke, character: string): void {
    const held = shifts.filter((code) => this.down.has(code));
    const keysym = namedKeys[stroke.code] ?? keysymOf(character);
    if (stroke.shift && held.length === 0) this.send(namedKeys['ShiftLeft']!, 'ShiftLeft', true);
    if (!stroke.shift) for (const code of held) this.send(namedKeys[code]!, code, false);
    if (stroke.altGr) this.send(namedKeys['AltRight']!, 'AltRight', true);
    this.tap(stroke.code, keysym);
    if (stroke.altGr) this.send(namedKeys['AltRight']!, 'AltRight', false);
    if (!stroke.shift) for (const code of held) this.send(namedKeys[code]!, code, true);
    if (stroke.shift && held.length === 0) this.send(namedKeys['ShiftLeft']!, 'ShiftLeft', false);
  }
}
