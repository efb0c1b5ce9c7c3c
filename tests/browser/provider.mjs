// A person logs in through the button of an OpenID provider, and out again, in a real Chromium against a real orield and a real provider:
//   ORIEL_TEST_URL=https://localhost:PORT/  node tests/browser/provider.mjs     (tests/integration/api/test_oidc_browser.py starts all of it)
import assert from 'node:assert/strict';
import { accessibilityFaults, launch } from './lib.mjs';

const url = process.env.ORIEL_TEST_URL;
const browser = await launch();
try {
  const { page, context } = await browser.person();
  await page.goto(url);
  const button = page.getByRole('link', { name: 'Log in with Our company' });
  await button.waitFor();
  assert.deepEqual(await accessibilityFaults(page), []);

  // no: back at the login page, with a sentence and nothing secret in the address
  await button.click();
  await page.getByLabel('Name').fill('refuse');
  await page.getByRole('button', { name: 'Log in here' }).click();
  await page.getByRole('alert').getByText('This login was refused.').waitFor();
  assert.equal(page.url(), `${url}#/login/forbidden/test`);

  await button.click();
  await page.getByLabel('Name').fill('petra');
  await page.getByRole('button', { name: 'Log in here' }).click();
  await page.getByRole('button', { name: 'Account of Person petra' }).waitFor();
  assert.equal(page.url(), url);
  const cookies = await context.cookies(url);
  assert.deepEqual(cookies.filter((one) => one.name.startsWith('__Host-oriel')).map((one) => [one.name, one.httpOnly, one.secure, one.sameSite]), [['__Host-oriel', true, true, 'Strict']]);
  await page.reload();
  await page.getByRole('button', { name: 'Account of Person petra' }).click();
  await page.getByRole('menuitem', { name: 'Log out' }).click();
  await page.waitForURL(/\/session\/end\?/);
  assert.deepEqual(page.complaints, []);
  console.log('logged in by the provider, and out');
} finally {
  await browser.close();
}
