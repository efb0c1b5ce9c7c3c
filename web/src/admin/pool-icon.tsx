// The picture of a pool's tile: chosen, checked here as the server will, shown, taken away.
import { useState } from 'preact/hooks';
import { api, sentence, titleOf, type Pool } from '../api.ts';
import { t } from '../language.ts';
import { Button, Notice } from '../ui/parts.tsx';

const most = 64 * 1024;

async function asText(file: File): Promise<string> {
  const bytes = new Uint8Array(await file.arrayBuffer());
  return btoa(bytes.reduce((text, byte) => text + String.fromCharCode(byte), ''));
}

export function TilePicture({ pool, onChange }: { pool: Pool; onChange: () => void }) {
  const [wrong, setWrong] = useState<string | null>(null);
  const attempt = async (act: () => Promise<void>) => {
    try {
      await act();
      setWrong(null);
      onChange();
    } catch (problem) {
      setWrong(sentence(problem));
    }
  };
  const choose = (file: File | undefined) => {
    if (!file) return;
    if (file.size > most) setWrong(t('This file is too large; at most 64 KiB.'));
    else void attempt(async () => api.setIcon(pool.id, await asText(file)));
  };
  return (
    <section class="card" aria-labelledby="icon-head">
      <header><h2 id="icon-head">{t('Picture on the tile')}</h2></header>
      <div class="inside stack tight">
        {wrong && <Notice mood="bad">{wrong}</Notice>}
        <div class="row">
          {pool.icon && <img class="tile-icon" src={`api/v1/pools/${encodeURIComponent(pool.name)}/icon?v=${pool.updated_ms}`} alt={t('Picture of {name}', { name: titleOf(pool) })} width="32" height="32" />}
          <label class="small">{t('PNG, at most 64 KiB and 512 by 512 pixels')} <input type="file" accept="image/png" onChange={(event) => choose(event.currentTarget.files?.[0])} /></label>
          {pool.icon && <Button look="small" onClick={() => void attempt(() => api.removeIcon(pool.id))}>{t('Remove')}</Button>}
        </div>
      </div>
    </section>
  );
}
