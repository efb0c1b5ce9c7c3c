// Every text of the pages is there in every language, and none stands outside t().
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { compare, languages, readAll, readSource, translationWrong } from '../languages.mjs';

const { keys, faults } = readAll();

for (const language of languages) {
  test(`${language}: nothing missing, nothing stale, the same {names} and forms`, () => {
    assert.deepEqual(compare(language, keys), { missing: [], stale: [], wrong: [] });
  });
}

test('no text for people outside t()', () => assert.deepEqual(faults, []));

test('text outside t() is found', () => {
  const code = (inside) => readSource('one.tsx', `const a = ${inside};`).faults;
  assert.equal(code('<p>Hello there</p>').length, 1);
  assert.equal(code('<p>{name} has gone</p>').length, 1);
  assert.equal(code('<Field label="Your name" />').length, 1);
  assert.equal(code('<Field label={on ? "Switch off" : t("Switch on")} />').length, 1);
  assert.equal(code('<button aria-label={`Delete ${name}`} />').length, 1);
  assert.equal(code('{ title: "Delete it?" }').length, 1);
  assert.equal(code('t(text)').length, 1);
  assert.deepEqual(code('<p>{t("Hello there")} <code>oriel</code> · {name}</p>'), []);
});

test('a translation that does not fit is found', () => {
  const cases = [
    ['de', 'Delete {name}?', 'Löschen?'], ['de', 'Delete {name}?', '{nam} löschen?'], ['de', '{count} day | {count} days', '{count} Tage'],
    ['ja', '{count} day | {count} days', '{count} 日 | {count} 日'], ['fr', 'Save', ' '], ['fr', 'Save', 'Sauver {name}'],
  ];
  for (const [language, key, text] of cases) assert.notEqual(translationWrong(language, key, text), null, text);
  assert.equal(translationWrong('de', '{count} day | {count} days', 'ein Tag | {count} Tage'), null);
  assert.equal(translationWrong('zh', '{count} day | {count} days', '{count} 天'), null);
});
