// Homes: the disks with people's own files. Nobody looks into them here.
import { useState } from 'preact/hooks';
import { api, sentence, type Home } from '../api.ts';
import { bytes } from '../format.ts';
import { t } from '../language.ts';
import { useLivePage } from '../live.ts';
import { ask, Dialog } from '../ui/dialog.tsx';
import { TextField } from '../ui/field.tsx';
import { HomeIcon } from '../ui/icons.tsx';
import { Ago, Button, Empty, Notice } from '../ui/parts.tsx';
import { Table } from '../ui/table.tsx';
import type { PageProps } from './admin.tsx';
import { Head } from './head.tsx';

const gibibyte = 1024 ** 3;
const person = (home: Home) => home.user?.name ?? t('deleted');

function largerWrong(text: string, now: number): string | null {
  if (!/^\d+([.,]\d+)?$/.test(text.trim())) return t('A number of GiB is needed, such as 2 or 1.5.');
  return Number(text.trim().replace(',', '.')) * gibibyte > now ? null : t('A home only grows: it has {size} now.', { size: bytes(now) });
}

function GrowDialog({ home, onClose }: { home: Home; onClose: () => void }) {
  const [size, setSize] = useState('');
  const [wrong, setWrong] = useState<string | null>(null);
  const bad = largerWrong(size, home.size_bytes);
  const save = async () => {
    if (bad) return;
    try {
      await api.growHome(home.user?.id ?? '', home.name, Math.round(Number(size.trim().replace(',', '.')) * 1024) * 1024 * 1024);
      onClose();
    } catch (problem) {
      setWrong(sentence(problem));
    }
  };
  return (
    <Dialog title={t('Home {home} of {name}', { home: home.name, name: person(home) })} onClose={onClose} footer={
      <><Button onClick={onClose}>{t('Cancel')}</Button><Button look="main" disabled={bad !== null} onClick={save}>{t('Make larger')}</Button></>
    }>
      <form class="stack" onSubmit={(event) => { event.preventDefault(); void save(); }} noValidate>
        {wrong && <Notice mood="bad">{wrong}</Notice>}
        <TextField label={t('New size (GiB)')} value={size} onValue={setSize} wrong={size ? bad : null} inputMode="decimal"
          help={t('It grows at once where it is in use, else when it is next used.')} />
      </form>
    </Dialog>
  );
}

export function Homes(_: PageProps) {
  const page = useLivePage((query, signal) => api.homes(query, signal), ['home'], []);
  const [growing, setGrowing] = useState<Home | null>(null);
  const remove = (home: Home) => ask({
    title: t('Delete home {home} of {name}?', { home: home.name, name: person(home) }),
    text: t('All files in it are lost.'),
    action: t('Delete home'),
    danger: true,
    name: person(home),
    run: async () => {
      await api.deleteHome(home.user?.id ?? '', home.name);
      page.reload();
    },
  });
  return (
    <>
      <Head title={t('Homes')} text={t('A home is a disk with a person’s own files. It follows them over desktops and new images.')} />
      <div class="card">
        <Table label={t('Homes')} page={page} rowKey={(home) => home.id} empty={
          <Empty icon={<HomeIcon size={32} />} title={t('No homes yet')}>
            <p>{t('Give a pool a home: each person gets one when they first open a desktop there.')}</p>
          </Empty>
        } columns={[
          { head: t('Person'), cell: (home) => <strong>{person(home)}</strong> },
          { head: t('Home'), cell: (home) => home.name },
          { head: t('Size'), cell: (home) => <span class="numbers">{bytes(home.size_bytes)}</span> },
          { head: t('In use on'), cell: (home) => home.desktop?.name ?? '–' },
          { head: t('Last used'), cell: (home) => (home.used_ms === null ? '–' : <Ago time={home.used_ms} />) },
          {
            head: t('Actions'),
            look: 'actions',
            cell: (home) => (
              <div class="row tight end">
                <Button look="small" onClick={() => setGrowing(home)}>{t('Make larger…')}</Button>
                <Button look="small danger" disabled={home.desktop !== null} onClick={() => remove(home)}>{t('Delete…')}</Button>
              </div>
            ),
          },
        ]} />
      </div>
      {growing !== null && <GrowDialog home={growing} onClose={() => { setGrowing(null); page.reload(); }} />}
    </>
  );
}
