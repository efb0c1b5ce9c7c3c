// A list page: loading, failure, empty, rows, pager, all the same everywhere.
import type { ComponentChildren } from 'preact';
import { useState } from 'preact/hooks';
import { sentence } from '../api.ts';
import { t } from '../language.ts';
import type { LivePage } from '../live.ts';
import { BulkBar, type Bulk } from './bulk.tsx';
import { saveCsv } from './csv.ts';
import { BackIcon, NextIcon } from './icons.tsx';
import { Bones, Button, Failure, Notice } from './parts.tsx';

export interface Column<T> {
  head: string;
  cell: (row: T) => ComponentChildren;
  look?: string;
}

interface TableProps<T> {
  label: string;
  columns: Column<T>[];
  page: LivePage<T>;
  rowKey: (row: T) => string;
  empty: ComponentChildren;
  /** the name of the file that "Export CSV" makes of all pages; without: no such button */
  file?: string;
  /** what can be done with several rows at once; without: no check boxes */
  bulk?: Bulk<T>;
}

/** Keys that are selected, less those of rows that are not on the page any more. */
function useSelection<T>(rows: T[], rowKey: (row: T) => string) {
  const [keys, setKeys] = useState<ReadonlySet<string>>(new Set());
  const selected = rows.filter((row) => keys.has(rowKey(row)));
  const put = (some: T[], on: boolean) => {
    const next = new Set(selected.map(rowKey));
    for (const row of some) on ? next.add(rowKey(row)) : next.delete(rowKey(row));
    setKeys(next);
  };
  return { selected, put, has: (row: T) => keys.has(rowKey(row)) };
}

export function Table<T extends object>({ label, columns, page, rowKey, empty, file, bulk }: TableProps<T>) {
  const selection = useSelection(page.value?.items ?? [], rowKey);
  if (!page.value) {
    return page.error ? <div class="inside"><Failure error={page.error} again={page.reload} /></div>
      : <div class="inside"><Bones /></div>;
  }
  const rows = page.value.items;
  if (rows.length === 0 && page.number === 1) return <>{empty}</>;
  return (
    <>
      {page.error !== null && <div class="inside"><Notice mood="warn">{t('Not up to date: {sentence}', { sentence: sentence(page.error) })}</Notice></div>}
      <div class="table-wrap" tabIndex={0} role="group" aria-label={label}>
        <table class="list" role="table">
          <thead role="rowgroup">
            <tr role="row">
              {bulk && <th role="columnheader" scope="col" class="pick"><input type="checkbox" aria-label={t('Select all on this page')} checked={selection.selected.length === rows.length} onChange={(event) => selection.put(rows, event.currentTarget.checked)} /></th>}
              {columns.map((column) => (
                <th key={column.head} role="columnheader" scope="col" class={column.look}>
                  {column.look === 'actions' ? <span class="unseen">{column.head}</span> : column.head}
                </th>
              ))}
            </tr>
          </thead>
          <tbody role="rowgroup">
            {rows.map((row) => (
              <tr key={rowKey(row)} role="row">
                {bulk && <td role="cell" class="pick"><input type="checkbox" aria-label={t('Select {name}', { name: bulk.name(row) })} checked={selection.has(row)} onChange={(event) => selection.put([row], event.currentTarget.checked)} /></td>}
                {columns.map((column) => (
                  <td key={column.head} role="cell" class={column.look} data-head={column.head}>
                    {column.look === 'actions' ? column.cell(row) : <div class="cell">{column.cell(row)}</div>}
                  </td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      {bulk && <BulkBar bulk={bulk} rows={selection.selected} onClear={() => selection.put(rows, false)} />}
      <Pager page={page} />
      {file && <div class="table-foot"><Button look="small plain" onClick={async () => saveCsv(file, await page.all())}>{t('Export CSV')}</Button></div>}
    </>
  );
}

export function Pager<T>({ page }: { page: LivePage<T> }) {
  if (!page.back && !page.forth) return null;
  return (
    <nav class="pager" aria-label={t('Pages')}>
      <Button look="small" disabled={!page.back} onClick={() => page.back?.()}><BackIcon size={15} />{t('Previous page')}</Button>
      <span class="small faint">{t('Page {number}', { number: page.number })}</span>
      <Button look="small" disabled={!page.forth} onClick={() => page.forth?.()}>{t('Next page')}<NextIcon size={15} /></Button>
    </nav>
  );
}
