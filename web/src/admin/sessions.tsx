// Who is where: open sessions, and ending them.
import { useState } from 'preact/hooks';
import { api, type Ref, type Session } from '../api.ts';
import { t } from '../language.ts';
import { useLivePage } from '../live.ts';
import { startsFresh } from '../portal/logoff.ts';
import type { Bulk } from '../ui/bulk.tsx';
import { ask } from '../ui/dialog.tsx';
import { Check, TextField } from '../ui/field.tsx';
import { SessionIcon } from '../ui/icons.tsx';
import { Ago, Badge, Button, Empty } from '../ui/parts.tsx';
import { Table } from '../ui/table.tsx';
import { toast } from '../ui/toast.tsx';
import type { PageProps } from './admin.tsx';
import { Head } from './head.tsx';
import { activities } from './states.ts';

/** What a session was about may be gone meanwhile. */
const name = (thing: Ref | null) => thing?.name ?? t('deleted');

/** What they lose, as far as this person may look at pools. */
async function lostBy(session: Session): Promise<string> {
  const desktop = name(session.desktop);
  try {
    const pool = session.pool && await api.pool(session.pool.id);
    if (pool) {
      if (startsFresh(pool) && pool.home) return t('{desktop} goes back to its image. The files in their home folder stay; everything else is lost.', { desktop });
      return startsFresh(pool) ? t('{desktop} goes back to its image: everything on it is lost, saved files too.', { desktop })
        : t('Their programs on {desktop} are closed, and what is not saved is lost.', { desktop });
    }
  } catch {
    // a help desk sees no pools: the worse has to be said
  }
  return t('Their programs on {desktop} are closed. If it goes back to its image, everything on it is lost, saved files too.', { desktop });
}

async function logOff(session: Session): Promise<void> {
  const text = await lostBy(session);
  ask({
    title: t('Log off {name}?', { name: name(session.user) }),
    text,
    action: t('Log off'),
    danger: true,
    run: () => api.logOffSession(session.id),
  });
}

/** Deeds that one does to many. */
const bulk: Bulk<Session> = {
  name: (session) => `${name(session.user)}, ${name(session.desktop)}`,
  deeds: [
    {
      text: t('Disconnect'), means: t('Their pictures are taken away; their programs go on.'),
      refuse: (session) => (session.state === 'connected' ? null : activities[session.activity].text), run: (session) => api.disconnectSession(session.id),
    },
    {
      text: t('Log off'), means: t('Their programs are closed. A desktop that goes back to its image loses everything on it, saved files too.'), danger: true,
      refuse: (session) => (session.state === 'ended' ? activities[session.activity].text : null), run: (session) => api.logOffSession(session.id),
    },
  ],
};

/** A field's local time as milliseconds; empty or half typed: null. */
function timeOf(text: string): number | null {
  const time = text ? new Date(text).getTime() : NaN;
  return Number.isFinite(time) && time > 0 ? time : null;
}

export function Sessions(_: PageProps) {
  const [ended, setEnded] = useState(false);
  const [search, setSearch] = useState('');
  const [from, setFrom] = useState('');
  const [until, setUntil] = useState('');
  const [begin, end] = [timeOf(from), timeOf(until)];
  const crossed = begin !== null && end !== null && begin >= end;
  const filter = {
    ...(ended ? { ended: true } : {}), ...(search.trim() ? { search: search.trim() } : {}),
    ...(begin !== null && !crossed ? { from: begin } : {}), ...(end !== null && !crossed ? { until: end } : {}),
  };
  const page = useLivePage((query, signal) => api.sessions({ ...query, ...filter }, signal), ['session', 'desktop'], [filter]);
  return (
    <>
      <Head title={t('Sessions')} text={t('A session lasts from the first connection until log off. Disconnected: the person is away, the programs go on.')} />
      <div class="card">
        <div class="row wrap">
          <TextField label={t('Person or desktop')} type="search" value={search} onValue={setSearch} autocomplete="off" spellcheck={false} maxLength={60} />
          <TextField label={t('Went on after')} type="datetime-local" value={from} onValue={setFrom} />
          <TextField label={t('Began before')} type="datetime-local" value={until} onValue={setUntil} wrong={crossed ? t('This has to be later than the other time.') : null} />
          <Check label={t('Also those that have ended')} checked={ended} onValue={setEnded} />
        </div>
        <Table label={t('Sessions')} page={page} file="sessions" bulk={bulk} rowKey={(session) => session.id} empty={
          <Empty icon={<SessionIcon size={32} />} title={t('Nobody is in session')}>
            <p>{t('A session appears here when a person opens a desktop.')}</p>
          </Empty>
        } columns={[
          { head: t('Person'), cell: (session) => <strong>{name(session.user)}</strong> },
          { head: t('Desktop'), cell: (session) => name(session.desktop) },
          {
            head: t('Pool'),
            cell: (session) => <>{name(session.pool)}{session.policy && <> <span class="small quiet">{t('Policy: {name}', { name: session.policy.name })}</span></>}</>,
          },
          { head: t('State'), cell: (session) => <Badge mood={activities[session.activity].mood}>{activities[session.activity].text}</Badge> },
          { head: t('Since'), cell: (session) => <Ago time={session.since_ms} /> },
          { head: t('Began'), cell: (session) => <Ago time={session.started_ms} /> },
          { head: t('From'), cell: (session) => <span class="numbers">{session.client ?? '–'}</span> },
          {
            head: t('Actions'),
            look: 'actions',
            cell: (session) => (
              <div class="row tight end">
                {session.state === 'connected' && (
                  <Button look="small" onClick={async () => {
                    await api.disconnectSession(session.id);
                    toast(t('{name} is disconnected. Their programs go on.', { name: name(session.user) }));
                  }}>{t('Disconnect')}</Button>
                )}
                {session.state === 'ended' ? <span class="small quiet">{session.end_reason}</span>
                  : <Button look="small danger" onClick={() => logOff(session)}>{t('Log off')}</Button>}
              </div>
            ),
          },
        ]} />
      </div>
    </>
  );
}
