// The help desk in the administration, and what its people see of it, against the fake API.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { accessibilityFaults, eventually, fakeHouse } from './lib.mjs';

const { fake, admin } = await fakeHouse();

test('the help desk finds a person, sees a slow step, and shows a message', async () => {
  const page = await admin({}, '/admin/help');
  await page.getByLabel('Person', { exact: true }).fill('BEN');
  const ben = page.getByRole('region', { name: 'ben' });
  await ben.getByText('Active').waitFor();
  await ben.getByRole('table', { name: 'Log-on, step by step' }).getByRole('row', { name: 'Its machine 241 ms' }).waitFor();
  assert.deepEqual(await accessibilityFaults(page), [], 'with a person');
  await ben.getByRole('button', { name: 'Message…' }).click();
  await page.getByLabel('Text').fill('  Lunch is ready <b>now</b>  ');
  await page.getByRole('button', { name: 'Show it' }).click();
  await page.getByText('Shown on the screen.').waitFor();
  assert.deepEqual(fake.world.messages.map((one) => one.text), ['Lunch is ready <b>now</b>']);
  fake.world.showsNothing = true;
  await ben.getByRole('button', { name: 'Message…' }).click();
  await page.getByLabel('Text').fill('Once more');
  await page.getByRole('button', { name: 'Show it' }).click();
  await page.getByText('Their browser shows it; their screen does not: no agent').waitFor();
  await page.getByLabel('Person', { exact: true }).fill('nobody at all');
  await page.getByText('Nobody found').waitFor();
});

test('whom a help desk may help, and whether people are asked: chosen by keys, explained before it is saved', async () => {
  const page = await admin({}, '/admin/help');
  const rules = page.getByRole('region', { name: 'Rules of the help desk' });
  await rules.getByRole('radio', { name: /The person is asked/, checked: true }).waitFor();
  await rules.getByRole('radio', { name: /The person is told/ }).focus();
  await page.keyboard.press('Space');
  await eventually(() => fake.world.consent, (word) => word === 'notify');
  await rules.getByLabel('Person of the help desk').fill('nobody-there');
  await rules.getByText(/nobody-there/).waitFor();
  await rules.getByLabel('Person of the help desk').fill('ben');
  await rules.getByText('ben helps everybody, unless one of their groups is limited.').waitFor();
  await rules.getByRole('radio', { name: /Members of chosen groups/ }).check();
  await rules.getByText('Once it is saved: ben helps nobody.').waitFor();
  await rules.getByLabel('Add a group').fill('design');
  await page.keyboard.press('Enter');
  await rules.getByText(/Once it is saved: ben helps members of design only/).waitFor();
  assert.deepEqual(await accessibilityFaults(page), []);
  await rules.getByRole('button', { name: 'Save' }).click();
  await rules.getByText(/^ben helps members of design only/).waitFor();
  assert.deepEqual(fake.world.users.find((one) => one.name === 'ben').helps.map((one) => one.name), ['design']);
  await rules.getByRole('button', { name: 'Take design away' }).click();
  await rules.getByRole('radio', { name: /Everybody/ }).check();
  await rules.getByRole('button', { name: 'Save' }).click();
  await eventually(() => fake.world.users.find((one) => one.name === 'ben').helps, (helps) => helps === null);
});

test('a message is among the desktops until it is closed', async () => {
  const page = await admin();
  const session = fake.world.sessions.find((one) => one.user.name === 'admin' && one.state !== 'ended');
  fake.message(session, '<b>Save</b> your work\nat noon', { user: fake.world.users.find((one) => one.name === 'ben') });
  const message = page.getByRole('alert').filter({ hasText: 'Message from ben' });
  await message.getByText('<b>Save</b> your work').waitFor();
  assert.deepEqual(await accessibilityFaults(page), []);
  await message.getByRole('button', { name: 'Close the message' }).focus();
  await page.keyboard.press('Enter');
  await message.waitFor({ state: 'detached' });
  assert.deepEqual(fake.world.messages, []);
});

test('looking on waits for the person, and a refusal is said', async () => {
  const page = await admin({}, '/admin/help');
  // The page says that it asks before its question has arrived.
  const answer = async (state) => { (await eventually(() => fake.world.shadows?.find((one) => one.state === 'asked'), Boolean)).state = state; };
  await page.getByLabel('Person', { exact: true }).fill('ben');
  await page.getByRole('button', { name: 'Look on…' }).click();
  await page.getByText('The person is being asked…').waitFor();
  await answer('refused');
  await page.getByText('They do not want you to look on.').waitFor();
  await page.getByRole('dialog').getByRole('button', { name: 'Close' }).last().click();
  await page.getByRole('button', { name: 'Take control…' }).click();
  await page.getByText('The person is being asked…').waitFor();
  await answer('allowed');
  const link = page.getByRole('link', { name: 'Open it' });
  await link.waitFor();
  assert.match(await link.getAttribute('href'), /^#\/desktop\/.+\?ticket=./);
});
