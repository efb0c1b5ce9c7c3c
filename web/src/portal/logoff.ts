// What a log off takes with it: said before it happens, in the same words everywhere.
import { api, type Tile } from '../api.ts';
import { t } from '../language.ts';

/** Whether nothing on the desktop outlives a log off. */
export function startsFresh(pool: Pick<Tile['pool'], 'refresh_on_log_off'>): boolean {
  return pool.refresh_on_log_off;
}

export const lostAtLogOff = {
  allButHome: t('This desktop goes back to its image. The files in your home folder stay; everything else on it is lost.'),
  all: t('This desktop goes back to its image: everything on it is lost, saved files too.'),
  unsaved: t('Your programs on this desktop are closed. What is not saved is lost.'),
  /** When it could not be found out, the worse has to be said. */
  perhaps: t('Your programs on this desktop are closed. If it goes back to its image, everything on it is lost, saved files too.'),
};

export function logOffText(pool: Tile['pool']): string {
  if (pool.application) return startsFresh(pool) && !pool.home ? t('What was saved there is lost too.') : t('What is not saved is lost.');
  if (!startsFresh(pool)) return lostAtLogOff.unsaved;
  return pool.home ? lostAtLogOff.allButHome : lostAtLogOff.all;
}

/** The same for a session of one's own of which only the id is at hand. */
export async function logOffTextOf(session: string): Promise<string> {
  try {
    const { tiles } = await api.portal();
    const tile = tiles.find((one) => one.session?.id === session);
    return tile ? logOffText(tile.pool) : lostAtLogOff.perhaps;
  } catch {
    return lostAtLogOff.perhaps;
  }
}
