// Whoever looks on in this session is always to be seen; and the person is asked first, and can end it.
import { useState } from 'preact/hooks';
import { api, sentence, type Shadow } from '../api.ts';
import { t } from '../language.ts';
import { useLive } from '../live.ts';
import { Button } from '../ui/parts.tsx';
import { toast } from '../ui/toast.tsx';

function words({ by, mode, state }: Shadow): string {
  const name = by.name || t('An administrator');
  if (state === 'asked') {
    return mode === 'view' ? t('{name} of the help desk asks to look at your screen.', { name })
      : t('{name} of the help desk asks to look at your screen and work in it.', { name });
  }
  return mode === 'view' ? t('{name} of the help desk sees your screen.', { name })
    : t('{name} of the help desk sees your screen and works in it.', { name });
}

function Line({ shadow, again }: { shadow: Shadow; again: () => void }) {
  const [busy, setBusy] = useState(false);
  const act = (deed: () => Promise<unknown>) => async () => {
    setBusy(true);
    try {
      await deed();
    } catch (problem) {
      toast(sentence(problem), 'bad');
    }
    setBusy(false);
    again();
  };
  const asked = shadow.state === 'asked';
  return (
    <div class="console-line watched" role={asked ? 'alert' : 'status'}>
      {words(shadow)}
      {asked && <Button look="small main" disabled={busy} onClick={act(() => api.answerShadow(shadow.id, true))}>{t('Allow')}</Button>}
      {asked && <Button look="small" disabled={busy} onClick={act(() => api.answerShadow(shadow.id, false))}>{t('Refuse')}</Button>}
      {!asked && <Button look="small" disabled={busy} onClick={act(() => api.endShadow(shadow.id))}>{t('End it')}</Button>}
    </div>
  );
}

/** Of the person's own session; nothing where nobody looks on. */
export function Watched({ session }: { session: string }) {
  const live = useLive((signal) => api.shadows(session, signal), ['session'], [session]);
  const now = (live.value?.items ?? []).filter((one) => one.state !== 'asked' || one.until_ms > Date.now());
  return <>{now.map((shadow) => <Line key={shadow.id} shadow={shadow} again={live.reload} />)}</>;
}
