// The pages, against the fake API: what a person sees and can do, by mouse, by keys, on a phone, in the dark.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { FakeOriel } from './fake-api.mjs';
import { accessibilityFaults, eventually, fakeHouse, logIn, tile } from './lib.mjs';

const { fake, url, password, person, admin } = await fakeHouse();

test('a wrong password is said so, and the right one leads to the tiles', async () => {
  const page = await person();
  await page.goto(url);
  await page.getByRole('button', { name: 'Log in' }).click();
  await page.getByRole('alert').getByText('Give your name and your password.').waitFor();
  await page.getByLabel('Name').fill('admin');
  await page.getByLabel('Password').fill('wrong');
  await page.keyboard.press('Enter');
  await page.getByRole('alert').getByText('name or password is wrong').waitFor();
  await page.getByLabel('Password').fill(password);
  await page.keyboard.press('Enter');
  await page.getByRole('heading', { name: /Anna Weber/ }).waitFor();
  assert.equal(await page.locator('.tile').count(), 3);
});

test('the pages speak the language of the browser, and another when it is chosen', async () => {
  const page = await person({ locale: 'de-CH' });
  await page.goto(url);
  await page.getByRole('heading', { name: 'Anmelden' }).waitFor();
  assert.equal(await page.locator('html').getAttribute('lang'), 'de');
  await page.getByLabel('Name').fill('admin');
  await page.getByLabel('Kennwort').fill('wrong');
  await page.keyboard.press('Enter');
  await page.getByRole('alert').getByText('Der Name oder das Kennwort ist falsch.').waitFor();
  await page.getByLabel('Kennwort').fill(password);
  await page.keyboard.press('Enter');
  await page.getByRole('button', { name: /^Konto von/ }).click();
  await page.getByRole('menuitem', { name: 'Sprache …' }).click();
  await page.getByRole('combobox').selectOption('ja');
  await page.getByRole('button', { name: 'Speichern' }).click();
  await page.getByRole('link', { name: '管理', exact: true }).waitFor();
  assert.equal(await page.locator('html').getAttribute('lang'), 'ja');
  await page.goto(`${url}#/admin/pools/demo`);
  await page.getByRole('heading', { name: '必要なリソース' }).waitFor();
});

test('too many attempts: the button counts the seconds', async () => {
  const page = await person();
  await page.goto(url);
  await page.getByLabel('Name').fill('admin');
  await page.getByLabel('Password').fill('slow down');
  await page.keyboard.press('Enter');
  await page.getByRole('button', { name: /Wait \d s/ }).waitFor();
  assert.ok(await page.getByRole('button', { name: /Wait \d s/ }).isDisabled());
  await page.getByRole('button', { name: 'Log in' }).waitFor({ timeout: 8000 });
});

test('a one-time link sets the password; a used one says what to do', async () => {
  const page = await person();
  await page.goto(`${url}#/setup/USED`);
  await page.getByLabel('New password').fill('short');
  await page.getByText('5 more characters are needed.').waitFor();
  await page.getByLabel('New password').fill('four quiet words here');
  await page.getByLabel('The same again').fill('four quiet words');
  await page.getByText('The two passwords differ.').waitFor();
  await page.getByLabel('The same again').fill('four quiet words here');
  await page.keyboard.press('Enter');
  await page.getByText('too old. Ask your administrator for a new link.').waitFor();
  assert.equal(await page.getByLabel('New password').count(), 0, 'nothing to fill in for a link that is void');
  await page.evaluate(() => { location.hash = '#/setup/GOOD'; });
  await page.getByLabel('New password').waitFor();
  assert.equal(await page.getByRole('alert').count(), 0, 'the error of the link before is gone');
  await page.getByLabel('New password').fill('four quiet words here');
  await page.getByLabel('The same again').fill('four quiet words here');
  await page.keyboard.press('Enter');
  await page.getByRole('heading', { name: /Anna Weber/ }).waitFor();
  assert.ok(!page.url().includes('GOOD'), 'the token leaves the address bar');
});

test('tiles follow what happens elsewhere', async () => {
  const page = await admin();
  await page.getByText('Waiting for you').waitFor();
  const desktop = fake.world.desktops.find((one) => one.name === 'studio-2');
  desktop.state = 'starting';
  fake.tell('desktop', desktop.id);
  await page.getByText('Preparing').waitFor();
  fake.world.pools.find((one) => one.name === 'lab').display_name = 'Laboratory';
  fake.tell('portal', 'x');
  await page.getByRole('heading', { name: 'Laboratory' }).waitFor();
});

test('a tile gives a file for remote-viewer', async () => {
  const page = await admin();
  await page.getByRole('button', { name: /^More for Office/ }).first().click();
  const [download] = await Promise.all([page.waitForEvent('download'), page.getByRole('menuitem', { name: 'Open with remote-viewer' }).click()]);
  assert.match(download.suggestedFilename(), /\.vv$/);
  assert.match(readFileSync(await download.path(), 'utf8'), /^ticket t/);
  await page.getByText('Open the file with remote-viewer.').waitFor();
});

test('the stream comes back after the server was away, and the page catches up', async () => {
  const page = await admin();
  await page.getByText('Waiting for you').waitFor();
  fake.broken = (method, path) => (path === 'stream' || path === 'me' ? { status: 502, kind: 'unavailable', detail: 'away' } : null);
  for (const stream of fake.streams) stream.destroy();
  await page.getByText('Reconnecting').waitFor({ timeout: 10_000 });
  fake.world.pools[0].display_name = 'Office of tomorrow';
  fake.broken = null;
  await page.getByRole('heading', { name: 'Office of tomorrow' }).waitFor({ timeout: 15_000 });
});

test('two tabs share one stream; when the first closes the second goes on', async () => {
  const page = await admin();
  const second = await page.context().newPage();
  await second.goto(url);
  await second.getByText('Waiting for you').waitFor();
  await eventually(() => fake.streams.size, (many) => many === 1, 5000, 'one stream');
  await page.close();
  await eventually(() => fake.streams.size, (many) => many === 1, 5000, 'the stream of the second tab');
  fake.world.pools[0].display_name = 'Renamed';
  await eventually(async () => {
    fake.tell('portal', 'x');
    return second.getByRole('heading', { name: 'Renamed' }).count();
  }, (many) => many === 1);
});

test('logging out in one tab logs out the other', async () => {
  const page = await admin();
  const second = await page.context().newPage();
  await second.goto(url);
  await second.getByText('Waiting for you').waitFor();
  await page.getByRole('button', { name: /Account of/ }).click();
  await page.getByRole('menuitem', { name: 'Log out' }).click();
  await page.getByRole('heading', { name: 'Log in' }).waitFor();
  await second.getByRole('heading', { name: 'Log in' }).waitFor();
});

test('a pool by keys alone: from the list through the form to who may use it', async () => {
  const page = await admin({}, '/admin/pools');
  await page.getByRole('link', { name: 'Create pool' }).focus();
  await page.keyboard.press('Enter');
  await page.getByLabel('Name', { exact: true }).waitFor();
  await page.keyboard.type('Sales');
  await page.getByText('Small letters, digits and hyphens only.').waitFor();
  await page.getByLabel('Name', { exact: true }).fill('sales');
  await page.keyboard.press('Tab');
  await page.keyboard.type('Sales team');
  await page.getByLabel('Desktops at most').fill('4');
  await page.getByLabel('Kept ready').fill('9');
  await page.getByText('A whole number from 0 to 4 is needed.').waitFor();
  await page.keyboard.press('Enter');
  assert.equal(fake.world.pools.length, 3, 'nothing is sent while something is wrong');
  await page.getByLabel('Kept ready').fill('1');
  await page.getByText(/This will fork up to 4 desktops with 2 processors and 2 GiB each/).waitFor();
  await page.getByRole('radio', { name: /^Full/ }).check();
  await page.getByText(/This will boot up to 4 desktops with 2 processors and 2 GiB each, 8 GiB together/).waitFor();
  await page.getByText(/Each has a disk of its own: 1\.9 GiB, 7\.6 GiB together/).waitFor();
  await page.getByLabel('Kept ready').focus();
  await page.keyboard.press('Enter');
  await page.getByRole('heading', { level: 1, name: 'Sales team' }).waitFor();
  await page.getByText('Nobody may use this pool yet').waitFor();
  await page.getByLabel('Name of the group').fill('sales');
  await page.keyboard.press('Enter');
  await page.getByRole('button', { name: 'Take Sales team from group sales' }).waitFor();
  const pool = fake.world.pools.at(-1);
  assert.equal(pool.provisioning, 'full');
  assert.deepEqual([pool.name, pool.size, pool.spares, pool.refresh_on_log_off, pool.follows_newest], ['sales', 4, 1, true, true]);
});

test('a change sends only what was changed, and a refusal is shown as its sentence', async () => {
  const page = await admin({}, '/admin/pools/demo');
  await page.getByLabel('Description').fill('Everything for the office');
  await page.getByRole('button', { name: 'Save' }).click();
  await page.getByText('Saved.').waitFor();
  assert.equal(fake.world.pools[0].description, 'Everything for the office');
  fake.broken = (method) => (method === 'PATCH' ? { status: 409, kind: 'conflict', detail: 'image "debian-xfce": disk is 40 GiB, pool "demo" allows 32 GiB' } : null);
  await page.getByLabel('Desktops at most').fill('11');
  await page.getByRole('button', { name: 'Save' }).click();
  await page.getByText('disk is 40 GiB, pool "demo" allows 32 GiB').waitFor();
});

test('deleting a pool needs its name', async () => {
  const page = await admin({}, '/admin/pools/lab');
  await page.getByRole('button', { name: 'Delete…' }).click();
  await page.getByRole('dialog').getByText('1 desktop with everything on it is deleted.').waitFor();
  const confirm = page.getByRole('dialog').getByRole('button', { name: 'Delete pool' });
  assert.ok(await confirm.isDisabled());
  await page.getByLabel('Type lab to confirm').fill('lab');
  await confirm.click();
  await page.getByText('Pool Lab is deleted.').waitFor();
  assert.equal(fake.world.pools.length, 2);
});

test('a template that waits for its image has not failed', async () => {
  const [pool] = fake.world.pools;
  pool.template = { state: 'waiting for the image', job: null, error: null, waits_for: 'image "debian-xfce": has no version that is ready; version 1 is being built' };
  const page = await admin({}, '/admin/pools');
  const row = page.getByRole('row').filter({ hasText: pool.name });
  await row.getByText('Waiting for the image').waitFor();
  await page.goto(`${url}#/admin/pools/${pool.name}`);
  await page.getByText('version 1 is being built').waitFor();
  pool.template = { state: 'failed', job: null, error: 'the kernel does not boot', waits_for: null };
  fake.tell('pool', pool.id);
  await page.getByText('the kernel does not boot').waitFor();
  await page.getByText('Template failed').waitFor();
});

test('a build: recipe, progress, log, done', async () => {
  const page = await admin({}, '/admin/images/build');
  await page.getByText('My own', { exact: true }).click();
  await page.getByLabel('Your recipe').fill('nonsense: 1');
  await page.getByLabel('Name of the image').fill('kiosk');
  await page.getByRole('button', { name: 'Build' }).click();
  const alert = page.getByRole('alert').filter({ hasText: 'line 1: unknown word "nonsense"' });
  await alert.waitFor();
  await eventually(() => alert.evaluate((one) => {
    const { top, bottom } = one.getBoundingClientRect();
    return top >= 0 && bottom <= innerHeight && document.activeElement === one;
  }), (seen) => seen, 5000, 'the mistake in the picture, with the focus');
  await page.getByText('debian-minimal').first().click();
  await page.getByRole('button', { name: 'Build' }).click();
  await page.getByText('unpacking the base system').waitFor();
  const job = fake.world.jobs[0];
  fake.advance(job, 42, 'Install packages');
  await page.getByText('42 %').waitFor();
  await page.getByText('I: Install packages').waitFor();
  fake.advance(job, 100, 'Ready');
  await page.getByText('Done', { exact: true }).waitFor();
});

test('a desktop: menu by keys, stop, live state, assign', async () => {
  const page = await admin({}, '/admin/desktops');
  await page.getByRole('button', { name: 'Actions for demo-3' }).focus();
  await page.keyboard.press('Enter');
  await page.keyboard.press('ArrowDown');
  assert.equal(await page.evaluate(() => document.activeElement.textContent), 'Switch off…');
  await page.keyboard.press('Enter');
  await page.getByRole('button', { name: 'Switch off' }).click();
  const row = page.getByRole('row').filter({ hasText: 'demo-3' });
  await row.getByText('Stopping').waitFor();
  await row.getByText('Switched off').waitFor();
  await page.getByRole('button', { name: 'Actions for demo-3' }).click();
  await page.getByRole('menuitem', { name: 'Assign…' }).click();
  await page.getByRole('combobox', { name: 'Person' }).fill('ben');
  await page.keyboard.press('Enter');
  await row.getByText('ben').waitFor();
});

test('log off says what is lost: everything, where the desktop goes back to its image', async () => {
  const page = await admin();
  await page.getByText('A fresh desktop each time: nothing on it is kept after log off').first().waitFor();
  await page.getByRole('button', { name: 'More for Office' }).click();
  await page.getByRole('menuitem', { name: 'Log off…' }).click();
  await page.getByRole('dialog').getByText('This desktop goes back to its image: everything on it is lost, saved files too.').waitFor();
});

test('the menu of a tile restarts, resets and refreshes one\'s own desktop, by keyboard, after saying what is lost', async () => {
  const page = await admin();
  fake.acts = [];
  await page.getByRole('button', { name: 'More for Office' }).focus();
  await page.keyboard.press('Enter');
  await page.getByRole('menuitem', { name: 'Restart…' }).waitFor();
  assert.equal(await page.getByRole('menuitem', { name: 'Make it fresh…' }).count(), 0, 'its pool does not allow that');
  await page.keyboard.press('End');
  assert.equal(await page.evaluate(() => document.activeElement.textContent), 'Reset…');
  await page.keyboard.press('Enter');
  const dialog = page.getByRole('dialog');
  await dialog.getByText(/What is not saved is lost/).waitFor();
  await dialog.getByRole('button', { name: 'Reset', exact: true }).click();
  await page.getByText('It was reset. Open it again in a moment.').waitFor();
  assert.match(fake.acts[0], /^[^/]+\/reset$/);
});

test('a quota of a person: set in the administration, shown under the tiles, taken away again', async () => {
  const page = await admin({}, '/admin/users');
  await page.getByRole('button', { name: 'Actions for admin' }).click();
  await page.getByRole('menuitem', { name: 'Quota…' }).click();
  await page.getByLabel('Running desktops').fill('many');
  await page.getByText('A number is needed, * for no limit, or nothing.').waitFor();
  await page.getByLabel('Running desktops').fill('*');
  await page.getByRole('textbox', { name: 'Desktops', exact: true }).fill('5');
  await page.getByLabel('Memory (GiB)').fill('1.5');
  await page.getByRole('button', { name: 'Save' }).click();
  await page.getByRole('dialog').waitFor({ state: 'detached' });
  const { desktops, running, memory_bytes, disk_bytes } = fake.world.quotas[0];
  assert.deepEqual([desktops, running, memory_bytes, disk_bytes], [5, 'unlimited', 1.5 * 1024 ** 3, null]);
  await page.goto(`${url}#/`);
  await page.getByText(/You use \d of 5 desktops · \d GiB of 1\.5 GiB memory\./).waitFor();
  await page.goto(`${url}#/admin/users`);
  await page.getByRole('button', { name: 'Actions for admin' }).click();
  await page.getByRole('menuitem', { name: 'Quota…' }).click();
  assert.equal(await page.getByRole('textbox', { name: 'Desktops', exact: true }).inputValue(), '5');
  for (const label of ['Desktops', 'Running desktops', 'Memory (GiB)']) await page.getByRole('textbox', { name: label, exact: true }).fill('');
  await page.getByRole('button', { name: 'Save' }).click();
  await page.getByRole('dialog').waitFor({ state: 'detached' });
  assert.equal(fake.world.quotas.length, 0);
});

test('a pool gets a picture of its own: chosen on its page, shown on the tile, taken away', async () => {
  const page = await admin({}, '/admin/pools/demo');
  const chooser = page.getByLabel('PNG, at most 64 KiB and 512 by 512 pixels');
  await chooser.setInputFiles({ name: 'large.png', mimeType: 'image/png', buffer: Buffer.alloc(70000) });
  await page.getByText('This file is too large; at most 64 KiB.').waitFor();
  await chooser.setInputFiles({ name: 'demo.png', mimeType: 'image/png', buffer: Buffer.from('picture') });
  await page.getByRole('img', { name: /^Picture of/ }).waitFor({ state: 'attached' });
  assert.equal(fake.world.pools[0].icon, Buffer.from('picture').toString('base64'));
  await page.goto(`${url}#/`);
  await page.locator('.tile-icon').waitFor({ state: 'attached' });
  await page.goto(`${url}#/admin/pools/demo`);
  await page.getByRole('button', { name: 'Remove', exact: true }).click();
  await page.getByRole('img', { name: /^Picture of/ }).waitFor({ state: 'detached' });
  assert.equal(fake.world.pools[0].icon, false);
});

test('a question does not outlive its page', async () => {
  const page = await admin({}, '/admin/pools');
  await page.goto(`${url}#/admin/pools/lab`);
  await page.getByRole('button', { name: 'Delete…' }).click();
  await page.getByRole('dialog').waitFor();
  await page.goBack();
  await page.getByRole('heading', { level: 1, name: 'Pools' }).waitFor();
  assert.equal(await page.getByRole('dialog').count(), 0);
});

test('on a phone every page of the administration is in sight after one tap, and no text is cut', async () => {
  const page = await admin({ viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true }, '/admin/pools');
  const ways = page.getByRole('navigation', { name: 'Administration' });
  await ways.getByRole('button', { name: 'Pools' }).tap();
  const boxes = await ways.getByRole('link').evaluateAll((all) => all.map((one) => one.getBoundingClientRect().toJSON()));
  assert.ok(boxes.length >= 10, String(boxes.length));
  for (const box of boxes) assert.ok(box.left >= 0 && box.right <= 390 && box.bottom <= 844 && box.height >= 40, JSON.stringify(box));
  await ways.getByRole('link', { name: 'Events' }).tap();
  await page.getByRole('heading', { level: 1, name: 'Events' }).waitFor();
  assert.ok(!(await ways.getByRole('link').first().isVisible()), 'the list closes');
  for (const path of ['/admin/pools', '/admin/images', '/admin/jobs', '/admin/events']) {
    await page.goto(`${url}#${path}`);
    await page.locator('.list td').first().waitFor();
    const cut = await page.locator('.list td:not(.actions)').evaluateAll((all) => all
      .filter((one) => one.scrollWidth > one.clientWidth + 1 || one.getBoundingClientRect().right > innerWidth).map((one) => one.textContent));
    assert.deepEqual(cut, [], path);
    const hollow = await page.locator('.list td:not(.actions)').evaluateAll((all) => all.filter((one) => one.checkVisibility() && one.textContent === '').length);
    assert.equal(hollow, 0, `${path}: a heading with nothing beside it`);
  }
});

test('an image in use says so before its name is typed', async () => {
  const page = await admin({}, '/admin/images');
  await page.getByRole('region', { name: 'Image debian-minimal' }).getByRole('button', { name: 'Delete…' }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByText('Pool lab uses it.').waitFor();
  assert.equal(await dialog.getByRole('textbox').count(), 0);
  assert.ok(await dialog.getByRole('button', { name: 'Delete image' }).isDisabled());
});

test('a build that was cancelled is no failure, and the way out of cancelling is plain', async () => {
  const [image] = fake.world.images;
  image.versions.unshift({ ...image.versions[0], version: 4, state: 'failed', error: 'the build was cancelled', job: null });
  const job = fake.startJob('image.build', 'Build image kiosk', 'kiosk');
  const page = await admin({}, '/admin/images');
  await page.locator('.badge.warn').getByText('cancelled', { exact: true }).waitFor();
  await page.getByText('The build was cancelled.').waitFor();
  await page.goto(`${url}#/admin/jobs/${job.id}`);
  await page.getByText(/· for \d+ s/).waitFor();
  await page.getByRole('button', { name: 'Cancel', exact: true }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Keep it running' }).click();
  await eventually(() => page.getByRole('dialog').count(), (many) => many === 0);
  assert.equal(job.state, 'running');
});

test('a history names its object', async () => {
  const page = await admin({}, '/admin/events');
  await page.getByRole('link', { name: 'History of demo', exact: true }).first().click();
  await page.getByRole('heading', { level: 1, name: 'History of pool demo' }).waitFor();
});

test('a live picture is in the list of desktops', async () => {
  const page = await admin({}, '/admin/desktops');
  await eventually(() => page.locator('.screen-small img').evaluateAll((all) => all.filter((one) => one.complete && one.naturalWidth > 100).length),
    (many) => many >= 3, 10_000, 'three thumbnails');
});

test('many desktops at once: found, selected by keys, looked at before, done, and what was left out', async () => {
  const page = await admin({}, '/admin/desktops');
  await page.getByLabel('Search').fill('DEMO');
  await eventually(() => page.locator('tbody tr').count(), (many) => many > 2);
  const names = await page.locator('tbody tr strong').allTextContents();
  assert.ok(names.every((one) => one.includes('demo')), names.join());
  await page.getByRole('checkbox', { name: 'Select all on this page' }).focus();
  await page.keyboard.press('Space');
  await page.getByText(`${names.length} selected`).waitFor();
  assert.deepEqual(await accessibilityFaults(page), []);
  await page.getByRole('button', { name: 'Switch off', exact: true }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByText('Is left out:').waitFor();
  await dialog.getByText(/^Is done to \d+:$/).waitFor();
  assert.deepEqual(await accessibilityFaults(page), []);
  const many = await dialog.locator('section').first().locator('li').count();
  await dialog.getByRole('button', { name: 'Switch off' }).click();
  await dialog.getByText(`${many} of ${many} done`).waitFor();
  await dialog.getByRole('button', { name: 'Done' }).click();
  await page.getByText('selected').waitFor({ state: 'detached' });
});

test('a list leaves as CSV, all pages of it', async () => {
  const page = await admin({}, '/admin/desktops');
  const [file] = await Promise.all([page.waitForEvent('download'), page.getByRole('button', { name: 'Export CSV' }).click()]);
  assert.equal(file.suggestedFilename(), 'desktops.csv');
  const lines = readFileSync(await file.path(), 'utf8').split('\r\n');
  assert.match(lines[0], /^\uFEFFid,name,pool/);
  assert.equal(lines.length, fake.world.desktops.length + 2, 'the heads, the desktops, the end');
});

test('directories: added, its secret gone from the form, tested with each step, a group of it entered, deleted', async () => {
  const page = await admin({}, '/admin/directories');
  await page.getByText('No directories yet').waitFor();
  await page.getByRole('button', { name: 'Add directory' }).first().click();
  const dialog = page.getByRole('dialog');
  await dialog.getByLabel('Name', { exact: true }).fill('corp');
  await dialog.getByLabel('Type', { exact: true }).selectOption('active-directory');
  await dialog.getByLabel('Servers', { exact: true }).fill('ldaps://dc1.example\n\nldap://dc2.example');
  await dialog.getByLabel('Base', { exact: true }).fill('dc=example');
  await dialog.getByLabel('Service account', { exact: true }).fill('cn=oriel,dc=example');
  await dialog.getByLabel('Password of the service account').fill('its own secret');
  await dialog.getByRole('button', { name: 'Save' }).click();
  await page.getByRole('cell', { name: 'LDAP' }).waitFor();
  const [made] = fake.world.directories;
  assert.deepEqual(made.settings, {
    type: 'active-directory', servers: ['ldaps://dc1.example', 'ldap://dc2.example'], base: 'dc=example', bind_name: 'cn=oriel,dc=example' });
  await page.getByRole('button', { name: 'Actions for corp' }).click();
  await page.getByRole('menuitem', { name: 'Change…' }).click();
  assert.equal(await dialog.getByLabel('Password of the service account').inputValue(), '');
  assert.deepEqual(await accessibilityFaults(page), []);
  await dialog.getByRole('button', { name: 'Cancel' }).click();
  assert.deepEqual(await accessibilityFaults(page), []);
  await page.getByRole('button', { name: 'Actions for corp' }).click();
  await page.getByRole('menuitem', { name: 'Test…' }).click();
  await dialog.getByRole('button', { name: 'Test' }).click();
  await dialog.getByText('does not answer at port 636').waitFor();
  assert.deepEqual(await dialog.getByRole('listitem').locator('strong').allTextContents(), ['Find its address', 'Connect']);
  await dialog.getByRole('button', { name: 'Done' }).click();
  await page.goto(`${url}#/admin/groups`);
  await page.getByRole('button', { name: 'Create group' }).click();
  await dialog.getByLabel('Who is a member is decided by').selectOption({ label: 'corp' });
  await dialog.getByLabel('Its group there').waitFor();
  await dialog.getByRole('button', { name: 'Cancel' }).click();
});

test('people: add, link, roles; the last administrator is safe', async () => {
  const page = await admin({}, '/admin/users');
  await page.getByRole('button', { name: 'Add user' }).click();
  await page.getByLabel('Login name').fill('gerda');
  await page.getByLabel('Full name').fill('Gerda Berg');
  await page.getByRole('button', { name: 'Add and make a link' }).click();
  assert.match(await page.getByLabel('Link', { exact: true }).inputValue(), /#\/setup\/GOOD$/);
  await page.getByRole('button', { name: 'Done' }).click();
  await page.getByText('Gerda Berg').waitFor();
  await page.getByRole('button', { name: 'Actions for admin' }).click();
  await page.getByRole('menuitem', { name: 'Change…' }).click();
  await page.getByLabel('May log in').uncheck();
  await page.getByRole('button', { name: 'Save' }).click();
  await page.getByText('user "admin" is the last administrator').waitFor();
});

test('groups: the one that is built in says who is in it and offers its quota only', async () => {
  const page = await admin({}, '/admin/groups');
  const everyone = page.getByRole('region', { name: 'Group everyone' });
  await everyone.getByText('Everyone with an account is in this group').waitFor();
  assert.deepEqual(await everyone.getByRole('button').allTextContents(), ['Quota…']);
  assert.equal(await everyone.getByRole('textbox').count() + await everyone.getByRole('combobox').count(), 0);
  const design = page.getByRole('region', { name: 'Group design' });
  assert.equal(await design.getByRole('button', { name: 'Delete…' }).count(), 1);
  await design.getByRole('button', { name: 'Remove ben from design' }).waitFor();
});

/** Dark and coloured pixels of a chart: what was drawn, not only that a canvas is there. */
const drawn = (chart) => chart.locator('canvas').evaluate((canvas) => {
  const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
  let coloured = 0;
  for (let at = 0; at < data.length; at += 4) if (data[at + 3] > 128 && Math.abs(data[at] - data[at + 2]) > 60) coloured += 1;
  return coloured;
});

test('charts: drawn, said in a sentence, as a table, and of another span; nothing yet is said so', async () => {
  const page = await admin({}, '/admin/dashboard');
  const sessions = page.locator('.chart').filter({ has: page.getByRole('heading', { name: 'Sessions', exact: true }) });
  await sessions.locator('canvas').waitFor();
  assert.equal(await page.locator('.chart').count(), 5);
  assert.ok(await drawn(sessions) > 200, 'a line');
  await sessions.getByText(/Open sessions: \d+ at the end, between 0 and 20\./).waitFor({ state: 'attached' });
  await sessions.getByRole('button', { name: 'Sessions as a table' }).focus();
  await page.keyboard.press('Enter');
  const rows = sessions.locator('tbody tr');
  const many = await rows.count();
  assert.ok(many > 200 && many < 241, `${many} rows`);
  assert.equal(await sessions.locator('canvas').count(), 0);
  const asked = page.waitForRequest((request) => /statistics\?name=sessions/.test(request.url()));
  await page.getByLabel('Time span').selectOption({ label: 'Last 30 days' });
  assert.equal(Number(new URL((await asked).url()).searchParams.get('step')) % 600_000, 0, 'older figures are every tenth minute');
  await page.goto(`${url}#/admin/pools/demo`);
  await page.locator('.chart canvas').nth(2).waitFor();
  assert.equal(await page.locator('.chart').count(), 3);
  fake.world.noFigures = true;
  await page.reload();
  await page.getByText('No figures in this time yet.').nth(2).waitFor();
});

test('events: pages and filter', async () => {
  const page = await admin({}, '/admin/events');
  await page.getByRole('table').waitFor();
  assert.equal(await page.getByRole('row').count(), 101);
  await page.getByRole('button', { name: 'Next page' }).click();
  await page.getByText('Page 2').waitFor();
  await eventually(() => page.getByRole('row').count(), (many) => many === 31);
  await page.getByLabel('Filter this page').fill('unauthenticated root');
  await eventually(() => page.getByRole('row').count(), (many) => many === 7);
});

test('a token is shown once', async () => {
  const page = await admin({}, '/account');
  await page.getByRole('button', { name: 'New token' }).click();
  await page.getByLabel('What is it for?').fill('Backup script');
  await page.getByLabel('May do').selectOption('pools');
  await page.getByRole('button', { name: 'Make token' }).click();
  assert.match(await page.getByLabel('Token', { exact: true }).inputValue(), /^oriel_/);
  await page.getByRole('button', { name: 'I have kept it' }).click();
  await page.getByText('Backup script').waitFor();
  await page.getByRole('cell', { name: 'Pools', exact: true }).waitFor();
});

test('providers have buttons, and what went wrong there is said by its kind alone', async () => {
  fake.world.providers = [{ name: 'company', display_name: 'Our company' }];
  const page = await person();
  await page.goto(`${url}#/login/unavailable/company`);
  await page.getByRole('alert').getByText('The provider does not answer.').waitFor();
  const link = page.getByRole('link', { name: 'Log in with Our company' });
  assert.equal(await link.getAttribute('href'), `${url}api/v1/login/provider/company`);
  assert.deepEqual(await accessibilityFaults(page), []);
  await page.goto(`${url}#/login/Call%20this%20number/company`);
  await page.getByRole('alert').getByText('could not be used').waitFor();
  assert.equal(await page.getByText('Call this number').count(), 0);
  await page.goto(`${url}#/login/code`);
  await page.getByText('second factor at Oriel as well').waitFor();
});

test('a kiosk is let in and opens its pool; whoever wants the login page gets it', async () => {
  fake.world.kiosk = true;
  const page = await person();
  await page.goto(`${url}#/login/`);
  await page.getByRole('button', { name: 'Log in' }).waitFor();
  await page.goto('about:blank');
  await page.goto(url);
  await page.waitForURL(/#\/desktop\/demo$/);
  await page.locator('.console').waitFor();
});

test('a kiosk is entered, and refused while nothing says which device it is', async () => {
  const page = await admin({}, '/admin/kiosks');
  await page.getByRole('row', { name: /hall.*192\.0\.2\.0\/28/ }).waitFor();
  await page.getByRole('button', { name: 'Add kiosk' }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByLabel('Name').fill('panel');
  await dialog.getByLabel('User').fill('ben');
  await dialog.getByLabel('Pool').selectOption('demo');
  await dialog.getByRole('button', { name: 'Add kiosk' }).click();
  await dialog.getByText('By what is the device known?').waitFor();
  await dialog.getByLabel('Networks').fill('everywhere');
  await dialog.getByText('Addresses or networks are needed').waitFor();
  await dialog.getByLabel('Networks').fill('192.0.2.64/28');
  assert.deepEqual(await accessibilityFaults(page), []);
  await dialog.getByRole('button', { name: 'Add kiosk' }).click();
  await page.getByRole('row', { name: /panel/ }).waitFor();
});

test('logins of other browsers are ended, one and all', async () => {
  const page = await admin({}, '/account');
  const table = page.locator('section[aria-labelledby=logins-head]');
  await table.getByText('Safari 17 on iPhone').waitFor();
  await table.getByText('This one').waitFor();
  assert.equal(await table.getByRole('button', { name: 'End', exact: true }).count(), 1);
  await table.getByRole('button', { name: 'End', exact: true }).click();
  await page.getByRole('button', { name: 'End login' }).click();
  await table.getByText('Safari 17 on iPhone').waitFor({ state: 'detached' });
  await page.getByRole('button', { name: 'Log out everywhere else' }).click();
  await page.getByRole('button', { name: 'Log out', exact: true }).click();
  await page.getByText('0 logins have ended.').waitFor();
});

test('a second factor is set up, asked for, and removed', async () => {
  const page = await admin({}, '/account');
  await page.getByRole('button', { name: 'Set up…' }).click();
  await page.getByRole('img', { name: 'QR code' }).waitFor();
  await page.getByText('ABCD EFGH').waitFor();
  await page.getByRole('textbox', { name: 'Code' }).fill('000000');
  await page.keyboard.press('Enter');
  await page.getByRole('alert').getByText('12:34:56 UTC').waitFor();
  await page.getByRole('textbox', { name: 'Code' }).fill('123456');
  await page.keyboard.press('Enter');
  await eventually(() => page.getByRole('list', { name: 'Recovery codes' }).getByRole('listitem').count(), (many) => many === 10);
  assert.deepEqual(await accessibilityFaults(page), []);
  await page.getByRole('button', { name: 'I have kept them' }).click();
  await page.getByText('10 recovery codes are left.').waitFor();
  await page.getByRole('button', { name: /^Account of/ }).click();
  await page.getByRole('menuitem', { name: 'Log out' }).click();

  await page.getByLabel('Name').fill('admin');
  await page.getByLabel('Password').fill(password);
  await page.keyboard.press('Enter');
  await page.getByRole('heading', { name: 'Your code' }).waitFor();
  assert.deepEqual(await accessibilityFaults(page), []);
  await page.getByRole('textbox', { name: 'Code' }).fill('123456');
  await page.keyboard.press('Enter');
  await page.getByRole('button', { name: 'Remove…' }).click();
  await page.getByRole('textbox', { name: 'Code' }).fill('123456');
  await page.getByRole('button', { name: 'Remove', exact: true }).click();
  await page.getByRole('button', { name: 'Set up…' }).waitFor();
});

test('whose role demands a second factor meets nothing else before it is set up', async () => {
  fake.world.users.find((one) => one.name === 'admin').must_enrol = true;
  const page = await person({ locale: 'de' });
  await page.goto(`${url}#/admin/users`);
  await page.getByLabel('Name').fill('admin');
  await page.getByLabel('Kennwort').fill(password);
  await page.keyboard.press('Enter');
  await page.getByRole('heading', { name: 'Zweiten Faktor einrichten' }).waitFor();
  assert.deepEqual(await accessibilityFaults(page), []);
  await page.getByRole('textbox', { name: 'Code' }).fill('1');
  await page.keyboard.press('Enter');
  await page.getByRole('alert').getByText('Die Uhr des Servers steht auf 12:34:56 UTC').waitFor();
  await page.getByRole('textbox', { name: 'Code' }).fill('123456');
  await page.keyboard.press('Enter');
  await page.getByRole('button', { name: 'Ich habe sie aufbewahrt' }).click();
  await page.getByRole('heading', { name: 'Benutzer', level: 1 }).waitFor();
});

test('a person without roles sees no administration, and a helper only what is theirs', async () => {
  fake.world.passwords.set('dora', 'help help help');
  const page = await person();
  await logIn(page, url, 'dora', 'help help help');
  await page.getByText('No desktops for you yet').waitFor();
  await page.getByRole('link', { name: 'Administration' }).click();
  await page.getByRole('heading', { name: 'Desktops', level: 1 }).waitFor();
  assert.deepEqual(await page.locator('.admin-ways a').allTextContents(), ['Desktops', 'Help desk', 'Sessions']);
  await page.goto(`${url}#/admin/users`);
  await page.getByText('This page is not for you').waitFor();
  fake.world.users.find((one) => one.name === 'dora').roles = ['user'];
  await page.reload();
  await page.getByText('This page is not for you').waitFor();
  assert.equal(await page.locator('.admin-ways').count(), 0, 'no empty bar at the side');
});

test('all of it under a path prefix of a reverse proxy', async () => {
  const other = new FakeOriel({ prefix: '/it/desktops/' });
  const there = await other.listen();
  try {
    const page = await person();
    await logIn(page, there, 'admin', password);
    await tile(page, 'Office').click();
    await page.locator('.console:not(.console-covered) canvas').waitFor();
  } finally {
    await other.close();
  }
});

test('who comes from a directory is told where the password is changed', async () => {
  fake.world.users.find((one) => one.name === 'admin').directory = { id: '01ARZ3NDEKTSV4RRFFQ69G5FAV', name: 'corp' };
  const page = await admin({}, '/account');
  await page.getByText('You log in by corp, and change your password there. Oriel has none of yours.').waitFor();
  assert.equal(await page.getByLabel('Current password').count(), 0);
});

test('the sessions page knows those that have ended', async () => {
  const page = await admin({}, '/admin/sessions');
  await page.getByText('Active').first().waitFor();
  const before = await page.locator('tbody tr').count();
  fake.world.sessions[0].state = 'ended';
  fake.world.sessions[0].end_reason = 'logged off';
  await page.getByLabel('Also those that have ended').check();
  await page.getByText('logged off').waitFor();
  assert.equal(await page.locator('tbody tr').count(), before);
  await page.getByLabel('Person or desktop').fill('chiara');
  await eventually(() => page.locator('tbody tr').count(), (many) => many === 1);
});

test('sessions of a stretch of time, and which policy decided', async () => {
  const page = await admin({}, '/admin/sessions');
  const [first] = fake.world.sessions;
  first.policy = { id: '01ARZ3NDEKTSV4RRFFQ69G5FAV', name: 'from-home' };
  fake.tell('session', first.id);
  await page.getByRole('cell', { name: 'Policy: from-home' }).waitFor();
  await page.getByLabel('Began before').fill('2001-01-01T00:00');
  await page.getByText('Nobody is in session').waitFor();
  await page.getByLabel('Went on after').fill('2002-01-01T00:00');
  await page.getByRole('alert').filter({ hasText: 'This has to be later than the other time.' }).waitFor();
  assert.deepEqual(await accessibilityFaults(page), []);
  await page.getByLabel('Began before').fill('');
  await page.getByRole('cell', { name: 'Policy: from-home' }).waitFor();
});

const looks = [
  ['light', { colorScheme: 'light' }],
  ['dark', { colorScheme: 'dark' }],
  ['phone', { colorScheme: 'light', viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true }],
];
/** Besides those that the administration's ways lead to. */
const otherPages = ['/', '/account', '/admin/pools/new', '/admin/pools/demo', '/admin/images/build'];

for (const [name, options] of looks) {
  test(`no accessibility fault, and nothing wider than the screen: ${name}`, async () => {
    const page = await person({ ...options, reducedMotion: 'reduce' });
    await page.goto(url);
    await page.getByLabel('Name').waitFor();
    assert.deepEqual(await accessibilityFaults(page), [], 'login');
    await logIn(page, url, 'admin', password);
    await page.goto(`${url}#/admin/dashboard`);
    await page.locator('.admin-ways a').first().waitFor({ state: 'attached' });
    const ways = await page.locator('.admin-ways a').evaluateAll((all) => all.map((one) => one.getAttribute('href').slice(1)));
    for (const path of [...otherPages, ...ways]) {
      await page.goto(`${url}#${path}`);
      await page.locator('h1').waitFor();
      await eventually(() => page.locator('.bone').count(), (many) => many === 0);
      assert.deepEqual(await accessibilityFaults(page), [], path);
      const [wide, screen] = await page.evaluate(() => [document.documentElement.scrollWidth, innerWidth]);
      assert.ok(wide <= screen, `${path} is ${wide} px wide on a screen of ${screen}`);
    }
  });
}
