// What people may do with their own desktop, and what that takes with it: said before it happens.
import { api, type SelfAct, type Tile } from '../api.ts';
import { t } from '../language.ts';
import { ask } from '../ui/dialog.tsx';
import type { MenuItem } from '../ui/menu.tsx';
import { toast } from '../ui/toast.tsx';

interface Act { item: string; title: string; text: string; action: string; run: (pool: string, desktop: string) => Promise<unknown>; said: string }

function acts(name: string): Record<SelfAct, Act> {
  return {
    restart: {
      item: t('Restart…'), title: t('Restart {name}?', { name }), action: t('Restart'), run: api.restartOwn, said: t('It restarts. Open it again in a moment.'),
      text: t('Your desktop shuts down and starts again. Your programs are closed; what is not saved is lost, saved files stay.'),
    },
    reset: {
      item: t('Reset…'), title: t('Reset {name}?', { name }), action: t('Reset'), run: api.resetOwn, said: t('It was reset. Open it again in a moment.'),
      text: t('As the reset button of a computer: for a desktop that answers no more. What is not saved is lost, and a file that is just being written may be damaged.'),
    },
    refresh: {
      item: t('Make it fresh…'), title: t('Make {name} fresh?', { name }), action: t('Make it fresh'), run: api.refreshOwn, said: t('It goes back to its image.'),
      text: t('Your desktop goes back to its image: everything on it is lost, saved files and settings too. This cannot be undone.'),
    },
  };
}

/** For the menu of a tile; nothing where there is no desktop yet, or the pool allows nothing. Of several each is named. */
export function selfItems(tile: Tile, line: boolean): MenuItem[] {
  const { pool, desktops } = tile;
  const known = acts(pool.display_name);
  // who sees one program knows of no machine around it; what answers no more can be reset all the same
  const allowed = pool.application ? pool.self_service.filter((word) => word === 'reset') : pool.self_service;
  return desktops.flatMap(({ desktop }, nth) => allowed.map((word, n) => {
    const act = (desktops.length > 1 ? acts(desktop.name) : known)[word];
    return {
      text: desktops.length > 1 ? `${desktop.name}: ${act.item}` : act.item,
      danger: word === 'refresh',
      line: (line || nth > 0) && n === 0,
      run: () => ask({
        title: act.title,
        text: act.text,
        action: act.action,
        danger: true,
        run: async () => {
          await act.run(pool.id, desktop.id);
          toast(act.said);
        },
      }),
    };
  }));
}
