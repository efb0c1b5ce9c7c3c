// The form of a plan, new or not; each kind has its own fields. Every choice says what it does.
import { useRef, useState } from 'preact/hooks';
import { api, sentence, type Plan, type PlanKind } from '../api.ts';
import { t } from '../language.ts';
import { Dialog } from '../ui/dialog.tsx';
import { Check, Choices, SelectField, TextField, type Option } from '../ui/field.tsx';
import { Button, Notice } from '../ui/parts.tsx';
import { toast } from '../ui/toast.tsx';
import { clientKinds, emptyPlan, moments, planBody, planDraft, planWrong, type PlanDraft, type PlanWrong, type RuleDraft } from './plan-values.ts';
import { hereZone, ScheduleFields } from './schedule-fields.tsx';
import { emptySchedule } from './schedule-values.ts';

export const planKinds: { value: PlanKind; text: string; help: string }[] = [
  { value: 'power', text: t('Power plan'), help: t('When desktops sleep or are switched off, and how many wait ready.') },
  { value: 'release', text: t('Release plan'), help: t('When people who are away are logged off, and what becomes of their desktop.') },
  { value: 'display', text: t('Display plan'), help: t('What passes between a desktop and the screen on which it is seen.') },
];

const actions: Option[] = [
  { value: 'none', text: t('Leave it running') },
  { value: 'suspend', text: t('Suspend it') },
  { value: 'shut-down', text: t('Shut it down') },
  { value: 'power-off', text: t('Switch it off at once') },
];

const momentText: Record<(typeof moments)[number], { label: string; help: string; minutes: string }> = {
  on_disconnect: { label: t('After its person has disconnected'), help: t('The session goes on; nobody looks at it.'), minutes: t('Minutes after disconnecting') },
  on_log_off: { label: t('After its person has logged off'), help: t('Only desktops that stay somebody’s.'), minutes: t('Minutes after logging off') },
  on_idle: { label: t('While its person does nothing'), help: t('They are connected, without keys or pointer; they are disconnected first.'), minutes: t('Minutes without input') },
};

const thens: Option[] = [
  { value: 'as-pool', text: t('As the pool says') },
  { value: 'keep', text: t('Keep it') },
  { value: 'refresh', text: t('Refresh it') },
  { value: 'delete', text: t('Delete it') },
];

const ways: Option[] = [
  { value: 'both', text: t('Both ways') },
  { value: 'to_desktop', text: t('Only to the desktop') },
  { value: 'from_desktop', text: t('Only from the desktop') },
  { value: 'none', text: t('Not at all') },
];

const clientText: Record<string, string> = { browser: t('In the browser'), vv: t('With remote-viewer'), rdp: t('With an RDP client') };

interface PartProps {
  draft: PlanDraft;
  wrong: PlanWrong;
  set: <K extends keyof PlanDraft>(field: K) => (value: PlanDraft[K]) => void;
}

function Rule({ moment, rule, wrong, onValue }: { moment: (typeof moments)[number]; rule: RuleDraft; wrong: string | undefined; onValue: (rule: RuleDraft) => void }) {
  const { label, help, minutes } = momentText[moment];
  return (
    <div class="pair">
      <SelectField label={label} help={help} value={rule.action} onValue={(action) => onValue({ ...rule, action })} options={actions} />
      {rule.action !== 'none' && (
        <TextField label={minutes} value={rule.after_minutes} onValue={(after_minutes) => onValue({ ...rule, after_minutes })} wrong={wrong} inputMode="numeric" />
      )}
    </div>
  );
}

function PowerFields({ draft, wrong, set }: PartProps) {
  const empty = t('Free desktops that wait for the next people. Empty: as the pool says.');
  return (
    <>
      <h3>{t('What a desktop does')}</h3>
      <p class="small quiet">{t('A desktop that was suspended goes on where it was at the next click; one that was shut down starts again.')}</p>
      {moments.map((one) => <Rule key={one} moment={one} rule={draft[one]} wrong={wrong[one]} onValue={set(one)} />)}
      <h3>{t('How many wait ready')}</h3>
      <Check label={t('Other numbers at peak times')} help={t('Such as many in the morning and none at night.')} checked={draft.peak !== null}
        onValue={(on) => set('peak')(on ? emptySchedule(hereZone()) : null)} />
      <div class="pair">
        <TextField label={draft.peak ? t('Kept ready at peak times') : t('Kept ready')} value={draft.peak_spares} onValue={set('peak_spares')} wrong={wrong.peak_spares} inputMode="numeric" help={empty} />
        {draft.peak && <TextField label={t('Kept ready at other times')} value={draft.off_peak_spares} onValue={set('off_peak_spares')} wrong={wrong.off_peak_spares} inputMode="numeric" help={empty} />}
      </div>
      {draft.peak && <h3>{t('Peak times')}</h3>}
      {draft.peak && <ScheduleFields draft={draft.peak} onValue={set('peak')} none={t('Without a window it is never peak time.')} />}
    </>
  );
}

function ReleaseFields({ draft, wrong, set }: PartProps) {
  const span = (field: 'log_off_after_minutes' | 'lock_after_idle_minutes' | 'disconnect_after_idle_minutes' | 'log_off_after_idle_minutes' | 'release_after_minutes', label: string, help: string) => (
    <TextField label={label} help={help} value={draft[field]} onValue={set(field)} wrong={wrong[field]} inputMode="numeric" />
  );
  return (
    <>
      <p class="small quiet">{t('All times are in minutes. Empty: never.')}</p>
      <h3>{t('While somebody does nothing')}</h3>
      {span('lock_after_idle_minutes', t('Lock the screen after'), t('The image needs a screen locker. Where it is Oriel’s, people unlock it by logging in to the portal again.'))}
      {span('disconnect_after_idle_minutes', t('Disconnect after'), t('Programs go on; the portal lets the person in again.'))}
      {span('log_off_after_idle_minutes', t('Log off after'), t('What is not saved is lost.'))}
      <h3>{t('While somebody is disconnected')}</h3>
      <div class="pair">
        {span('log_off_after_minutes', t('Log off when disconnected for'), t('The session ends, and its programs with it.'))}
        <SelectField label={t('The desktop after log off')} value={draft.at_log_off} onValue={set('at_log_off')} options={thens}
          help={t('Where it is kept, the next person may find what the last one left.')} />
      </div>
      <h3>{t('Dedicated desktops that nobody uses')}</h3>
      <div class="pair">
        {span('release_after_minutes', t('Release without a session for'), t('The desktop is nobody’s again.'))}
        <SelectField label={t('The desktop at release')} value={draft.at_release} onValue={set('at_release')} options={[{ value: 'as-pool', text: t('As usual: refresh it') }, ...thens.slice(1)]} />
      </div>
    </>
  );
}

function DisplayFields({ draft, wrong, set }: PartProps) {
  const offer = (client: string, on: boolean) => set('clients')(clientKinds.filter((one) => (one === client ? on : draft.clients.includes(one))));
  return (
    <>
      <SelectField label={t('Copied text passes')} value={draft.clipboard} onValue={set('clipboard')} options={ways} disabled={draft.view_only}
        help={draft.view_only ? t('Who only looks on copies nothing.') : t('Which way the clipboard works.')} />
      <SelectField label={t('Files pass')} value={draft.files} onValue={set('files')} options={ways}
        help={t('Between people’s browsers and the folder Downloads of their desktop.')} />
      <Check label={t('Look only')} help={t('Neither keys nor pointer reach the desktop, nor does the clipboard.')} checked={draft.view_only} onValue={set('view_only')} />
      <Check label={t('The screen takes the size of the window')} help={t('Off: it keeps its size and is shown smaller or larger.')} checked={draft.follow_window} onValue={set('follow_window')} />
      <Check label={t('Limit the size of the screen')} help={t('No window makes it larger.')} checked={draft.limited} onValue={set('limited')} />
      {draft.limited && (
        <div class="pair">
          <TextField label={t('Width at most')} value={draft.width} onValue={set('width')} wrong={wrong.width} inputMode="numeric" />
          <TextField label={t('Height at most')} value={draft.height} onValue={set('height')} wrong={wrong.height} inputMode="numeric" />
        </div>
      )}
      <Check label={t('What the desktop plays may be heard')} help={t('In the browser. An RDP client is only asked to play nothing.')} checked={draft.sound} onValue={set('sound')} />
      <TextField label={t('Data to the viewer, at most (kbit/s)')} value={draft.bandwidth_kbit_s} onValue={set('bandwidth_kbit_s')} wrong={wrong.bandwidth_kbit_s} inputMode="numeric"
        help={t('For a line that many share. The picture then comes later, keys and pointer do not. Empty: no limit.')} />
      <fieldset class="field">
        <legend class="label">{t('How people may open it')}</legend>
        <div class="stack tight">
          {clientKinds.map((one) => <Check key={one} label={clientText[one]} checked={draft.clients.includes(one)} onValue={(on) => offer(one, on)} />)}
          {wrong.clients && <Notice mood="bad">{wrong.clients}</Notice>}
        </div>
      </fieldset>
      {draft.clients.includes('rdp') && (
        <fieldset class="field">
          <legend class="label">{t('What an RDP client may bring along')}</legend>
          <p class="small quiet">{t('Only RDP can. The file with which people connect asks their client to leave the rest out; it is not held to that.')}</p>
          <div class="stack tight">
            <Check label={t('Drives and folders')} checked={draft.drives} onValue={set('drives')} />
            <Check label={t('USB devices')} checked={draft.usb} onValue={set('usb')} />
            <Check label={t('Printers')} checked={draft.printers} onValue={set('printers')} />
          </div>
        </fieldset>
      )}
    </>
  );
}

const parts = { power: PowerFields, release: ReleaseFields, display: DisplayFields };

interface Props { plan: Plan | null; write: boolean; onClose: () => void }

/** Starts from the plan as it was when the dialog opened. */
export function PlanDialog({ plan, write, onClose }: Props) {
  const [draft, setDraft] = useState<PlanDraft>(() => (plan ? planDraft(plan) : emptyPlan()));
  const [tried, setTried] = useState(false);
  const [problem, setProblem] = useState<string | null>(null);
  const form = useRef<HTMLFormElement>(null);
  const wrong = planWrong(draft);
  const set: PartProps['set'] = (field) => (value) => setDraft((before) => ({ ...before, [field]: value }));
  const Part = parts[draft.kind];
  const save = async () => {
    setTried(true);
    setProblem(null);
    if (Object.keys(wrong).length > 0) {
      requestAnimationFrame(() => form.current?.querySelector<HTMLElement>('[aria-invalid=true]')?.focus());
      return;
    }
    try {
      if (plan) await api.updatePlan(plan.id, planBody(draft, plan.settings));
      else await api.createPlan({ ...planBody(draft), kind: draft.kind });
      toast(plan ? t('Saved.') : t('Plan {name} is there. Pools and policies can choose it now.', { name: draft.name }));
      onClose();
    } catch (error) {
      setProblem(sentence(error));
    }
  };
  return (
    <Dialog wide title={plan ? plan.name : t('Create a plan')} onClose={onClose} footer={
      <><Button onClick={onClose}>{write ? t('Cancel') : t('Close')}</Button>{write && <Button look="main" onClick={save}>{plan ? t('Save') : t('Create plan')}</Button>}</>
    }>
      <form ref={form} onSubmit={(event) => { event.preventDefault(); void save(); }} noValidate>
        <fieldset class="stack" disabled={!write}>
          <legend class="unseen">{t('Settings of the plan')}</legend>
          {problem && <Notice mood="bad" seek>{problem}</Notice>}
          {!write && <Notice>{t('You may look at plans; an administrator may change them.')}</Notice>}
          {plan && plan.pools > 0 && write && <Notice>{t('{count} pool uses it. A change holds at once, for open sessions too. | {count} pools use it. A change holds at once, for open sessions too.', { count: plan.pools })}</Notice>}
          <div class="pair">
            <TextField label={t('Name')} value={draft.name} onValue={set('name')} wrong={tried || draft.name ? wrong.name : null} autocapitalize="off" autocomplete="off" spellcheck={false} />
            <TextField label={t('Description')} value={draft.description} onValue={set('description')} wrong={wrong.description} />
          </div>
          {!plan && <Choices legend={t('What is it about?')} value={draft.kind} onValue={(value) => set('kind')(value as PlanKind)} options={planKinds} />}
          <Part draft={draft} wrong={wrong} set={set} />
          <button type="submit" hidden />
        </fieldset>
      </form>
    </Dialog>
  );
}
