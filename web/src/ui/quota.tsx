// How much a person may have: what they use of it, and the form that says it.
import { useState } from 'preact/hooks';
import { api, sentence, type Most, type Quota, type QuotaKind, type QuotaSet, type QuotaUse } from '../api.ts';
import { bytes } from '../format.ts';
import { t } from '../language.ts';
import { useLive } from '../live.ts';
import { Dialog } from './dialog.tsx';
import { TextField } from './field.tsx';
import { Bones, Button, Failure, Notice } from './parts.tsx';

const gibibyte = 1024 ** 3;
const kinds: { kind: QuotaKind; text: string; size: boolean }[] = [
  { kind: 'desktops', text: t('Desktops'), size: false },
  { kind: 'running', text: t('Running desktops'), size: false },
  { kind: 'memory_bytes', text: t('Memory (GiB)'), size: true },
  { kind: 'disk_bytes', text: t('Disk (GiB)'), size: true },
];

/** As it is typed: '' says nothing, '*' is without limit. */
export function typed(most: Most, size: boolean): string {
  if (most === null) return '';
  return most === 'unlimited' ? '*' : String(size ? Math.round((most / gibibyte) * 1000) / 1000 : most);
}

/** undefined: not understood */
export function meant(text: string, size: boolean): Most | undefined {
  const plain = text.trim().replace(',', '.');
  if (plain === '') return null;
  if (plain === '*') return 'unlimited';
  if (!(size ? /^\d{1,6}(\.\d+)?$/ : /^\d{1,6}$/).test(plain)) return undefined;
  return size ? Math.round(Number(plain) * 1024) * 1024 * 1024 : Number(plain);
}

interface Whose { kind: 'user' | 'group'; id: string; name: string }

function QuotaForm({ whose, start, onClose }: { whose: Whose; start: Quota | undefined; onClose: () => void }) {
  const [draft, setDraft] = useState<Record<QuotaKind, string>>(() => Object.fromEntries(kinds.map(({ kind, size }) => [kind, typed(start?.[kind] ?? null, size)])) as Record<QuotaKind, string>);
  const [wrong, setWrong] = useState<string | null>(null);
  const bad = (kind: QuotaKind, size: boolean) => (meant(draft[kind], size) === undefined ? t('A number is needed, * for no limit, or nothing.') : null);
  const save = async () => {
    if (kinds.some(({ kind, size }) => bad(kind, size))) return;
    const body = Object.fromEntries(kinds.map(({ kind, size }) => [kind, meant(draft[kind], size) ?? null])) as QuotaSet;
    try {
      if (Object.values(body).every((one) => one === null)) await api.removeQuota(whose.kind, whose.id);
      else await api.setQuota(whose.kind, whose.id, body);
      onClose();
    } catch (problem) {
      setWrong(sentence(problem));
    }
  };
  return (
    <Dialog title={t('Quota of {name}', { name: whose.name })} onClose={onClose} footer={
      <><Button onClick={onClose}>{t('Cancel')}</Button><Button look="main" onClick={save}>{t('Save')}</Button></>
    }>
      <form class="stack" onSubmit={(event) => { event.preventDefault(); void save(); }} noValidate>
        {wrong && <Notice mood="bad">{wrong}</Notice>}
        <p class="quiet small">{whose.kind === 'user' ? t('A person’s own quota comes before those of their groups. Empty: as their groups say.') : t('For each member; of several groups the most generous counts. The group everyone counts for whom nothing else is said.')}</p>
        {kinds.map(({ kind, text, size }) => (
          <TextField key={kind} label={text} value={draft[kind]} onValue={(value) => setDraft((before) => ({ ...before, [kind]: value }))} wrong={bad(kind, size)} inputMode="decimal" />
        ))}
        <p class="small faint">{t('At most so much; * means no limit. What people have already stays.')}</p>
      </form>
    </Dialog>
  );
}

/** Starts when it is known what is said now. */
export function QuotaDialog({ whose, onClose }: { whose: Whose; onClose: () => void }) {
  const live = useLive((signal) => api.quotas(signal), [], []);
  if (live.value) return <QuotaForm whose={whose} start={live.value.items.find((one) => one.kind === whose.kind && one.id === whose.id)} onClose={onClose} />;
  return (
    <Dialog title={t('Quota of {name}', { name: whose.name })} onClose={onClose} footer={<Button onClick={onClose}>{t('Cancel')}</Button>}>
      {live.error !== null ? <Failure error={live.error} again={live.reload} /> : <Bones rows={4} />}
    </Dialog>
  );
}

function line(use: QuotaUse, kind: QuotaKind): string | null {
  const { used, most } = use[kind];
  if (most === null) return null;
  switch (kind) {
    case 'desktops': return t('{used} of {most} desktops', { used, most });
    case 'running': return t('{used} of {most} running', { used, most });
    case 'memory_bytes': return t('{used} of {most} memory', { used: bytes(used), most: bytes(most) });
    case 'disk_bytes': return t('{used} of {most} disk', { used: bytes(used), most: bytes(most) });
  }
}

/** Own use under the tiles; nothing where nothing is limited. */
export function OwnUse() {
  const live = useLive((signal) => api.ownQuota(signal), ['portal', 'desktop', 'session', 'user'], []);
  const use = live.value;
  const lines = use ? kinds.map(({ kind }) => line(use, kind)).filter((one) => one !== null) : [];
  if (lines.length === 0) return null;
  return <p class="quiet small own-use">{t('You use {list}.', { list: lines.join(' · ') })}</p>;
}
