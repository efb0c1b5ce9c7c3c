// Policies: in the order in which they are tried; the first whose conditions hold decides.
import { useState } from 'preact/hooks';
import { api, sentence, type Policy, type PolicyExplanation, type PlanKind, type PolicyBody } from '../api.ts';
import { t } from '../language.ts';
import { allOf, useLive } from '../live.ts';
import { may } from '../who.ts';
import { ask, Dialog } from '../ui/dialog.tsx';
import { Check, SelectField, TextField } from '../ui/field.tsx';
import { PlusIcon } from '../ui/icons.tsx';
import { Badge, Bones, Button, Empty, Failure, Notice } from '../ui/parts.tsx';
import { toast } from '../ui/toast.tsx';
import type { PageProps } from './admin.tsx';
import { Head } from './head.tsx';
import { NamePicker } from './picker.tsx';
import { planOptions } from './plan-values.ts';
import { nameWrong } from './pool-values.ts';
import { addressesWrong, bodyOf, deviceKinds, draftOf, emptyPolicy, summary, type PolicyDraft } from './policy-values.ts';
import { hereZone, ScheduleFields } from './schedule-fields.tsx';
import { emptySchedule, scheduleRight } from './schedule-values.ts';

const lists: { field: 'users' | 'groups' | 'pools' | 'roles' | 'addresses' | 'devices'; label: string; help: string }[] = [
  { field: 'users', label: t('Users'), help: t('Names with commas between them. Of users and groups one is enough. Empty: anybody.') },
  { field: 'groups', label: t('Groups'), help: t('Names with commas between them.') },
  { field: 'pools', label: t('Pools'), help: t('Names with commas between them. Empty: every pool.') },
  { field: 'roles', label: t('Roles'), help: 'admin, operator, helpdesk, auditor, user' },
  { field: 'addresses', label: t('Addresses'), help: t('Networks with commas between them, such as 192.0.2.0/24 or 2001:db8::/32. Empty: from anywhere.') },
  { field: 'devices', label: t('Devices'), help: deviceKinds.join(', ') },
];

function PolicyDialog({ policy, onClose }: { policy: Policy | null; onClose: () => void }) {
  const [draft, setDraft] = useState<PolicyDraft>(policy ? draftOf(policy) : emptyPolicy());
  const [tried, setTried] = useState(false);
  const [wrong, setWrong] = useState<string | null>(null);
  const plans = useLive(() => allOf(api.plans), ['plan'], []);
  const set = <K extends keyof PolicyDraft>(field: K) => (value: PolicyDraft[K]) => setDraft((before) => ({ ...before, [field]: value }));
  const badName = nameWrong(draft.name);
  const badAddresses = addressesWrong(draft.addresses);
  const denies = draft.deny.trim() !== '';
  const badTimes = draft.times !== null && !scheduleRight(draft.times);
  const options = (kind: PlanKind) => planOptions(plans.value ?? [], kind, draft[`${kind}_plan`], t('As the pool says'));
  const save = async () => {
    setTried(true);
    if (badName || badAddresses || badTimes) return;
    const body: PolicyBody = bodyOf(draft);
    try {
      if (policy) await api.updatePolicy(policy.id, body);
      else await api.createPolicy({ ...body, name: draft.name });
      onClose();
    } catch (problem) {
      setWrong(sentence(problem));
    }
  };
  return (
    <Dialog wide title={policy ? policy.name : t('Create a policy')} onClose={onClose} footer={
      <><Button onClick={onClose}>{t('Cancel')}</Button><Button look="main" onClick={save}>{policy ? t('Save') : t('Create policy')}</Button></>
    }>
      <form class="stack" onSubmit={(event) => { event.preventDefault(); void save(); }} noValidate>
        {wrong && <Notice mood="bad" seek>{wrong}</Notice>}
        <TextField label={t('Name')} value={draft.name} onValue={set('name')} wrong={tried || draft.name ? badName : null} autocapitalize="off" autocomplete="off" spellcheck={false} />
        <TextField label={t('Description')} value={draft.description} onValue={set('description')} maxLength={200} />
        <h3>{t('When')}</h3>
        <p class="small quiet">{t('All conditions that are filled in must hold.')}</p>
        {lists.map((one) => (
          <TextField key={one.field} label={one.label} help={one.help} value={draft[one.field]} onValue={set(one.field)} autocapitalize="off" autocomplete="off" spellcheck={false}
            wrong={one.field === 'addresses' ? badAddresses : null} />
        ))}
        <Check label={t('Only at certain times')} help={t('Off: at any time.')} checked={draft.times !== null} onValue={(on) => set('times')(on ? emptySchedule(hereZone()) : null)} />
        {draft.times && <ScheduleFields draft={draft.times} onValue={set('times')} none={t('Without a window it never holds.')} />}
        <h3>{t('Then')}</h3>
        <TextField label={t('Refuse with this sentence')} value={draft.deny} onValue={set('deny')} maxLength={200} help={t('Whoever is refused reads it. Empty: people are let in.')} />
        {!denies && (
          <>
            <TextField label={t('Show only these pools')} value={draft.only_pools} onValue={set('only_pools')} help={t('Names with commas between them. Empty: every pool.')} />
            <SelectField label={t('Power plan')} value={draft.power_plan} onValue={set('power_plan')} options={options('power')} />
            <SelectField label={t('Release plan')} value={draft.release_plan} onValue={set('release_plan')} options={options('release')} />
            <SelectField label={t('Display plan')} value={draft.display_plan} onValue={set('display_plan')} options={options('display')} />
          </>
        )}
        <Check label={t('Switched on')} help={t('Off: it is not tried.')} checked={draft.enabled} onValue={set('enabled')} />
      </form>
    </Dialog>
  );
}

const reasons: Record<string, string> = {
  matches: t('Decides'),
  off: t('It is switched off'),
  unreadable: t('It cannot be read'),
  person: t('For other people'),
  role: t('For other roles'),
  pool: t('For other pools'),
  address: t('For other addresses'),
  device: t('For other devices'),
  time: t('For other times'),
  'not-reached': t('Not reached'),
};

function Explain() {
  const [user, setUser] = useState('');
  const [address, setAddress] = useState('');
  const [pool, setPool] = useState('');
  const [device, setDevice] = useState('desktop');
  const [at, setAt] = useState('');
  const [answer, setAnswer] = useState<PolicyExplanation | null>(null);
  const [wrong, setWrong] = useState<string | null>(null);
  const run = async () => {
    try {
      setAnswer(await api.explainPolicy({
        user: user.trim(), device, ...(address.trim() ? { address: address.trim() } : {}), ...(pool.trim() ? { pool: pool.trim() } : {}),
        ...(at ? { time_ms: new Date(at).getTime() } : {}),
      }));
      setWrong(null);
    } catch (problem) {
      setAnswer(null);
      setWrong(sentence(problem));
    }
  };
  const kinds = answer ? ([[t('Power plan'), answer.plans.power], [t('Release plan'), answer.plans.release], [t('Display plan'), answer.plans.display]] as const) : [];
  return (
    <section class="card" aria-label={t('Explain')}>
      <header><div><h2>{t('Explain')}</h2><p class="small quiet">{t('Who, from where, with what and when: which policy decides, and why the others do not.')}</p></div></header>
      <form class="inside stack" onSubmit={(event) => { event.preventDefault(); if (user.trim()) void run(); }} noValidate>
        <div class="pair">
          <NamePicker kind="user" label={t('Person')} value={user} onValue={setUser} />
          <TextField label={t('From which address')} value={address} onValue={setAddress} placeholder="192.0.2.7" autocomplete="off" />
        </div>
        <div class="pair">
          <TextField label={t('To which pool')} value={pool} onValue={setPool} autocapitalize="off" autocomplete="off" spellcheck={false} />
          <SelectField label={t('With which device')} value={device} onValue={setDevice} options={deviceKinds.map((one) => ({ value: one, text: one }))} />
        </div>
        <TextField label={t('At what time')} type="datetime-local" value={at} onValue={setAt} help={t('Empty: now.')} />
        <div class="row"><Button type="submit" disabled={!user.trim()}>{t('Explain')}</Button></div>
        {wrong && <Notice mood="bad">{wrong}</Notice>}
        {answer && (
          <div class="stack tight" role="status">
            <p><strong>{answer.decided ? t('Policy {name} decides.', { name: answer.decided.name }) : t('No policy decides: everything is as the pool says.')}</strong></p>
            {answer.denied !== null && <Notice mood="bad">{answer.denied}</Notice>}
            {!answer.entitled && <Notice mood="warn">{t('The person is not entitled to this pool, whatever policies say.')}</Notice>}
            {kinds.map(([label, plan]) => plan && <p key={label} class="small">{label}: {plan.name}</p>)}
            <ol class="stack tight">
              {answer.rules.map((rule) => <li key={rule.policy.id}>{rule.policy.name}: {reasons[rule.reason] ?? rule.why}</li>)}
            </ol>
          </div>
        )}
      </form>
    </section>
  );
}

export function Policies({ me }: PageProps) {
  const page = useLive((signal) => api.policies(signal), ['policy', 'plan', 'user', 'group', 'pool'], []);
  const [editing, setEditing] = useState<Policy | 'new' | null>(null);
  const write = may(me, 'pools-write');
  const policies = page.value ?? [];
  const move = async (from: number, to: number) => {
    const order = policies.map((one) => one.id);
    order.splice(to, 0, ...order.splice(from, 1));
    try {
      await api.orderPolicies(order);
      page.reload();
      toast(t('{name} is number {place} now.', { name: policies[from]!.name, place: to + 1 }));
    } catch (problem) {
      toast(sentence(problem), 'bad');
    }
  };
  const remove = (policy: Policy) => ask({
    title: t('Delete policy {name}?', { name: policy.name }),
    text: t('It holds no more at once, for open sessions too.'),
    action: t('Delete policy'),
    danger: true,
    run: async () => {
      await api.deletePolicy(policy.id);
      page.reload();
    },
  });
  const create = write && <Button look="main" onClick={() => setEditing('new')}><PlusIcon />{t('Create policy')}</Button>;
  return (
    <>
      <Head title={t('Policies')} text={t('They are tried from the top; the first whose conditions hold decides. Where none does, everything is as the pool says.')}>{create}</Head>
      {page.error !== null && <Failure error={page.error} again={page.reload} />}
      {!page.value && page.error === null && <Bones rows={4} height="2rem" />}
      {page.value?.length === 0 && (
        <div class="card"><Empty title={t('No policies yet')}><p>{t('With a policy you say from where, with what and when people get in, and which plans hold then.')}</p>{create}</Empty></div>
      )}
      {policies.length > 0 && (
        <ol class="stack wide" style={{ listStyle: 'none' }} aria-label={t('Policies')}>
          {policies.map((policy, place) => (
            <li key={policy.id} class="card">
              <header>
                <div>
                  <h2>{place + 1}. {policy.name} {!policy.enabled && <Badge>{t('Switched off')}</Badge>}</h2>
                  <p class="small quiet">{policy.description}</p>
                </div>
                {write && (
                  <div class="row tight">
                    <Button look="small" disabled={place === 0} label={t('Move {name} up', { name: policy.name })} onClick={() => void move(place, place - 1)}>↑</Button>
                    <Button look="small" disabled={place === policies.length - 1} label={t('Move {name} down', { name: policy.name })} onClick={() => void move(place, place + 1)}>↓</Button>
                    <Button look="small" onClick={() => setEditing(policy)}>{t('Change…')}</Button>
                    <Button look="small danger" onClick={() => remove(policy)}>{t('Delete…')}</Button>
                  </div>
                )}
              </header>
              <div class="inside stack tight">
                {summary(policy).map((line) => <p key={line} class="small">{line}</p>)}
                {policy.warnings.map((line) => <Notice key={line} mood="warn">{line}</Notice>)}
              </div>
            </li>
          ))}
        </ol>
      )}
      <Explain />
      {editing !== null && <PolicyDialog policy={editing === 'new' ? null : editing} onClose={() => { setEditing(null); page.reload(); }} />}
    </>
  );
}
