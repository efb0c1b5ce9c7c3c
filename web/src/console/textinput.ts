// The hidden text field behind the picture: where on-screen keyboards, dead keys and input methods deliver text.
// Two users: touch screens (characters appear at once, corrections become backspaces) and "type what my keyboard says"
// on a computer (a composed character is sent when it is finished).
import { keysymOf, namedKeys, type Typist } from './typist.ts';

const padding = 'oooooooooooooooo'; // so that backspace on an "empty" field is an input event too

interface Options {
  /** Send text while a word is still being composed: on-screen keyboards compose every word. */
  live: () => boolean;
  onMissed: (characters: string) => void;
}

/** What has to be typed to turn one text into the other: so many backspaces, then this. */
export function difference(before: string, after: string): { back: number; text: string } {
  const old = [...before];
  const fresh = [...after];
  let same = 0;
  while (same < old.length && same < fresh.length && old[same] === fresh[same]) same += 1;
  return { back: old.length - same, text: fresh.slice(same).join('') };
}

export class TextInput {
  private known = padding;
  private composing = false;
  private readonly stop = new AbortController();

  constructor(readonly field: HTMLTextAreaElement, private readonly typist: Typist, private readonly options: Options) {
    const signal = this.stop.signal;
    field.addEventListener('keydown', (event) => this.keyDown(event), { signal });
    field.addEventListener('keyup', (event) => this.keyUp(event), { signal });
    field.addEventListener('input', () => this.input(), { signal });
    field.addEventListener('compositionstart', () => { this.composing = true; }, { signal });
    field.addEventListener('compositionend', () => {
      this.composing = false;
      this.input();
    }, { signal });
    field.addEventListener('focus', () => this.reset(), { signal });
    field.addEventListener('blur', () => {
      this.composing = false;
      this.typist.releaseAll();
    }, { signal });
    this.reset();
  }

  close(): void {
    this.stop.abort();
    this.typist.releaseAll();
  }

  private reset(): void {
    this.field.value = padding;
    this.known = padding;
    this.field.setSelectionRange(padding.length, padding.length);
  }

  private input(): void {
    if (this.composing && !this.options.live()) return;
    const { back, text } = difference(this.known, this.field.value);
    for (let n = 0; n < back; n += 1) this.typist.tap('Backspace');
    const missed = text ? this.typist.text(text) : '';
    if (missed) this.options.onMissed(missed);
    this.known = this.field.value;
    // never while composing: it would break the word; otherwise keep the field short
    if (!this.composing && (this.known.length > 200 || this.known.length < padding.length)) this.reset();
  }

  private keyDown(event: KeyboardEvent): void {
    const { key, code } = event;
    if (event.isComposing || key === 'Dead' || key === 'Process' || key === 'Unidentified') return;
    if (key === 'AltGraph') return; // only chooses the character here
    const characters = [...key];
    if (characters.length === 1) {
      const shortcut = (event.ctrlKey || event.altKey || event.metaKey) && !event.getModifierState('AltGraph');
      if (shortcut) {
        event.preventDefault();
        this.typist.tap(this.typist.codeFor(key) ?? code, keysymOf(key));
        return;
      }
      if (code === '') return; // an on-screen keyboard: the input event brings it
      event.preventDefault();
      if (!this.typist.type(key)) this.options.onMissed(key);
      return;
    }
    const name = code || key;
    const keysym = namedKeys[name] ?? namedKeys[key];
    if (keysym === undefined) return;
    if (code === '' && key === 'Backspace' && this.field.value.length > 0) return; // becomes an input event
    event.preventDefault();
    const place = code || key;
    if (code === '') this.typist.tap(place, keysym);
    else this.typist.press(place, keysym);
  }

  private keyUp(event: KeyboardEvent): void {
    if (event.code === '') return;
    event.preventDefault();
    this.typist.release(event.code);
  }
}
