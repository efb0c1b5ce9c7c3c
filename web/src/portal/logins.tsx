// Where a person is logged in with a browser, and its end: on the account page, and for administrators.
import { api, type Login } from '../api.ts';
import { t } from '../language.ts';
import { useLivePage } from '../live.ts';
import { ask } from '../ui/dialog.tsx';
import { KeyIcon } from '../ui/icons.tsx';
import { Ago, Badge, Button, Empty } from '../ui/parts.tsx';
import { Table } from '../ui/table.tsx';
import { toast } from '../ui/toast.tsx';

function how(login: Login): string {
  if (login.means === 'password') return t('Password');
  return login.means_name ?? (login.means === 'kiosk' ? t('Kiosk') : t('Provider'));
}

/** Of the person who looks, or of another by their id. */
export function LoginsTable({ user }: { user?: string }) {
  const page = useLivePage((query, signal) => api.logins(user === undefined ? query : { ...query, user }, signal), ['login'], [user]);
  const end = (login: Login) => ask({
    title: t('End this login?'),
    text: t('Desktops that are open there are closed at once; their programs go on.'),
    action: t('End login'),
    danger: true,
    run: async () => {
      await api.endLogin(login.id);
      page.reload();
    },
  });
  return (
    <Table label={t('Logins')} page={page} rowKey={(login) => login.id} empty={<Empty icon={<KeyIcon size={32} />} title={t('Logged in nowhere')} />} columns={[
      {
        head: t('Browser'),
        cell: (login) => <>{login.browser ?? t('Unknown')}{login.current && <> <Badge mood="good">{t('This one')}</Badge></>}<div class="small faint">{login.address ?? ''}</div></>,
      },
      { head: t('By'), cell: how },
      { head: t('Since'), cell: (login) => <Ago time={login.since_ms} /> },
      { head: t('Last seen'), cell: (login) => <Ago time={login.seen_ms} /> },
      {
        head: t('Actions'),
        look: 'actions',
        cell: (login) => (login.current ? null : <Button look="small danger" onClick={() => end(login)}>{t('End')}</Button>),
      },
    ]} />
  );
}

/** All of a person but the browser that asks. */
export function askEndOthers(text: string, user?: string): void {
  ask({
    title: t('Log out everywhere else?'),
    text,
    action: t('Log out'),
    danger: true,
    run: async () => {
      const { ended } = await api.endLogins(user);
      toast(ended === 1 ? t('One login has ended.') : t('{count} logins have ended.', { count: ended }));
    },
  });
}

export function LoginsCard() {
  return (
    <section class="card" aria-labelledby="logins-head">
      <header>
        <h2 id="logins-head">{t('Logins')}</h2>
        <Button look="small" onClick={() => askEndOthers(t('Every other browser in which you are logged in is logged out, and the desktops open there are closed. Their programs go on.'))}>{t('Log out everywhere else')}</Button>
      </header>
      <div class="inside flush"><LoginsTable /></div>
    </section>
  );
}
