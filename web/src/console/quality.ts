// How good the connection is, measured: round trip of small requests, frames and bytes of the picture.
import { useEffect, useState } from 'preact/hooks';
import { api } from '../api.ts';
import { t } from '../language.ts';
import type { Link } from './link.ts';

export interface Quality {
  level: 'good' | 'fair' | 'poor' | 'unknown';
  roundTrip: number | null; // ms, median of the last five
  frames: number;           // a second
  bytes: number;            // a second, both ways
}

const every = 4000;

export function levelOf(roundTrip: number | null, failures: number): Quality['level'] {
  if (failures > 1) return 'poor';
  if (roundTrip === null) return 'unknown';
  if (roundTrip < 80) return 'good';
  return roundTrip < 220 ? 'fair' : 'poor';
}

export function median(values: number[]): number | null {
  if (values.length === 0) return null;
  return [...values].sort((a, b) => a - b)[values.length >> 1] ?? null;
}

export const levelText: Record<Quality['level'], string> = {
  good: t('Good connection'),
  fair: t('Fair connection'),
  poor: t('Poor connection'),
  unknown: t('Measuring the connection'),
};

export function useQuality(link: Link | null, active: boolean): Quality {
  const [quality, setQuality] = useState<Quality>({ level: 'unknown', roundTrip: null, frames: 0, bytes: 0 });
  useEffect(() => {
    if (!link || !active) return;
    const trips: number[] = [];
    let failures = 0;
    let last = { at: performance.now(), frames: link.frames, bytes: 0 };
    const stop = new AbortController();
    const measure = async () => {
      if (document.hidden) return;
      const from = performance.now();
      try {
        await api.health(stop.signal);
        trips.push(performance.now() - from);
        if (trips.length > 5) trips.shift();
        failures = 0;
      } catch {
        if (stop.signal.aborted) return;
        failures += 1;
      }
      const now = performance.now();
      const bytes = (link.channel?.received ?? 0) + (link.channel?.sent ?? 0);
      const seconds = (now - last.at) / 1000;
      const roundTrip = median(trips);
      setQuality({
        level: levelOf(roundTrip, failures),
        roundTrip,
        frames: Math.max(0, (link.frames - last.frames) / seconds),
        bytes: Math.max(0, (bytes - last.bytes) / seconds),
      });
      last = { at: now, frames: link.frames, bytes };
    };
    // the first request opens a connection, which is not what is to be measured
    const first = window.setTimeout(() => void api.health(stop.signal).then(measure, () => {}), 500);
    const timer = window.setInterval(() => void measure(), every);
    return () => {
      stop.abort();
      clearTimeout(first);
      clearInterval(timer);
    };
  }, [link, active]);
  return quality;
}
