// One colour and one word for each state, the same on every page.
import type { Activity, Desktop, DesktopState, JobState, SessionState } from '../api.ts';
import { t } from '../language.ts';
import type { Mood } from '../ui/parts.tsx';

export const desktopStates: Record<DesktopState, { text: string; mood: Mood }> = {
  absent: { text: t('Not made yet'), mood: '' },
  starting: { text: t('Starting'), mood: 'busy' },
  running: { text: t('Running'), mood: 'good' },
  stopping: { text: t('Stopping'), mood: 'busy' },
  stopped: { text: t('Switched off'), mood: '' },
  refreshing: { text: t('Refreshing'), mood: 'busy' },
  deleting: { text: t('Being deleted'), mood: 'busy' },
  failed: { text: t('Failed'), mood: 'bad' },
  unknown: { text: t('Not looked at yet'), mood: '' },
  reachable: { text: t('Reachable'), mood: 'good' },
  unreachable: { text: t('Does not answer'), mood: 'warn' },
};

export const sessionStates: Record<SessionState, { text: string; mood: Mood }> = {
  connecting: { text: t('Connecting'), mood: 'busy' },
  connected: { text: t('Connected'), mood: 'good' },
  disconnected: { text: t('Disconnected'), mood: 'warn' },
  ended: { text: t('Ended'), mood: '' },
};

export const activities: Record<Activity, { text: string; mood: Mood }> = {
  connecting: { text: t('Connecting'), mood: 'busy' },
  active: { text: t('Active'), mood: 'good' },
  idle: { text: t('Idle'), mood: '' },
  locked: { text: t('Locked'), mood: '' },
  disconnected: { text: t('Disconnected'), mood: 'warn' },
  ended: { text: t('Ended'), mood: '' },
};

export const jobStates: Record<JobState, { text: string; mood: Mood }> = {
  queued: { text: t('Waiting'), mood: '' },
  running: { text: t('Running'), mood: 'busy' },
  done: { text: t('Done'), mood: 'good' },
  failed: { text: t('Failed'), mood: 'bad' },
  cancelled: { text: t('Cancelled'), mood: 'warn' },
};

export type DesktopDeed = 'console' | 'start' | 'stop' | 'reset' | 'refresh' | 'assign' | 'release' | 'delete';

/** What makes sense for a desktop now; the server has the last word. */
export function deedsFor(desktop: Desktop): DesktopDeed[] {
  const deeds: DesktopDeed[] = [];
  const { state } = desktop;
  if (state === 'deleting') return deeds;
  if (desktop.machine) return [...(state === 'unreachable' ? ['start' as const] : ['console' as const]), desktop.user ? 'release' : 'assign', 'delete'];
  if (desktop.seat_of) return [desktop.user ? 'release' : 'assign']; // the rest is its machine's
  if (state === 'running') deeds.push('console');
  if (state === 'stopped' || state === 'failed') deeds.push('start');
  if (state === 'running' || state === 'starting') deeds.push('stop');
  if (state === 'running') deeds.push('reset');
  deeds.push('refresh');
  if (desktop.seats === 0) deeds.push(desktop.user ? 'release' : 'assign');
  deeds.push('delete');
  return deeds;
}

/** What the events call the kinds of things. */
export const kindNames: Record<string, string> = {
  user: t('user'), group: t('group'), pool: t('pool'), desktop: t('desktop'), session: t('session'), image: t('image'), job: t('job'), token: t('token'), kiosk: t('kiosk'), host: t('host'),
};
