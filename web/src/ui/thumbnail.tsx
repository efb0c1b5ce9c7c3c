// A live picture of a desktop's screen. Fetches only while it can be seen, and keeps the last picture over a failure.
import { useEffect, useRef, useState } from 'preact/hooks';
import { api } from '../api.ts';

interface Props {
  desktop: string;
  width: number;
  every: number; // seconds
  alt?: string;
}

export function Thumbnail({ desktop, width, every, alt = '' }: Props) {
  const [url, setUrl] = useState<string | null>(null);
  const box = useRef<HTMLDivElement>(null);

  useEffect(() => {
    const stop = new AbortController();
    let seen = false;
    let timer = 0;
    let last = 0;
    let current: string | null = null;

    const load = async () => {
      timer = 0;
      if (!seen || document.hidden || stop.signal.aborted) return;
      last = Date.now();
      try {
        const next = URL.createObjectURL(await api.thumbnail(desktop, width, stop.signal));
        if (stop.signal.aborted) {
          URL.revokeObjectURL(next);
          return;
        }
        const old = current;
        current = next;
        setUrl(next);
        if (old) setTimeout(() => URL.revokeObjectURL(old), 1000);
      } catch {
        // it may just have stopped: the wallpaper or the last picture stays
      }
      if (!stop.signal.aborted) timer = window.setTimeout(load, every * 1000);
    };
    const wake = () => {
      if (timer) clearTimeout(timer);
      if (seen && !document.hidden) timer = window.setTimeout(load, Math.max(0, last + every * 1000 - Date.now()));
    };
    const observer = new IntersectionObserver((entries) => {
      seen = entries.some((entry) => entry.isIntersecting);
      wake();
    });
    if (box.current) observer.observe(box.current);
    document.addEventListener('visibilitychange', wake);
    return () => {
      stop.abort();
      clearTimeout(timer);
      observer.disconnect();
      document.removeEventListener('visibilitychange', wake);
      if (current) URL.revokeObjectURL(current);
    };
  }, [desktop, width, every]);

  return (
    <div ref={box} class="thumbnail">
      {url && <img src={url} alt={alt} draggable={false} />}
    </div>
  );
}
