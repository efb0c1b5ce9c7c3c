// What a person sees first: the desktops they may use.
import { useEffect } from 'preact/hooks';
import { api, titleOf, type Me } from '../api.ts';
import { loadConsole } from '../console/load.ts';
import { adminHome } from '../admin/ways.ts';
import { t, tx } from '../language.ts';
import { useLive } from '../live.ts';
import { useTitle } from '../route.ts';
import { DesktopIcon } from '../ui/icons.tsx';
import { Empty, Failure } from '../ui/parts.tsx';
import { Messages } from '../ui/messages.tsx';
import { OwnUse } from '../ui/quota.tsx';
import { TileCard } from './tile.tsx';

function greeting(name: string): string {
  const hour = new Date().getHours();
  if (hour < 5) return t('Good night, {name}', { name });
  if (hour < 12) return t('Good morning, {name}', { name });
  return hour < 18 ? t('Good afternoon, {name}', { name }) : t('Good evening, {name}', { name });
}

function TileBones() {
  return (
    <div class="tiles" role="status" aria-label={t('Loading your desktops')}>
      {[0, 1, 2].map((n) => <div key={n} class="tile tile-bone"><div class="bone tile-view" /><div class="tile-text"><div class="bone" style={{ height: '2.5rem' }} /></div></div>)}
    </div>
  );
}

export function Portal({ me }: { me: Me }) {
  useTitle(t('Your desktops'));
  const live = useLive((signal) => api.portal(signal), ['portal', 'session', 'desktop', 'pool', 'entitlement'], []);
  const admin = adminHome(me);

  useEffect(() => {
    // the console's code, ready before the click
    const idle = 'requestIdleCallback' in window
      ? requestIdleCallback(() => void loadConsole().catch(() => {}), { timeout: 1500 })
      : setTimeout(() => void loadConsole().catch(() => {}), 600) as unknown as number;
    return () => ('cancelIdleCallback' in window ? cancelIdleCallback(idle) : clearTimeout(idle));
  }, []);

  const tiles = live.value?.tiles ?? [];
  return (
    <div class="portal">
      <div class="portal-head">
        <h1>{greeting(titleOf(me.user))}</h1>
        <p class="quiet">{t('Choose a desktop. It opens in this window and waits for you when you leave.')}</p>
      </div>
      <Messages session={null} />
      {live.error !== null && <Failure error={live.error} again={live.reload} />}
      {live.loading && !live.value && <TileBones />}
      {live.value && tiles.length === 0 && (
        <div class="card">
          <Empty icon={<DesktopIcon size={36} />} title={t('No desktops for you yet')}>
            {admin
              ? <p>{t('Nobody has entitled you to a pool. Open a pool and add yourself, or a group you are in.')}</p>
              : <p>{tx('Your administrator has to give you a desktop. Tell them your name here is {name}. It appears on this page by itself.', { name: <strong>{me.user.name}</strong> })}</p>}
            {admin && <a class="button main" href="#/admin/pools">{t('Open the pools')}</a>}
          </Empty>
        </div>
      )}
      {tiles.length > 0 && (
        <ul class="tiles">
          {tiles.map((tile) => <TileCard key={tile.pool.id} tile={tile} />)}
        </ul>
      )}
      {tiles.length > 0 && <OwnUse />}
    </div>
  );
}
