// The server's side of a WebSocket (RFC 6455) for the fake API: binary messages only, no extensions.
import { createHash } from 'node:crypto';

export function acceptKey(key) {
  return createHash('sha1').update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest('base64');
}

/** Answers the upgrade and returns { send(buffer), close(code, reason), onData, onClose }. */
export function accept(request, socket) {
  socket.write('HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n'
    + `Sec-WebSocket-Accept: ${acceptKey(request.headers['sec-websocket-key'])}\r\n`
    + (request.headers['sec-websocket-protocol'] ? 'Sec-WebSocket-Protocol: binary\r\n' : '') + '\r\n');
  socket.setNoDelay(true);
  const peer = { onData: () => {}, onClose: () => {}, closed: false };
  let rest = Buffer.alloc(0);

  const frame = (opcode, payload) => {
    const length = payload.length;
    const head = length < 126 ? Buffer.from([0x80 | opcode, length])
      : length < 65536 ? Buffer.from([0x80 | opcode, 126, length >> 8, length & 255])
        : Buffer.concat([Buffer.from([0x80 | opcode, 127, 0, 0, 0, 0]), Buffer.from(Uint32Array.of(length).buffer).reverse()]);
    if (socket.writable) socket.write(Buffer.concat([head, payload]));
  };
  peer.send = (data) => frame(2, data);
  peer.close = (code, reason = '') => {
    if (peer.closed) return;
    peer.closed = true;
    frame(8, Buffer.concat([Buffer.from([code >> 8, code & 255]), Buffer.from(reason)]));
    socket.end();
    peer.onClose();
  };
  /** The network goes away: no close frame. */
  peer.cut = () => socket.destroy();

  socket.on('data', (data) => {
    rest = Buffer.concat([rest, data]);
    for (;;) {
      if (rest.length < 2) return;
      let length = rest[1] & 127;
      let at = 2;
      if (length === 126) {
        if (rest.length < 4) return;
        length = rest.readUInt16BE(2);
        at = 4;
      } else if (length === 127) {
        if (rest.length < 10) return;
        length = Number(rest.readBigUInt64BE(2));
        at = 10;
      }
      if (rest.length < at + 4 + length) return;
      const mask = rest.subarray(at, at + 4);
      const payload = Buffer.from(rest.subarray(at + 4, at + 4 + length));
      for (let i = 0; i < length; i += 1) payload[i] ^= mask[i & 3];
      const opcode = rest[0] & 15;
      rest = rest.subarray(at + 4 + length);
      if (opcode === 8) peer.close(1000);
      else if (opcode === 9) frame(10, payload);
      else if (opcode === 2 || opcode === 0) peer.onData(payload);
    }
  });
  socket.on('error', () => {});
  socket.on('close', () => {
    if (peer.closed) return;
    peer.closed = true;
    peer.onClose();
  });
  return peer;
}
