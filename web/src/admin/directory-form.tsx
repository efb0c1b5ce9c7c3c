// One directory: what an administrator says of it. Its secret is written here and never shown.
import { useState } from 'preact/hooks';
import { api, sentence, type Directory, type DirectoryKind } from '../api.ts';
import { t } from '../language.ts';
import { Dialog } from '../ui/dialog.tsx';
import { AreaField, Check, Choices, SelectField, TextField } from '../ui/field.tsx';
import { Button, Notice } from '../ui/parts.tsx';
import { nameWrong } from './pool-values.ts';

type Settings = Record<string, unknown>;
interface FormProps { settings: Settings; set: (key: string, value: unknown) => void }

const plain = { autocapitalize: 'off', autocomplete: 'off', spellcheck: false } as const;
const textOf = (settings: Settings, key: string) => (typeof settings[key] === 'string' ? settings[key] as string : '');

function Text({ settings, set, name, label, help }: FormProps & { name: string; label: string; help?: string }) {
  return <TextField label={label} value={textOf(settings, name)} onValue={(value) => set(name, value)} help={help} {...plain} />;
}

function LdapFields({ settings, set }: FormProps) {
  const servers = Array.isArray(settings['servers']) ? (settings['servers'] as string[]).join('\n') : '';
  return (
    <>
      <SelectField label={t('Type')} value={textOf(settings, 'type') || 'openldap'} onValue={(value) => set('type', value)}
        options={[{ value: 'openldap', text: t('OpenLDAP') }, { value: 'active-directory', text: t('Active Directory') }]} />
      <AreaField label={t('Servers')} rows={2} class="input mono" value={servers} onValue={(value) => set('servers', value.split('\n'))} spellcheck={false}
        help={t('One a line, asked in this order: ldaps://HOST, or ldap://HOST with StartTLS.')} />
      <AreaField label={t('Certificates')} rows={3} class="input mono" value={textOf(settings, 'certificates')} onValue={(value) => set('certificates', value)} spellcheck={false}
        help={t('PEM text of the authorities that vouch for the servers. Empty: those of the system.')} />
      <Text settings={settings} set={set} name="base" label={t('Base')} help={t('The DN under which people and groups are.')} />
      <Text settings={settings} set={set} name="bind_name" label={t('Service account')} help={t('Its DN or name: it looks for people and groups.')} />
      <SelectField label={t('While no server answers')} value={textOf(settings, 'when_down') || 'refuse'} onValue={(value) => set('when_down', value)} options={[
        { value: 'refuse', text: t('Nobody of it logs in') },
        { value: 'cached', text: t('Whoever did so lately logs in with the same password') },
      ]} />
    </>
  );
}

function OidcFields({ settings, set }: FormProps) {
  return (
    <>
      <Text settings={settings} set={set} name="issuer" label={t('Issuer')} help={t('Its address, beginning with https://')} />
      <Text settings={settings} set={set} name="client_id" label={t('Client id')} />
      <Text settings={settings} set={set} name="groups_claim" label={t('Claim with the groups')} help={t('Empty: groups are not read.')} />
    </>
  );
}

/** Without empty lines and fields: those have their defaults. */
function cleaned(settings: Settings): Settings {
  const trimmed = (key: string, value: unknown): unknown => {
    if (Array.isArray(value)) return (value as string[]).map((one) => one.trim()).filter(Boolean);
    return typeof value === 'string' && key !== 'certificates' ? value.trim() : value;
  };
  return Object.fromEntries(Object.entries(settings).map(([key, value]) => [key, trimmed(key, value)]).filter(([, value]) => value !== ''));
}

export function DirectoryDialog({ directory, onClose }: { directory: Directory | null; onClose: () => void }) {
  const [name, setName] = useState(directory?.name ?? '');
  const [title, setTitle] = useState(directory?.display_name ?? '');
  const [kind, setKind] = useState<DirectoryKind>(directory?.kind ?? 'ldap');
  const [settings, setSettings] = useState<Settings>(directory?.settings ?? {});
  const [secret, setSecret] = useState('');
  const [enabled, setEnabled] = useState(directory?.enabled ?? true);
  const [tried, setTried] = useState(false);
  const [wrong, setWrong] = useState<string | null>(null);
  const bad = nameWrong(name);
  const set = (key: string, value: unknown) => setSettings({ ...settings, [key]: value });
  const save = async () => {
    setTried(true);
    if (bad) return;
    const body = { name, display_name: title.trim(), enabled, settings: cleaned(settings), ...(secret ? { secret } : {}) };
    try {
      if (directory) await api.updateDirectory(directory.id, body);
      else await api.createDirectory({ ...body, kind });
      onClose();
    } catch (problem) {
      setWrong(sentence(problem));
    }
  };
  return (
    <Dialog title={directory ? directory.name : t('Add a directory')} onClose={onClose} footer={
      <><Button onClick={onClose}>{t('Cancel')}</Button><Button look="main" onClick={save}>{t('Save')}</Button></>
    }>
      <form class="stack" onSubmit={(event) => { event.preventDefault(); void save(); }} noValidate>
        {wrong && <Notice mood="bad">{wrong}</Notice>}
        {!directory && (
          <Choices legend={t('Kind')} value={kind} onValue={(value) => { setKind(value as DirectoryKind); setSettings({}); }} options={[
            { value: 'ldap', text: 'LDAP', help: t('OpenLDAP, Active Directory and others: people type name and password here.') },
            { value: 'oidc', text: t('OpenID Connect'), help: t('People log in at the provider and come back.') },
          ]} />
        )}
        <TextField label={t('Name')} value={name} onValue={setName} wrong={tried || name ? bad : null} {...plain} />
        <TextField label={t('Title')} value={title} onValue={setTitle} maxLength={200} help={t('Shown in lists. Empty: the name.')} />
        {kind === 'ldap' ? <LdapFields settings={settings} set={set} /> : <OidcFields settings={settings} set={set} />}
        <TextField label={kind === 'ldap' ? t('Password of the service account') : t('Client secret')} type="password" value={secret} onValue={setSecret} autocomplete="new-password"
          help={directory?.secret_set ? t('One is stored. Empty: it stays. With other servers it is needed again.') : t('Stored sealed and never shown again.')} />
        <Check label={t('New people become users at their first log-on')} checked={settings['allow_create'] !== false} onValue={(on) => set('allow_create', on)} />
        <Check label={t('Its people may log in')} checked={enabled} onValue={setEnabled} />
      </form>
    </Dialog>
  );
}
