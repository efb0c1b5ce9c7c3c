// A device that logs in by itself: one pool, opened at once, and again when its person has logged off.
import { useEffect, useState } from 'preact/hooks';
import type { Ref } from '../api.ts';
import { t } from '../language.ts';
import { go, useTitle } from '../route.ts';
import { Button } from '../ui/parts.tsx';
import { Lone } from './lone.tsx';

const restSeconds = 5;
let opened = false; // in this tab, before

export function Kiosk({ pool }: { pool: Ref }) {
  useTitle(t('Kiosk'));
  const [left, setLeft] = useState(opened ? restSeconds : 0);
  const open = () => {
    opened = true;
    go(`/desktop/${encodeURIComponent(pool.name)}`);
  };
  useEffect(() => {
    if (left <= 0) {
      open();
      return;
    }
    const timer = setTimeout(() => setLeft(left - 1), 1000);
    return () => clearTimeout(timer);
  }, [left]);
  const begin = () => {
    // a browser allows it only after a touch, and may refuse it all the same: the desktop opens as well
    document.documentElement.requestFullscreen?.().catch(() => {});
    open();
  };
  return (
    <Lone title={t('Goodbye')} text={t('A new session begins in {seconds} s.', { seconds: left })}>
      <Button look="main wide" onClick={begin}>{t('Begin now')}</Button>
    </Lone>
  );
}
