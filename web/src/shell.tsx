// The frame around portal and administration: mark, ways, the person's menu.
import type { ComponentChildren } from 'preact';
import { useState } from 'preact/hooks';
import { titleOf, type Me } from './api.ts';
import { adminHome } from './admin/ways.ts';
import { t } from './language.ts';
import { useStreamConnected } from './live.ts';
import { setTheme, theme, type Theme } from './theme.ts';
import { HalfIcon, MoonIcon, SunIcon, UserIcon } from './ui/icons.tsx';
import { Logo } from './ui/logo.tsx';
import { Menu } from './ui/menu.tsx';
import { Button } from './ui/parts.tsx';
import { askLanguage } from './ui/speech.tsx';
import { logOut } from './who.ts';

const themes: { value: Theme; text: string }[] = [
  { value: 'system', text: t('As the system') },
  { value: 'light', text: t('Light') },
  { value: 'dark', text: t('Dark') },
];

export function ThemeSwitch() {
  const [now, setNow] = useState(theme());
  const index = themes.findIndex((one) => one.value === now);
  const next = themes[(index + 1) % themes.length]!;
  return (
    <Button look="plain icon" label={t('Appearance: {now}. Change to: {next}', { now: themes[index]!.text, next: next.text })}
      onClick={() => { setTheme(next.value); setNow(next.value); }}>
      {now === 'light' ? <SunIcon /> : now === 'dark' ? <MoonIcon /> : <HalfIcon />}
    </Button>
  );
}

export function Shell({ me, here, children }: { me: Me; here: 'desktops' | 'admin' | 'account'; children: ComponentChildren }) {
  const connected = useStreamConnected();
  const admin = adminHome(me);
  return (
    <>
      <a class="skip" href="#main" onClick={(event) => {
        event.preventDefault();
        document.getElementById('main')?.focus();
      }}>{t('Skip to content')}</a>
      <header class="shell-head">
        <a class="shell-home" href="#/" aria-label={t('Oriel: your desktops')}><Logo /></a>
        <nav class="shell-nav" aria-label={t('Main')}>
          <a href="#/" aria-current={here === 'desktops' ? 'page' : undefined}>{t('Desktops')}</a>
          {admin && <a href={admin} aria-current={here === 'admin' ? 'page' : undefined}>{t('Administration')}</a>}
        </nav>
        <span class="grow" />
        {!connected && <span class="badge warn" role="status">{t('Reconnecting')}</span>}
        <ThemeSwitch />
        <Menu label={t('Account of {name}', { name: titleOf(me.user) })} look="plain person" items={[
          { text: t('Your account'), href: '#/account' },
          { text: t('Language…'), run: askLanguage },
          { text: t('Log out'), run: logOut, line: true },
        ]}>
          <UserIcon /><span class="person-name">{titleOf(me.user)}</span>
        </Menu>
      </header>
      <main id="main" class="shell-main" tabIndex={-1}>{children}</main>
    </>
  );
}
