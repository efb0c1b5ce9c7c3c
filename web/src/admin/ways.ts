// The pages of the administration and who may open them.
import type { Me } from '../api.ts';
import { t } from '../language.ts';
import { may, type Deed } from '../who.ts';

export interface Way { name: string; text: string; deed: Deed }

export const ways: Way[] = [
  { name: 'dashboard', text: t('Dashboard'), deed: 'status' },
  { name: 'desktops', text: t('Desktops'), deed: 'desktops' },
  { name: 'help', text: t('Help desk'), deed: 'sessions' },
  { name: 'sessions', text: t('Sessions'), deed: 'sessions' },
  { name: 'pools', text: t('Pools'), deed: 'pools' },
  { name: 'plans', text: t('Plans'), deed: 'pools' },
  { name: 'policies', text: t('Policies'), deed: 'pools' },
  { name: 'images', text: t('Images'), deed: 'images' },
  { name: 'users', text: t('Users'), deed: 'people' },
  { name: 'directories', text: t('Directories'), deed: 'people' },
  { name: 'groups', text: t('Groups'), deed: 'people' },
  { name: 'kiosks', text: t('Kiosks'), deed: 'people' },
  { name: 'homes', text: t('Homes'), deed: 'people' },
  { name: 'jobs', text: t('Jobs'), deed: 'jobs' },
  { name: 'events', text: t('Events'), deed: 'events' },
];

export function openWays(me: Me): Way[] {
  return ways.filter((way) => may(me, way.deed));
}

/** The address of the first page this person may open, or null. */
export function adminHome(me: Me): string | null {
  const first = openWays(me)[0];
  return first ? `#/admin/${first.name}` : null;
}
