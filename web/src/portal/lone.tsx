// A page with one card on it: log in, set a password.
import type { ComponentChildren } from 'preact';
import { t } from '../language.ts';
import { ThemeSwitch } from '../shell.tsx';
import { GlobeIcon } from '../ui/icons.tsx';
import { Mark } from '../ui/logo.tsx';
import { Button } from '../ui/parts.tsx';
import { askLanguage } from '../ui/speech.tsx';

export function Lone({ title, text, children }: { title: string; text?: string; children: ComponentChildren }) {
  return (
    <div class="lone">
      <div class="lone-corner">
        <Button look="plain icon" label={t('Language…')} onClick={askLanguage}><GlobeIcon /></Button>
        <ThemeSwitch />
      </div>
      <main class="lone-card">
        <div class="lone-head">
          <Mark size={48} />
          <p class="lone-name">Oriel</p>
        </div>
        <div class="card">
          <div class="inside">
            <h1>{title}</h1>
            {text && <p class="quiet lone-text">{text}</p>}
            {children}
          </div>
        </div>
      </main>
    </div>
  );
}
