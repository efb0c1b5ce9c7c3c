// Groups: entitle many people at once.
import { useState } from 'preact/hooks';
import { api, sentence, titleOf, type Group } from '../api.ts';
import { clock } from '../format.ts';
import { t } from '../language.ts';
import { useLive, useLivePage } from '../live.ts';
import { ask, Dialog } from '../ui/dialog.tsx';
import { SelectField, TextField } from '../ui/field.tsx';
import { GroupIcon, PlusIcon, UserIcon } from '../ui/icons.tsx';
import { Bones, Button, Empty, Failure, Notice } from '../ui/parts.tsx';
import { QuotaDialog } from '../ui/quota.tsx';
import { Pager } from '../ui/table.tsx';
import type { PageProps } from './admin.tsx';
import { Head } from './head.tsx';
import { NamePicker } from './picker.tsx';
import { nameWrong } from './pool-values.ts';

function GroupDialog({ group, onClose }: { group: Group | null; onClose: () => void }) {
  const [name, setName] = useState(group?.name ?? '');
  const [title, setTitle] = useState(group?.display_name ?? '');
  const [from, setFrom] = useState('');
  const [there, setThere] = useState('');
  const directories = useLive((signal) => api.directories({}, signal), ['group'], []);
  const [tried, setTried] = useState(false);
  const [wrong, setWrong] = useState<string | null>(null);
  const bad = group ? null : nameWrong(name);
  const save = async () => {
    setTried(true);
    if (bad) return;
    try {
      if (group) await api.updateGroup(group.id, { display_name: title.trim() });
      else await api.createGroup({ name, display_name: title.trim(), ...(from ? { directory: from, directory_group: there.trim() } : {}) });
      onClose();
    } catch (problem) {
      setWrong(sentence(problem));
    }
  };
  return (
    <Dialog title={group ? group.name : t('Create a group')} onClose={onClose} footer={
      <><Button onClick={onClose}>{t('Cancel')}</Button><Button look="main" onClick={save}>{group ? t('Save') : t('Create group')}</Button></>
    }>
      <form class="stack" onSubmit={(event) => { event.preventDefault(); void save(); }} noValidate>
        {wrong && <Notice mood="bad">{wrong}</Notice>}
        {!group && <TextField label={t('Name')} value={name} onValue={setName} wrong={tried || name ? bad : null} autocapitalize="off" autocomplete="off" spellcheck={false}
          help={t('It cannot be changed later.')} />}
        <TextField label={t('Title')} value={title} onValue={setTitle} maxLength={200} help={t('Shown in lists. Empty: the name.')} />
        {!group && (directories.value?.items.length ?? 0) > 0 && (
          <SelectField label={t('Who is a member is decided by')} value={from} onValue={setFrom}
            options={[{ value: '', text: t('Oriel itself') }, ...directories.value!.items.map((one) => ({ value: one.id, text: titleOf(one) }))]} />
        )}
        {!group && from && <TextField label={t('Its group there')} value={there} onValue={setThere} maxLength={1024} autocapitalize="off" autocomplete="off" spellcheck={false}
          help={t('Name or DN. It is looked for when you save; what is not there is refused.')} />}
      </form>
    </Dialog>
  );
}

function Members({ group, onChange }: { group: Group; onChange: () => void }) {
  const [name, setName] = useState('');
  const [wrong, setWrong] = useState<string | null>(null);
  const attempt = async (act: () => Promise<void>) => {
    try {
      await act();
      setWrong(null);
      onChange();
    } catch (problem) {
      setWrong(sentence(problem));
    }
  };
  const add = () => attempt(async () => {
    await api.addMember(group.id, name.trim());
    setName('');
  });
  return (
    <div class="stack">
      {group.members.length === 0 ? <p class="quiet">{t('Nobody is in this group yet.')}</p> : (
        <ul class="chips" aria-label={t('Members of {name}', { name: group.name })}>
          {group.members.map((one) => (
            <li key={one.id} class="chip">
              <UserIcon size={15} />{one.name}
              <button type="button" aria-label={t('Remove {name} from {group}', { name: one.name, group: group.name })} onClick={() => void attempt(() => api.removeMember(group.id, one.id))}>×</button>
            </li>
          ))}
        </ul>
      )}
      {wrong && <Notice mood="bad">{wrong}</Notice>}
      <form class="row bottom" onSubmit={(event) => { event.preventDefault(); if (name.trim()) void add(); }}>
        <div class="grow"><NamePicker kind="user" label={t('Add a person')} value={name} onValue={setName} without={group.members.map((one) => one.name)} /></div>
        <Button type="submit" disabled={!name.trim()}>{t('Add')}</Button>
      </form>
    </div>
  );
}

export function Groups(_: PageProps) {
  const page = useLivePage((query, signal) => api.groups(query, signal), ['group', 'user'], [], 20);
  const [editing, setEditing] = useState<Group | 'new' | null>(null);
  const [quota, setQuota] = useState<Group | null>(null);
  const remove = (group: Group) => ask({
    title: t('Delete group {name}?', { name: group.name }),
    text: t('{count} person loses what they may use through it. The people themselves stay. | {count} people lose what they may use through it. The people themselves stay.', { count: group.members.length }),
    action: t('Delete group'),
    danger: true,
    name: group.name,
    run: async () => {
      await api.deleteGroup(group.id);
      page.reload();
    },
  });
  const create = <Button look="main" onClick={() => setEditing('new')}><PlusIcon />{t('Create group')}</Button>;
  return (
    <>
      <Head title={t('Groups')} text={t('Entitle a group to a pool, and everybody in it gets the tile.')}>{create}</Head>
      {page.error !== null && <Failure error={page.error} again={page.reload} />}
      {!page.value && page.error === null && <Bones rows={4} height="2rem" />}
      {page.value?.items.length === 0 && (
        <div class="card"><Empty icon={<GroupIcon size={36} />} title={t('No groups yet')}><p>{t('With groups you say once who may use a pool, however many people come and go.')}</p>{create}</Empty></div>
      )}
      <div class="stack wide">
        {page.value?.items.map((group) => (
          <section key={group.id} class="card" aria-label={t('Group {name}', { name: group.name })}>
            <header>
              <div><h2>{titleOf(group)}</h2><p class="small quiet">{group.name !== titleOf(group) ? `${group.name}: ` : ''}{t('{count} member | {count} members', { count: group.members.length })}</p></div>
              <div class="row tight">
                <Button look="small" onClick={() => setQuota(group)}>{t('Quota…')}</Button>
                {!group.built_in && <Button look="small" onClick={() => setEditing(group)}>{t('Change…')}</Button>}
                {!group.built_in && <Button look="small danger" onClick={() => remove(group)}>{t('Delete…')}</Button>}
              </div>
            </header>
            <div class="inside">
              {group.directory && <p class="small quiet">{t('From {name}', { name: group.directory.name })}: {group.directory_group}{group.missing_since_ms === null ? `. ${t('In the directory, checked when it was entered')}.` : ''}</p>}
              {group.missing_since_ms !== null && <Notice mood="warn">{t('Not in the directory any more since {when}: its members lose it at their next log-on.', { when: clock(group.missing_since_ms) })}</Notice>}
              {group.built_in ? <p>{t('Everyone with an account is in this group, now and later, as long as they may log in.')}</p>
                : <Members group={group} onChange={page.reload} />}
            </div>
          </section>
        ))}
      </div>
      <Pager page={page} />
      {quota && <QuotaDialog whose={{ kind: 'group', id: quota.id, name: titleOf(quota) }} onClose={() => setQuota(null)} />}
      {editing !== null && <GroupDialog group={editing === 'new' ? null : editing} onClose={() => { setEditing(null); page.reload(); }} />}
    </>
  );
}
