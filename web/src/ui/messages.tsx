// What the help desk says to a person: over their desktop, and among their desktops, until they close it.
import { useState } from 'preact/hooks';
import { api, sentence, type HelpMessage } from '../api.ts';
import { t } from '../language.ts';
import { useLive } from '../live.ts';
import { Ago, Button } from './parts.tsx';
import { toast } from './toast.tsx';

function OneMessage({ message, again }: { message: HelpMessage; again: () => void }) {
  const [busy, setBusy] = useState(false);
  const close = async () => {
    setBusy(true);
    try {
      await api.closeMessage(message.id);
    } catch (problem) {
      toast(sentence(problem), 'bad');
    }
    setBusy(false);
    again();
  };
  return (
    <div class="help-message" role="alert">
      <div class="grow">
        <p class="small quiet">
          {message.by ? t('Message from {name}', { name: message.by }) : t('Message from an administrator')} · {message.session.desktop} · <Ago time={message.sent_ms} />
        </p>
        <p class="help-message-text">{message.text}</p>
      </div>
      <Button look="small" disabled={busy} onClick={close}>{t('Close the message')}</Button>
    </div>
  );
}

/** session null: of all sessions of the person. Nothing where there is none. */
export function Messages({ session }: { session: string | null }) {
  const live = useLive((signal) => api.messages(signal), ['session'], []);
  const mine = (live.value?.items ?? []).filter((one) => session === null || one.session.id === session);
  if (mine.length === 0) return null;
  return <div class="help-messages">{mine.map((one) => <OneMessage key={one.id} message={one} again={live.reload} />)}</div>;
}
