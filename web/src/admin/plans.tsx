// Plans: what happens to desktops when people leave, and what passes to a screen, said once for any number of pools.
import { useState } from 'preact/hooks';
import { api, type Plan } from '../api.ts';
import { t } from '../language.ts';
import { useLivePage } from '../live.ts';
import { may } from '../who.ts';
import { ask } from '../ui/dialog.tsx';
import { MoreIcon, PlusIcon, PowerIcon } from '../ui/icons.tsx';
import { Menu } from '../ui/menu.tsx';
import { Button, Empty } from '../ui/parts.tsx';
import { Table } from '../ui/table.tsx';
import { toast } from '../ui/toast.tsx';
import type { PageProps } from './admin.tsx';
import { Head } from './head.tsx';
import { PlanDialog, planKinds } from './plan-form.tsx';

export function Plans({ me }: PageProps) {
  const page = useLivePage((query, signal) => api.plans(query, signal), ['plan', 'pool', 'policy'], []);
  const [open, setOpen] = useState<Plan | 'new' | null>(null);
  const write = may(me, 'pools-write');
  const remove = (plan: Plan) => ask({
    title: t('Delete plan {name}?', { name: plan.name }),
    text: t('That is refused while a pool or a policy uses it.'),
    action: t('Delete plan'),
    danger: true,
    run: async () => {
      await api.deletePlan(plan.id);
      toast(t('Plan {name} is deleted.', { name: plan.name }));
      page.reload();
    },
  });
  const create = write && <Button look="main" onClick={() => setOpen('new')}><PlusIcon />{t('Create plan')}</Button>;
  return (
    <>
      <Head title={t('Plans')} text={t('A plan says once what happens when people leave; pools and policies choose it. By itself it does nothing.')}>{create}</Head>
      <div class="card">
        <Table label={t('Plans')} file="plans" page={page} rowKey={(one) => one.id} empty={
          <Empty icon={<PowerIcon size={36} />} title={t('No plans yet')}>
            <p>{t('Without one everything stays as the pool says.')}</p>{create}
          </Empty>
        } columns={[
          { head: t('Plan'), cell: (one) => <><strong>{one.name}</strong><div class="small faint">{one.description}</div></> },
          { head: t('Kind'), cell: (one) => planKinds.find((kind) => kind.value === one.kind)?.text },
          { head: t('Pools that use it'), look: 'number', cell: (one) => one.pools },
          {
            head: t('Actions'),
            look: 'actions',
            cell: (one) => (
              <Menu label={t('Actions for {name}', { name: one.name })} items={[
                { text: write ? t('Change…') : t('Look at it…'), run: () => setOpen(one) },
                ...(write ? [{ text: t('Delete…'), danger: true, line: true, run: () => remove(one) }] : []),
              ]}><MoreIcon /></Menu>
            ),
          },
        ]} />
      </div>
      {open !== null && <PlanDialog plan={open === 'new' ? null : open} write={write} onClose={() => { setOpen(null); page.reload(); }} />}
    </>
  );
}
