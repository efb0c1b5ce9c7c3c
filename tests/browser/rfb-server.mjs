// A small RFB 3.8 server (RFC 6143) for page tests: draws a picture that answers to keys and pointer, follows
// SetDesktopSize, speaks QEMU's extended key events and the extended clipboard, and notes all it was told.
import { deflateSync, inflateSync } from 'node:zlib';

const encodingRaw = 0;
const encodingExtendedDesktopSize = -308;
const encodingQemuKey = -258;
const encodingExtendedClipboard = 0xc0a1e5ce | 0;
const encodingSound = -259;
const clipboardText = 1;
const clipboardRequest = 1 << 25;
const clipboardNotify = 1 << 27;
const clipboardProvide = 1 << 28;

/** One machine's screen, shared by all viewers of it. */
export class Screen {
  constructor(width = 1024, height = 700, hue = 0) {
    this.hue = hue;
    this.events = [];
    this.viewers = new Set();
    this.clipboard = '';
    this.sound = true;
    this.typed = 0;
    this.resize(width, height);
  }

  resize(width, height) {
    this.width = width;
    this.height = height;
    this.pixels = Buffer.alloc(width * height * 4);
    for (let y = 0; y < height; y += 1) {
      for (let x = 0; x < width; x += 1) this.put(x, y, ...this.wallpaper(x / width, y / height));
    }
    this.box(0, 0, width, 28, 24, 28, 38);
    this.box(40, 70, Math.min(520, width - 80), Math.min(340, height - 140), 244, 245, 248);
    this.box(40, 70, Math.min(520, width - 80), 30, 58, 79, 196);
    for (let n = 0; n < this.typed; n += 1) this.letter(n);
  }

  wallpaper(x, y) {
    const wave = 0.5 + 0.5 * Math.sin(3 * x + this.hue) * (1 - y);
    return [40 + 70 * wave, 60 + 70 * (1 - y) * wave, 110 + 90 * wave];
  }

  put(x, y, red, green, blue) {
    const at = (y * this.width + x) * 4;
    this.pixels[at] = red; // the order noVNC asks for
    this.pixels[at + 1] = green;
    this.pixels[at + 2] = blue;
  }

  box(left, top, width, height, red, green, blue) {
    for (let y = Math.max(0, top); y < Math.min(this.height, top + height); y += 1) {
      for (let x = Math.max(0, left); x < Math.min(this.width, left + width); x += 1) this.put(x, y, red, green, blue);
    }
  }

  letter(n) {
    this.box(56 + (n % 40) * 12, 116 + Math.floor(n / 40) * 20, 8, 13, 20, 26, 38);
  }

  /** The machine starts: firmware's text on black. */
  boot() {
    this.box(0, 0, this.width, this.height, 0, 0, 0);
    for (let n = 0; n < 60; n += 1) this.box(8 + (n % 20) * 12, 10 + Math.floor(n / 20) * 20, 8, 12, 170, 170, 170);
    this.changed();
  }

  changed() {
    for (const viewer of this.viewers) viewer.offer();
  }

  note(event) {
    this.events.push(event);
    if (event.type === 'key' && event.down) {
      this.letter(this.typed);
      this.typed += 1;
      this.changed();
    } else if (event.type === 'pointer' && event.buttons) {
      this.box(event.x - 4, event.y - 4, 9, 9, 242, 169, 59);
      this.changed();
    }
  }

  /** The guest copies something. */
  copy(text) {
    this.clipboard = text;
    for (const viewer of this.viewers) viewer.notifyClipboard();
  }
}

const u16 = (value) => Buffer.from([value >> 8, value & 255]);
const u32 = (value) => {
  const buffer = Buffer.alloc(4);
  buffer.writeUInt32BE(value >>> 0);
  return buffer;
};

/** Serves one viewer: write(buffer) sends, feed(buffer) takes what it sent, end() closes its display. */
export class Viewer {
  constructor(screen, write, end) {
    Object.assign(this, { screen, write, end, rest: Buffer.alloc(0), step: 'version', encodings: [], wants: false, dirty: true });
    this.reported = '';
    write(Buffer.from('RFB 003.008\n'));
  }

  feed(data) {
    this.rest = Buffer.concat([this.rest, data]);
    for (;;) {
      const used = this.take(this.rest);
      if (used === 0) return;
      this.rest = this.rest.subarray(used);
    }
  }

  gone() {
    this.screen.viewers.delete(this);
  }

  take(data) {
    if (this.step === 'version') {
      if (data.length < 12) return 0;
      this.step = 'security';
      this.write(Buffer.from([1, 1]));
      return 12;
    }
    if (data.length < 1) return 0;
    if (this.step === 'security') {
      this.step = 'init';
      this.write(u32(0));
      return 1;
    }
    if (this.step === 'init') {
      this.begin(data[0] !== 0);
      return 1;
    }
    return this.message(data);
  }

  begin(shared) {
    this.shared = shared;
    const others = [...this.screen.viewers];
    if (shared && others.some((other) => !other.shared)) {
      this.end(); // as QEMU with share=allow-exclusive
      return;
    }
    this.step = 'normal';
    this.screen.viewers.add(this);
    if (!shared) for (const other of others) other.end();
    const name = Buffer.from('fake');
    const format = Buffer.from([32, 24, 0, 1, 0, 255, 0, 255, 0, 255, 16, 8, 0, 0, 0, 0]);
    this.write(Buffer.concat([u16(this.screen.width), u16(this.screen.height), format, u32(name.length), name]));
  }

  message(data) {
    switch (data[0]) {
      case 0:
        return data.length < 20 ? 0 : 20;
      case 2: {
        if (data.length < 4 || data.length < 4 + data.readUInt16BE(2) * 4) return 0;
        const many = data.readUInt16BE(2);
        this.encodings = Array.from({ length: many }, (_, n) => data.readInt32BE(4 + n * 4));
        if (this.encodings.includes(encodingSound) && this.screen.sound && !this.soundOffered) this.offerSound();
        if (this.encodings.includes(encodingExtendedClipboard) && !this.clipboardReady) this.offerClipboard();
        return 4 + many * 4;
      }
      case 3:
        if (data.length < 10) return 0;
        this.wants = true;
        if (data[1] === 0) this.dirty = true;
        this.update();
        return 10;
      case 4:
        if (data.length < 8) return 0;
        this.screen.note({ type: 'key', down: data[1] === 1, keysym: data.readUInt32BE(4), scancode: null });
        return 8;
      case 5:
        if (data.length < 6) return 0;
        this.screen.note({ type: 'pointer', buttons: data[1], x: data.readUInt16BE(2), y: data.readUInt16BE(4) });
        return 6;
      case 6:
        return this.cutText(data);
      case 251: {
        if (data.length < 8 || data.length < 8 + data[6] * 16) return 0;
        this.screen.note({ type: 'size', width: data.readUInt16BE(2), height: data.readUInt16BE(4) });
        this.screen.resize(data.readUInt16BE(2), data.readUInt16BE(4));
        this.asked = true;
        this.screen.changed();
        return 8 + data[6] * 16;
      }
      case 255:
        if (data.length < 4) return 0;
        if (data[1] === 1) return this.soundMessage(data);
        if (data.length < 12) return 0;
        this.screen.note({ type: 'key', down: data.readUInt16BE(2) === 1, keysym: data.readUInt32BE(4), scancode: data.readUInt32BE(8) });
        return 12;
      default:
        throw new Error(`RFB message ${data[0]} from the client`);
    }
  }

  /** QEMU's sound: a rectangle without a picture says that there is some. */
  offerSound() {
    this.soundOffered = true;
    this.write(Buffer.concat([Buffer.from([0, 0]), u16(1), u16(0), u16(0), u16(this.screen.width), u16(this.screen.height), u32(encodingSound >>> 0)]));
  }

  soundMessage(data) {
    const operation = data.readUInt16BE(2);
    if (operation === 2) {
      if (data.length < 10) return 0;
      this.screen.note({ type: 'sound-format', format: data[4], channels: data[5], rate: data.readUInt32BE(6) });
      return 10;
    }
    this.hears = operation === 0;
    this.screen.note({ type: 'sound', on: this.hears });
    return 4;
  }

  /** samples: S16 stereo, as many as a message has; begins and ends a stretch of them as QEMU does. */
  play(samples) {
    if (!this.hears) return;
    this.write(Buffer.from([255, 1, 0, 1]));
    const bytes = Buffer.from(Int16Array.from(samples).buffer);
    this.write(Buffer.concat([Buffer.from([255, 1, 0, 2]), u32(bytes.length), bytes]));
    this.write(Buffer.from([255, 1, 0, 0]));
  }

  cutText(data) {
    if (data.length < 8) return 0;
    const length = data.readInt32BE(4);
    const size = Math.abs(length);
    if (data.length < 8 + size) return 0;
    const body = data.subarray(8, 8 + size);
    if (length >= 0) this.screen.note({ type: 'clipboard', text: body.toString('latin1') });
    else this.extendedClipboard(body);
    return 8 + size;
  }

  extendedClipboard(body) {
    const flags = body.readUInt32BE(0);
    if (flags & clipboardNotify) this.sendClipboard(clipboardRequest | clipboardText);
    else if (flags & clipboardRequest) {
      const text = Buffer.from(`${this.screen.clipboard.replace(/\n/g, '\r\n')}\0`);
      this.sendClipboard(clipboardProvide | clipboardText, deflateSync(Buffer.concat([u32(text.length), text])));
    } else if (flags & clipboardProvide) {
      const plain = inflateSync(body.subarray(4), { finishFlush: 2 });
      const text = plain.subarray(4, 4 + plain.readUInt32BE(0)).toString().replace(/\0$/, '').replace(/\r\n/g, '\n');
      this.screen.note({ type: 'clipboard', text });
    }
  }

  sendClipboard(flags, body = Buffer.alloc(0)) {
    this.write(Buffer.concat([Buffer.from([3, 0, 0, 0]), u32(-(4 + body.length)), u32(flags), body]));
  }

  offerClipboard() {
    this.clipboardReady = true;
    const all = clipboardText | (1 << 24) | clipboardRequest | (1 << 26) | clipboardNotify | clipboardProvide;
    this.sendClipboard(all, u32(1024 * 1024));
  }

  notifyClipboard() {
    if (this.clipboardReady) this.sendClipboard(clipboardNotify | clipboardText);
  }

  offer() {
    this.dirty = true;
    this.update();
  }

  update() {
    if (!this.wants || !this.dirty) return;
    this.wants = false;
    this.dirty = false;
    const { width, height, pixels } = this.screen;
    const rectangles = [];
    const size = `${width}x${height}`;
    if (this.encodings.includes(encodingExtendedDesktopSize) && (this.asked || this.reported !== size)) {
      this.reported = size;
      rectangles.push(Buffer.concat([u16(this.asked ? 1 : 0), u16(0), u16(width), u16(height), u32(encodingExtendedDesktopSize),
        Buffer.from([1, 0, 0, 0]), u32(0), u16(0), u16(0), u16(width), u16(height), u32(0)]));
      this.asked = false;
    }
    if (this.encodings.includes(encodingQemuKey) && !this.keysOffered) {
      this.keysOffered = true;
      rectangles.push(Buffer.concat([u16(0), u16(0), u16(0), u16(0), u32(encodingQemuKey)]));
    }
    rectangles.push(Buffer.concat([u16(0), u16(0), u16(width), u16(height), u32(encodingRaw), pixels]));
    this.write(Buffer.concat([Buffer.from([0, 0]), u16(rectangles.length), ...rectangles]));
  }
}
