// The administration's frame: ways at the side, the page beside.
import type { ComponentType } from 'preact';
import { KeyIcon } from '../ui/icons.tsx';
import { useEffect, useState } from 'preact/hooks';
import type { Me } from '../api.ts';
import { t } from '../language.ts';
import type { Route } from '../route.ts';
import { roleNames } from '../who.ts';
import {
  DesktopIcon, EventIcon, GaugeIcon, GroupIcon, HelpIcon, HomeIcon, ImageIcon, JobIcon, PoolIcon, PowerIcon, SessionIcon, SettingsIcon, UserIcon,
} from '../ui/icons.tsx';
import { Empty } from '../ui/parts.tsx';
import { Directories } from './directories.tsx';
import { Dashboard } from './dashboard.tsx';
import { Desktops } from './desktops.tsx';
import { Events } from './events.tsx';
import { Groups } from './groups.tsx';
import { Help } from './help.tsx';
import { Homes } from './homes.tsx';
import { Images } from './images.tsx';
import { Jobs } from './jobs.tsx';
import { Kiosks } from './kiosks.tsx';
import { Plans } from './plans.tsx';
import { Policies } from './policies.tsx';
import { Pools } from './pools.tsx';
import { Sessions } from './sessions.tsx';
import { Users } from './users.tsx';
import { openWays, type Way } from './ways.ts';

export interface PageProps { me: Me; route: Route }

const pages: Record<string, { icon: ComponentType<{ size?: number }>; page: ComponentType<PageProps> }> = {
  directories: { icon: KeyIcon, page: Directories },
  dashboard: { icon: GaugeIcon, page: Dashboard },
  desktops: { icon: DesktopIcon, page: Desktops },
  help: { icon: HelpIcon, page: Help },
  sessions: { icon: SessionIcon, page: Sessions },
  pools: { icon: PoolIcon, page: Pools },
  plans: { icon: PowerIcon, page: Plans },
  policies: { icon: SettingsIcon, page: Policies },
  images: { icon: ImageIcon, page: Images },
  users: { icon: UserIcon, page: Users },
  groups: { icon: GroupIcon, page: Groups },
  kiosks: { icon: DesktopIcon, page: Kiosks },
  homes: { icon: HomeIcon, page: Homes },
  jobs: { icon: JobIcon, page: Jobs },
  events: { icon: EventIcon, page: Events },
};

interface WaysProps { open: Way[]; here: string }

/** Beside the page; on a phone a button that says where one is and opens all of them. */
function Ways({ open, here }: WaysProps) {
  const [shown, setShown] = useState(false);
  useEffect(() => setShown(false), [here]);
  const text = open.find((one) => one.name === here)?.text ?? t('Administration');
  return (
    <nav class={`admin-ways ${shown ? 'open' : ''}`} aria-label={t('Administration')} onKeyDown={(event) => {
      if (event.key === 'Escape') setShown(false);
    }}>
      <button type="button" class="ways-button" aria-expanded={shown} aria-controls="ways" onClick={() => setShown(!shown)}>
        <span>{text}</span><span class="small quiet">{shown ? t('Close') : t('All {count} pages', { count: open.length })} <span aria-hidden="true">{shown ? '▴' : '▾'}</span></span>
      </button>
      <ul id="ways">
        {open.map((one) => {
          const Icon = pages[one.name]!.icon;
          return (
            <li key={one.name}>
              <a href={`#/admin/${one.name}`} aria-current={one.name === here ? 'page' : undefined} onClick={() => setShown(false)}>
                <Icon /><span>{one.text}</span>
              </a>
            </li>
          );
        })}
      </ul>
    </nav>
  );
}

export function Admin({ me, route }: PageProps) {
  const open = openWays(me);
  const name = route.parts[1] ?? open[0]?.name ?? '';
  const way = open.find((one) => one.name === name);
  const Page = way ? pages[way.name]?.page : undefined;
  return (
    <div class={`admin ${open.length === 0 ? 'alone' : ''}`}>
      {open.length > 0 && <Ways open={open} here={name} />}
      <div class="admin-page">
        {Page ? <Page me={me} route={route} /> : (
          <div class="card">
            <Empty title={t('This page is not for you, or does not exist')}>
              <p>{t('Your roles are: {roles}. An administrator can change them.', { roles: roleNames(me.user.roles) })}</p>
            </Empty>
          </div>
        )}
      </div>
    </div>
  );
}
