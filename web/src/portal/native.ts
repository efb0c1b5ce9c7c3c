// Opening a desktop with a program of the person's own: a file that brings the ticket there.
import { api, type NativeClient } from '../api.ts';
import { t } from '../language.ts';
import { toast } from '../ui/toast.tsx';

function save(name: string, type: string, text: string): void {
  const url = URL.createObjectURL(new Blob([text], { type }));
  const link = document.createElement('a');
  link.href = url;
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 60_000); // the browser may still be asking where it shall go
}

export async function openNative(pool: string, client: NativeClient): Promise<void> {
  const { connection } = await api.connectPoolWith(pool, client);
  if (!connection?.file) {
    toast(t('Your desktop is being started: open it again in a moment.'));
    return;
  }
  save(connection.file.name, connection.file.type, connection.file.text);
  toast(client === 'vv' ? t('Open the file with remote-viewer. It works once, within two minutes.')
    : t('Open the file with your RDP client. It works once, within two minutes.'));
}
