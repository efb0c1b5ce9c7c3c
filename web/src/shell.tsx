// The frame around portal and administration: mark, ways, the person's menu.
import type { ComponentChildren } from 'preact';
import { useState } from 'preact/hooks';
import { titleOf, type Me } from './api.ts';
import { adminHome } from './admin/ways.ts';
import { useStreamConnected } from './live.ts';
import { setTheme, theme, type Theme } from './theme.ts';
import { HalfIcon, MoonIcon, SunIcon, UserIcon } from './ui/icons.tsx';
import { Logo } from './ui/logo.tsx';
import { Menu } from './ui/menu.tsx';
import { Button } from './ui/parts.tsx';
import { logOut } from './who.ts';

const themes: { value: Theme; text: string }[] = [
  { value: 'system', text: 'As the system' },
  { value: 'light', text: 'Light' },
  { value: 'dark', text: 'Dark' },
];

export function ThemeSwitch() {
  const [now, setNow] = useState(theme());
  const index = themes.findIndex((one) => one.value === now);
  const next = themes[(index + 1) % themes.length]!;
  return (
    <Button look="plain icon" label={`Appearance: ${themes[index]!.text.toLowerCase()}. Change to ${next.text.toLowerCase()}`}
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
      }}>Skip to content</a>
      <header class="shell-head">
        <a class="shell-home" href="#/" aria-label="Oriel: your desktops"><Logo /></a>
        <nav class="shell-nav" aria-label="Main">
          <a href="#/" aria-current={here === 'desktops' ? 'page' : undefined}>Desktops</a>
          {admin && <a href={admin} aria-current={here === 'admin' ? 'page' : undefined}>Administration</a>}
        </nav>
        <span class="grow" />
        {!connected && <span class="badge warn" role="status">Reconnecting</span>}
        <ThemeSwitch />
        <Menu label={`Account of ${titleOf(me.user)}`} look="plain person" items={[
          { text: 'Password and API tokens', href: '#/account' },
          { text: 'Log out', run: logOut, line: true },
        ]}>
          <UserIcon /><span class="person-name">{titleOf(me.user)}</span>
        </Menu>
      </header>
      <main id="main" class="shell-main" tabIndex={-1}>{children}</main>
    </>
  );
}
