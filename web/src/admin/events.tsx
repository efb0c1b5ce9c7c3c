// The audit trail.
import { useState } from 'preact/hooks';
import { api, type AuditEvent } from '../api.ts';
import { clock } from '../format.ts';
import { t } from '../language.ts';
import { useLivePage, type LivePage } from '../live.ts';
import { go } from '../route.ts';
import { EventIcon } from '../ui/icons.tsx';
import { TextField } from '../ui/field.tsx';
import { Ago, Badge, Button, Empty } from '../ui/parts.tsx';
import { Table } from '../ui/table.tsx';
import type { PageProps } from './admin.tsx';
import { Head } from './head.tsx';
import { kindNames } from './states.ts';


function nameOf(event: AuditEvent): string {
  return event.object?.name ?? event.object?.id ?? '';
}

const word = (value: unknown): string => {
  if (value === null || value === '') return t('none');
  if (typeof value === 'boolean') return value ? t('yes') : t('no');
  return typeof value === 'object' ? JSON.stringify(value) : String(value);
};

/** A pair is a change: the old value and the new one. */
function valueText(value: unknown): string {
  if (!Array.isArray(value)) return word(value);
  return value.length === 2 ? `${word(value[0])} → ${word(value[1])}` : value.map(word).join(', ');
}

/** {"group":"everyone"} as "group: everyone". */
export function detailText(detail: Record<string, unknown>): string {
  return Object.entries(detail)
    .filter(([, value]) => value !== null && value !== '')
    .map(([name, value]) => `${name.replaceAll('_', ' ')}: ${valueText(value)}`)
    .join(', ');
}

function Result({ event }: { event: AuditEvent }) {
  return event.result === 'ok' ? null : <Badge mood="bad">{event.result}</Badge>;
}

export function EventLine({ event }: { event: AuditEvent }) {
  return (
    <div class="event-line">
      <span class="grow">
        <strong>{event.actor}</strong> <code>{event.action}</code> {nameOf(event)}
        {' '}<Result event={event} />
        {detailText(event.detail) && <><br /><span class="small quiet">{detailText(event.detail)}</span></>}
      </span>
      <span class="small faint"><Ago time={event.time_ms} /></span>
    </div>
  );
}

function matches(event: AuditEvent, words: string[]): boolean {
  const text = `${event.actor} ${event.address ?? ''} ${event.action} ${event.result} ${event.object?.kind ?? ''} ${nameOf(event)} ${detailText(event.detail)}`.toLowerCase();
  return words.every((word) => text.includes(word));
}

function filtered(page: LivePage<AuditEvent>, text: string): LivePage<AuditEvent> {
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  if (!page.value || words.length === 0) return page;
  return { ...page, value: { ...page.value, items: page.value.items.filter((event) => matches(event, words)) } };
}

/** The thing a history is about, as its newest event calls it: pool "demo". */
function aboutOf(events: AuditEvent[], id: string): string {
  const object = events.find((event) => event.object?.id === id)?.object;
  return object ? `${kindNames[object.kind] ?? object.kind} ${object.name ?? id}` : id;
}

export function Events({ route }: PageProps) {
  const object = route.query.get('object') ?? '';
  const [text, setText] = useState('');
  const page = useLivePage((query, signal) => api.events({ ...query, object }, signal),
    ['event'], [object], 100);
  const about = aboutOf(page.value?.items ?? [], object);
  const shown = filtered(page, text);
  const nothingHere = text !== '' && page.value !== null && shown.value?.items.length === 0;
  return (
    <>
      <Head title={object ? t('History of {what}', { what: about }) : t('Events')} text={t('Who did what, newest first. Nothing can change or delete an event.')}>
        {object && <Button onClick={() => go('/admin/events')}>{t('Show events of everything')}</Button>}
      </Head>
      <div class="card">
        <div class="filters">
          <TextField label={t('Filter this page')} type="search" value={text} onValue={setText} placeholder={t('A name, an action…')} />
        </div>
        {nothingHere && page.forth && (
          <div class="inside row"><span class="quiet">{t('Nothing on this page matches.')}</span><Button look="small" onClick={page.forth}>{t('Look on the next page')}</Button></div>
        )}
        <Table label={t('Events')} file="events" page={shown} rowKey={(event) => event.id} empty={
          <Empty icon={<EventIcon size={32} />} title={text ? t('Nothing on this page matches') : t('No events')}>
            <p>{text ? t('Try fewer words.') : t('Everything that people and the system do will be listed here.')}</p>
          </Empty>
        } columns={[
          { head: t('When'), cell: (event) => <time class="numbers no-wrap" dateTime={new Date(event.time_ms).toISOString()}>{clock(event.time_ms)}</time> },
          { head: t('Who'), cell: (event) => <>{event.actor}{event.address && <div class="small faint">{event.address}</div>}</> },
          { head: t('What'), cell: (event) => <><code>{event.action}</code> <Result event={event} /></> },
          {
            head: t('On'),
            cell: (event) => {
              const linked = event.object?.kind === 'pool' && event.object.name !== null;
              return linked ? <a href={`#/admin/pools/${nameOf(event)}`}>{nameOf(event)}</a> : <span>{nameOf(event)}</span>;
            },
          },
          { head: t('Detail'), look: 'wide-cell', cell: (event) => detailText(event.detail) && <span class="quiet">{detailText(event.detail)}</span> },
          {
            head: t('Actions'),
            look: 'actions',
            cell: (event) => event.object?.id && !object
              && <a class="button small plain" href={`#/admin/events?object=${event.object.id}`} aria-label={t('History of {what}', { what: nameOf(event) })}>{t('History')}</a>,
          },
        ]} />
      </div>
    </>
  );
}
