// Whether the picture is still that of a machine that starts: firmware and boot messages are a few plain colours, mostly
// black. A guess, so nothing hangs on it but a line of text that goes away by itself.
import { useEffect, useState } from 'preact/hooks';

const fewColours = 12;
const mostlyBlack = 0.85;
const look = 700;       // ms between two looks
const longest = 90_000; // then the line goes, whatever the picture shows: some images are a text screen for ever

/** Of a picture in RGBA. One colour alone is a screen that is off, not one that starts. */
export function looksLikeBoot(data: ArrayLike<number>): boolean {
  const colours = new Set<number>();
  let black = 0;
  for (let at = 0; at + 3 < data.length; at += 4) {
    const colour = (data[at]! << 16) | (data[at + 1]! << 8) | data[at + 2]!;
    if (colour === 0) black += 1;
    colours.add(colour);
    if (colours.size > fewColours) return false;
  }
  return colours.size > 1 && black / (data.length / 4) >= mostlyBlack;
}

function looker(screen: HTMLElement): () => boolean {
  const small = document.createElement('canvas');
  small.width = 256;
  small.height = 160;
  const context = small.getContext('2d', { willReadFrequently: true });
  return () => {
    const canvas = screen.querySelector('canvas');
    if (!context || !canvas || canvas.width === 0) return false;
    context.imageSmoothingEnabled = false; // mixed colours would be new ones
    context.drawImage(canvas, 0, 0, small.width, small.height);
    return looksLikeBoot(context.getImageData(0, 0, small.width, small.height).data);
  };
}

/** True while the desktop seems to start: at the first picture, and again when it boots later. The person may send it away. */
export function useStarting(screen: { current: HTMLElement | null }, connected: boolean): [boolean, () => void] {
  const [starting, setStarting] = useState(false);
  const [dismissed, setDismissed] = useState(false);
  useEffect(() => {
    setStarting(false);
    if (!connected || dismissed || !screen.current) return;
    const boots = looker(screen.current);
    let since = 0;
    const timer = window.setInterval(() => {
      const now = boots();
      since = now ? since || Date.now() : 0;
      setStarting(now && Date.now() - since < longest);
    }, look);
    return () => clearInterval(timer);
  }, [connected, dismissed]);
  return [starting, () => setDismissed(true)];
}
