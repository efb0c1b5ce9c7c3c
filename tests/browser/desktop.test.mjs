// A person's whole way against a running Oriel, judged by pixels:
//   ORIEL_TEST_URL=https://127.0.0.1:8443/   ORIEL_TEST_POOL=demo
//   ORIEL_TEST_ADMIN=name:password           or ORIEL_TEST_LINK=<one-time link> (a password is then set, and printed)
//   ORIEL_TEST_PICTURES=folder               keeps what was seen as PNG
//   node --test tests/browser/desktop.test.mjs
// The pool's desktops must be of debian-xfce (a terminal opens by Ctrl+Alt+T), and the administrator be entitled.
import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { brightShare, desktopShown, difference, eventually, launch, logIn, picture, see, setUp, settled, showControls, typeKeys } from './lib.mjs';

const url = process.env.ORIEL_TEST_URL;
const pool = process.env.ORIEL_TEST_POOL ?? 'demo';
const keep = process.env.ORIEL_TEST_PICTURES;
const slow = 600_000; // guests may be emulated; this only bounds a hang
const newPassword = 'first light of the day';

const say = (text) => console.log(`# ${text}`);
const share = (value) => `${(value * 100).toFixed(2)} %`;
const tileOf = (page) => page.locator(`.tiles a[href="#/desktop/${pool}"]`);

async function keepPicture(page, name) {
  if (!keep) return;
  mkdirSync(keep, { recursive: true });
  // only to be looked at: a busy machine may not get its screenshot in time
  await page.screenshot({ path: path.join(keep, `${name}.png`) }).catch((problem) => say(`no screenshot ${name}: ${problem.message}`));
  const seen = await page.locator('.console-screen canvas').count() ? await picture(page) : null;
  if (seen) writeFileSync(path.join(keep, `${name}-canvas.png`), Buffer.from(seen.url.split(',')[1], 'base64'));
}

let name;
let password;
if (process.env.ORIEL_TEST_ADMIN) [name, password] = process.env.ORIEL_TEST_ADMIN.split(/:(.*)/s);

async function enter(page) {
  if (name) {
    await logIn(page, url, name, password);
    return;
  }
  await setUp(page, process.env.ORIEL_TEST_LINK, newPassword);
  name = await page.evaluate(async () => (await (await fetch('api/v1/me')).json()).user.name);
  password = newPassword;
  say(`the link was used: log in as ${name}, "${password}"`);
}

async function open(page) {
  const from = Date.now();
  await tileOf(page).click();
  const seen = await desktopShown(page, slow);
  say(`click to picture: ${Date.now() - from} ms as the test saw it; ${seen.width}×${seen.height}, ${seen.colours} colours`);
  return seen;
}

async function leave(page) {
  await showControls(page);
  await page.getByRole('button', { name: 'Back to your desktops' }).click();
  await tileOf(page).waitFor();
}

async function logOff(page) {
  await showControls(page);
  await page.getByRole('button', { name: 'Session', exact: true }).click();
  await page.getByRole('menuitem', { name: 'Log off…' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Log off' }).click();
  await tileOf(page).waitFor({ timeout: slow });
}

const sessionHere = (page) => page.evaluate(async (wanted) => {
  const { tiles } = await (await fetch('api/v1/portal')).json();
  return tiles.find((tile) => tile.pool.name === wanted)?.session ?? null;
}, pool);

test('the whole way', { skip: url ? false : 'ORIEL_TEST_URL is not set' }, async (t) => {
  assert.ok(process.env.ORIEL_TEST_ADMIN || process.env.ORIEL_TEST_LINK, 'ORIEL_TEST_ADMIN or ORIEL_TEST_LINK is needed');
  const browser = await launch();
  t.after(() => browser.close());
  const permissions = ['clipboard-read', 'clipboard-write'];
  const { page } = await browser.person({ permissions });
  let fresh;
  let terminal;

  await t.test('log in and see the tile', async () => {
    await enter(page);
    await tileOf(page).waitFor();
    say(`tile: ${(await tileOf(page).innerText()).replace(/\s*\n\s*/g, ' · ')}`);
    const old = await sessionHere(page);
    if (old) {
      say(`an old session (${old.state}) is ended first`);
      await page.evaluate(async (id) => {
        const me = await (await fetch('api/v1/me')).json();
        await fetch(`api/v1/sessions/${id}/log-off`, { method: 'POST', headers: { 'X-Oriel-CSRF': me.csrf } });
      }, old.id);
      await eventually(() => sessionHere(page), (now) => now === null, slow, 'the end of the old session');
    }
  });

  await t.test('a click shows the desktop', async () => {
    const seen = await open(page);
    assert.ok(seen.width >= 640 && seen.height >= 400);
    fresh = await settled(page, 2500, slow);
    terminal = fresh;
    say(`at rest: ${fresh.width}×${fresh.height}`);
    assert.ok((await see(page)).colours > 12, 'a desktop has more than a dozen colours');
    await keepPicture(page, '1-desktop');
  });

  await t.test('the guest follows the window', async () => {
    for (const [width, height] of [[1280, 800], [1100, 700]]) {
      await page.setViewportSize({ width, height });
      const seen = await eventually(() => see(page), (now) => now.width === width && now.height === height && now.colours > 12, slow, `a picture of ${width}×${height}`);
      say(`window ${width}×${height}: guest ${seen.width}×${seen.height}`);
    }
    fresh = await settled(page, 6000, slow); // the desktop paints its background anew some time after the switch
    await keepPicture(page, '2-resized');
  });

  await t.test('what is typed shows', async () => {
    await page.locator('.console-screen canvas').click({ position: { x: 700, y: 420 } });
    await page.keyboard.press('Control+Alt+t');
    // its light title bar: a background that is painted late would be taken for a window otherwise
    const window = await eventually(() => brightShare(page), (share) => share > 0.015, slow, 'a window with a title bar');
    say(`a window: ${share(window)} of the picture are light`);
    const before = await settled(page, 5000, slow);
    await typeKeys(page, 'echo oriel-$((6*7)); date -u +%Y');
    await page.keyboard.press('Enter');
    await eventually(async () => difference(before, await picture(page)), (differ) => differ > 0.0005, slow, 'the typed line');
    terminal = await settled(page, 2000, slow);
    say(`typing changed ${share(difference(before, terminal))} of the picture`);
    await keepPicture(page, '3-typed');
  });

  await t.test('the mouse and its wheel', async () => {
    const before = await picture(page);
    await page.locator('.console-screen canvas').click({ button: 'right', position: { x: 30, y: 640 } });
    await eventually(async () => difference(before, await picture(page)), (differ) => differ > 0.002, slow, 'a menu of the right button');
    await settled(page, 2500, slow); // whole: a key that comes before a menu listens is not the menu's
    await page.keyboard.press('Escape');
    await eventually(async () => difference(before, await picture(page)), (differ) => differ < 0.002, slow, 'the menu closed');
  });

  await t.test('clipboard to the desktop and back', async () => {
    const panel = page.getByLabel('Text on the clipboard');
    await showControls(page);
    await page.getByRole('button', { name: 'Clipboard' }).click();
    await panel.fill('echo "came over: äöü €"');
    await page.getByRole('button', { name: 'Send to desktop' }).click();
    await page.keyboard.press('Escape');
    await page.locator('.console-panel').waitFor({ state: 'detached' });
    await page.locator('.console-screen canvas').click({ position: { x: 700, y: 420 } }); // the menu before may still have the keyboard
    const before = await settled(page, 1500, slow);
    await page.keyboard.press('Control+Shift+v');
    await eventually(async () => difference(before, await picture(page)), (differ) => differ > 0.0005, slow, 'the pasted line');
    const pasted = await settled(page, 1500, slow);
    say(`pasting changed ${share(difference(before, pasted))} of the picture`);
    await page.keyboard.press('Enter');
    await eventually(async () => difference(pasted, await picture(page)), (differ) => differ > 0.0005, slow, 'its answer');
    await settled(page, 1500, slow);
    await keepPicture(page, '4-pasted');
    await page.keyboard.press('Control+Shift+a');
    await page.keyboard.press('Control+Shift+c');
    await showControls(page);
    await page.getByRole('button', { name: 'Clipboard' }).click();
    const text = await eventually(() => panel.inputValue(), (now) => now.includes('oriel-42') && now.includes('came over: äöü €'), slow, 'the text of the terminal');
    say(`the terminal says: ${JSON.stringify(text.trim().slice(-120))}`);
    await page.keyboard.press('Escape');
    await page.locator('.console-panel').waitFor({ state: 'detached' });
    terminal = await settled(page, 2000, slow);
  });

  await t.test('the connection is measured', async () => {
    await showControls(page);
    await page.getByRole('button', { name: /Picture and connection/ }).click();
    const facts = page.locator('.facts');
    await eventually(() => facts.innerText(), (now) => /\d+ ms/.test(now), 20_000, 'a round trip');
    say((await facts.innerText()).replace(/\n/g, ' '));
    await page.keyboard.press('Escape');
    await page.locator('.console-panel').waitFor({ state: 'detached' });
  });

  await t.test('disconnect, then the same session is there again', async () => {
    const session = await sessionHere(page);
    await leave(page);
    await eventually(() => sessionHere(page), (now) => now?.state === 'disconnected', 20_000, 'a disconnected session');
    await open(page);
    const differ = await eventually(async () => difference(terminal, await picture(page)), (now) => now < 0.03, slow, 'the same pixels');
    say(`opened again: ${share(differ)} of the picture differ`);
    assert.ok(difference(terminal, await settled(page, 4000, slow)) < 0.03, 'and they stay');
    await keepPicture(page, '5-again');
    assert.equal((await sessionHere(page)).id, session.id);
  });

  await t.test('another browser takes over, and the first can take it back', async (step) => {
    const other = await browser.person({ permissions, viewport: { width: 1100, height: 700 } });
    step.after(() => other.context.close());
    await logIn(other.page, url, name, password);
    await open(other.page);
    await page.getByRole('heading', { name: 'Opened elsewhere' }).waitFor({ timeout: slow });
    const differ = await eventually(async () => difference(terminal, await picture(other.page)), (now) => now < 0.03, slow, 'the same pixels in the other browser');
    say(`in the other browser ${share(differ)} of the picture differ`);
    await page.getByRole('button', { name: 'Reconnect here' }).click();
    await desktopShown(page, slow);
    await other.page.getByRole('heading', { name: 'Opened elsewhere' }).waitFor({ timeout: slow });
  });

  await t.test('closing the tab disconnects', async () => {
    const second = await page.context().newPage();
    await second.goto(url);
    await page.goto('about:blank');
    await eventually(() => sessionHere(second), (now) => now?.state === 'disconnected', 20_000, 'a disconnected session');
    await second.close();
    await page.goto(url);
    await open(page);
  });

  await t.test('log off: the next desktop is fresh', async () => {
    const session = await sessionHere(page);
    await settled(page, 1500, slow);
    await logOff(page);
    await eventually(() => sessionHere(page), (now) => now === null, slow, 'the end of the session');
    await open(page);
    await eventually(async () => difference(fresh, await picture(page)), (differ) => differ < 0.03, slow, 'a desktop as fresh as the first');
    const next = await picture(page);
    await keepPicture(page, '6-fresh');
    say(`after log off: ${share(difference(terminal, next))} differ from the terminal, ${share(difference(fresh, next))} from the first fresh picture`);
    assert.ok(difference(terminal, next) > 0.05, 'the terminal is gone');
    assert.notEqual((await sessionHere(page)).id, session.id);
    await logOff(page);
  });

  assert.deepEqual(page.complaints, [], 'errors in the page');
});
