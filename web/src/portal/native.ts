// Opening a desktop with a program of the person's own: a file that brings the ticket there.
import { api, type NativeClient } from '../api.ts';
import { t } from '../language.ts';
import { saveBlob } from '../ui/save.ts';
import { toast } from '../ui/toast.tsx';

export async function openNative(pool: string, client: NativeClient): Promise<void> {
  const { connection } = await api.connectPoolWith(pool, client);
  if (!connection?.file) {
    toast(t('Your desktop is being started: open it again in a moment.'));
    return;
  }
  saveBlob(connection.file.name, new Blob([connection.file.text], { type: connection.file.type }));
  toast(client === 'vv' ? t('Open the file with remote-viewer. It works once, within two minutes.')
    : t('Open the file with your RDP client. It works once, within two minutes.'));
}
