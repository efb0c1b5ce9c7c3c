// The rules of the help desk: whether people are asked before somebody looks on, and whom a help desk may help.
import { useEffect, useState } from 'preact/hooks';
import { api, sentence, type ShadowConsent } from '../api.ts';
import { t } from '../language.ts';
import { useLive } from '../live.ts';
import { Choices, SelectField } from '../ui/field.tsx';
import { Button, Failure, Notice } from '../ui/parts.tsx';
import { toast } from '../ui/toast.tsx';
import { NamePicker } from './picker.tsx';

function Consent() {
  const live = useLive((signal) => api.helpSettings(signal), [], []);
  const [busy, setBusy] = useState(false);
  const change = async (consent: ShadowConsent) => {
    setBusy(true);
    try {
      live.put(await api.updateHelpSettings({ shadow_consent: consent }));
      toast(t('Saved.'));
    } catch (problem) {
      toast(sentence(problem), 'bad');
      live.reload();
    }
    setBusy(false);
  };
  if (live.error) return <Failure error={live.error} again={live.reload} />;
  return (
    <Choices legend={t('Before somebody of the help desk looks on in a session')} value={live.value?.shadow_consent ?? ''} disabled={busy || !live.value}
      onValue={(word) => void change(word as ShadowConsent)} options={[
        { value: 'ask', text: t('The person is asked'), help: t('In their page and on their desktop; without an answer within 30 seconds nobody looks on.') },
        { value: 'notify', text: t('The person is told'), help: t('It begins at once. They see it as long as it lasts, and can end it. The audit trail has it either way.') },
      ]} />
  );
}

type Kind = 'user' | 'group';

/** What a limit means, as a sentence. groups null: none. */
function meaning(kind: Kind, name: string, groups: string[] | null): string {
  const list = groups?.join(', ') ?? '';
  if (groups === null) return kind === 'user' ? t('{name} helps everybody, unless one of their groups is limited.', { name }) : t('Members of {name} help everybody.', { name });
  if (groups.length === 0) return kind === 'user' ? t('{name} helps nobody.', { name }) : t('Members of {name} help nobody.', { name });
  return kind === 'user' ? t('{name} helps members of {groups} only: other people, their sessions and desktops do not exist for them.', { name, groups: list })
    : t('Members of {name} help members of {groups} only: other people, their sessions and desktops do not exist for them.', { name, groups: list });
}

/** Of one help desk that is known: their groups are read, changed, saved. */
function Limit({ kind, name }: { kind: Kind; name: string }) {
  const live = useLive((signal) => api.helps(kind, name, signal), ['group', 'user'], [kind, name]);
  const [groups, setGroups] = useState<string[] | null>(null);
  const [changed, setChanged] = useState(false);
  const [added, setAdded] = useState('');
  const [wrong, setWrong] = useState<string | null>(null);
  const [busy, setBusy] = useState(false);
  useEffect(() => {
    if (live.value && !changed) setGroups(live.value.groups?.map((one) => one.name) ?? null);
  }, [live.value]);
  if (live.error) return <Notice mood="warn">{sentence(live.error)}</Notice>;
  if (!live.value) return null;
  const put = (next: string[] | null) => {
    setGroups(next);
    setChanged(true);
    setWrong(null);
  };
  const add = () => {
    if (added.trim() && !groups?.includes(added.trim())) put([...(groups ?? []), added.trim()]);
    setAdded('');
  };
  const save = async () => {
    setBusy(true);
    try {
      live.put(await api.setHelps(kind, name, groups));
      setChanged(false);
      toast(t('Saved.'));
    } catch (problem) {
      setWrong(sentence(problem));
    }
    setBusy(false);
  };
  return (
    <div class="stack">
      <Choices legend={t('Whom do they help?')} value={groups === null ? 'all' : 'some'} onValue={(word) => put(word === 'all' ? null : [])} options={[
        { value: 'all', text: t('Everybody'), help: t('No limit.') },
        { value: 'some', text: t('Members of chosen groups'), help: t('A group that is deleted later leaves the limit as narrow as it was.') },
      ]} />
      {groups !== null && (
        <>
          {groups.length > 0 && (
            <ul class="chips" aria-label={t('Groups that {name} helps', { name })}>
              {groups.map((one) => (
                <li key={one} class="chip">{one}
                  <button type="button" aria-label={t('Take {group} away', { group: one })} onClick={() => put(groups.filter((other) => other !== one))}>×</button>
                </li>
              ))}
            </ul>
          )}
          <form class="row bottom" onSubmit={(event) => { event.preventDefault(); add(); }}>
            <div class="grow"><NamePicker kind="group" label={t('Add a group')} value={added} onValue={setAdded} without={groups} /></div>
            <Button type="submit" disabled={!added.trim()}>{t('Add')}</Button>
          </form>
        </>
      )}
      <p role="status">{changed ? t('Once it is saved: {sentence}', { sentence: meaning(kind, name, groups) }) : meaning(kind, name, groups)}</p>
      {wrong && <Notice mood="bad">{wrong}</Notice>}
      <div class="row end"><Button look="main" disabled={!changed} busy={busy} onClick={() => void save()}>{t('Save')}</Button></div>
    </div>
  );
}

const calm = 300; // ms after the last letter

export function HelpRules() {
  const [kind, setKind] = useState<Kind>('user');
  const [typed, setTyped] = useState('');
  const [name, setName] = useState('');
  useEffect(() => {
    const timer = window.setTimeout(() => setName(typed.trim()), calm);
    return () => clearTimeout(timer);
  }, [typed]);
  return (
    <section class="card" aria-labelledby="help-rules-head">
      <header><h2 id="help-rules-head">{t('Rules of the help desk')}</h2></header>
      <div class="inside stack">
        <Consent />
        <h3>{t('Whom a help desk may help')}</h3>
        <p class="quiet">{t('A person with the role help desk helps everybody, until they or one of their groups are limited here. Operators and administrators are never limited.')}</p>
        <div class="row wrap">
          <SelectField label={t('Limits of')} value={kind} onValue={(word) => { setKind(word as Kind); setTyped(''); setName(''); }}
            options={[{ value: 'user', text: t('A person') }, { value: 'group', text: t('All members of a group') }]} />
          <NamePicker kind={kind} label={kind === 'user' ? t('Person of the help desk') : t('Group of the help desk')} value={typed} onValue={setTyped} />
        </div>
        {name && <Limit key={`${kind} ${name}`} kind={kind} name={name} />}
      </div>
    </section>
  );
}
