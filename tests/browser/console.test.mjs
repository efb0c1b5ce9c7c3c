// The console, against a small RFB server that notes what it is told and draws what it gets.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { accessibilityFaults, desktopShown, difference, eventually, fakeHouse, openDesktop, picture, see, settled, showControls, tile } from './lib.mjs';

const { fake, url, password, person, admin } = await fakeHouse({ leave: (house) => {
  for (const peer of house.displays) peer.cut();
  house.refuseDisplays = false;
} });
const guest = (name = 'demo-1') => fake.screenOf(fake.world.desktops.find((one) => one.name === name));
const keysOf = (screen) => screen.events.filter((one) => one.type === 'key');
const typed = (screen) => keysOf(screen).filter((one) => one.down).map((one) => one.scancode);
const down = (screen) => {
  const held = new Set();
  for (const one of keysOf(screen)) held[one.down ? 'add' : 'delete'](one.scancode ?? one.keysym);
  return [...held];
};

test('a click shows the picture, at the size of the window', async () => {
  const page = await admin();
  await openDesktop(page, 'Office');
  await eventually(() => see(page), (seen) => seen.width === 1280 && seen.height === 800, 5000, 'the size of the window');
  await page.setViewportSize({ width: 1000, height: 640 });
  await eventually(() => see(page), (seen) => seen.width === 1000 && seen.height === 640, 5000, 'the new size');
  const sizes = guest().events.filter((one) => one.type === 'size').length;
  for (let n = 0; n < 20; n += 1) await page.setViewportSize({ width: 1000 + n * 5, height: 640 });
  await eventually(() => see(page), (seen) => seen.width === 1095, 5000, 'the last size');
  assert.ok(guest().events.filter((one) => one.type === 'size').length - sizes <= 3, 'a dragged window is asked for once it rests');
});

test('several desktops of one pool: one more, each of them by its name, and the same one again', async () => {
  const demo = fake.world.pools.find((one) => one.name === 'demo');
  demo.sessions_a_user = 2;
  const page = await admin();
  const card = page.locator('.tiles > *').filter({ hasText: 'Office' });
  assert.equal(await card.locator('.tile-several li').count(), 1); // one of theirs is the tile itself
  await card.getByRole('link', { name: 'Another desktop' }).click();
  await desktopShown(page);
  const second = fake.world.desktops.find((one) => one.name === 'demo-3');
  assert.equal(second.user.name, 'admin');
  // who loads the page again wants this desktop, and not yet another one
  await eventually(() => page.url(), (now) => now.endsWith(`#/desktop/demo?own=${second.id}`), 5000, 'its own address');
  await page.reload();
  await desktopShown(page);
  assert.equal(fake.world.desktops.filter((one) => one.pool.id === demo.id && one.user?.name === 'admin').length, 2);
  await page.goto(url);
  const names = card.locator('.tile-several li');
  await eventually(() => names.allTextContents(), (all) => all.length === 2 && all[0].startsWith('demo-1') && all[1].startsWith('demo-3'), 5000, 'both by name, and no more of them');
  await card.getByRole('link', { name: 'demo-1' }).click();
  await desktopShown(page);
  assert.ok(page.url().endsWith(`?own=${fake.world.desktops.find((one) => one.name === 'demo-1').id}`));
  assert.ok(fake.screenOf(fake.world.desktops.find((one) => one.name === 'demo-1')).viewers.size === 1);
  // one that is gone is said so, and nobody is given another instead
  await page.goto(`${url}#/desktop/demo?own=gone`);
  await page.getByText('you have none of this name').waitFor();
  assert.deepEqual(await accessibilityFaults(page), []);
});

test('keys, pointer and wheel arrive; nothing stays down when the focus goes', async () => {
  const page = await admin();
  await openDesktop(page, 'Office');
  const before = await see(page);
  await page.keyboard.type('ab');
  await eventually(() => typed(guest()).length, (many) => many === 2);
  assert.deepEqual(typed(guest()), [0x1e, 0x30]);
  await eventually(() => see(page), (seen) => seen.hash !== before.hash, 5000, 'other pixels');
  await page.mouse.click(300, 300);
  await page.mouse.wheel(0, 120);
  await eventually(() => guest().events.filter((one) => one.type === 'pointer' && one.buttons === 1).length, (many) => many > 0);
  await eventually(() => guest().events.filter((one) => one.type === 'pointer' && (one.buttons & 24)).length, (many) => many > 0, 5000, 'a wheel step');
  await page.keyboard.down('Shift');
  await page.keyboard.down('x');
  await eventually(() => down(guest()).length, (many) => many === 2);
  await page.evaluate(() => document.activeElement.blur());
  await eventually(() => down(guest()).length, (many) => many === 0, 5000, 'lifted keys');
});

test('the controls by Ctrl+Alt+Shift, the keys browsers keep, and back to the desktop', async () => {
  const page = await admin();
  await openDesktop(page, 'Office');
  await page.locator('.toolbar:not(.open)').waitFor({ state: 'attached' }); // it hides by itself
  await showControls(page);
  assert.equal(await page.evaluate(() => document.activeElement.getAttribute('aria-label')), 'Back to your desktops');
  await eventually(() => down(guest()).length, (many) => many === 0, 5000, 'lifted keys');
  guest().events.length = 0;
  await page.getByRole('button', { name: 'Send keys' }).click();
  await eventually(() => page.evaluate(() => document.activeElement.textContent), (text) => text === 'Ctrl+Alt+Del', 5000, 'the focus in the panel');
  await page.getByRole('button', { name: /^Ctrl\+Alt\+Del/ }).click();
  await eventually(() => keysOf(guest()).length, (many) => many === 6);
  assert.deepEqual(keysOf(guest()).map((one) => [one.scancode, one.down]), [[0x1d, true], [0x38, true], [0xd3, true], [0xd3, false], [0x38, false], [0x1d, false]]);
  await page.getByRole('button', { name: /^Ctrl\+W/ }).click();
  await eventually(() => typed(guest()).slice(-2), (last) => last.join() === [0x1d, 0x11].join());
  assert.deepEqual(await accessibilityFaults(page), []);
  await page.getByRole('button', { name: 'Send keys' }).focus();
  await page.keyboard.press('Escape');
  await eventually(() => page.evaluate(() => document.activeElement.tagName), (tag) => tag === 'CANVAS', 5000, 'focus on the desktop');
});

test('clipboard both ways by the panel, and typed where nothing pastes', async () => {
  const page = await admin({ permissions: ['clipboard-read', 'clipboard-write'] });
  await openDesktop(page, 'Office');
  await showControls(page);
  await page.getByRole('button', { name: 'Clipboard' }).click();
  await page.getByLabel('Text on the clipboard').fill('Grüße, “world” 你好');
  await page.getByRole('button', { name: 'Send to desktop' }).click();
  await eventually(() => guest().events.find((one) => one.type === 'clipboard')?.text, (text) => text === 'Grüße, “world” 你好', 5000, 'the text at the desktop');
  guest().copy('from the desktop: äß€');
  await eventually(() => page.getByLabel('Text on the clipboard').inputValue(), (text) => text === 'from the desktop: äß€', 5000, 'the text here');
  await page.getByRole('button', { name: 'Copy to this computer' }).click();
  await eventually(() => page.evaluate(() => navigator.clipboard.readText()), (text) => text === 'from the desktop: äß€');
  guest().events.length = 0;
  await page.getByLabel('Text on the clipboard').fill('Hi!');
  await page.getByRole('button', { name: 'Type it' }).click();
  await eventually(() => typed(guest()), (codes) => codes.join() === [0x2a, 0x23, 0x17, 0x2a, 0x02].join(), 5000, 'Shift+h, i, Shift+1');
});

/** What comes out of the page's players, as the browser itself measures it: the loudest sample so far. */
const listens = () => {
  window.loudest = 0;
  const connect = AudioWorkletNode.prototype.connect;
  AudioWorkletNode.prototype.connect = function (to) {
    const meter = this.context.createAnalyser();
    const wave = new Float32Array(meter.fftSize);
    setInterval(() => {
      meter.getFloatTimeDomainData(wave);
      window.loudest = Math.max(window.loudest, ...wave.map(Math.abs));
    }, 5);
    connect.call(this, meter);
    return connect.call(this, to);
  };
};

test('sound: only once the person asks for it, heard, remembered, and off again', async () => {
  const page = await admin();
  await page.addInitScript(listens);
  await page.reload();
  await openDesktop(page, 'Office');
  const said = () => guest().events.filter((one) => one.type.startsWith('sound')).map((one) => one.on ?? one.rate);
  const loudest = () => page.evaluate(() => window.loudest);
  const tone = Array.from({ length: 4410 }, (_, n) => (n % 100 < 50 ? 16000 : -16000));
  const play = () => guest().viewers.forEach((viewer) => viewer.play(tone));
  await showControls(page);
  const control = page.getByRole('button', { name: 'Sound of the desktop' });
  await control.waitFor();
  assert.deepEqual(said(), [], 'nobody has asked');
  await control.click();
  await eventually(said, (all) => all.join() === '44100,true', 5000, 'the request');
  await eventually(async () => (play(), loudest()), (loud) => loud > 0.4 && loud < 0.6, 15_000, 'a tone of that strength');
  assert.deepEqual(await accessibilityFaults(page), []);
  await page.getByRole('button', { name: 'Back to your desktops' }).click();
  await openDesktop(page, 'Office');
  await eventually(said, (all) => all.slice(-2).join() === '44100,true', 5000, 'it was remembered');
  await page.evaluate(() => { window.loudest = 0; });
  await eventually(async () => (play(), loudest()), (loud) => loud > 0.4, 15_000, 'and plays');
  await showControls(page);
  await control.click();
  await eventually(said, (all) => all.at(-1) === false, 5000, 'silence');
});

test('sound that the plan forbids, or a desktop that has none, is not offered', async () => {
  const page = await admin();
  fake.sound = false;
  await openDesktop(page, 'Office');
  await showControls(page);
  const control = page.getByRole('button', { name: 'Sound of the desktop' });
  await eventually(() => control.count(), (many) => many === 0, 5000, 'no control');
  await page.getByRole('button', { name: 'Back to your desktops' }).click();
  fake.sound = true;
  await openDesktop(page, 'Office');
  await showControls(page);
  await control.waitFor();
  fake.sound = false; // the plan changes while one works
  fake.tell('session', fake.world.sessions.at(-1).id, 'update');
  await control.waitFor({ state: 'detached' });
  fake.sound = true;
});

test('clipboards kept the same by themselves', async () => {
  const page = await admin({ permissions: ['clipboard-read', 'clipboard-write'] });
  await openDesktop(page, 'Office');
  await page.evaluate(() => navigator.clipboard.writeText('copied before'));
  await showControls(page);
  await page.getByRole('button', { name: 'Clipboard' }).click();
  await page.getByLabel('Keep both clipboards the same').check();
  await eventually(() => guest().events.find((one) => one.type === 'clipboard')?.text, (text) => text === 'copied before');
  guest().copy('and back');
  await eventually(() => page.evaluate(() => navigator.clipboard.readText()), (text) => text === 'and back');
});

test('characters instead of keys: another layout at the desktop', async () => {
  const page = await admin();
  await openDesktop(page, 'Office');
  await showControls(page);
  await page.getByRole('button', { name: 'Keyboard layout' }).click();
  await page.getByText('The characters I type').click();
  await page.getByLabel('Keyboard layout of the desktop').selectOption('de');
  await page.mouse.click(640, 500);
  guest().events.length = 0;
  await page.keyboard.type('z@');
  await eventually(() => typed(guest()), (codes) => codes.join() === [0x15, 0xb8, 0x10].join(), 5000, 'the key where German has z, then AltGr+q');
  await page.keyboard.press('Control+z');
  await eventually(() => typed(guest()).slice(-2), (codes) => codes.join() === [0x1d, 0x15].join(), 5000, 'Ctrl and the key where German has z');
  await page.keyboard.press('Enter');
  await eventually(() => typed(guest()).at(-1), (code) => code === 0x1c);
  await eventually(() => down(guest()), (keys) => keys.length === 0, 5000, 'every key up');
});

test('whoever looks on is asked for, always to be seen, and can be ended', async () => {
  const page = await admin();
  await openDesktop(page, 'Office');
  const session = fake.world.sessions.find((one) => one.desktop.name === 'demo-1' && one.state !== 'ended');
  const helper = fake.world.users.find((one) => one.name === 'ben');
  const asked = fake.shadow(session, 'view', { user: helper });
  const question = page.getByRole('alert').filter({ hasText: 'ben of the help desk asks to look at your screen.' });
  await question.getByRole('button', { name: 'Allow' }).click();
  const sign = page.getByRole('status').filter({ hasText: 'ben of the help desk sees your screen.' });
  await sign.waitFor();
  assert.equal(asked.state, 'allowed');
  await sign.getByRole('button', { name: 'End it' }).click();
  await sign.waitFor({ state: 'detached' });
  assert.equal(asked.state, 'ended');
  const again = fake.shadow(session, 'control', { user: helper });
  await page.getByRole('alert').filter({ hasText: 'and work in it' }).getByRole('button', { name: 'Refuse' }).click();
  await eventually(() => again.state, (state) => state === 'refused');
});

test('a message stands over the desktop until it is closed, and only over its own', async () => {
  const page = await admin();
  await openDesktop(page, 'Office');
  const [session, other] = ['demo-1', 'demo-2'].map((name) => fake.world.sessions.find((one) => one.desktop.name === name && one.state !== 'ended'));
  const ben = { user: fake.world.users.find((one) => one.name === 'ben') };
  if (other) fake.message(other, 'not here', ben);
  fake.message(session, 'Lunch is ready', ben);
  const message = page.getByRole('alert').filter({ hasText: 'Lunch is ready' });
  await message.waitFor();
  assert.equal(await page.getByText('not here').count(), 0);
  assert.deepEqual(await accessibilityFaults(page), []);
  await message.getByRole('button', { name: 'Close the message' }).click();
  await message.waitFor({ state: 'detached' });
});

test('a second browser takes over; the first says so and can take it back', async () => {
  const first = await admin();
  await openDesktop(first, 'Office');
  await new Promise((resolve) => setTimeout(resolve, 1500));
  const second = await admin();
  await openDesktop(second, 'Office');
  await first.getByRole('heading', { name: 'Opened elsewhere' }).waitFor();
  assert.deepEqual(await accessibilityFaults(first), []);
  await first.keyboard.press('Enter');
  await desktopShown(first);
  await second.getByRole('heading', { name: 'Opened elsewhere' }).waitFor();
});

test('a lost connection comes back by itself, with a new ticket', async () => {
  const page = await admin();
  await openDesktop(page, 'Office');
  fake.refuseDisplays = true;
  for (const peer of fake.displays) peer.cut();
  await page.getByRole('heading', { name: 'Reconnecting' }).waitFor();
  await page.getByText(/attempt [2-9]/).waitFor({ timeout: 20_000 });
  fake.refuseDisplays = false;
  await desktopShown(page, 30_000);
});

test('coming back from a lost connection never takes the desktop from where the person went on', async () => {
  const first = await admin();
  await openDesktop(first, 'Office');
  await eventually(() => fake.world.sessions.find((one) => one.user.name === 'admin')?.state, (state) => state === 'connected');
  await new Promise((resolve) => setTimeout(resolve, 1800));
  await first.context().setOffline(true);
  for (const peer of fake.displays) peer.cut();
  await first.getByRole('heading', { name: 'Reconnecting' }).waitFor();
  const second = await admin();
  await openDesktop(second, 'Office');
  await new Promise((resolve) => setTimeout(resolve, 300));
  await first.context().setOffline(false);
  await first.getByRole('heading', { name: 'Opened elsewhere' }).waitFor({ timeout: 30_000 });
  assert.equal(await second.locator('.console-covered').count(), 0);
});

test('leaving disconnects, the same session is there again, and closing the tab disconnects', async () => {
  const page = await admin();
  await openDesktop(page, 'Office');
  await page.keyboard.type('hello');
  await eventually(() => guest().typed, (many) => many === 5);
  await showControls(page);
  const before = await settled(page, 500);
  await page.getByRole('button', { name: 'Back to your desktops' }).click();
  await page.getByText('Waiting for you').waitFor();
  await openDesktop(page, 'Office');
  await eventually(async () => difference(before, await picture(page)), (differ) => differ === 0, 5000, 'the same pixels');
  await page.close();
  await eventually(() => guest().viewers.size, (many) => many === 0, 5000, 'no viewer');
});

test('log off asks first, then ends the session', async () => {
  const page = await admin();
  await openDesktop(page, 'Office');
  await showControls(page);
  await page.getByRole('button', { name: 'Session', exact: true }).click();
  await page.getByRole('menuitem', { name: 'Log off…' }).click();
  await page.getByRole('dialog').getByText('everything on it is lost, saved files too').waitFor();
  await page.getByRole('dialog').getByRole('button', { name: 'Log off' }).click();
  await page.getByRole('heading', { name: /Anna Weber/ }).waitFor();
  assert.equal(fake.world.sessions.find((one) => one.user.name === 'admin').state, 'ended');
});

const focusedName = (page) => page.evaluate(() => document.activeElement?.getAttribute('name'));

test('a locked desktop: nothing goes to it, the log-in is asked for right here, and the person goes on', async () => {
  const page = await admin();
  await openDesktop(page, 'Office');
  await showControls(page);
  await page.getByRole('button', { name: 'Session', exact: true }).click();
  await page.getByRole('menuitem', { name: 'Lock' }).click();
  const card = page.getByRole('dialog', { name: 'Locked' });
  await card.waitFor();
  const session = fake.world.sessions.find((one) => one.user.name === 'admin');
  assert.ok(session.locked_ms > 0);
  assert.deepEqual(await accessibilityFaults(page), []);
  const before = keysOf(guest()).length;
  await eventually(() => focusedName(page), (name) => name === 'password', 5000, 'the focus in the password');
  await page.keyboard.type('wrong');
  await page.keyboard.press('Enter');
  await card.getByRole('alert').or(card.locator('.notice')).first().waitFor();
  assert.ok(session.locked_ms > 0);
  await page.keyboard.type(password);
  await page.keyboard.press('Enter');
  await card.waitFor({ state: 'detached' });
  assert.equal(session.locked_ms, null);
  assert.equal(keysOf(guest()).length, before, 'no key of the password went to the desktop');
  await page.keyboard.type('a');
  await eventually(() => keysOf(guest()).length, (many) => many > before, 5000, 'the next key goes there again');
  assert.equal(guest().viewers.size, 1);
});

test('opening a locked desktop asks for the log-in, with its code, and then shows it', async () => {
  const page = await admin();
  await openDesktop(page, 'Office');
  const session = fake.world.sessions.find((one) => one.user.name === 'admin');
  const user = fake.world.users.find((one) => one.name === 'admin');
  fake.lock(session, Date.now());
  await page.getByRole('dialog', { name: 'Locked' }).waitFor();
  await page.reload();
  const card = page.getByRole('dialog', { name: 'Locked' });
  await card.waitFor();
  assert.equal(guest().viewers.size, 0, 'no picture for a log-in from before');
  user.totp = true;
  await card.getByLabel('Password of admin').fill(password);
  await page.keyboard.press('Enter');
  await eventually(() => focusedName(page), (name) => name === 'code', 5000, 'the code is asked for');
  await page.keyboard.type('123456');
  await page.keyboard.press('Enter');
  await card.waitFor({ state: 'detached' });
  user.totp = false;
  await desktopShown(page);
  assert.equal(session.locked_ms, null);
});

test('logged off from elsewhere: the page says so', async () => {
  const page = await admin();
  await openDesktop(page, 'Office');
  const session = fake.world.sessions.find((one) => one.user.name === 'admin');
  await fake.on_sessions({ method: 'POST', name: session.id, verb: 'log-off' });
  await page.getByRole('heading', { name: 'You are logged off' }).waitFor();
});

test('a session that somebody else ended says how', async () => {
  const page = await admin();
  await openDesktop(page, 'Office');
  const session = fake.world.sessions.find((one) => one.user.name === 'admin');
  session.end_reason = 'desktop taken away';
  await fake.on_sessions({ method: 'POST', name: session.id, verb: 'log-off' });
  await page.getByText('An administrator took this desktop back.').waitFor();
});

test('a desktop that must start first shows how far it is', async () => {
  const page = await admin();
  const pool = fake.world.pools.find((one) => one.name === 'lab');
  const job = fake.startJob('desktop-start', 'Start', pool.id);
  Object.assign(job, { progress: 35, step: 'Boot the template' });
  fake.boots.set(pool.id, job);
  fake.world.desktops.find((one) => one.name === 'lab-1').state = 'running';
  await tile(page, 'Lab').click();
  await page.getByRole('heading', { name: 'Preparing lab' }).waitFor();
  await page.getByText('35 %').waitFor();
  job.state = 'done';
  await desktopShown(page);
});

test('a refusal is shown as its sentence', async () => {
  const page = await admin();
  for (const one of fake.world.desktops.filter((d) => d.pool.name === 'lab')) one.state = 'failed';
  await tile(page, 'Lab').click();
  await page.getByText('pool "lab" has no desktop left').waitFor();
  await page.getByRole('button', { name: 'Back to your desktops' }).click();
  await page.getByRole('heading', { name: /Anna Weber/ }).waitFor();
});

test('an operator does not look over a shoulder: taking over is asked for', async () => {
  const page = await admin();
  await openDesktop(page, 'Office');
  const operator = await admin();
  await operator.goto(`${url}#/console/demo-1`);
  await operator.getByRole('heading', { name: 'Somebody is working here' }).waitFor();
  assert.equal(await page.locator('.console-covered').count(), 0, 'the person was not disturbed');
  await operator.getByRole('button', { name: 'Take over' }).click();
  await desktopShown(operator);
  await page.getByText(`${fake.world.users[0].name} ended this view. Your programs are still open on the desktop.`).waitFor();
});

test('a ticket from the command line opens the desktop without a login', async () => {
  const page = await person();
  const desktop = fake.world.desktops[0];
  const [, connection] = fake.connection(desktop, null);
  await page.goto(connection.url);
  await desktopShown(page);
  await page.locator('.toolbar').waitFor({ state: 'attached' });
  assert.equal(await page.locator('.tools-title').count(), 0, 'an id is no title');
  assert.doesNotMatch(await page.title(), new RegExp(desktop.id));
  await page.reload();
  await page.getByRole('heading', { name: 'This desktop cannot be opened' }).waitFor();
  assert.equal(await page.getByRole('button', { name: /Try|Reconnect/ }).count(), 0, 'a used ticket opens nothing again');
  await page.keyboard.press('Enter');
  await page.getByRole('heading', { name: 'Log in' }).waitFor();
});

test('text that cannot be typed as a whole is not typed at all', async () => {
  const page = await admin();
  await openDesktop(page, 'Office');
  await showControls(page);
  await page.getByRole('button', { name: 'Clipboard' }).click();
  await page.getByLabel('Text on the clipboard').fill('rm 你好 x');
  guest().events.length = 0;
  await page.getByRole('button', { name: 'Type it' }).click();
  await page.getByText('Nothing was typed: “你好” cannot be typed').waitFor();
  assert.deepEqual(keysOf(guest()), []);
});

test('a machine that starts is said to do so, until it shows its desktop or the person has had enough', async () => {
  const page = await admin();
  await openDesktop(page, 'Office');
  const line = page.getByText('Your desktop is starting');
  const screen = guest();
  screen.boot();
  await line.waitFor();
  assert.deepEqual(await accessibilityFaults(page), []);
  screen.resize(screen.width, screen.height);
  screen.changed();
  await line.waitFor({ state: 'detached' });
  screen.boot();
  await line.waitFor();
  await page.getByRole('button', { name: 'Hide' }).click();
  await line.waitFor({ state: 'detached' });
  assert.equal(await page.evaluate(() => document.activeElement.tagName), 'CANVAS', 'keys go to the desktop again');
  await new Promise((resolve) => setTimeout(resolve, 2000)); // more than two looks at the picture
  assert.equal(await line.count(), 0, 'sent away, it stays away');
});

test('where the controls went is said at the first desktop of a browser, not at the second', async () => {
  const page = await admin();
  await openDesktop(page, 'Office');
  await page.getByText('Move the mouse to the top for the controls, or press Ctrl+Alt+Shift').waitFor();
  await page.goto(`${url}#/`);
  await page.getByText('Waiting for you').waitFor();
  await openDesktop(page, 'Office');
  assert.equal(await page.getByText('Move the mouse to the top').count(), 0);
});

test('an administrator\'s console leads back to the administration', async () => {
  const page = await admin();
  await page.goto(`${url}#/console/demo-3`);
  await desktopShown(page);
  await showControls(page);
  await page.getByRole('button', { name: 'Back to the administration' }).click();
  await page.getByRole('heading', { level: 1, name: 'Desktops' }).waitFor();
});

test('on a phone: picture, on-screen keyboard, correction of a word, capital letters', async () => {
  const page = await admin({ viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true });
  await tile(page, 'Office').tap();
  await desktopShown(page);
  await page.locator('.toolbar-handle').tap({ force: true }).catch(() => {});
  await page.getByRole('button', { name: 'On-screen keyboard' }).tap();
  await eventually(() => page.evaluate(() => document.activeElement.className), (name) => name === 'console-field', 5000, 'the text field has the focus');
  guest().events.length = 0;
  await page.keyboard.insertText('Teh');
  await eventually(() => typed(guest()), (codes) => codes.join() === [0x2a, 0x14, 0x12, 0x23].join(), 5000, 'Shift+t, e, h');
  await page.evaluate(() => {
    const field = document.activeElement;
    field.value = field.value.replace('Teh', 'The ');
    field.dispatchEvent(new InputEvent('input', { inputType: 'insertReplacementText' }));
  });
  await eventually(() => typed(guest()).slice(4), (codes) => codes.join() === [0x0e, 0x0e, 0x23, 0x12, 0x39].join(), 5000, 'two backspaces, h, e, space');
  assert.deepEqual(down(guest()), []);
});
