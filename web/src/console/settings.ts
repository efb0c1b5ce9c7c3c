// What a person chose for their desktops, kept in this browser.
import { useState } from 'preact/hooks';
import type { Place } from '../api.ts';
import { readSetting, writeSetting } from '../storage.ts';
import { layouts, type Layout } from './layouts.ts';
import type { Quality } from './quality.ts';

export type KeyMode = 'keys' | 'characters';
export type PictureMode = 'auto' | 'sharp' | 'balanced' | 'fast';

export interface Settings {
  mode: KeyMode;
  layout: Layout;
  picture: PictureMode;
  resize: boolean;
}

/** Levels of noVNC: JPEG quality and zlib effort, 0 to 9 each. */
export interface PictureLevels { quality: number; compression: number }

const levels: Record<Exclude<PictureMode, 'auto'>, PictureLevels> = {
  sharp: { quality: 9, compression: 2 },
  balanced: { quality: 6, compression: 2 },
  fast: { quality: 2, compression: 6 },
};

export function pictureLevels(mode: PictureMode, quality: Quality): PictureLevels {
  if (mode !== 'auto') return levels[mode];
  return quality.level === 'poor' ? levels.fast : levels.balanced;
}

/** What the desktop gets when it is opened, unless the person chose another one: their language's. */
function usualLayout(): Layout {
  const [language = '', country = ''] = navigator.language.toLowerCase().split('-');
  const known = (id: string) => layouts.find((one) => one.id === id);
  const by: Record<string, string> = { da: 'dk', sv: 'se', nb: 'no', nn: 'no', 'en-gb': 'gb', 'pt-br': 'br', 'de-ch': 'ch', 'fr-ch': 'ch', 'fr-be': 'be', 'nl-be': 'be' };
  return known(by[`${language}-${country}`] ?? '') ?? known(by[language] ?? language) ?? layouts[0]!;
}

function chosenLayout(): Layout {
  const layout = readSetting('oriel.layout');
  return layouts.find((one) => one.id === layout) ?? usualLayout();
}

/** What this browser tells a desktop that is opened. */
export function placeOf(): Place {
  return { language: navigator.languages.slice(0, 5).join(','), keyboard: chosenLayout().id.split('-')[0]!, time_zone: Intl.DateTimeFormat().resolvedOptions().timeZone };
}

function read(): Settings {
  const picture = readSetting('oriel.picture');
  return {
    mode: readSetting('oriel.keys') === 'characters' ? 'characters' : 'keys',
    layout: chosenLayout(),
    picture: picture === 'sharp' || picture === 'balanced' || picture === 'fast' ? picture : 'auto',
    resize: readSetting('oriel.resize') !== 'off',
  };
}

function write(settings: Settings): void {
  writeSetting('oriel.layout', settings.layout.id);
  writeSetting('oriel.picture', settings.picture === 'auto' ? null : settings.picture);
  writeSetting('oriel.keys', settings.mode === 'keys' ? null : settings.mode);
  writeSetting('oriel.resize', settings.resize ? null : 'off');
}

export function useSettings(): [Settings, (change: Partial<Settings>) => void] {
  const [settings, setSettings] = useState(read);
  return [settings, (change) => setSettings((before) => {
    const next = { ...before, ...change };
    write(next);
    return next;
  })];
}
