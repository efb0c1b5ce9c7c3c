// Files between this computer and the desktop, against the stand-in.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { accessibilityFaults, eventually, fakeHouse, openDesktop, showControls } from './lib.mjs';

const { fake, admin } = await fakeHouse({ leave: (house) => {
  Object.assign(house, { downloads: new Map(), transfers: new Map(), filesHold: undefined, filesBroken: undefined, filesPlan: undefined });
} });
const file = (name, text) => ({ name, mimeType: 'text/plain', buffer: Buffer.from(text) });

async function open(options) {
  const page = await admin(options);
  await openDesktop(page, 'Office');
  await showControls(page);
  await page.getByRole('button', { name: 'Files', exact: true }).click();
  return page;
}

const send = (page, ...files) => page.locator('input[type=file]').setInputFiles(files);

test('files arrive whole, whatever their size, and never in the place of another', async () => {
  const page = await open();
  const content = 'x'.repeat(5000) + 'end';
  await send(page, file('report.txt', content), file('empty', ''));
  await page.getByText('“empty” is on the desktop, in Downloads.').waitFor();
  assert.equal(fake.downloads.get('report.txt').toString(), content);
  assert.equal(fake.downloads.get('empty').length, 0);
  await send(page, file('report.txt', 'second'));
  await page.getByText('There as “report (2).txt”').waitFor();
  assert.equal(fake.downloads.get('report.txt').toString(), content);
  assert.deepEqual(await accessibilityFaults(page), []);
});

test('what lies in Downloads is fetched, by keyboard alone', async () => {
  fake.downloads = new Map([['old.txt', Buffer.from('old')], ['new.bin', Buffer.alloc(3000, 7)]]);
  const page = await admin();
  await openDesktop(page, 'Office');
  await showControls(page);
  await page.getByRole('button', { name: 'Files', exact: true }).focus();
  await page.keyboard.press('Enter');
  await eventually(() => page.evaluate(() => document.activeElement.textContent), (text) => text.startsWith('Send files'), 5000, 'the focus in the panel');
  await page.getByRole('button', { name: 'Fetch new.bin' }).waitFor();
  assert.deepEqual(await page.locator('.file-list bdi').allTextContents(), ['new.bin', 'old.txt'], 'the newest first');
  for (let n = 0; n < 8 && (await page.evaluate(() => document.activeElement.getAttribute('aria-label'))) !== 'Fetch new.bin'; n += 1) await page.keyboard.press('Tab');
  const [download] = await Promise.all([page.waitForEvent('download'), page.keyboard.press('Enter')]);
  assert.equal(download.suggestedFilename(), 'new.bin');
  assert.deepEqual(await readFile(await download.path()), Buffer.alloc(3000, 7));
});

test('progress is seen, and a cancelled file leaves nothing', async () => {
  const page = await open();
  let go;
  const held = new Promise((resolve) => { go = resolve; });
  let pieces = 0;
  fake.filesHold = (method) => (method === 'PUT' && ++pieces > 2 ? held : null);
  await send(page, file('long', 'y'.repeat(4096)), file('next', 'n'));
  await page.getByRole('progressbar', { name: 'long: how far' }).and(page.locator('[aria-valuenow="50"]')).waitFor();
  await page.getByText('Waits').waitFor();
  await page.getByRole('button', { name: 'Cancel long' }).click();
  await page.getByText('Cancelled').waitFor();
  go();
  await page.getByText('“next” is on the desktop, in Downloads.').waitFor();
  assert.deepEqual([...fake.downloads.keys()], ['next']);
  await eventually(() => fake.transfers.get('t1'), (one) => one === null, 5000, 'the end of the first at the desktop');
});

test('an answer that was lost costs one piece; a refusal is said', async () => {
  const page = await open();
  let refusals = 2;
  fake.filesBroken = (method, verb) => (method === 'PUT' && verb === 'bytes' && refusals-- > 0 ? { status: 503, kind: 'unavailable', detail: 'not now' } : null);
  await send(page, file('patient', 'z'.repeat(1500)));
  await page.getByText('“patient” is on the desktop, in Downloads.').waitFor();
  assert.equal(fake.downloads.get('patient').length, 1500);
  fake.filesBroken = (method) => (method === 'POST' ? { status: 507, kind: 'no-space', detail: 'no room' } : null);
  await send(page, file('large', 'z'));
  await page.getByText('There is not enough room for it on the desktop.').waitFor();
});

test('files dropped on the picture are sent', async () => {
  const page = await admin();
  await openDesktop(page, 'Office');
  const data = await page.evaluateHandle(() => {
    const made = new DataTransfer();
    made.items.add(new File(['dropped'], 'dropped.txt'));
    return made;
  });
  await page.dispatchEvent('.console-screen', 'dragover', { dataTransfer: data });
  await page.dispatchEvent('.console-screen', 'drop', { dataTransfer: data });
  await page.getByText('“dropped.txt” is on the desktop, in Downloads.').waitFor();
  assert.equal(fake.downloads.get('dropped.txt').toString(), 'dropped');
});

test('the plan decides what is offered', async () => {
  fake.filesPlan = { to_desktop: false, from_desktop: true };
  fake.downloads = new Map([['there.txt', Buffer.from('t')]]);
  const page = await open();
  await page.getByRole('button', { name: 'Fetch there.txt' }).waitFor();
  assert.equal(await page.getByRole('button', { name: /^Send files/ }).count(), 0);
  fake.filesPlan = { to_desktop: true, from_desktop: false };
  fake.tell('session', fake.world.sessions.find((one) => one.state === 'connected').id);
  await page.getByRole('button', { name: /^Send files/ }).waitFor();
  assert.equal(await page.getByRole('button', { name: 'Fetch there.txt' }).count(), 0);
  fake.filesPlan = { to_desktop: false, from_desktop: false };
  fake.tell('session', fake.world.sessions.find((one) => one.state === 'connected').id);
  await page.getByRole('button', { name: 'Files', exact: true }).waitFor({ state: 'detached' });
});

test('on a phone the panel fits', async () => {
  const page = await open({ viewport: { width: 360, height: 640 } });
  fake.downloads = new Map([[`${'a long name '.repeat(18)}.txt`, Buffer.from('t')]]);
  await page.getByRole('button', { name: 'Look again' }).click();
  await page.getByRole('button', { name: /^Fetch a long name/ }).waitFor();
  const wide = await page.evaluate(() => [document.documentElement.scrollWidth, document.querySelector('.console-panel').scrollWidth - document.querySelector('.console-panel').clientWidth]);
  assert.deepEqual(wide, [360, 0]);
});
