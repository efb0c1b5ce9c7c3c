// What the policy form knows without a server: its values, what is wrong with them, and a policy in words.
import type { Policy, PolicyBody } from '../api.ts';
import { t } from '../language.ts';
import { scheduleBody, scheduleDraft, scheduleText, type ScheduleDraft } from './schedule-values.ts';

export const deviceKinds = ['desktop', 'mobile', 'tablet', 'kiosk', 'native'];

/** Lists stay text while they are typed: names with commas between them. */
export interface PolicyDraft {
  name: string; description: string; enabled: boolean;
  users: string; groups: string; pools: string; roles: string; addresses: string; devices: string; times: ScheduleDraft | null;
  deny: string; only_pools: string; power_plan: string; release_plan: string; display_plan: string;
}

export function emptyPolicy(): PolicyDraft {
  return {
    name: '', description: '', enabled: true, users: '', groups: '', pools: '', roles: '', addresses: '', devices: '', times: null,
    deny: '', only_pools: '', power_plan: '', release_plan: '', display_plan: '',
  };
}

const names = (list: { name: string }[]) => list.map((one) => one.name).join(', ');

export function draftOf({ name, description, enabled, when, then }: Policy): PolicyDraft {
  return {
    name, description, enabled,
    users: names(when.users), groups: names(when.groups), pools: names(when.pools),
    roles: when.roles.join(', '), addresses: when.addresses.join(', '), devices: when.devices.join(', '), times: when.times ? scheduleDraft(when.times) : null,
    deny: then.deny ?? '', only_pools: names(then.only_pools),
    power_plan: then.power_plan?.name ?? '', release_plan: then.release_plan?.name ?? '', display_plan: then.display_plan?.name ?? '',
  };
}

export const words = (text: string) => text.split(',').map((one) => one.trim()).filter(Boolean);

/** As one types: what cannot be a network. The server has the last word. */
export function addressesWrong(text: string): string | null {
  const bad = words(text).find((one) => !/^(\d{1,3}(\.\d{1,3}){3}|[0-9a-fA-F]*:[0-9a-fA-F:.]*)(\/\d{1,3})?$/.test(one));
  return bad === undefined ? null : t('"{text}" is no network such as 192.0.2.0/24.', { text: bad });
}

/** What denies decides nothing else. */
export function bodyOf(draft: PolicyDraft): PolicyBody {
  const deny = draft.deny.trim() || null;
  const plan = (name: string) => (deny ? null : name || null);
  return {
    name: draft.name, description: draft.description.trim(), enabled: draft.enabled,
    when: {
      users: words(draft.users), groups: words(draft.groups), pools: words(draft.pools), roles: words(draft.roles),
      addresses: words(draft.addresses), devices: words(draft.devices),
      times: draft.times && scheduleBody(draft.times),
    },
    then: {
      deny, only_pools: deny ? [] : words(draft.only_pools),
      power_plan: plan(draft.power_plan), release_plan: plan(draft.release_plan), display_plan: plan(draft.display_plan),
    },
  };
}

/** A policy in words, one line for each thing it asks for or decides. */
export function summary({ when, then }: Policy): string[] {
  const lines: [string, string][] = [
    [t('Users'), names(when.users)], [t('Groups'), names(when.groups)], [t('Roles'), when.roles.join(', ')], [t('Pools'), names(when.pools)],
    [t('Addresses'), when.addresses.join(', ')], [t('Devices'), when.devices.join(', ')], [t('Times'), when.times ? scheduleText(when.times) : ''],
  ];
  const decides: [string, string][] = [
    [t('Refuse with this sentence'), then.deny ?? ''], [t('Show only these pools'), names(then.only_pools)],
    [t('Power plan'), then.power_plan?.name ?? ''], [t('Release plan'), then.release_plan?.name ?? ''], [t('Display plan'), then.display_plan?.name ?? ''],
  ];
  return [...lines, ...decides].filter(([, text]) => text !== '').map(([label, text]) => `${label}: ${text}`);
}
