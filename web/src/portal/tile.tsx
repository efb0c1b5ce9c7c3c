// One tile of the portal: a pool, its picture, what state the person's desktop there is in.
import { api, sentence, type Tile } from '../api.ts';
import { useNow } from '../live.ts';
import { ago } from '../format.ts';
import { t } from '../language.ts';
import { ask } from '../ui/dialog.tsx';
import { MoreIcon } from '../ui/icons.tsx';
import { Menu, type MenuItem } from '../ui/menu.tsx';
import { Badge, type Mood } from '../ui/parts.tsx';
import { toast } from '../ui/toast.tsx';
import { Thumbnail } from '../ui/thumbnail.tsx';
import { logOffText, startsFresh } from './logoff.ts';
import { openNative } from './native.ts';
import { selfItems } from './self-service.ts';

export interface TileState { text: string; mood: Mood; detail: string }

export function tileState(tile: Tile, now: number): TileState {
  const { desktop, session, pool } = tile;
  if (tile.denied) return { text: t('Not available'), mood: 'warn', detail: tile.denied };
  if (session?.state === 'connected') return { text: t('In session'), mood: 'good', detail: t('Open now; opening it here takes it over') };
  if (session?.state === 'connecting') return { text: t('Connecting'), mood: 'busy', detail: t('Being opened') };
  if (desktop) {
    switch (desktop.state) {
      case 'absent':
      case 'starting':
        return { text: t('Preparing'), mood: 'busy', detail: pool.application ? t('It is being started') : t('Your desktop is being started') };
      case 'refreshing':
        return { text: t('Preparing'), mood: 'busy', detail: t('Being made fresh from the image') };
      case 'stopping':
      case 'deleting':
        return { text: t('Stopping'), mood: 'busy', detail: pool.application ? t('It is being ended') : t('Your desktop is being shut down') };
      case 'failed':
        return { text: t('Needs attention'), mood: 'bad', detail: t('It could not be started; Oriel tries again') };
      case 'stopped':
        return { text: t('Switched off'), mood: '', detail: t('Starts when you open it') };
      case 'unreachable':
        return { text: t('Does not answer'), mood: 'warn', detail: t('Oriel tries to wake it when you open it') };
      case 'unknown':
      case 'reachable':
      case 'running':
        break;
    }
  }
  if (session?.state === 'disconnected') {
    return { text: t('Waiting for you'), mood: 'good', detail: pool.application ? t('Left {ago}; it is still open', { ago: ago(session.since_ms, now) }) : t('Left {ago}; your programs are still open', { ago: ago(session.since_ms, now) }) };
  }
  if (desktop) return { text: t('Running'), mood: 'good', detail: pool.application ? t('It is ready') : t('Your desktop is ready') };
  if (pool.application) return { text: t('Available'), mood: '', detail: t('Yours until you close it') };
  return { text: t('Available'), mood: '', detail: tile.pool.type === 'floating' || tile.pool.type === 'shared' || (tile.pool.type === 'manual' && tile.clients.includes('rdp')) ? t('Yours until you log off') : tile.pool.type === 'manual' ? t('Your administrator has to assign a machine to you') : t('Becomes your own when you open it') };
}

/** A hue of its own for each pool, the same on every visit. */
export function hueOf(name: string): number {
  let sum = 7;
  for (const letter of name) sum = (sum * 31 + (letter.codePointAt(0) ?? 0)) % 3600;
  return (sum % 12) * 30;
}

function Wall({ hue }: { hue: number }) {
  return (
    <svg class="wall" viewBox="0 0 320 180" preserveAspectRatio="xMidYMid slice" aria-hidden="true"
      style={{ '--hue': String(hue) }}>
      <rect class="wall-sky" width="320" height="180" />
      <circle class="wall-sun" cx="236" cy="62" r="34" />
      <path class="wall-hill far" d="M0 128C60 96 110 104 160 122s112 14 160-16v74H0z" />
      <path class="wall-hill" d="M0 152c70-30 128-20 186-6 52 12 96 6 134-12v46H0z" />
      <rect class="wall-panel" x="0" y="0" width="320" height="11" />
    </svg>
  );
}

/** What can be done with one of a person's sessions; where there are several, its desktop is named. */
function sessionItems(tile: Tile, { desktop, session }: Tile['desktops'][number]): MenuItem[] {
  const { pool } = tile;
  if (!session) return [];
  const several = tile.desktops.length > 1;
  const named = (text: string) => (several ? `${desktop.name}: ${text}` : text);
  const name = several ? desktop.name : pool.display_name;
  const items: MenuItem[] = session.state !== 'connected' ? [] : [{
    text: named(t('Disconnect')),
    run: async () => {
      await api.disconnectSession(session.id);
      toast(t('Disconnected. Your programs go on.'));
    },
  }];
  return [...items, {
    text: named(pool.application ? t('Close it…') : t('Log off…')),
    danger: true,
    line: true,
    run: () => ask({
      title: pool.application ? t('Close {name}?', { name }) : t('Log off from {name}?', { name }),
      text: logOffText(pool),
      action: pool.application ? t('Close it') : t('Log off'),
      danger: true,
      run: () => api.logOffSession(session.id),
    }),
  }];
}

/** Where the pool allows a person several: each of theirs, and one more. */
function Several({ tile, now }: { tile: Tile; now: number }) {
  if ((tile.desktops.length < 2 && !tile.another) || !tile.clients.includes('browser')) return null;
  const address = `#/desktop/${encodeURIComponent(tile.pool.name)}`;
  return (
    <ul class="tile-several small">
      {tile.desktops.length > 1 && tile.desktops.map((one) => (
        <li key={one.desktop.id}><a href={`${address}?own=${one.desktop.id}`}>{one.desktop.name}</a> <span class="faint">{tileState({ ...tile, ...one }, now).text}</span></li>
      ))}
      {tile.another && <li><a href={`${address}?another=yes`}>{tile.pool.application ? t('Open it once more') : t('Another desktop')}</a></li>}
    </ul>
  );
}

export function TileCard({ tile }: { tile: Tile }) {
  const now = useNow(20);
  const { pool, desktop, session } = tile;
  const state = tileState(tile, now);
  const shows = desktop?.state === 'running' ? desktop.id : null;
  const address = `#/desktop/${encodeURIComponent(pool.name)}`;
  const inBrowser = tile.clients.includes('browser');
  const instead = inBrowser ? undefined : tile.clients.find((one) => one !== 'browser'); // of a click on the tile
  const items: MenuItem[] = inBrowser ? [{ text: pool.application ? t('Open') : t('Open desktop'), href: address }] : [];
  if (tile.clients.includes('vv')) items.push({ text: t('Open with remote-viewer'), run: () => openNative(pool.name, 'vv') });
  if (tile.clients.includes('rdp')) items.push({ text: t('Open with an RDP client'), run: () => openNative(pool.name, 'rdp') });
  for (const one of tile.desktops) items.push(...sessionItems(tile, one));
  items.push(...selfItems(tile, session !== null));
  return (
    <li class="tile">
      <a class="tile-link" href={address} onClick={instead && ((event) => {
        event.preventDefault();
        openNative(pool.name, instead).catch((problem: unknown) => toast(sentence(problem), 'bad'));
      })}>
        <div class="tile-view">
          <Wall hue={hueOf(pool.name)} />
          {shows && <Thumbnail desktop={shows} width={480} every={15} />}
        </div>
        <div class="tile-text">
          <h2>{pool.icon !== null && <img class="tile-icon" src={`api/v1/pools/${encodeURIComponent(pool.name)}/icon?v=${pool.icon}`} alt="" width="32" height="32" />}{pool.display_name}</h2>
          <p class="quiet small">{pool.description || pool.image}</p>
          <div class="tile-state">
            <Badge mood={state.mood}>{state.text}</Badge>
            <span class="small faint">{state.detail}</span>
          </div>
          {instead && (
            <p class="small faint">{instead === 'rdp' ? t('Opens with an RDP client on your computer') : t('Opens with remote-viewer on your computer')}</p>
          )}
          {startsFresh(pool) && pool.application && !pool.home && <p class="small faint tile-fresh">{t('Nothing that is saved there is kept after it is closed')}</p>}
          {startsFresh(pool) && !pool.application && <p class="small faint tile-fresh">{pool.home ? t('A fresh desktop each time, with your own home folder') : t('A fresh desktop each time: nothing on it is kept after log off')}</p>}
        </div>
      </a>
      <Several tile={tile} now={now} />
      {items.length > 1 && (
        <div class="tile-menu"><Menu label={t('More for {name}', { name: pool.display_name })} items={items}><MoreIcon /></Menu></div>
      )}
    </li>
  );
}
