// The console's files: what goes to the desktop, and what lies in its Downloads.
import { useEffect, useMemo, useRef, useState } from 'preact/hooks';
import { api, sentence, type FileList, type Session } from '../api.ts';
import { bytes } from '../format.ts';
import { t } from '../language.ts';
import { useLive } from '../live.ts';
import { Ago, Bar, Button, Notice } from '../ui/parts.tsx';
import { saveBlob } from '../ui/save.ts';
import { toast } from '../ui/toast.tsx';
import { Files, type Move } from './files.ts';
import { Panel } from './panels.tsx';

export type FilesPlan = NonNullable<Session['display']>['files'];

const shownFirst = 20;

/** Of the session of this page; ends with it. */
export function useFiles(session: string | null): { files: Files | null; moves: readonly Move[] } {
  const [moves, setMoves] = useState<readonly Move[]>([]);
  const files = useMemo(() => (session ? new Files(session, saveBlob) : null), [session]);
  useEffect(() => {
    if (!files) return;
    files.onChange = () => setMoves([...files.moves]);
    files.onDone = (move) => toast(move.toDesktop ? t('“{name}” is on the desktop, in Downloads.', { name: move.given ?? move.name })
      : t('“{name}” has been fetched from the desktop.', { name: move.name }));
    const ask = (event: BeforeUnloadEvent) => files.busy && event.preventDefault(); // the browser asks whether to leave
    window.addEventListener('beforeunload', ask);
    return () => {
      window.removeEventListener('beforeunload', ask);
      files.close();
    };
  }, [files]);
  return { files, moves };
}

/** Folders have no content that could be sent. */
export function dropped(data: DataTransfer | null): { files: File[]; folders: boolean } {
  const items = [...(data?.items ?? [])].filter((one) => one.kind === 'file');
  const files = items.filter((one) => !one.webkitGetAsEntry?.()?.isDirectory).map((one) => one.getAsFile()).filter((one) => one !== null);
  return { files, folders: files.length < items.length };
}

export function sendDropped(files: Files, data: DataTransfer | null): void {
  const { files: found, folders } = dropped(data);
  files.send(found);
  if (folders) toast(t('Folders cannot be sent, only files. Pack a folder into an archive first.'), 'bad');
}

function moveText(move: Move): string {
  switch (move.state) {
    case 'waits': return t('Waits');
    case 'moves': return t('{done} of {size}', { done: bytes(move.done), size: bytes(move.size) });
    case 'done': return move.toDesktop && move.given !== null && move.given !== move.name ? t('There as “{name}”', { name: move.given }) : t('Done');
    case 'cancelled': return t('Cancelled');
    default: return move.problem ?? t('Failed');
  }
}

function MoveLine({ move, onCancel }: { move: Move; onCancel: () => void }) {
  const goes = move.state === 'waits' || move.state === 'moves';
  return (
    <li class="file-line">
      <div class="file-words">
        <bdi class="one-line" title={move.name}>{move.name}</bdi>
        <span class={`small ${move.state === 'failed' ? 'bad-text' : 'faint'}`}>{moveText(move)}</span>
        {move.state === 'moves' && <Bar value={move.size > 0 ? (move.done / move.size) * 100 : 100} label={t('{name}: how far', { name: move.name })} />}
      </div>
      {goes && <Button look="small plain" label={t('Cancel {name}', { name: move.name })} onClick={onCancel}>{t('Cancel')}</Button>}
    </li>
  );
}

function Found({ list, onFetch }: { list: FileList; onFetch: (name: string, size: number) => void }) {
  const [all, setAll] = useState(false);
  const newest = [...list.items].sort((one, other) => other.modified_ms - one.modified_ms);
  const shown = all ? newest : newest.slice(0, shownFirst);
  if (newest.length === 0) return <p class="small faint">{t('Nothing is there. Put into the folder Downloads of the desktop what you want to have here.')}</p>;
  return (
    <>
      <ul class="file-list">
        {shown.map((one) => (
          <li key={one.name} class="file-line">
            <div class="file-words">
              <bdi class="one-line" title={one.name}>{one.name}</bdi>
              <span class="small faint">{bytes(one.size_bytes)} · <Ago time={one.modified_ms} /></span>
            </div>
            <Button look="small" label={t('Fetch {name}', { name: one.name })} onClick={() => onFetch(one.name, one.size_bytes)}>{t('Fetch')}</Button>
          </li>
        ))}
      </ul>
      {shown.length < newest.length && <Button look="small plain" onClick={() => setAll(true)}>{t('Show all {count}', { count: newest.length })}</Button>}
      {list.left_out > 0 && <p class="small faint">{t('{count} more is not shown: there are too many, or its name is no text. | {count} more are not shown: there are too many, or their names are no text.', { count: list.left_out })}</p>}
    </>
  );
}

interface FilesPanelProps { session: string; files: Files; moves: readonly Move[]; plan: FilesPlan }

export function FilesPanel({ session, files, moves, plan }: FilesPanelProps) {
  const field = useRef<HTMLInputElement>(null);
  const box = useRef<HTMLDivElement>(null);
  const arrived = moves.filter((one) => one.toDesktop && one.state === 'done').length;
  const found = useLive((signal) => (plan.from_desktop ? api.files(session, signal) : Promise.resolve(null)), [], [session, plan.from_desktop, arrived]);
  useEffect(() => box.current?.querySelector('button')?.focus(), []);
  return (
    <Panel title={t('Files')}>
      <div ref={box} class="stack">
        {plan.to_desktop && (
          <>
            <input ref={field} type="file" multiple hidden aria-hidden="true" tabIndex={-1} onChange={(event) => {
              files.send([...(event.currentTarget.files ?? [])]);
              event.currentTarget.value = ''; // the same file may be chosen again
            }} />
            <Button look="small main" onClick={() => field.current?.click()}>{t('Send files to the desktop…')}</Button>
            <p class="small faint">{t('Or drop them on the desktop’s picture. They arrive in its folder Downloads.')}</p>
          </>
        )}
        {moves.length > 0 && (
          <ul class="file-list" aria-label={t('Files on their way')}>
            {[...moves].reverse().map((one) => <MoveLine key={one.key} move={one} onCancel={() => files.cancel(one.key)} />)}
          </ul>
        )}
        {plan.from_desktop && (
          <>
            <div class="row tight spread">
              <h3>{t('In Downloads on the desktop')}</h3>
              <Button look="small plain" onClick={found.reload}>{t('Look again')}</Button>
            </div>
            {found.error !== null && <Notice mood="bad">{sentence(found.error)}</Notice>}
            {found.value && <Found list={found.value} onFetch={(name, size) => files.fetch(name, size)} />}
          </>
        )}
      </div>
    </Panel>
  );
}
