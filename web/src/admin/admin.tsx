// The administration's frame: ways at the side, the page beside.
import type { ComponentType } from 'preact';
import type { Me } from '../api.ts';
import type { Route } from '../route.ts';
import {
  DesktopIcon, EventIcon, GaugeIcon, GroupIcon, ImageIcon, JobIcon, PoolIcon, SessionIcon, UserIcon,
} from '../ui/icons.tsx';
import { Empty } from '../ui/parts.tsx';
import { Dashboard } from './dashboard.tsx';
import { Desktops } from './desktops.tsx';
import { Events } from './events.tsx';
import { Groups } from './groups.tsx';
import { Images } from './images.tsx';
import { Jobs } from './jobs.tsx';
import { Pools } from './pools.tsx';
import { Sessions } from './sessions.tsx';
import { Users } from './users.tsx';
import { openWays } from './ways.ts';

export interface PageProps { me: Me; route: Route }

const pages: Record<string, { icon: ComponentType<{ size?: number }>; page: ComponentType<PageProps> }> = {
  dashboard: { icon: GaugeIcon, page: Dashboard },
  desktops: { icon: DesktopIcon, page: Desktops },
  sessions: { icon: SessionIcon, page: Sessions },
  pools: { icon: PoolIcon, page: Pools },
  images: { icon: ImageIcon, page: Images },
  users: { icon: UserIcon, page: Users },
  groups: { icon: GroupIcon, page: Groups },
  jobs: { icon: JobIcon, page: Jobs },
  events: { icon: EventIcon, page: Events },
};

export function Admin({ me, route }: PageProps) {
  const open = openWays(me);
  const name = route.parts[1] ?? open[0]?.name ?? '';
  const way = open.find((one) => one.name === name);
  const Page = way ? pages[way.name]?.page : undefined;
  return (
    <div class="admin">
      <nav class="admin-ways" aria-label="Administration">
        <ul>
          {open.map((one) => {
            const Icon = pages[one.name]!.icon;
            return (
              <li key={one.name}>
                <a href={`#/admin/${one.name}`} aria-current={one.name === name ? 'page' : undefined}>
                  <Icon /><span>{one.text}</span>
                </a>
              </li>
            );
          })}
        </ul>
      </nav>
      <div class="admin-page">
        {Page ? <Page me={me} route={route} /> : (
          <div class="card">
            <Empty title="This page is not for you, or does not exist">
              <p>Your roles are: {me.user.roles.join(', ') || 'none'}. An administrator can change them.</p>
            </Empty>
          </div>
        )}
      </div>
    </div>
  );
}
