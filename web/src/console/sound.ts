// What the desktop plays, heard here: switched on by the person, since browsers let nothing sound that nobody asked for; remembered.
import { useEffect, useState } from 'preact/hooks';
import { readSetting, writeSetting } from '../storage.ts';
import ring from './ring.worklet.js';
import { soundRate, type SoundRfb } from './sound-rfb.ts';

const key = 'oriel.sound';
const gestures = ['pointerdown', 'keydown'] as const;

class Player {
  private readonly context = new AudioContext({ sampleRate: soundRate, latencyHint: 'interactive' });
  private node: AudioWorkletNode | null = null;
  private readonly wake = () => void this.context.resume().catch(() => {});

  constructor() {
    // where the page was opened anew nobody has clicked in it yet
    for (const one of gestures) window.addEventListener(one, this.wake, { capture: true });
    void this.begin();
  }

  private async begin(): Promise<void> {
    try {
      await this.context.audioWorklet.addModule(new URL(ring, import.meta.url).href);
      this.node = new AudioWorkletNode(this.context, 'oriel-ring', { numberOfInputs: 0, outputChannelCount: [2] });
      this.node.connect(this.context.destination);
      await this.context.resume();
    } catch {
      // closed meanwhile
    }
  }

  /** Takes over the samples. What comes while nothing may sound is left out, so that nothing piles up. */
  play(samples: Uint8Array<ArrayBuffer>): void {
    if (this.context.state === 'running') this.node?.port.postMessage(samples.buffer, [samples.buffer]);
  }

  close(): void {
    for (const one of gestures) window.removeEventListener(one, this.wake, { capture: true });
    void this.context.close().catch(() => {});
  }
}

export interface Sound { offered: boolean; on: boolean; toggle: () => void }

export function useSound(rfb: SoundRfb | null, allowed: boolean): Sound {
  const [offered, setOffered] = useState(false);
  const [on, setOn] = useState(() => readSetting(key) === 'on');
  const possible = offered && allowed && typeof AudioWorkletNode === 'function';
  useEffect(() => {
    setOffered(rfb?.soundOffered ?? false);
    if (!rfb) return;
    const told = () => setOffered(true);
    rfb.addEventListener('sound', told);
    return () => rfb.removeEventListener('sound', told);
  }, [rfb]);
  useEffect(() => {
    if (!rfb || !possible || !on) return;
    const player = new Player();
    rfb.onSamples = (samples) => player.play(samples);
    rfb.hear(true);
    return () => {
      rfb.onSamples = null;
      rfb.hear(false);
      player.close();
    };
  }, [rfb, possible, on]);
  const toggle = () => {
    writeSetting(key, on ? null : 'on');
    setOn(!on);
  };
  return { offered: possible, on, toggle };
}
