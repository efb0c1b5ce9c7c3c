// Log-ins at a provider: the ways there, and what went wrong on the way back.
import { useEffect, useState } from 'preact/hooks';
import { api, apiUrl, type LoginProvider } from '../api.ts';
import { t } from '../language.ts';
import { go } from '../route.ts';
import { enter } from '../who.ts';
import { CodeStep } from './totp.tsx';

/** By the kind of problem that the address says: a sentence in an address would be anybody's. */
export function providerFailure(kind: string): string {
  switch (kind) {
    case 'unavailable': case 'timeout': return t('The provider does not answer. Try again later, or tell your administrator.');
    case 'forbidden': return t('This login was refused. Ask your administrator whether you may use Oriel.');
    case 'unauthenticated': return t('This login took too long, or could not be verified. Begin again.');
    case 'too-many': return t('Too many attempts. Wait a moment, then try again.');
    case 'conflict': return t('Another user of Oriel has your name already. Tell your administrator.');
    case 'not-found': return t('This way to log in is not offered any more.');
    default: return t('The provider’s answer could not be used. Your administrator finds the reason in the events.');
  }
}

/** What the server offers beside the password; a kiosk goes in at once, unless somebody asked for the login page. */
export function ProviderButtons({ stay }: { stay: boolean }) {
  const [providers, setProviders] = useState<LoginProvider[]>([]);
  useEffect(() => {
    const stop = new AbortController();
    api.loginProviders(stop.signal).then(async (answer) => {
      setProviders(answer.items);
      if (answer.kiosk && !stay) enter(await api.loginKiosk());
    }).catch(() => {
      // the password's way is there all the same
    });
    return () => stop.abort();
  }, []);
  if (providers.length === 0) return null;
  return (
    <div class="stack tight providers">
      {providers.map((one) => (
        <a key={one.name} class="button wide" href={apiUrl(`login/provider/${encodeURIComponent(one.name)}`)}>{t('Log in with {name}', { name: one.display_name })}</a>
      ))}
    </div>
  );
}

/** The provider was satisfied, Oriel wants its own second factor. */
export function ProviderCode() {
  return (
    <CodeStep next={null} onMe={(me) => {
      go('/', true);
      enter(me);
    }} onBack={() => go('/login/unauthenticated', true)} />
  );
}
