// The same deed for many rows of a list: which ones, what would happen to each, and how far it is.
import { useRef, useState } from 'preact/hooks';
import { sentence } from '../api.ts';
import { t } from '../language.ts';
import { Dialog } from './dialog.tsx';
import { Bar, Button, Notice } from './parts.tsx';

export interface Deed<T> {
  /** a verb */
  text: string;
  /** what becomes of the rows, for whoever is about to do it */
  means: string;
  danger?: boolean;
  /** why it cannot be done to this row now; null: it can */
  refuse: (row: T) => string | null;
  run: (row: T) => Promise<unknown>;
}

export interface Bulk<T> {
  name: (row: T) => string;
  deeds: Deed<T>[];
}

interface DialogProps<T> {
  bulk: Bulk<T>;
  deed: Deed<T>;
  rows: T[];
  onClose: () => void;
}

interface Outcome { done: number; failed: { name: string; why: string }[]; ended: boolean }

function Names({ head, names }: { head: string; names: string[] }) {
  if (names.length === 0) return null;
  return <section><h3 class="small">{head}</h3><ul class="bulk-names">{names.map((name) => <li key={name}>{name}</li>)}</ul></section>;
}

function BulkDialog<T>({ bulk, deed, rows, onClose }: DialogProps<T>) {
  const [plan] = useState(() => rows.map((row) => ({ row, name: bulk.name(row), why: deed.refuse(row) })));
  const [outcome, setOutcome] = useState<Outcome | null>(null);
  const stopped = useRef(false);
  const todo = plan.filter((one) => one.why === null);
  const run = async () => {
    const result: Outcome = { done: 0, failed: [], ended: false };
    for (const { row, name } of todo) {
      if (stopped.current) break;
      setOutcome({ ...result });
      try {
        await deed.run(row);
        result.done += 1;
      } catch (problem) {
        result.failed.push({ name, why: sentence(problem) });
      }
    }
    setOutcome({ ...result, ended: true });
  };
  const close = () => {
    stopped.current = true;
    onClose();
  };
  const running = outcome !== null && !outcome.ended;
  return (
    <Dialog title={t('{action}: {count} selected', { action: deed.text, count: rows.length })} onClose={close} footer={outcome === null
      ? <><Button onClick={close}>{t('Cancel')}</Button><Button look={`main ${deed.danger ? 'danger' : ''}`} disabled={todo.length === 0} onClick={() => { void run(); }}>{deed.text}</Button></>
      : <Button look={running ? '' : 'main'} onClick={close}>{running ? t('Stop here') : t('Done')}</Button>}>
      <div class="stack">
        {outcome === null ? (
          <>
            <p class="quiet">{deed.means}</p>
            <Names head={t('Is done to {count}:', { count: todo.length })} names={todo.map((one) => one.name)} />
            <Names head={t('Is left out:')} names={plan.filter((one) => one.why !== null).map((one) => `${one.name}: ${one.why}`)} />
          </>
        ) : (
          <>
            {running && <Bar label={deed.text} value={((outcome.done + outcome.failed.length) / todo.length) * 100} />}
            <Notice mood={outcome.ended && outcome.failed.length === 0 ? 'good' : ''}>{t('{done} of {count} done', { done: outcome.done, count: todo.length })}</Notice>
            {outcome.failed.length > 0 && <Notice mood="bad"><ul class="bulk-names">{outcome.failed.map((one) => <li key={one.name}>{one.name}: {one.why}</li>)}</ul></Notice>}
          </>
        )}
      </div>
    </Dialog>
  );
}

/** What can be done with the selected rows. */
export function BulkBar<T>({ bulk, rows, onClear }: { bulk: Bulk<T>; rows: T[]; onClear: () => void }) {
  const [deed, setDeed] = useState<{ deed: Deed<T>; rows: T[] } | null>(null);
  return (
    <>
      {rows.length > 0 && (
        <div class="bulk-bar" role="group" aria-label={t('What to do with the selected rows')}>
          <span role="status">{t('{count} selected', { count: rows.length })}</span>
          {bulk.deeds.map((one) => <Button key={one.text} look={`small ${one.danger ? 'danger' : ''}`} onClick={() => setDeed({ deed: one, rows })}>{one.text}</Button>)}
          <Button look="small plain" onClick={onClear}>{t('Select none')}</Button>
        </div>
      )}
      {deed && <BulkDialog bulk={bulk} deed={deed.deed} rows={deed.rows} onClose={() => { setDeed(null); onClear(); }} />}
    </>
  );
}
