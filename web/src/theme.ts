// Light or dark: what the system says unless the person chose. Kept in this browser only.
import { readSetting, writeSetting } from './storage.ts';

export type Theme = 'system' | 'light' | 'dark';

const key = 'oriel.theme';
const dark = matchMedia('(prefers-color-scheme: dark)');

let chosen: Theme = 'system';

function apply(): void {
  const isDark = chosen === 'dark' || (chosen === 'system' && dark.matches);
  document.documentElement.dataset['theme'] = isDark ? 'dark' : 'light';
}

export function theme(): Theme {
  return chosen;
}

export function setTheme(next: Theme): void {
  chosen = next;
  writeSetting(key, next === 'system' ? null : next);
  apply();
}

export function startTheme(): void {
  const kept = readSetting(key);
  if (kept === 'light' || kept === 'dark') chosen = kept;
  dark.addEventListener('change', apply);
  apply();
}
