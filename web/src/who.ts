// Who is logged in, and what the pages offer them. The server decides; this only spares people doors that are closed.
import { useEffect, useState } from 'preact/hooks';
import { api, whenLoggedOut, type Me, type Role } from './api.ts';
import { t } from './language.ts';
import { startStream, stopStream } from './stream.ts';

export type Who =
  | { state: 'asking' }
  | { state: 'out'; why: string }
  | { state: 'unreachable'; error: unknown }
  | { state: 'in'; me: Me };

const listeners = new Set<(who: Who) => void>();
let now: Who = { state: 'asking' };
let asked = false;

const others = 'BroadcastChannel' in window ? new BroadcastChannel(`oriel.who.${new URL('.', document.baseURI).pathname}`) : null;

function become(who: Who): void {
  now = who;
  if (who.state === 'in') startStream();
  else stopStream();
  for (const listener of listeners) listener(who);
}

export async function askWho(): Promise<void> {
  asked = true;
  try {
    become({ state: 'in', me: await api.me() });
  } catch (error) {
    if ((now as Who).state !== 'out') become({ state: 'unreachable', error });
  }
}

whenLoggedOut(() => {
  if (now.state === 'out') return;
  become({ state: 'out', why: now.state === 'in' ? t('Your login has ended. Please log in again.') : '' });
});

if (others) {
  others.onmessage = (event: MessageEvent<string>) => {
    if (event.data === 'in' || now.state === 'in') void askWho();
  };
}

export function enter(me: Me): void {
  become({ state: 'in', me });
  others?.postMessage('in');
}

export async function logOut(): Promise<void> {
  const answer = await api.logout();
  become({ state: 'out', why: '' });
  others?.postMessage('out');
  if (answer) location.assign(answer.provider_url); // to end the login there as well
}

export function useWho(): Who {
  const [who, setWho] = useState(now);
  useEffect(() => {
    listeners.add(setWho);
    setWho(now);
    if (!asked) void askWho();
    return () => {
      listeners.delete(setWho);
    };
  }, []);
  return who;
}

export const roleText: Record<Role, string> = {
  user: t('User'),
  helpdesk: t('Help desk'),
  operator: t('Operator'),
  auditor: t('Auditor'),
  admin: t('Administrator'),
};

/** "Operator, Auditor"; "none" where there is none. */
export function roleNames(roles: Role[]): string {
  return roles.map((role) => roleText[role]).join(', ') || t('none');
}

export type Deed =
  | 'status' | 'images' | 'images-write' | 'pools' | 'pools-write' | 'desktops' | 'desktops-power' | 'desktops-assign'
  | 'desktops-delete' | 'console' | 'sessions' | 'people' | 'jobs' | 'events';

const operators: Role[] = ['admin', 'operator'];
const helpers: Role[] = ['admin', 'operator', 'helpdesk'];
const table: Record<Deed, Role[]> = {
  status: operators,
  images: operators,
  'images-write': ['admin'],
  pools: operators,
  'pools-write': ['admin'],
  desktops: helpers,
  'desktops-power': helpers,
  'desktops-assign': operators,
  'desktops-delete': ['admin'],
  console: operators,
  sessions: helpers,
  people: ['admin'],
  jobs: operators,
  events: ['admin', 'auditor'],
};

export function may(me: Me, deed: Deed): boolean {
  return me.user.roles.some((role) => table[deed].includes(role));
}
