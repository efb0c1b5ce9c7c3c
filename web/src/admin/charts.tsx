// Figures over time: drawn by uPlot, said in one sentence for screen readers, and as a table for whoever wants the numbers.
import { useEffect, useRef, useState } from 'preact/hooks';
import type uPlot from 'uplot';
import { api, type StatisticName, type Statistics } from '../api.ts';
import { bytes } from '../format.ts';
import { locale, number, t } from '../language.ts';
import { useLive, useNow } from '../live.ts';
import { SelectField } from '../ui/field.tsx';
import { Bones, Button, Failure } from '../ui/parts.tsx';

const hour = 3_600_000;
const spans = [
  { value: String(3 * hour), text: t('Last 3 hours') },
  { value: String(24 * hour), text: t('Last 24 hours') },
  { value: String(7 * 24 * hour), text: t('Last 7 days') },
  { value: String(30 * 24 * hour), text: t('Last 30 days') },
];

interface Line { name: StatisticName; text: string }
interface Picture { title: string; lines: Line[] }

const ofPools: Picture[] = [
  { title: t('Sessions'), lines: [{ name: 'sessions', text: t('Open sessions') }, { name: 'connected', text: t('Connected now') }] },
  { title: t('Log-on time'), lines: [{ name: 'log_on_ms', text: t('From the click to the connection') }] },
  {
    title: t('Desktops'),
    lines: [{ name: 'desktops', text: t('All desktops') }, { name: 'running', text: t('Running desktops') }, { name: 'assigned', text: t('Assigned desktops') }],
  },
];
const ofHost: Picture[] = [
  { title: t('Processors of the host'), lines: [{ name: 'processor_percent', text: t('Busy') }] },
  { title: t('Memory of machines'), lines: [{ name: 'memory_bytes', text: t('Memory in use') }] },
];

const colours = ['--accent', '--warn', '--good'];
const dashes: number[][] = [[], [6, 4], [2, 3]];

function shown(value: number, unit: Statistics['unit']): string {
  if (unit === 'bytes') return bytes(value);
  if (unit === 'ms') return t('{count} s', { count: Math.round(value / 100) / 10 });
  if (unit === 'percent') return new Intl.NumberFormat(locale(), { style: 'percent' }).format(value / 100);
  return number(value);
}

/** One row a time that any line has; where a step is missing in all of them, a row of nothing, so that the line breaks. */
export function rowsOf(all: Pick<Statistics, 'points' | 'step_ms'>[]): { times: number[]; values: (number | null)[][] } {
  const maps = all.map((one) => new Map(one.points.map((point) => [point.time_ms, point.value])));
  const step = all[0]?.step_ms ?? 0;
  const times: number[] = [];
  for (const time of [...new Set(maps.flatMap((map) => [...map.keys()]))].sort((a, b) => a - b)) {
    const last = times.at(-1);
    if (last !== undefined && step > 0 && time - last > step) times.push(last + step);
    times.push(time);
  }
  return { times, values: maps.map((map) => times.map((time) => map.get(time) ?? null)) };
}

/** After two days every tenth minute is kept: a finer step would break the line at each. */
export function stepFor(span: number): number {
  const minutes = Math.ceil(span / 240 / 60_000);
  return (span > 2 * 24 * hour ? Math.ceil(minutes / 10) * 10 : minutes) * 60_000;
}

interface DrawingProps { lines: Line[]; all: Statistics[]; span: number }

function clockText(time: number, span: number): string {
  return new Date(time).toLocaleString(locale(), span > 24 * hour ? { month: 'short', day: 'numeric' } : { hour: '2-digit', minute: '2-digit' });
}

function optionsOf({ lines, all, span }: DrawingProps, width: number): uPlot.Options {
  const style = getComputedStyle(document.documentElement);
  const colour = (name: string) => style.getPropertyValue(name).trim();
  const axis = { stroke: colour('--ink-2'), grid: { stroke: colour('--line'), width: 1 }, ticks: { stroke: colour('--line'), width: 1 } };
  const unit = all[0]!.unit;
  return {
    width,
    height: 190,
    legend: { show: false },
    cursor: { show: false },
    scales: { x: { range: [all[0]!.from_ms / 1000, all[0]!.to_ms / 1000] }, y: { range: (_, __, most) => [0, unit === 'percent' ? 100 : Math.max(1, most * 1.1)] } },
    axes: [
      { ...axis, space: 80, values: (_, splits) => splits.map((time) => clockText(time * 1000, span)) },
      { ...axis, size: 76, ...(unit === 'count' && { incrs: [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000] }), values: (_, splits) => splits.map((value) => shown(value, unit)) },
    ],
    series: [{}, ...lines.map((_, at) => ({ stroke: colour(colours[at]!), width: 2, dash: dashes[at]!, points: { show: all[at]!.points.length < 3 } }))],
  };
}

/** Drawn again when figures, width or theme change. The code that draws is fetched with the first chart. */
function Drawing(props: DrawingProps) {
  const box = useRef<HTMLDivElement>(null);
  const latest = useRef(props);
  latest.current = props;
  const again = useRef(() => {});
  useEffect(() => {
    let plot: uPlot | null = null;
    let gone = false;
    let width = 0;
    const unfollow: (() => void)[] = [];
    void import('uplot').then(({ default: Plot }) => {
      if (gone || !box.current) return;
      const draw = () => {
        const { all } = latest.current;
        const { times, values } = rowsOf(all);
        plot?.destroy();
        width = box.current!.clientWidth;
        const options = optionsOf(latest.current, width);
        plot = new Plot(options, [times.map((time) => time / 1000), ...values] as uPlot.AlignedData, box.current!);
      };
      again.current = draw;
      draw();
      const sizes = new ResizeObserver(() => { if (box.current && box.current.clientWidth !== width) draw(); });
      sizes.observe(box.current);
      const theme = new MutationObserver(draw);
      theme.observe(document.documentElement, { attributes: true, attributeFilter: ['data-theme'] });
      unfollow.push(() => sizes.disconnect(), () => theme.disconnect());
    });
    return () => {
      gone = true;
      for (const end of unfollow) end();
      plot?.destroy();
    };
  }, []);
  useEffect(() => again.current(), [props.all]);
  return <div class="chart-box" ref={box} aria-hidden="true" />;
}

function summary(lines: Line[], all: Statistics[]): string {
  return lines.flatMap((line, at) => {
    const { points, unit } = all[at]!;
    if (points.length === 0) return [];
    const values = points.map((point) => point.value);
    const say = (value: number) => shown(value, unit);
    return [t('{name}: {last} at the end, between {least} and {most}.', { name: line.text, last: say(values.at(-1)!), least: say(Math.min(...values)), most: say(Math.max(...values)) })];
  }).join(' ');
}

function Figures({ title, lines, all }: Picture & { all: Statistics[] }) {
  const { times, values } = rowsOf(all);
  const rows = times.map((time, row) => ({ time, cells: values.map((line) => line[row] ?? null) })).filter((row) => row.cells.some((cell) => cell !== null));
  return (
    <div class="chart-table" tabIndex={0} role="region" aria-label={t('{name} as a table', { name: title })}>
      <table>
        <thead><tr><th scope="col">{t('Time')}</th>{lines.map((line) => <th key={line.name} scope="col" class="number">{line.text}</th>)}</tr></thead>
        <tbody>
          {rows.reverse().map((row) => (
            <tr key={row.time}>
              <th scope="row">{new Date(row.time).toLocaleString(locale(), { dateStyle: 'short', timeStyle: 'short' })}</th>
              {row.cells.map((cell, at) => <td key={lines[at]!.name} class="number numbers">{cell === null ? '–' : shown(cell, all[at]!.unit)}</td>)}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function Chart({ picture, span, pool }: { picture: Picture; span: number; pool: string | undefined }) {
  const [table, setTable] = useState(false);
  const minute = Math.floor(useNow(60) / 60_000);
  const live = useLive((signal) => {
    const to = Date.now();
    return Promise.all(picture.lines.map((line) => api.statistics({ name: line.name, pool, from: to - span, to, step: stepFor(span) }, signal)));
  }, [], [span, pool, minute]);
  const all = live.value;
  const some = all?.some((one) => one.points.length > 0) ?? false;
  return (
    <div class="chart stack tight">
      <div class="row apart">
        <h3>{picture.title}</h3>
        {some && <Button look="small" aria-pressed={table} label={t('{name} as a table', { name: picture.title })} onClick={() => setTable(!table)}>{t('As a table')}</Button>}
      </div>
      {live.error !== null && <Failure error={live.error} again={live.reload} />}
      {!all && live.error === null && <Bones rows={3} />}
      {all && !some && <p class="small quiet">{t('No figures in this time yet. They are taken every minute.')}</p>}
      {all && some && (table ? <Figures {...picture} all={all} /> : (
        <>
          <Drawing lines={picture.lines} all={all} span={span} />
          <ul class="chart-keys small" aria-hidden="true">
            {picture.lines.map((line, at) => <li key={line.name} class={`key-${at}`}>{line.text}</li>)}
          </ul>
          <p class="unseen">{summary(picture.lines, all)}</p>
        </>
      ))}
    </div>
  );
}

/** Of one pool, or of all of them and the host. */
export function Charts({ pool }: { pool?: string }) {
  const [span, setSpan] = useState(spans[1]!.value);
  return (
    <section class="card" aria-labelledby="charts-head">
      <header><h2 id="charts-head">{t('Charts')}</h2></header>
      <div class="inside stack wide">
        <div class="chart-span"><SelectField label={t('Time span')} value={span} onValue={setSpan} options={spans} /></div>
        <div class="charts">
          {[...ofPools, ...(pool === undefined ? ofHost : [])].map((picture) => <Chart key={picture.title} picture={picture} span={Number(span)} pool={pool} />)}
        </div>
      </div>
    </section>
  );
}
