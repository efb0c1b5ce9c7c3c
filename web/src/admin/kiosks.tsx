// Kiosks: devices that log in by themselves and open one pool.
import { useState } from 'preact/hooks';
import { api, sentence, type Kiosk } from '../api.ts';
import { t } from '../language.ts';
import { useLive, useLivePage } from '../live.ts';
import { ask, Dialog } from '../ui/dialog.tsx';
import { AreaField, Check, SelectField, TextField } from '../ui/field.tsx';
import { DesktopIcon, MoreIcon, PlusIcon } from '../ui/icons.tsx';
import { Menu } from '../ui/menu.tsx';
import { Badge, Button, Empty, Notice } from '../ui/parts.tsx';
import { Table } from '../ui/table.tsx';
import type { PageProps } from './admin.tsx';
import { Head } from './head.tsx';
import { NamePicker } from './picker.tsx';
import { nameWrong } from './pool-values.ts';

const words = (text: string) => text.split(/[\s,]+/).filter(Boolean);

function networksWrong(text: string): string | null {
  return words(text).every((one) => /^[0-9a-f.:]+(\/\d{1,3})?$/i.test(one)) ? null : t('Addresses or networks are needed, as 192.0.2.7 or 192.0.2.0/24.');
}

function certificatesWrong(text: string): string | null {
  return words(text).every((one) => /^[0-9a-f]{64}$/i.test(one.replaceAll(':', ''))) ? null : t('SHA-256 fingerprints are needed: 64 hexadecimal digits, with colons or without.');
}

function KioskDialog({ kiosk, onClose }: { kiosk: Kiosk | null; onClose: () => void }) {
  const pools = useLive((signal) => api.pools({ limit: 500 }, signal), ['pool'], []);
  const [name, setName] = useState(kiosk?.name ?? '');
  const [user, setUser] = useState(kiosk?.user.name ?? '');
  const [pool, setPool] = useState(kiosk?.pool.name ?? '');
  const [networks, setNetworks] = useState(kiosk?.networks.join('\n') ?? '');
  const [certificates, setCertificates] = useState(kiosk?.certificates.join('\n') ?? '');
  const [enabled, setEnabled] = useState(kiosk?.enabled ?? true);
  const [tried, setTried] = useState(false);
  const [wrong, setWrong] = useState<string | null>(null);
  const bad = {
    name: nameWrong(name),
    user: user.trim() ? null : t('Whom does it log in as?'),
    pool: pool ? null : t('Choose a pool.'),
    networks: networksWrong(networks) ?? (words(networks).length + words(certificates).length > 0 ? null : t('By what is the device known? Give networks, certificates or both.')),
    certificates: certificatesWrong(certificates),
  };
  const save = async () => {
    setTried(true);
    if (Object.values(bad).some((one) => one !== null)) return;
    const body = { name, user: user.trim(), pool, networks: words(networks), certificates: words(certificates), enabled };
    try {
      if (kiosk) await api.updateKiosk(kiosk.id, body);
      else await api.createKiosk(body);
      onClose();
    } catch (problem) {
      setWrong(sentence(problem));
    }
  };
  const options = [{ value: '', text: t('Choose a pool.') }, ...(pools.value?.items ?? []).map((one) => ({ value: one.name, text: one.name }))];
  return (
    <Dialog title={kiosk ? kiosk.name : t('Add a kiosk')} onClose={onClose} footer={
      <><Button onClick={onClose}>{t('Cancel')}</Button><Button look="main" onClick={save}>{kiosk ? t('Save') : t('Add kiosk')}</Button></>
    }>
      <form class="stack" onSubmit={(event) => { event.preventDefault(); void save(); }} noValidate>
        {wrong && <Notice mood="bad">{wrong}</Notice>}
        <TextField label={t('Name')} value={name} onValue={setName} wrong={tried || name ? bad.name : null} autocapitalize="off" autocomplete="off" spellcheck={false} />
        <NamePicker kind="user" label={t('User')} value={user} onValue={setUser} wrong={tried ? bad.user : null} help={t('An account of its own with no other role: whoever stands before the device has it.')} />
        <SelectField label={t('Pool')} value={pool} onValue={setPool} options={options} wrong={tried ? bad.pool : null} help={t('It is opened at once, and again after log off.')} />
        <AreaField label={t('Networks')} rows={2} value={networks} onValue={setNetworks} wrong={tried || networks ? bad.networks : null} help={t('Devices of these addresses are this kiosk.')} />
        <AreaField label={t('Certificates')} rows={2} value={certificates} onValue={setCertificates} wrong={tried || certificates ? bad.certificates : null} help={t('SHA-256 of certificates that the devices have. With networks as well, both must fit.')} />
        <Check label={t('Enabled')} checked={enabled} onValue={setEnabled} />
      </form>
    </Dialog>
  );
}

export function Kiosks(_: PageProps) {
  const page = useLivePage((query, signal) => api.kiosks(query, signal), ['kiosk', 'login'], []);
  const [editing, setEditing] = useState<Kiosk | 'new' | null>(null);
  const remove = (kiosk: Kiosk) => ask({
    title: t('Delete kiosk {name}?', { name: kiosk.name }),
    text: t('Its devices are logged out and show the login page.'),
    action: t('Delete kiosk'),
    danger: true,
    run: async () => {
      await api.deleteKiosk(kiosk.id);
      page.reload();
    },
  });
  return (
    <>
      <Head title={t('Kiosks')} text={t('Devices that log in by themselves, by address or certificate, and open one pool.')}><Button look="main" onClick={() => setEditing('new')}><PlusIcon />{t('Add kiosk')}</Button></Head>
      <div class="card">
        <Table label={t('Kiosks')} file="kiosks" page={page} rowKey={(kiosk) => kiosk.id} empty={<Empty icon={<DesktopIcon size={32} />} title={t('No kiosks')} />} columns={[
          { head: t('Name'), cell: (kiosk) => <strong>{kiosk.name}</strong> },
          { head: t('User'), cell: (kiosk) => kiosk.user.name },
          { head: t('Pool'), cell: (kiosk) => kiosk.pool.name },
          { head: t('Networks'), cell: (kiosk) => kiosk.networks.join(', ') || <span class="faint">{t('none')}</span> },
          { head: t('Certificates'), cell: (kiosk) => kiosk.certificates.length },
          { head: t('Logins'), cell: (kiosk) => kiosk.logins },
          { head: t('State'), cell: (kiosk) => (kiosk.enabled ? <Badge mood="good">{t('Enabled')}</Badge> : <Badge mood="warn">{t('Off')}</Badge>) },
          {
            head: t('Actions'),
            look: 'actions',
            cell: (kiosk) => (
              <Menu label={t('Actions for {name}', { name: kiosk.name })} items={[
                { text: t('Change…'), run: () => setEditing(kiosk) },
                { text: t('Delete…'), danger: true, line: true, run: () => remove(kiosk) },
              ]}><MoreIcon /></Menu>
            ),
          },
        ]} />
      </div>
      {editing && <KioskDialog kiosk={editing === 'new' ? null : editing} onClose={() => { setEditing(null); page.reload(); }} />}
    </>
  );
}
