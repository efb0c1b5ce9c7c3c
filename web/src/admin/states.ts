// One colour and one word for each state, the same on every page.
import type { Desktop, DesktopState, JobState, SessionState } from '../api.ts';
import type { Mood } from '../ui/parts.tsx';

export const desktopStates: Record<DesktopState, { text: string; mood: Mood }> = {
  absent: { text: 'Not made yet', mood: '' },
  starting: { text: 'Starting', mood: 'busy' },
  running: { text: 'Running', mood: 'good' },
  stopping: { text: 'Stopping', mood: 'busy' },
  stopped: { text: 'Switched off', mood: '' },
  refreshing: { text: 'Refreshing', mood: 'busy' },
  deleting: { text: 'Being deleted', mood: 'busy' },
  failed: { text: 'Failed', mood: 'bad' },
};

export const sessionStates: Record<SessionState, { text: string; mood: Mood }> = {
  connecting: { text: 'Connecting', mood: 'busy' },
  connected: { text: 'Connected', mood: 'good' },
  disconnected: { text: 'Disconnected', mood: 'warn' },
  ended: { text: 'Ended', mood: '' },
};

export const jobStates: Record<JobState, { text: string; mood: Mood }> = {
  queued: { text: 'Waiting', mood: '' },
  running: { text: 'Running', mood: 'busy' },
  done: { text: 'Done', mood: 'good' },
  failed: { text: 'Failed', mood: 'bad' },
  cancelled: { text: 'Cancelled', mood: 'warn' },
};

export type DesktopDeed = 'console' | 'start' | 'stop' | 'reset' | 'refresh' | 'assign' | 'release' | 'delete';

/** What makes sense for a desktop now; the server has the last word. */
export function deedsFor(desktop: Desktop): DesktopDeed[] {
  const deeds: DesktopDeed[] = [];
  const { state } = desktop;
  if (state === 'deleting') return deeds;
  if (state === 'running') deeds.push('console');
  if (state === 'stopped' || state === 'failed') deeds.push('start');
  if (state === 'running' || state === 'starting') deeds.push('stop');
  if (state === 'running') deeds.push('reset');
  deeds.push('refresh');
  deeds.push(desktop.user ? 'release' : 'assign');
  deeds.push('delete');
  return deeds;
}
