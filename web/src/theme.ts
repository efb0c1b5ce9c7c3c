// Light or dark: what the system says unless the person chose. Kept in this browser only.
export type Theme = 'system' | 'light' | 'dark';

const key = 'oriel.theme';
const dark = matchMedia('(prefers-color-scheme: dark)');

export function readSetting(name: string): string | null {
  try {
    return localStorage.getItem(name);
  } catch {
    return null; // storage may be forbidden; the page works without
  }
}

export function writeSetting(name: string, value: string | null): void {
  try {
    if (value === null) localStorage.removeItem(name);
    else localStorage.setItem(name, value);
  } catch {
    // the same: the choice then lasts for this page
  }
}

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
