// Plans and policies in the administration, against the fake API.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { accessibilityFaults, eventually, fakeHouse } from './lib.mjs';

const { fake, admin } = await fakeHouse();

test('a power plan by keys alone, with peak times; only what was chosen is sent', async () => {
  const page = await admin({}, '/admin/plans');
  await page.getByRole('button', { name: 'Create plan' }).focus();
  await page.keyboard.press('Enter');
  const form = page.getByRole('dialog');
  await form.getByLabel('Name', { exact: true }).waitFor();
  await page.keyboard.type('Thrifty');
  await form.getByText('Small letters, digits and hyphens only.').waitFor();
  await form.getByLabel('Name', { exact: true }).fill('thrifty');
  await page.keyboard.press('Tab');
  await page.keyboard.type('Saves memory');
  await form.getByLabel('After its person has disconnected').focus();
  await page.keyboard.type('Susp');
  await page.keyboard.press('Tab');
  await page.keyboard.press('Control+A');
  await page.keyboard.type('soon');
  await form.getByText(/A whole number from 0 to 527.040 is needed/).waitFor();
  await page.keyboard.press('Enter');
  assert.equal(fake.world.plans.length, 1, 'nothing is sent while something is wrong');
  await page.keyboard.press('Control+A');
  await page.keyboard.type('15');
  await form.getByLabel('Other numbers at peak times').focus();
  await page.keyboard.press('Space');
  await form.getByLabel('Kept ready at peak times').fill('8');
  await form.getByLabel('Kept ready at other times').fill('0');
  await form.getByLabel('Time zone').fill('Europe/Atlantis');
  await form.getByText('A time zone is needed, such as Europe/Berlin.').waitFor();
  await form.getByLabel('Time zone').fill('Europe/Berlin');
  await form.getByLabel('Begins at').fill('20:00');
  await form.getByLabel('Ends at').fill('06:30');
  await form.getByText('It goes on into the next day.').waitFor();
  await form.getByLabel('Fri').focus();
  await page.keyboard.press('Space');
  await form.getByLabel('Holidays').fill('2026-12-25, 2027-02-30');
  await form.getByText('"2027-02-30" is no date').waitFor();
  await form.getByLabel('Holidays').fill('2026-12-25');
  assert.deepEqual(await accessibilityFaults(page), []);
  await page.keyboard.press('Enter');
  await page.getByRole('cell', { name: 'thrifty Saves memory' }).waitFor();
  const { name, kind, settings } = fake.world.plans.at(-1);
  assert.deepEqual([name, kind, settings], ['thrifty', 'power', {
    on_disconnect: { action: 'suspend', after_minutes: 15 }, peak_spares: 8, off_peak_spares: 0,
    peak: { time_zone: 'Europe/Berlin', windows: [{ days: ['mon', 'tue', 'wed', 'thu'], from: '20:00', to: '06:30' }], holidays: ['2026-12-25'] },
  }]);
});

test('a release plan is made and a display plan is changed; what the page does not know of it stays', async () => {
  const page = await admin({}, '/admin/plans');
  fake.world.plans[0].settings.later = { some: 'thing' };
  await page.reload();
  await page.getByRole('button', { name: 'Create plan' }).click();
  const form = page.getByRole('dialog');
  await form.getByLabel('Name', { exact: true }).fill('evening');
  await form.getByRole('radio', { name: /^Release/ }).check();
  await form.getByLabel('Disconnect after').fill('0');
  await form.getByText(/A whole number from 1 to 527.040 is needed/).waitFor();
  await form.getByLabel('Disconnect after').fill('30');
  await form.getByLabel('The desktop after log off').selectOption('delete');
  await form.getByRole('button', { name: 'Create plan' }).click();
  await page.getByRole('cell', { name: 'evening', exact: true }).waitFor();
  assert.deepEqual(fake.world.plans.at(-1).settings, { disconnect_after_idle_minutes: 30, at_log_off: 'delete' });
  await page.getByRole('button', { name: 'Actions for strict' }).click();
  await page.getByRole('menuitem', { name: 'Change…' }).click();
  assert.equal(await form.getByRole('radio').count(), 0, 'its kind stays');
  assert.equal(await form.getByLabel('Copied text passes').inputValue(), 'none');
  await form.getByLabel('Limit the size of the screen').check();
  await form.getByLabel('Width at most').fill('100');
  await form.getByText(/A whole number from 320 to 16.384 is needed/).waitFor();
  await form.getByLabel('Width at most').fill('1280');
  for (const client of ['In the browser', 'With remote-viewer', 'With an RDP client']) await form.getByLabel(client, { exact: true }).uncheck();
  await form.getByText('At least one way is needed.').waitFor();
  await form.getByLabel('In the browser', { exact: true }).check();
  await form.getByLabel('What the desktop plays may be heard').uncheck();
  await form.getByLabel('Data to the viewer, at most').fill('50');
  await form.getByText(/A whole number from 64 to 65.000 is needed/).waitFor();
  await form.getByLabel('Data to the viewer, at most').fill('2000');
  await form.getByRole('button', { name: 'Save' }).click();
  await form.waitFor({ state: 'detached' });
  assert.deepEqual(fake.world.plans[0].settings, { clipboard: 'none', later: { some: 'thing' }, largest: { width: 1280, height: 1080 }, clients: ['browser'], sound: false, bandwidth_kbit_s: 2000 });
});

test('a plan in use is not deleted, and the server says who uses it; another is, and lists follow', async () => {
  const page = await admin({}, '/admin/plans');
  fake.world.pools[0].display_plan = { id: fake.world.plans[0].id, name: 'strict' };
  fake.world.plans.push({ id: 'x', name: 'loose', description: '', kind: 'display', settings: {}, created_ms: 1, updated_ms: 1 });
  fake.tell('plan', 'x', 'create');
  await page.getByRole('cell', { name: 'loose', exact: true }).waitFor();
  const remove = async (name) => {
    await page.getByRole('button', { name: `Actions for ${name}` }).click();
    await page.getByRole('menuitem', { name: 'Delete…' }).click();
    await page.getByRole('button', { name: 'Delete plan' }).click();
  };
  await remove('strict');
  await page.getByRole('dialog').getByText('pool "demo" uses it; give that another one first').waitFor();
  await page.getByRole('button', { name: 'Cancel' }).click();
  await remove('loose');
  await page.getByRole('cell', { name: 'loose', exact: true }).waitFor({ state: 'detached' });
  await eventually(() => page.getByRole('dialog').count(), (many) => many === 0);
});

test('a pool gets a plan of the right kind, and loses it again', async () => {
  fake.world.plans.push({ id: 'x', name: 'thrifty', description: '', kind: 'power', settings: {}, created_ms: 1, updated_ms: 1 });
  const page = await admin({}, '/admin/pools/demo');
  const chooser = page.getByLabel('Power plan');
  await eventually(() => chooser.locator('option').allTextContents(), (all) => all.join() === 'None,thrifty');
  const save = async (value) => {
    await chooser.selectOption(value);
    const sent = page.waitForRequest((request) => request.method() === 'PATCH');
    await page.getByRole('button', { name: 'Save' }).click();
    return (await sent).postDataJSON();
  };
  assert.deepEqual(await save('thrifty'), { power_plan: 'thrifty' });
  await eventually(() => fake.world.pools[0].power_plan?.name, (name) => name === 'thrifty');
  await page.getByText('Saved.').waitFor();
  await page.reload();
  await eventually(() => chooser.inputValue(), (value) => value === 'thrifty');
  assert.deepEqual(await save(''), { power_plan: null });
  await page.getByRole('link', { name: 'See all plans' }).click();
  await page.getByRole('cell', { name: 'thrifty', exact: true }).waitFor();
});

test('who may not change plans looks at them', async () => {
  fake.world.users[0].roles = ['operator'];
  const page = await admin({}, '/admin/plans');
  await page.getByRole('button', { name: 'Actions for strict' }).click();
  await page.getByRole('menuitem', { name: 'Look at it…' }).click();
  assert.ok(await page.getByLabel('Copied text passes').isDisabled());
  assert.equal(await page.getByRole('button', { name: 'Save' }).count(), 0);
  assert.equal(await page.getByRole('button', { name: 'Create plan' }).count(), 0);
});

test('policies: made, moved by the keyboard, explained, deleted', async () => {
  const page = await admin({}, '/admin/policies');
  await page.getByText('No policies yet').waitFor();
  for (const [name, deny] of [['phones', ''], ['outside', 'Only from the office.']]) {
    await page.getByRole('button', { name: 'Create policy' }).first().click();
    const form = page.getByRole('dialog');
    await form.getByLabel('Name', { exact: true }).fill(name);
    await form.getByLabel('Addresses').fill('10.0.0');
    await form.getByText('"10.0.0" is no network').waitFor();
    await form.getByLabel('Addresses').fill('10.0.0.0/8, 2001:db8::/32');
    if (!deny) {
      await form.getByLabel('Only at certain times').check();
      await form.getByLabel('Begins at').fill('');
      await form.getByText('Give a time for both.').waitFor();
      await form.getByRole('button', { name: 'Create policy' }).click();
      assert.equal(await form.count(), 1, 'nothing is sent while something is wrong');
      await form.getByLabel('Begins at').fill('09:00');
      await form.getByLabel('Ends at').fill('12:00');
    }
    if (deny) await form.getByLabel('Refuse with this sentence').fill(deny);
    else await form.getByLabel('Display plan').selectOption('strict');
    assert.equal(await form.getByLabel('Display plan').count(), deny ? 0 : 1, 'what denies chooses no plan');
    await form.getByRole('button', { name: 'Create policy' }).click();
    await page.getByRole('heading', { name }).waitFor();
  }
  await page.getByText('Display plan: strict').waitFor();
  await page.getByText('Times: Mon, Tue, Wed, Thu, Fri 09:00–12:00 (').waitFor();
  assert.equal(fake.policies.find((one) => one.name === 'outside').when.times, null);
  await page.getByRole('button', { name: 'Move outside up' }).focus();
  await page.keyboard.press('Enter');
  await page.getByRole('heading', { name: '1. outside' }).waitFor();
  const explain = page.getByRole('region', { name: 'Explain' });
  await explain.getByLabel('Person').fill('ben');
  await explain.getByLabel('From which address').fill('10.1.2.3');
  await explain.getByRole('button', { name: 'Explain' }).click();
  await explain.getByText('Policy outside decides.').waitFor();
  await explain.getByText('Only from the office.').waitFor();
  await explain.getByText('phones: Not reached').waitFor();
  assert.deepEqual(await accessibilityFaults(page), []);
  for (const name of ['outside', 'phones']) {
    await page.getByRole('listitem').filter({ hasText: name }).getByRole('button', { name: 'Delete…' }).click();
    await page.getByRole('button', { name: 'Delete policy' }).click();
    await page.getByRole('heading', { name: new RegExp(`^\\d+\\. ${name}`) }).waitFor({ state: 'detached' });
  }
  await page.getByText('No policies yet').waitFor();
});
