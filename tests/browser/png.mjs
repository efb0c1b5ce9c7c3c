// Writes and reads PNG as far as the tests need it: 8 bits, RGB or RGBA, not interlaced.
import { crc32, deflateSync, inflateSync } from 'node:zlib';

const signature = Buffer.from([137, 80, 78, 71, 13, 10, 26, 10]);

function sum(data) {
  if (crc32) return crc32(data) >>> 0;
  let crc = ~0;
  for (const byte of data) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit += 1) crc = (crc >>> 1) ^ (0xedb88320 & -(crc & 1));
  }
  return ~crc >>> 0;
}

function chunk(name, body) {
  const data = Buffer.concat([Buffer.from(name), body]);
  const out = Buffer.alloc(data.length + 8);
  out.writeUInt32BE(body.length, 0);
  data.copy(out, 4);
  out.writeUInt32BE(sum(data), data.length + 4);
  return out;
}

/** pixels: RGBX, row by row. Every step-th pixel is taken. */
export function writePng(pixels, width, height, step = 1) {
  const wide = Math.floor(width / step);
  const high = Math.floor(height / step);
  const rows = Buffer.alloc(high * (wide * 3 + 1));
  for (let y = 0; y < high; y += 1) {
    for (let x = 0; x < wide; x += 1) pixels.copy(rows, y * (wide * 3 + 1) + 1 + x * 3, (y * step * width + x * step) * 4, (y * step * width + x * step) * 4 + 3);
  }
  const head = Buffer.alloc(13);
  head.writeUInt32BE(wide, 0);
  head.writeUInt32BE(high, 4);
  head.set([8, 2, 0, 0, 0], 8);
  return Buffer.concat([signature, chunk('IHDR', head), chunk('IDAT', deflateSync(rows)), chunk('IEND', Buffer.alloc(0))]);
}

/** { width, height, at(x, y) → [r, g, b] } of a PNG such as Chromium's screenshots. */
export function readPng(file) {
  const parts = [];
  let width = 0;
  let height = 0;
  let deep = 3;
  for (let at = 8; at < file.length;) {
    const length = file.readUInt32BE(at);
    const name = file.toString('latin1', at + 4, at + 8);
    const body = file.subarray(at + 8, at + 8 + length);
    if (name === 'IHDR') {
      width = body.readUInt32BE(0);
      height = body.readUInt32BE(4);
      if (body[8] !== 8 || body[12] !== 0 || ![2, 6].includes(body[9])) throw new Error('a PNG of this kind is not read here');
      deep = body[9] === 6 ? 4 : 3;
    } else if (name === 'IDAT') parts.push(body);
    at += length + 12;
  }
  const raw = inflateSync(Buffer.concat(parts));
  const line = width * deep;
  const pixels = Buffer.alloc(line * height);
  for (let y = 0; y < height; y += 1) {
    const filter = raw[y * (line + 1)];
    for (let x = 0; x < line; x += 1) {
      const left = x >= deep ? pixels[y * line + x - deep] : 0;
      const up = y > 0 ? pixels[(y - 1) * line + x] : 0;
      const corner = x >= deep && y > 0 ? pixels[(y - 1) * line + x - deep] : 0;
      const near = left + up - corner;
      const [a, b, c] = [Math.abs(near - left), Math.abs(near - up), Math.abs(near - corner)];
      const guess = [0, left, up, (left + up) >> 1, a <= b && a <= c ? left : b <= c ? up : corner][filter];
      pixels[y * line + x] = (raw[y * (line + 1) + 1 + x] + guess) & 255;
    }
  }
  return { width, height, at: (x, y) => [...pixels.subarray(y * line + x * deep, y * line + x * deep + 3)] };
}
