// noVNC's RFB with QEMU's sound (rfbproto: "QEMU Audio", pseudo-encoding -259, message 255/1): says whether it is offered, asks for
// it when the person wants to hear, and hands on what comes. Nothing is asked for by itself.
import RFB, { type RfbSock } from '@novnc/novnc';

const soundEncoding = -259;
const qemuMessage = 255;
const soundMessage = 1;
const operations = { on: 0, off: 1, format: 2 };
const samplesFollow = 2;
const signed16 = 3;
const mostBytes = 1 << 20; // of one message; QEMU's are some kilobytes

export const soundRate = 44100;

export class SoundRfb extends RFB {
  soundOffered = false;
  onSamples: ((samples: Uint8Array<ArrayBuffer>) => void) | null = null;

  /** Event `sound`: the desktop has some to offer. */
  override _handleRect(): boolean {
    if (this._FBU.encoding !== soundEncoding) return super._handleRect();
    this.soundOffered = true;
    this.dispatchEvent(new Event('sound'));
    return true;
  }

  override _sendEncodings(): void {
    const messages = RFB.messages;
    const plain = messages.clientEncodings;
    messages.clientEncodings = (sock, encodings) => plain.call(messages, sock, [...encodings, soundEncoding]);
    try {
      super._sendEncodings();
    } finally {
      messages.clientEncodings = plain;
    }
  }

  override _normalMsg(): boolean {
    if (this._FBU.rects > 0 || this._sock.rQpeek8() !== qemuMessage) return super._normalMsg();
    return this.takeSound(this._sock);
  }

  hear(on: boolean): void {
    if (on) {
      this.say(operations.format);
      this._sock.sQpush8(signed16);
      this._sock.sQpush8(2);
      this._sock.sQpush32(soundRate);
    }
    this.say(on ? operations.on : operations.off);
    this._sock.flush();
  }

  private say(operation: number): void {
    this._sock.sQpush8(qemuMessage);
    this._sock.sQpush8(soundMessage);
    this._sock.sQpush16(operation);
  }

  /** false: it is not all there yet; nothing of it has been taken. */
  private takeSound(sock: RfbSock): boolean {
    if (sock.rQwait('sound', 4)) return false;
    const head = sock.rQpeekBytes(4);
    if (head[1] !== soundMessage) return super._normalMsg(); // which ends the connection
    if (head[2] !== 0 || head[3] !== samplesFollow) { // it begins, it ends
      sock.rQskipBytes(4);
      return true;
    }
    if (sock.rQwait('sound', 8)) return false;
    const long = sock.rQpeekBytes(8);
    const length = new DataView(long.buffer, long.byteOffset, long.byteLength).getUint32(4);
    if (length > mostBytes) {
      this._fail('More sound at once than any desktop plays');
      return true;
    }
    if (sock.rQwait('sound', 8 + length)) return false;
    sock.rQskipBytes(8);
    this.onSamples?.(sock.rQshiftBytes(length));
    return true;
  }
}
