// The form of a pool, new or not. Every field says what it does; the side says what it will take.
import { useState } from 'preact/hooks';
import { api, sentence, type Image, type PoolType, type Provisioning } from '../api.ts';
import { t, tx } from '../language.ts';
import { allOf, useLive } from '../live.ts';
import { Check, Choices, SelectField, TextField } from '../ui/field.tsx';
import { Button, Notice } from '../ui/parts.tsx';
import { planKinds } from './plan-form.tsx';
import { planOptions } from './plan-values.ts';
import { poolWrong, preview, type PoolDraft } from './pool-values.ts';

interface Props {
  start: PoolDraft;
  isNew: boolean;
  images: Image[];
  /** false: this person may look, not change */
  write: boolean;
  onSave: (draft: PoolDraft) => Promise<void>;
  onCancel?: () => void;
}

const types = [
  { value: 'floating', text: t('Floating'), help: t('Any free desktop each time. Best for most people: always fresh.') },
  { value: 'dedicated', text: t('Dedicated'), help: t('The first desktop a person opens stays theirs, with everything on it.') },
  { value: 'shared', text: t('Shared'), help: t('Several people work on one machine, each in a seat with a screen of their own. Takes the least memory.') },
];

const provisionings = [
  { value: 'instant', text: t('Instant'), help: t('Forked from a frozen machine: open in well under a second, and they share memory. The frozen machine takes the memory of one desktop.') },
  { value: 'linked', text: t('Linked'), help: t('Each boots on a disk that holds only what differs from the image’s. Each takes all of its memory; opening one that does not run yet takes a boot.') },
  { value: 'full', text: t('Full'), help: t('Each boots on its own copy of the image’s disk, which stands on no other disk. Making one takes a copy and a boot.') },
];

const logOffs = [
  { value: 'refresh', text: t('Refresh it'), help: t('Back to the image, as if nobody had been there.') },
  { value: 'keep', text: t('Keep it'), help: t('The disk stays as the person left it.') },
];

function imageOptions(images: Image[]): { value: string; text: string }[] {
  return images.map((one) => ({ value: one.name, text: one.newest === null ? t('{name} (no version yet)', { name: one.name }) : t('{name} (newest: {version})', { name: one.name, version: String(one.newest) }) }));
}

function versionOptions(image: Image | undefined): { value: string; text: string }[] {
  return [
    { value: '', text: t('Always the newest') },
    ...(image?.versions ?? []).filter((one) => one.state === 'ready').map((one) => ({ value: String(one.version), text: t('Version {version}', { version: String(one.version) }) })),
  ];
}

export function PoolForm({ start, isNew, images, write, onSave, onCancel }: Props) {
  const [draft, setDraft] = useState(start);
  const [touched, setTouched] = useState<Set<string>>(new Set());
  const [tried, setTried] = useState(false);
  const [problem, setProblem] = useState<string | null>(null);
  const [busy, setBusy] = useState(false);
  const status = useLive((signal) => api.status(signal), ['desktop', 'host'], []);
  const plans = useLive(() => allOf(api.plans), ['plan'], []);

  const wrong = poolWrong(draft, isNew, status.value?.memory.limit_bytes ?? null);
  const shown = (field: keyof PoolDraft) => (tried || touched.has(field) ? wrong[field] : undefined);
  const set = <K extends keyof PoolDraft>(field: K) => (value: PoolDraft[K]) => {
    setDraft((before) => ({ ...before, [field]: value }));
    setTouched((before) => new Set(before).add(field));
  };
  const setType = (value: string) => {
    // the usual answer for this type, as the server would choose it
    setDraft((before) => ({ ...before, type: value as PoolType, refresh: value !== 'dedicated' }));
  };
  const shared = draft.type === 'shared';
  const image = images.find((one) => one.name === draft.image);
  const version = image?.versions.find((one) => one.version === image.newest);
  const cost = preview(draft, images, status.value);

  const submit = async (event: Event) => {
    event.preventDefault();
    setTried(true);
    if (busy) return;
    if (Object.keys(wrong).length > 0) {
      setProblem(null);
      requestAnimationFrame(() => document.querySelector<HTMLElement>('form [aria-invalid=true]')?.focus());
      return;
    }
    setBusy(true);
    setProblem(null);
    try {
      await onSave(draft);
      setProblem(null);
      setTouched(new Set());
      setTried(false);
    } catch (error) {
      setProblem(sentence(error));
    }
    setBusy(false);
  };

  return (
    <form class="form-with-side" onSubmit={submit} noValidate>
      <fieldset class="card" disabled={!write}>
        <legend class="unseen">{t('Settings of the pool')}</legend>
        <div class="inside stack wide">
          {problem && <Notice mood="bad" seek>{problem}</Notice>}
          {!write && <Notice>{t('You may look at pools; an administrator may change them.')}</Notice>}
          <div class="pair">
            {isNew && (
              <TextField label={t('Name')} value={draft.name} onValue={set('name')} wrong={shown('name')} placeholder="sales" autoFocus
                autocapitalize="off" autocomplete="off" spellcheck={false} help={t('For addresses and the command line. It cannot be changed later.')} />
            )}
            <TextField label={t('Title')} value={draft.display_name} onValue={set('display_name')} wrong={shown('display_name')} placeholder={draft.name || t('Sales')}
              help={t('What people see on their tile. Empty: the name.')} />
          </div>
          <TextField label={t('Description')} value={draft.description} onValue={set('description')} wrong={shown('description')}
            help={t('One line under the title: what the desktop is for.')} />
          {isNew ? <Choices legend={t('Who gets which desktop?')} value={draft.type} onValue={setType} options={types} />
            : <p class="quiet">{tx('Type: {type}.', { type: <strong>{types.find((one) => one.value === draft.type)?.text}</strong> })} {types.find((one) => one.value === draft.type)?.help}</p>}
          <div class="pair">
            <SelectField label={t('Image')} value={draft.image} onValue={(value) => { set('image')(value); set('version')(''); }} wrong={shown('image')} options={imageOptions(images)}
              help={isNew ? t('What is on the desktops.') : t('A change holds for new desktops, and for others at their next refresh.')} />
            <SelectField label={t('Version')} value={draft.version} onValue={set('version')} options={versionOptions(image)}
              help={t('Always the newest: a new build reaches people by itself.')} />
          </div>
          <div class="pair">
            <TextField label={shared ? t('Machines at most') : t('Desktops at most')} value={draft.size} onValue={set('size')} wrong={shown('size')} inputMode="numeric"
              help={t('More people than this at once are told that the pool is full.')} />
            <TextField label={t('Kept ready')} value={draft.spares} onValue={set('spares')} wrong={shown('spares')} inputMode="numeric"
              help={shared ? t('Free seats on machines that already run, for the next people.') : t('Free desktops that already run for the next people.')} />
            {shared && <TextField label={t('Seats of a machine')} value={draft.seats} onValue={set('seats')} wrong={shown('seats')} inputMode="numeric"
              help={t('So many people work on one at a time. New machines have so many; empty ones make way for them.')} />}
          </div>
          <div class="pair">
            <TextField label={t('Processors')} value={draft.vcpus} onValue={set('vcpus')} wrong={shown('vcpus')} inputMode="numeric"
              placeholder={version ? String(version.vcpus) : ''} help={t('Of each desktop. Empty: as the image says.')} />
            <TextField label={t('Memory (GiB)')} value={draft.memory_gib} onValue={set('memory_gib')} wrong={shown('memory_gib')} inputMode="decimal"
              placeholder={version ? String(version.memory_bytes / 1024 ** 3) : ''} help={t('Of each desktop, at most. Empty: as the image says.')} />
          </div>
          {draft.type === 'floating' && <TextField label={t('Desktops a person')} value={draft.sessions} onValue={set('sessions')} wrong={shown('sessions')} inputMode="numeric"
            help={t('How many of them one person may have open at a time.')} />}
          {!shared && <TextField label={t('Application')} value={draft.application} onValue={set('application')} wrong={shown('application')} autocapitalize="off" autocomplete="off" spellcheck={false}
            placeholder={t('the whole desktop')} help={t('A command line, such as {example}: people see this one program, as large as the screen, and are logged off when it ends.', { example: 'firefox-esr --new-window' })} />}
          <Choices legend={t('How do desktops come to be?')} value={draft.provisioning} onValue={(value) => set('provisioning')(value as Provisioning)} options={provisionings} />
          <Choices legend={t('When a person logs off, what happens to their desktop?')} value={draft.refresh ? 'refresh' : 'keep'} onValue={(value) => set('refresh')(value === 'refresh')} options={logOffs} />
          {!shared && <fieldset class="field">
            <legend class="label">{t('What people may do with their own desktop')}</legend>
            <div class="stack tight">
              <Check label={t('Restart it')} help={t('The guest shuts down in an orderly way and starts again.')} checked={draft.restart_own} onValue={set('restart_own')} />
              <Check label={t('Reset it')} help={t('For a desktop that answers no more. What is not saved is lost.')} checked={draft.reset_own} onValue={set('reset_own')} />
              <Check label={t('Make it fresh')} help={t('Back to the image: everything on it is lost.')} checked={draft.refresh_own} onValue={set('refresh_own')} />
            </div>
          </fieldset>}
          <fieldset class="field">
            <legend class="label">{t('Plans')}</legend>
            <div class="stack tight">
              {planKinds.filter(({ value }) => value !== 'power' || draft.type !== 'manual').map(({ value: kind, text, help }) => (
                <SelectField key={kind} label={text} help={help} value={draft[`${kind}_plan`]} onValue={set(`${kind}_plan`)}
                  options={planOptions(plans.value ?? [], kind, draft[`${kind}_plan`], t('None'))} />
              ))}
              <a class="small" href="#/admin/plans">{t('See all plans')}</a>
            </div>
          </fieldset>
          {!shared && <div class="pair">
            <TextField label={t('Home')} value={draft.home} onValue={set('home')} wrong={shown('home')} autocapitalize="off" autocomplete="off" spellcheck={false} placeholder={t('none')}
              help={t('A name gives each person a disk of their own here; pools with the same name share it.')} />
            {draft.home !== '' && <TextField label={t('Size of a home (GiB)')} value={draft.home_gib} onValue={set('home_gib')} wrong={shown('home_gib')} inputMode="decimal"
              help={t('Of new ones. It fills as it is used.')} />}
          </div>}
          <div class="pair">
            <Check label={t('Open for people')} help={t('Off: nobody sees it or can connect anew; sessions go on.')} checked={draft.enabled} onValue={set('enabled')} />
            <Check label={t('Maintenance')} help={t('On: the tile stays, but nobody can connect until you are done.')} checked={draft.maintenance} onValue={set('maintenance')} />
          </div>
          {write && (
            <div class="row">
              <Button type="submit" look="main" busy={busy}>{isNew ? t('Create pool') : t('Save')}</Button>
              {onCancel && <Button onClick={onCancel}>{t('Cancel')}</Button>}
            </div>
          )}
        </div>
      </fieldset>
      <aside class={`card preview ${cost.mood}`} aria-live="polite" aria-label={t('What this pool will take')}>
        <div class="inside stack tight">
          <h2>{t('What it will take')}</h2>
          {cost.lines.map((line) => <p key={line} class="small">{line}</p>)}
        </div>
      </aside>
    </form>
  );
}
