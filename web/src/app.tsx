// Which page: by the address and by who is logged in.
import { useEffect, useState } from 'preact/hooks';
import type { ComponentType } from 'preact';
import { sentence, type Me } from './api.ts';
import { dial, type Dial, type Target } from './console/dial.ts';
import { loadConsole } from './console/load.ts';
import { t } from './language.ts';
import { Login } from './portal/login.tsx';
import { Account } from './portal/account.tsx';
import { Kiosk } from './portal/kiosk.tsx';
import { ProviderCode } from './portal/provider.tsx';
import { Portal } from './portal/portal.tsx';
import { Setup } from './portal/setup.tsx';
import { MustEnrol } from './portal/totp.tsx';
import { useRoute, type Route } from './route.ts';
import { Shell } from './shell.tsx';
import { RefreshIcon } from './ui/icons.tsx';
import { Mark } from './ui/logo.tsx';
import { Button, Empty } from './ui/parts.tsx';
import { Toasts } from './ui/toast.tsx';
import { askWho, useWho } from './who.ts';

/** A page that is its own bundle: nothing of it is loaded before it is needed. */
function Later<P extends object>({ load, props, name }: { load: () => Promise<ComponentType<P>>; props: P; name: string }) {
  const [Page, setPage] = useState<ComponentType<P> | null>(null);
  const [error, setError] = useState<unknown>(null);
  useEffect(() => {
    load().then((page) => setPage(() => page), setError);
  }, [name]);
  if (error) {
    return (
      <Empty title={t('This page could not be loaded')}>
        <p>{sentence(error)} {t('Perhaps Oriel was updated meanwhile.')}</p>
        <Button look="main" onClick={() => location.reload()}><RefreshIcon />{t('Reload')}</Button>
      </Empty>
    );
  }
  return Page ? <Page {...props} /> : <Splash />;
}

export function Splash() {
  return (
    <div class="splash" role="status" aria-label={t('Loading')}>
      <Mark size={44} />
    </div>
  );
}

const loadAdmin = () => import('./admin/admin.tsx').then((module) => module.Admin);

function targetOf(route: Route): Target | null {
  const [page, name] = route.parts;
  if (name === undefined) return null;
  const ticket = route.query.get('ticket');
  const own = route.query.get('own');
  if (page === 'desktop' && !ticket) return { kind: 'pool', name, ...(own && { own }), ...(!own && route.query.has('another') && { another: true }) };
  if (page === 'desktop' && ticket) return { kind: 'ticket', name, ticket };
  if (page === 'console') return { kind: 'desktop', name };
  return null;
}

/** The console: the ticket is asked for and the WebSocket opened while its bundle is still on its way. */
function ConsolePage({ target, me }: { target: Target; me: Me | null }) {
  const [first, setFirst] = useState<Dial | null>(null);
  const key = JSON.stringify(target);
  useEffect(() => {
    const started = dial(target);
    setFirst(started);
    return () => started.abandon();
  }, [key]);
  if (!first) return <Splash />;
  return <Later key={key} name="console" load={loadConsole} props={{ target, me, first }} />;
}

function Unreachable({ error }: { error: unknown }) {
  useEffect(() => {
    const timer = setInterval(() => void askWho(), 4000);
    return () => clearInterval(timer);
  }, []);
  return (
    <div class="lone">
      <div class="card lone-card">
        <div class="inside">
          <Empty icon={<Mark size={44} />} title={t('Waiting for Oriel')}>
            <p>{sentence(error)} {t('This page tries again by itself.')}</p>
            <Button look="main" onClick={askWho}><RefreshIcon />{t('Try now')}</Button>
          </Empty>
        </div>
      </div>
    </div>
  );
}

function Inside({ me, route }: { me: Me; route: Route }) {
  const page = route.parts[0] ?? '';
  if (page === 'admin') {
    return <Shell me={me} here="admin"><Later name="admin" load={loadAdmin} props={{ me, route }} /></Shell>;
  }
  if (page === 'account') return <Shell me={me} here="account"><Account me={me} /></Shell>;
  if (page === '' || page === 'login') return <Shell me={me} here="desktops"><Portal me={me} /></Shell>;
  return (
    <Shell me={me} here="desktops">
      <Empty title={t('There is no such page')}>
        <p>{t('The address may be old or mistyped.')}</p>
        <a class="button main" href="#/">{t('To your desktops')}</a>
      </Empty>
    </Shell>
  );
}

function Page() {
  const route = useRoute();
  const who = useWho();
  if (route.parts[0] === 'setup') return <Setup key={route.parts[1]} token={route.parts[1] ?? ''} />;
  const target = targetOf(route);
  if (target?.kind === 'ticket') return <ConsolePage target={target} me={who.state === 'in' ? who.me : null} />;
  if (who.state === 'asking') return <Splash />;
  const back = route.parts[0] === 'login' ? route.parts[1] : undefined; // from a provider
  if (who.state === 'out') return back === 'code' ? <ProviderCode /> : <Login key={back} why={who.why} failed={back} stay={route.parts[0] === 'login'} />;
  if (who.state === 'unreachable') return <Unreachable error={who.error} />;
  if (who.me.must_enrol) return <MustEnrol />;
  if (who.me.kiosk_pool && !target) return <Kiosk pool={who.me.kiosk_pool} />;
  if (target) return <ConsolePage target={target} me={who.me} />;
  return <Inside me={who.me} route={route} />;
}

export function App() {
  return (
    <>
      <Page />
      <Toasts />
    </>
  );
}
