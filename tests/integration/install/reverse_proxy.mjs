// A person behind a reverse proxy that puts Oriel below a path: log in, click, see the desktop, type, come again by a link.
//   ORIEL_TEST_URL=https://127.0.0.1:PORT/oriel/  ORIEL_TEST_PERSON=name:password  ORIEL_TEST_POOL=demo
// Prints what it saw as JSON; the exit status says whether all of it came about.
import assert from 'node:assert/strict';
import { desktopShown, difference, eventually, launch, logIn, picture } from '../../browser/lib.mjs';

const url = process.env.ORIEL_TEST_URL;
const pool = process.env.ORIEL_TEST_POOL;
const [name, password] = process.env.ORIEL_TEST_PERSON.split(/:(.*)/s);
const patience = 300_000; // only bounds a hang

const browser = await launch();
try {
  const { page } = await browser.person();
  const asked = [];
  const sockets = [];
  page.on('request', (request) => asked.push(request.url()));
  page.on('websocket', (socket) => sockets.push(socket.url()));

  await logIn(page, url, name, password);
  await page.locator(`.tiles a[href="#/desktop/${pool}"]`).click();
  const seen = await desktopShown(page, patience);
  const before = await picture(page);
  await page.locator('.console-screen canvas').click();
  await page.keyboard.type('echo behind a proxy', { delay: 20 });
  await page.keyboard.press('Enter');
  await eventually(async () => difference(before, await picture(page)), (differ) => differ > 0.0002, patience, 'the typed line');

  await page.goto('about:blank');
  await page.goto(`${url}#/desktop/${pool}`);
  await desktopShown(page, patience);

  const stray = asked.filter((one) => !one.startsWith(url) && !/^(data|blob|about):/.test(one));
  const straySockets = sockets.filter((one) => !one.startsWith(`${url.replace('https:', 'wss:')}api/v1/display/`));
  assert.deepEqual(stray, [], 'requests beside the prefix');
  assert.ok(sockets.length >= 2, 'two displays');
  assert.deepEqual(straySockets, [], 'displays beside the prefix');
  assert.deepEqual(page.complaints, []);
  console.log(JSON.stringify({ width: seen.width, height: seen.height, colours: seen.colours, requests: asked.length, displays: sockets.length }));
} finally {
  await browser.close();
}
