// What every browser test needs: Chromium, logging in, opening a desktop, and reading its pixels.
import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { after, afterEach } from 'node:test';
import { fileURLToPath } from 'node:url';
import { FakeOriel } from './fake-api.mjs';
import { readPng } from './png.mjs';

const here = path.dirname(fileURLToPath(import.meta.url));
const require = createRequire(path.join(here, '../../web/package.json'));
const { chromium } = require('playwright-core');

export const axeFile = require.resolve('axe-core/axe.min.js');

const flags = [
  '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
  '--disable-component-update', '--disable-sync', '--ignore-certificate-errors', '--disable-dev-shm-usage',
];

/** A browser with a profile of its own. context(options) makes a person: own cookies, own clipboard permissions. */
export async function launch() {
  const browser = await chromium.launch({
    executablePath: process.env.ORIEL_TEST_CHROMIUM ?? '/usr/bin/chromium',
    headless: true,
    args: flags,
  });
  return {
    browser,
    async person(options = {}) {
      const context = await browser.newContext({ ignoreHTTPSErrors: true, viewport: { width: 1280, height: 800 }, ...options });
      const page = await context.newPage();
      page.complaints = [];
      page.on('pageerror', (error) => page.complaints.push(String(error)));
      page.on('console', (message) => {
        if (message.type() === 'error' && !/Failed to load resource|WebSocket connection to|Failed (when|while) (dis)?connect/.test(message.text())) page.complaints.push(message.text());
      });
      return { context, page };
    },
    close: () => browser.close(),
  };
}

export function temporaryFolder(name) {
  const folder = mkdtempSync(path.join(os.tmpdir(), `oriel-${name}-`));
  return { folder, remove: () => rmSync(folder, { recursive: true, force: true }) };
}

export async function logIn(page, url, name, password) {
  await page.goto(url);
  await page.getByLabel('Name').fill(name);
  await page.getByLabel('Password').fill(password);
  await page.getByRole('button', { name: 'Log in' }).click();
  await page.getByRole('heading', { level: 1, name: /^Good / }).waitFor();
}

/** For the tests of a file: Chromium and the fake API. After each test its people leave, and none of their pages may have complained;
 * leave: what else is to be tidied up then. */
export async function fakeHouse({ leave = () => {} } = {}) {
  const password = 'correct horse';
  const fake = new FakeOriel();
  const url = await fake.listen();
  const browser = await launch();
  const people = [];
  after(async () => {
    await browser.close();
    await fake.close();
  });
  afterEach(async () => {
    const here = people.splice(0);
    for (const { context } of here) await context.close();
    leave(fake);
    fake.reset();
    for (const { page } of here) assert.deepEqual(page.complaints, [], 'errors in the page');
  });
  const person = async (options) => {
    const one = await browser.person(options);
    people.push(one);
    return one.page;
  };
  const admin = async (options, where = '') => {
    const page = await person(options);
    await logIn(page, url, 'admin', password);
    if (where) await page.goto(`${url}#${where}`);
    return page;
  };
  return { fake, url, password, person, admin };
}

/** Uses up a one-time link. */
export async function setUp(page, link, password) {
  await page.goto(link);
  await page.getByLabel('New password').fill(password);
  await page.getByLabel('The same again').fill(password);
  await page.getByRole('button', { name: 'Set password and log in' }).click();
  await page.getByRole('heading', { level: 1, name: /^Good / }).waitFor();
}

export function tile(page, title) {
  return page.locator('.tiles').getByRole('link', { name: title });
}

export async function openDesktop(page, title, timeout = 60_000) {
  await tile(page, title).click();
  await desktopShown(page, timeout);
}

/** Waits until a picture is there: connected, and not of one colour. Returns what was seen. */
export async function desktopShown(page, timeout = 60_000) {
  await page.locator('.console:not(.console-covered) canvas').waitFor({ timeout });
  return eventually(() => see(page), (seen) => seen.colours > 1, timeout, 'a picture of more than one colour');
}

/** Tries until the value satisfies; the error says what was seen last. */
export async function eventually(read, satisfied, timeout = 15_000, what = 'it') {
  const end = Date.now() + timeout;
  let last;
  for (;;) {
    last = await read();
    if (satisfied(last)) return last;
    if (Date.now() > end) throw new Error(`${what} did not come within ${timeout / 1000} s; last seen: ${JSON.stringify(last)}`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

/** What the canvas of the desktop shows: its size, how many colours a grid of points has, a hash of them all. */
export function see(page) {
  return page.evaluate(() => {
    const canvas = document.querySelector('.console-screen canvas');
    if (!canvas || canvas.width === 0) return { width: 0, height: 0, colours: 0, hash: '' };
    const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
    const colours = new Set();
    for (let i = 0; i < data.length; i += 4 * 97) colours.add((data[i] << 16) | (data[i + 1] << 8) | data[i + 2]);
    let hash = 2166136261;
    for (let i = 0; i < data.length; i += 4) {
      hash = Math.imul(hash ^ ((data[i] << 16) | (data[i + 1] << 8) | data[i + 2]), 16777619);
    }
    return { width: canvas.width, height: canvas.height, colours: colours.size, hash: (hash >>> 0).toString(16) };
  });
}

/** The picture itself, as RGBA in Base64 with its size, to compare with `difference`. */
export function picture(page) {
  return page.evaluate(() => {
    const canvas = document.querySelector('.console-screen canvas');
    return { width: canvas.width, height: canvas.height, url: canvas.toDataURL('image/png') };
  });
}

/** Share of points (0 to 1) that differ between two pictures; 1 when their sizes differ. */
export function difference(one, other) {
  if (one.width !== other.width || one.height !== other.height) return 1;
  const [a, b] = [one, other].map((p) => readPng(Buffer.from(p.url.split(',')[1], 'base64')));
  let differ = 0;
  let all = 0;
  for (let y = 0; y < a.height; y += 2) {
    for (let x = 0; x < a.width; x += 2) {
      const [p, q] = [a.at(x, y), b.at(x, y)];
      all += 1;
      if (Math.abs(p[0] - q[0]) + Math.abs(p[1] - q[1]) + Math.abs(p[2] - q[2]) > 24) differ += 1;
    }
  }
  return differ / all;
}

/** Share of points (0 to 1) that are nearly white: windows with light borders, against dark backgrounds. */
export async function brightShare(page) {
  const shot = await picture(page);
  const { at, width, height } = readPng(Buffer.from(shot.url.split(',')[1], 'base64'));
  let bright = 0;
  let all = 0;
  for (let y = 0; y < height; y += 2) {
    for (let x = 0; x < width; x += 2) {
      all += 1;
      if (Math.min(...at(x, y)) > 215) bright += 1;
    }
  }
  return bright / all;
}

/** Waits until the picture has not changed for `quiet` ms (a clock in a panel is forgiven: under one in a thousand). */
export async function settled(page, quiet = 1500, timeout = 60_000) {
  const end = Date.now() + timeout;
  let last = await picture(page);
  let since = Date.now();
  while (Date.now() < end) {
    await new Promise((resolve) => setTimeout(resolve, 250));
    const now = await picture(page);
    if (difference(last, now) > 0.001) since = Date.now();
    last = now;
    if (Date.now() - since >= quiet) return now;
  }
  throw new Error(`the picture did not come to rest within ${timeout / 1000} s`);
}

export async function showControls(page) {
  await page.keyboard.press('Control+Alt+Shift');
  await page.locator('.toolbar.open .tool:focus').waitFor();
}

/** In the page: waits until nothing fades or slides any more; what goes on for ever is left alone. */
async function stand() {
  for (let still = 0; still < 2; still++) {
    await new Promise(requestAnimationFrame);
    const moving = document.getAnimations().filter((one) => one.playState === 'running' && one.effect?.getComputedTiming().endTime !== Infinity);
    if (moving.length > 0) still = -1;
    await Promise.allSettled(moving.map((one) => one.finished));
  }
}

/** Runs axe-core, all its rules: those of WCAG 2.2 AA and its good practices; returns what it finds as short sentences. */
export async function accessibilityFaults(page) {
  // evaluated, not added as a script: the page's content security policy forbids that, as it should
  await page.evaluate(readFileSync(axeFile, 'utf8'));
  await page.evaluate(stand);
  const result = await page.evaluate(() => globalThis.axe.run(document, { resultTypes: ['violations'], rules: { 'target-size': { enabled: true } } }));
  return result.violations
    .map((one) => `${one.id}: ${one.help}: ${one.nodes.map((node) => `${node.target.join(' ')} ${node.any.map((check) => check.message).join('; ')}`).join(' | ')}`);
}

const shifted = { '$': 'Digit4', '(': 'Digit9', ')': 'Digit0', '*': 'Digit8', '+': 'Equal', '%': 'Digit5', '"': 'Quote', ':': 'Semicolon' };

/** Types as fingers do on a US keyboard: what playwright types is a "$" on the key of 4 without Shift, and a desktop gets keys.
 * And no faster than fingers: an emulated keyboard holds a few dozen keys for a guest that is busy, and loses what comes on top. */
export async function typeKeys(page, text) {
  for (const letter of text) {
    await page.waitForTimeout(80);
    const key = shifted[letter] ?? (/[A-Z]/.test(letter) ? `Key${letter}` : null);
    if (key) {
      await page.keyboard.down('Shift');
      await page.keyboard.press(key);
      await page.keyboard.up('Shift');
    } else {
      await page.keyboard.press(letter === ' ' ? 'Space' : letter);
    }
  }
}
