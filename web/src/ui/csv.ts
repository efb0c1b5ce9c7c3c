// Rows of the API as a file for spreadsheets (RFC 4180).
import { saveBlob } from './save.ts';

type Cells = Map<string, string>;

const isObject = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null && !Array.isArray(value);

function text(value: unknown): string {
  if (value === null || value === undefined) return '';
  if (Array.isArray(value)) return value.map(text).join('; ');
  if (isObject(value)) return typeof value.name === 'string' ? value.name : JSON.stringify(value);
  return String(value);
}

/** "pool.name" is the column "pool", "updated_ms" a time in the column "updated", other objects a column a field. */
function spread(value: Record<string, unknown>, before: string, cells: Cells): Cells {
  for (const [key, one] of Object.entries(value)) {
    const column = before + key;
    if (key.endsWith('_ms') && typeof one === 'number') cells.set(column.slice(0, -3), one > 0 ? new Date(one).toISOString() : '');
    else if (isObject(one) && typeof one.name !== 'string') spread(one, `${column}.`, cells);
    else cells.set(key.endsWith('_ms') ? column.slice(0, -3) : column, text(one));
  }
  return cells;
}

// what a spreadsheet would take for a formula gets an apostrophe before it (OWASP, "CSV Injection"); a number is none
const harmless = (cell: string) => (/^[=+\-@\t\r]/.test(cell) && !/^-?\d+(\.\d+)?$/.test(cell) ? `'${cell}` : cell);
const quoted = (cell: string) => (/[",\r\n]/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell);

export function csv(rows: object[]): string {
  const lines = rows.map((row) => spread(row as Record<string, unknown>, '', new Map()));
  const columns = [...new Set(lines.flatMap((cells) => [...cells.keys()]))]
    // an object that is null in some rows only
    .filter((column, _, all) => !all.some((other) => other.startsWith(`${column}.`)));
  const line = (cells: string[]) => `${cells.map((cell) => quoted(harmless(cell))).join(',')}\r\n`;
  return line(columns) + lines.map((cells) => line(columns.map((column) => cells.get(column) ?? ''))).join('');
}

/** The browser saves it under this name. The mark at the beginning tells spreadsheets that it is UTF-8. */
export function saveCsv(name: string, rows: object[]): void {
  saveBlob(`${name}.csv`, new Blob(['\uFEFF', csv(rows)], { type: 'text/csv;charset=utf-8' }));
}
