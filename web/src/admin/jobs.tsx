// Long work: list, progress, log, cancel.
import type { ComponentChildren } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import { api, asSentence, Problem, sentence, type Job } from '../api.ts';
import { duration } from '../format.ts';
import { t, tx } from '../language.ts';
import { useJobProgress, useLive, useLivePage, useNow } from '../live.ts';
import { ask } from '../ui/dialog.tsx';
import { SelectField } from '../ui/field.tsx';
import { JobIcon } from '../ui/icons.tsx';
import { Ago, Badge, Bar, Bones, Button, Empty, Failure, Notice } from '../ui/parts.tsx';
import { Table } from '../ui/table.tsx';
import { may } from '../who.ts';
import type { PageProps } from './admin.tsx';
import { Head } from './head.tsx';
import { jobStates } from './states.ts';

const isOpen = (job: Job) => job.state === 'running' || job.state === 'queued';

export function JobProgress({ job }: { job: Job }) {
  return (
    <div class="stack tight">
      <div class="row apart small no-wrap-row">
        <span class="quiet grow">{job.step || jobStates[job.state].text}</span>
        <span class="numbers quiet">{job.progress} %</span>
      </div>
      <Bar value={job.state === 'queued' ? null : job.progress} label={job.title} mood={job.state === 'failed' ? 'bad' : ''} />
    </div>
  );
}

export function RunningJobs({ empty }: { empty: ComponentChildren }) {
  const live = useLive((signal) => api.jobs({ state: 'running', limit: 10 }, signal), ['job'], []);
  const progress = useJobProgress();
  if (live.error !== null && !live.value) return <div class="inside"><Failure error={live.error} again={live.reload} /></div>;
  if (!live.value) return <div class="inside"><Bones rows={2} /></div>;
  const jobs = live.value.items.map((job) => progress.get(job.id) ?? job).filter(isOpen);
  if (jobs.length === 0) return <>{empty}</>;
  return (
    <ul class="lines">
      {jobs.map((job) => (
        <li key={job.id} class="stack tight">
          <a href={`#/admin/jobs/${job.id}`}><strong>{job.title}</strong></a>
          <JobProgress job={job} />
        </li>
      ))}
    </ul>
  );
}

function cancel(job: Job): void {
  ask({
    title: t('Cancel “{title}”?', { title: job.title }),
    text: t('What it has made so far is thrown away.'),
    action: t('Cancel the job'),
    keep: t('Keep it running'),
    danger: true,
    run: () => api.cancelJob(job.id),
  });
}

/** Follows a job's log, staying at its end unless the reader scrolled up. */
function JobLog({ job }: { job: Job }) {
  const [text, setText] = useState('');
  const [error, setError] = useState<unknown>(null);
  const box = useRef<HTMLPreElement>(null);
  const atEnd = useRef(true);
  const open = useRef(isOpen(job));
  open.current = isOpen(job);

  useEffect(() => {
    const stop = new AbortController();
    let next = 0;
    let timer = 0;
    const read = async () => {
      const last = !open.current;
      try {
        const part = await api.jobLog(job.id, next, stop.signal);
        next = part.next;
        if (part.text) setText((before) => (before + part.text).slice(-400_000));
        setError(null);
      } catch (problem) {
        if (stop.signal.aborted) return;
        setError(problem);
      }
      if (!last) timer = window.setTimeout(read, 1000);
    };
    void read();
    return () => {
      stop.abort();
      clearTimeout(timer);
    };
  }, [job.id]);

  useEffect(() => {
    if (atEnd.current && box.current) box.current.scrollTop = box.current.scrollHeight;
  }, [text]);

  return (
    <>
      {error !== null && <Notice mood="warn">{sentence(error)}</Notice>}
      <pre ref={box} class="log" tabIndex={0} role="log" aria-label={t('Log of {title}', { title: job.title })} onScroll={(event) => {
        const { scrollTop, scrollHeight, clientHeight } = event.currentTarget;
        atEnd.current = scrollHeight - scrollTop - clientHeight < 40;
      }}>{text || (isOpen(job) ? t('Nothing printed yet.') : t('This job printed nothing.'))}</pre>
    </>
  );
}

function Took({ job }: { job: Job }) {
  const now = useNow(1);
  if (job.started_ms === null) return <>{t('not started')}</>;
  return <>{duration((job.ended_ms ?? now) - job.started_ms)}</>;
}

function OneJob({ id, me }: { id: string; me: PageProps['me'] }) {
  const live = useLive((signal) => api.job(id, signal), ['job'], [id]);
  const progress = useJobProgress();
  const newer = progress.get(id);
  const job = live.value && newer && isOpen(live.value) ? newer : live.value;
  const back = { href: '#/admin/jobs', text: t('Jobs') };
  if (!job) {
    const gone = live.error instanceof Problem && live.error.kind === 'not-found';
    return (
      <>
        <Head title={t('Job')} back={back} />
        {live.error === null ? <Bones /> : gone ? <Empty title={t('There is no such job')}><p>{t('Old jobs are forgotten after a while.')}</p></Empty>
          : <Failure error={live.error} again={live.reload} />}
      </>
    );
  }
  return (
    <>
      <Head title={job.title} back={back}>
        <Badge mood={jobStates[job.state].mood}>{jobStates[job.state].text}</Badge>
        {isOpen(job) && may(me, 'jobs') && (
          <Button look="danger" disabled={job.cancel_requested} onClick={() => cancel(job)}>{job.cancel_requested ? t('Being cancelled') : t('Cancel')}</Button>
        )}
      </Head>
      <div class="card"><div class="inside stack">
        {job.error && <Notice mood={job.state === 'cancelled' ? 'warn' : 'bad'}>{asSentence(job.error)}</Notice>}
        <JobProgress job={job} />
        <p class="small faint">{tx('Begun {ago} by {actor}', { ago: <Ago time={job.created_ms} />, actor: job.actor ?? t('the system') })} · {isOpen(job) ? tx('for {time}', { time: <Took job={job} /> }) : tx('took {time}', { time: <Took job={job} /> })}</p>
        <JobLog job={job} />
      </div></div>
    </>
  );
}

const filters = [
  { value: '', text: t('All') }, { value: 'running', text: t('Running') }, { value: 'queued', text: t('Waiting') }, { value: 'done', text: t('Done') },
  { value: 'failed', text: t('Failed') }, { value: 'cancelled', text: t('Cancelled') },
];

function JobList() {
  const [state, setState] = useState('');
  const page = useLivePage((query, signal) => api.jobs({ ...query, state }, signal), ['job'], [state]);
  const progress = useJobProgress();
  const fresh = (job: Job) => (isOpen(job) ? progress.get(job.id) ?? job : job);
  return (
    <>
      <Head title={t('Jobs')} text={t('Long work: building images, starting machines. It goes on when you close this page.')} />
      <div class="card">
        <div class="filters"><SelectField label={t('State')} value={state} onValue={setState} options={filters} /></div>
        <Table label={t('Jobs')} file="jobs" page={page} rowKey={(job) => job.id} empty={
          <Empty icon={<JobIcon size={32} />} title={state ? t('No job is in this state') : t('No jobs yet')}>
            <p>{t('Jobs appear when you build an image or when a desktop has to boot.')}</p>
          </Empty>
        } columns={[
          { head: t('Job'), cell: (job) => <a href={`#/admin/jobs/${job.id}`}>{job.title}</a> },
          { head: t('State'), cell: (job) => <Badge mood={jobStates[fresh(job).state].mood}>{jobStates[fresh(job).state].text}</Badge> },
          {
            head: t('Progress'),
            look: 'wide-cell',
            cell: (job) => (isOpen(fresh(job)) ? <JobProgress job={fresh(job)} /> : job.error && <span class="small quiet">{asSentence(job.error)}</span>),
          },
          { head: t('Began'), cell: (job) => <Ago time={job.created_ms} /> },
          {
            head: t('Actions'),
            look: 'actions',
            cell: (job) => isOpen(fresh(job)) && <Button look="small danger" disabled={fresh(job).cancel_requested} onClick={() => cancel(job)}>{t('Cancel')}</Button>,
          },
        ]} />
      </div>
    </>
  );
}

export function Jobs({ me, route }: PageProps) {
  const id = route.parts[2];
  return id === undefined ? <JobList /> : <OneJob key={id} id={id} me={me} />;
}
