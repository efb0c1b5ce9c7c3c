// A list page: loading, failure, empty, rows, pager, all the same everywhere.
import type { ComponentChildren } from 'preact';
import { sentence } from '../api.ts';
import { t } from '../language.ts';
import type { LivePage } from '../live.ts';
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
}

export function Table<T>({ label, columns, page, rowKey, empty }: TableProps<T>) {
  if (!page.value) {
    return page.error ? <div class="inside"><Failure error={page.error} again={page.reload} /></div>
      : <div class="inside"><Bones /></div>;
  }
  const rows = page.value.items;
  if (rows.length === 0 && page.number === 1) return <>{empty}</>;
  return (
    <>
      {page.error !== null && <div class="inside"><Notice mood="warn">{t('Not up to date: {sentence}', { sentence: sentence(page.error) })}</Notice></div>}
      <div class="table-wrap" tabIndex={0} role="region" aria-label={label}>
        <table class="list" role="table">
          <thead role="rowgroup">
            <tr role="row">
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
      <Pager page={page} />
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
