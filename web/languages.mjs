// The texts of the pages and their translations: what t() and tx() of src/ say, held against src/languages/*.json.
//   npm run languages             what is missing or stale, as lines to fill in
//   npm run languages -- --write  the same, and the catalogues sorted, without what nothing says any more
import { parse } from '@babel/parser';
import { readFileSync, readdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const source = path.join(path.dirname(fileURLToPath(import.meta.url)), 'src');
const folder = path.join(source, 'languages');
export const languages = ['de', 'fr', 'es', 'ja', 'zh'];

const seen = new Set(['label', 'title', 'text', 'help', 'head', 'legend', 'alt', 'aria-label', 'action', 'empty', 'keep', 'detail', 'means', 'placeholder']);
const words = (text) => /\p{L}{2}/u.test(text) && text.trim() !== 'Oriel';
const prose = (text) => /^\p{Lu}\p{Ll}|\p{L} \p{L}/u.test(text);
const place = (file, node) => `${path.relative(source, file)}:${node.loc.start.line}`;

/** A value that people would read as it stands: a string or a template, also behind a condition. */
function plainTexts(node) {
  if (node?.type === 'JSXExpressionContainer') return plainTexts(node.expression);
  if (node?.type === 'ConditionalExpression') return [...plainTexts(node.consequent), ...plainTexts(node.alternate)];
  if (node?.type === 'LogicalExpression') return plainTexts(node.right);
  if (node?.type === 'StringLiteral') return [node.value];
  if (node?.type === 'TemplateLiteral') return [node.quasis.map((one) => one.value.cooked).join('')];
  return [];
}

class Reader {
  keys = new Map(); // text → where it is said first
  faults = [];      // text that people read and that cannot be translated

  constructor(file) {
    this.file = file;
  }

  fault(node, text) {
    this.faults.push(`${place(this.file, node)}: ${text.trim().replace(/\s+/g, ' ')}`);
  }

  call(node) {
    if (node.callee.type !== 'Identifier' || (node.callee.name !== 't' && node.callee.name !== 'tx')) return;
    const [first] = node.arguments;
    if (first?.type !== 'StringLiteral') this.fault(node, 'the text of t() has to be written there as one string');
    else if (!this.keys.has(first.value)) this.keys.set(first.value, place(this.file, node));
  }

  attribute(node) {
    if (seen.has(node.name.name) && plainTexts(node.value).some(prose)) this.fault(node, plainTexts(node.value).join(' '));
  }

  /** Names printed on keys are the same everywhere. */
  object(node) {
    if (node.properties.some((one) => ['code', 'codes'].includes(one.key?.name))) return;
    for (const one of node.properties) {
      if (one.type === 'ObjectProperty' && seen.has(one.key.name) && plainTexts(one.value).some(prose)) this.fault(one, plainTexts(one.value).join(' '));
    }
  }

  text(node, inside) {
    if (words(node.value) && !['code', 'kbd'].includes(inside)) this.fault(node, node.value);
  }

  walk(node, inside = '') {
    if (Array.isArray(node)) {
      for (const one of node) this.walk(one, inside);
      return;
    }
    if (!node || typeof node.type !== 'string') return;
    if (node.type === 'CallExpression') this.call(node);
    if (node.type === 'JSXAttribute') this.attribute(node);
    if (node.type === 'ObjectExpression') this.object(node);
    if (node.type === 'JSXText') this.text(node, inside);
    const within = node.type === 'JSXElement' ? node.openingElement.name.name ?? '' : inside;
    for (const [name, value] of Object.entries(node)) {
      if (name !== 'loc' && value && typeof value === 'object') this.walk(value, within);
    }
  }
}

export function readSource(file, code = readFileSync(file, 'utf8')) {
  const reader = new Reader(file);
  reader.walk(parse(code, { sourceType: 'module', plugins: ['typescript', 'jsx'] }).program.body);
  return reader;
}

export function readAll() {
  const keys = new Map();
  const faults = [];
  for (const name of readdirSync(source, { recursive: true }).filter((one) => /\.tsx?$/.test(one) && !one.endsWith('.d.ts')).sort()) {
    const reader = readSource(path.join(source, name));
    faults.push(...reader.faults);
    for (const [text, where] of reader.keys) if (!keys.has(text)) keys.set(text, where);
  }
  return { keys, faults };
}

const catalogueFile = (language) => path.join(folder, `${language}.json`);

export function catalogue(language) {
  return JSON.parse(readFileSync(catalogueFile(language), 'utf8'));
}

const names = (text) => [...new Set(text.match(/\{\w+\}/g) ?? [])].sort().join(' ');

/** What is wrong with one translation, or null. */
export function translationWrong(language, key, text) {
  const forms = text.split(' | ');
  const wanted = !key.includes(' | ') ? 1 : new Intl.PluralRules(language).resolvedOptions().pluralCategories.includes('one') ? 2 : 1;
  if (text.trim() === '') return 'is empty';
  if (forms.length !== wanted) return `has ${forms.length} forms where ${language} has ${wanted}`;
  for (const form of forms) {
    // a singular may say its one in words; nothing else may be left out
    if (names(form) !== names(key) && !(forms.length === 2 && form === forms[0] && names(`${form}{count}`) === names(key))) return `has ${names(form) || 'nothing'} where ${names(key) || 'nothing'} belongs`;
  }
  return null;
}

export function compare(language, keys, have = catalogue(language)) {
  return {
    missing: [...keys.keys()].filter((key) => !(key in have)),
    stale: Object.keys(have).filter((key) => !keys.has(key)),
    wrong: Object.entries(have).flatMap(([key, text]) => {
      const wrong = translationWrong(language, key, text);
      return wrong === null ? [] : [`${JSON.stringify(key)}: ${wrong}`];
    }),
  };
}

function report() {
  const { keys, faults } = readAll();
  for (const fault of faults) console.log(`not translatable: ${fault}`);
  for (const language of languages) {
    const have = catalogue(language);
    const { missing, stale, wrong } = compare(language, keys, have);
    console.log(`${language}: ${missing.length} missing, ${stale.length} stale, ${wrong.length} wrong`);
    for (const key of missing) console.log(`  ${JSON.stringify(key)}: "",`);
    for (const text of wrong) console.log(`  wrong: ${text}`);
    if (!process.argv.includes('--write')) continue;
    const kept = Object.keys(have).filter((key) => keys.has(key)).sort((a, b) => (a < b ? -1 : 1));
    writeFileSync(catalogueFile(language), `${JSON.stringify(Object.fromEntries(kept.map((key) => [key, have[key]])), null, 1)}\n`);
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) report();
