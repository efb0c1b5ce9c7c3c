// How the house is, on one page.
import type { ComponentChildren } from 'preact';
import { api, titleOf, type Status } from '../api.ts';
import { bytes, duration } from '../format.ts';
import { number, t } from '../language.ts';
import { useLive, useLivePage, useNow } from '../live.ts';
import { DoneIcon } from '../ui/icons.tsx';
import { Badge, Bar, Bones, Empty, Failure, Notice } from '../ui/parts.tsx';
import { may } from '../who.ts';
import type { PageProps } from './admin.tsx';
import { Charts } from './charts.tsx';
import { EventLine } from './events.tsx';
import { Head } from './head.tsx';
import { RunningJobs } from './jobs.tsx';
import { Health } from './pools.tsx';

function Figure({ label, value, detail, href }: { label: string; value: string; detail?: string; href: string }) {
  return (
    <a class="card figure" href={href}>
      <span class="figure-label">{label}</span>
      <span class="figure-value numbers">{value}</span>
      <span class="small faint">{detail ?? '\u00a0'}</span>
    </a>
  );
}

interface MeterProps { label: string; used: number; total: number; text: string }

function Meter({ label, used, total, text }: MeterProps) {
  const share = total > 0 ? (used / total) * 100 : 0;
  return (
    <div class="stack tight">
      <div class="row apart"><strong>{label}</strong><span class="small quiet numbers">{text}</span></div>
      <Bar value={share} label={label} mood={share > 92 ? 'bad' : share > 80 ? 'warn' : ''} />
    </div>
  );
}

function HostCard({ status }: { status: Status }) {
  const now = useNow(30);
  const { memory, disk, accelerator } = status;
  const kvm = accelerator.name === 'kvm';
  return (
    <Section title={t('Host {host}', { host: status.host })} id="host">
      <div class="inside stack">
        <div class="row tight">
          <Badge mood={kvm ? 'good' : 'warn'}>{kvm ? 'KVM' : accelerator.name.toUpperCase()}</Badge>
          <span class="small quiet grow">{accelerator.reason}</span>
        </div>
        <Meter label={t('Memory for machines')} used={memory.used_bytes} total={memory.limit_bytes}
          text={t('{used} of {all}', { used: bytes(memory.used_bytes), all: bytes(memory.limit_bytes) })} />
        <Meter label={t('Disk')} used={disk.total_bytes - disk.free_bytes} total={disk.total_bytes}
          text={t('{free} free of {all}', { free: bytes(disk.free_bytes), all: bytes(disk.total_bytes) })} />
        <p class="small quiet">
          {t('{count} more desktop fits into memory now, at {size} for an idle one. | {count} more desktops fit into memory now, at {size} for an idle one.', { count: status.counts.room, size: bytes(memory.desktop_bytes) })}
          {' '}{t('New ones are made while at least {size} of disk are free.', { size: bytes(disk.floor_bytes) })}
        </p>
        <p class="small faint">
          {`Oriel ${status.version}, QEMU ${status.qemu ?? t('not found')}, ${status.store}`};
          {' '}{t('running for {time}', { time: duration(now - status.started_ms) })}; {t('{count} template ready | {count} templates ready', { count: status.counts.templates })}, <span title={t('Empty machines that already run, kept so that the next desktop opens at once. They take part of the memory.')}>{t('{count} machine waiting for the next click | {count} machines waiting for the next click', { count: status.counts.waiting })}</span>
        </p>
      </div>
    </Section>
  );
}

function Section({ title, id, more, children }: { title: string; id: string; more?: ComponentChildren; children: ComponentChildren }) {
  return (
    <section class="card" aria-labelledby={`${id}-head`}>
      <header><h2 id={`${id}-head`}>{title}</h2>{more}</header>
      {children}
    </section>
  );
}

function PoolsCard() {
  const page = useLivePage((query, signal) => api.pools(query, signal), ['pool', 'desktop', 'session'], [], 8);
  const pools = page.value?.items;
  return (
    <Section title={t('Pools')} id="pools" more={<a class="small" href="#/admin/pools">{t('All pools')}</a>}>
      {page.error !== null && !pools && <div class="inside"><Failure error={page.error} again={page.reload} /></div>}
      {!pools && page.error === null && <div class="inside"><Bones rows={3} /></div>}
      {pools?.length === 0 && (
        <Empty title={t('No pools yet')}>
          <p>{t('A pool is a set of like desktops made from one image. People get a tile for each pool they may use.')}</p>
          <a class="button main" href="#/admin/pools/new">{t('Create a pool')}</a>
        </Empty>
      )}
      {pools && pools.length > 0 && (
        <ul class="lines">
          {pools.map((pool) => (
              <li key={pool.id} class="row">
                <a class="grow one-line" href={`#/admin/pools/${pool.name}`}><strong>{titleOf(pool)}</strong></a>
                <span class="small quiet numbers">{t('{sessions} in session · {desktops} of {size}', { sessions: pool.counts.sessions, desktops: pool.counts.desktops, size: pool.size })}</span>
                <Health pool={pool} />
              </li>
          ))}
        </ul>
      )}
    </Section>
  );
}

function EventsCard() {
  const live = useLive((signal) => api.events({ limit: 8 }, signal), ['event'], []);
  return (
    <Section title={t('Latest events')} id="events" more={<a class="small" href="#/admin/events">{t('All events')}</a>}>
      {live.error !== null && !live.value && <div class="inside"><Failure error={live.error} again={live.reload} /></div>}
      {!live.value && live.error === null && <div class="inside"><Bones /></div>}
      {live.value?.items.length === 0 && <div class="inside quiet">{t('Nothing has happened yet.')}</div>}
      <ul class="lines">{live.value?.items.map((event) => <li key={event.id}><EventLine event={event} /></li>)}</ul>
    </Section>
  );
}

export function Dashboard({ me }: PageProps) {
  const live = useLive((signal) => api.status(signal), ['desktop', 'session', 'pool', 'image', 'host', 'job'], []);
  const status = live.value;
  return (
    <>
      <Head title={t('Dashboard')} />
      {live.error !== null && <Failure error={live.error} again={live.reload} />}
      {!status && live.error === null && <Bones rows={6} height="3rem" />}
      {status && (
        <div class="stack wide">
          {status.warnings.map((warning) => <Notice key={warning} mood="warn">{warning}</Notice>)}
          <div class="figures">
            <Figure label={t('Sessions')} value={number(status.counts.sessions)} detail={t('open now')} href="#/admin/sessions" />
            <Figure label={t('Desktops')} value={number(status.counts.running)} detail={status.counts.starting ? t('running of {all}, {starting} starting', { all: status.counts.desktops, starting: status.counts.starting }) : t('running of {all}', { all: status.counts.desktops })} href="#/admin/desktops" />
            <Figure label={t('Failed')} value={number(status.counts.failed)} detail={status.counts.failed ? t('need a look') : t('none')} href="#/admin/desktops?state=failed" />
            <Figure label={t('Images')} value={number(status.counts.images)} detail={t('{count} pool | {count} pools', { count: status.counts.pools })} href="#/admin/images" />
          </div>
          <div class="halves">
            <div class="stack wide">
              <HostCard status={status} />
              <Section title={t('Running jobs')} id="jobs" more={<a class="small" href="#/admin/jobs">{t('All jobs')}</a>}>
                <RunningJobs empty={<div class="inside row tight quiet"><DoneIcon />{t('Nothing is being built or moved now.')}</div>} />
              </Section>
            </div>
            <div class="stack wide">
              <PoolsCard />
              {may(me, 'events') && <EventsCard />}
            </div>
          </div>
          <Charts />
        </div>
      )}
    </>
  );
}
