// The pages in the reader's language. A message is its English text; src/languages/ has the others. The catalogue is
// here before any other code of the pages runs (main.tsx), so that tables made once may use t() as well; another choice
// loads the page again.
import type { ComponentChildren } from 'preact';
import { readSetting, writeSetting } from './storage.ts';

export type Catalogue = Record<string, string>;
export type Language = 'en' | 'de' | 'fr' | 'es' | 'ja' | 'zh';
export type Values = Record<string, string | number>;

/** Each in its own words, so that whoever cannot read the present one finds theirs. */
export const languages: { id: Language; name: string }[] = [
  { id: 'en', name: 'English' },
  { id: 'de', name: 'Deutsch' },
  { id: 'fr', name: 'Français' },
  { id: 'es', name: 'Español' },
  { id: 'ja', name: '日本語' },
  { id: 'zh', name: '简体中文' },
];

const loaders: Record<Exclude<Language, 'en'>, () => Promise<{ default: Catalogue }>> = {
  de: () => import('./languages/de.json'),
  fr: () => import('./languages/fr.json'),
  es: () => import('./languages/es.json'),
  ja: () => import('./languages/ja.json'),
  zh: () => import('./languages/zh.json'),
};

const key = 'oriel.language';
let now: Language = 'en';
let catalogue: Catalogue = {};
let plural = new Intl.PluralRules('en');
let numbers = new Intl.NumberFormat('en');

const isLanguage = (id: string | null | undefined): id is Language => languages.some((one) => one.id === id);

/** The first of the wanted ones ("de-CH", "fr") that there is; English where there is none. */
export function languageOf(wanted: readonly string[]): Language {
  return wanted.map((tag) => tag.toLowerCase().split('-')[0]).find(isLanguage) ?? 'en';
}

export function language(): Language {
  return now;
}

/** The language with the reader's region where the browser names one: dates of "en-GB" are not those of "en-US". */
export function locale(): string {
  return navigator.languages.find((tag) => languageOf([tag]) === now && tag.toLowerCase().startsWith(now)) ?? now;
}

export function chosenLanguage(): Language | null {
  const kept = readSetting(key);
  return isLanguage(kept) ? kept : null;
}

/** null: as the browser says. */
export function chooseLanguage(next: Language | null): void {
  writeSetting(key, next);
  location.reload();
}

export function speak(next: Language, messages: Catalogue): void {
  now = next;
  catalogue = messages;
  plural = new Intl.PluralRules(next);
  numbers = new Intl.NumberFormat(next);
}

export async function startLanguage(): Promise<void> {
  const wanted = chosenLanguage() ?? languageOf(navigator.languages);
  if (wanted !== 'en') {
    try {
      speak(wanted, (await loaders[wanted]()).default);
    } catch {
      // the catalogue did not arrive: English serves better than an empty page
    }
  }
  document.documentElement.lang = now === 'zh' ? 'zh-Hans' : now;
}

export function number(value: number, digits = 0): string {
  return digits === 0 ? numbers.format(value) : new Intl.NumberFormat(now, { maximumFractionDigits: digits }).format(value);
}

/** Singular and plural stand side by side: "{count} desktop | {count} desktops". */
function message(text: string, values: Record<string, unknown>): string {
  const forms = (catalogue[text] ?? text).split(' | ');
  if (forms.length === 1) return forms[0]!;
  return plural.select(Number(values['count'])) === 'one' ? forms[0]! : forms[forms.length - 1]!;
}

const shown = (value: string | number) => (typeof value === 'number' ? numbers.format(value) : value);

/** The text in the reader's language, with values for its {names}. */
export function t(text: string, values: Values = {}): string {
  return message(text, values).replace(/\{(\w+)\}/g, (whole, name: string) => {
    const value = values[name];
    return value === undefined ? whole : shown(value);
  });
}

/** The same where a {name} stands for something that is more than text: a link, a bold word. */
export function tx(text: string, values: Record<string, ComponentChildren>): ComponentChildren[] {
  return message(text, values).split(/\{(\w+)\}/).map((part, at) => {
    if (at % 2 === 0) return part;
    const value = values[part];
    return typeof value === 'number' ? numbers.format(value) : value;
  });
}
