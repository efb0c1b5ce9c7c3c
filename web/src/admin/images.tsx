// Golden images: what there is, and building a new version.
import { useState } from 'preact/hooks';
import { api, asSentence, sentence, titleOf, type Image, type ImageVersion, type Recipe } from '../api.ts';
import { bytes } from '../format.ts';
import { t, tx } from '../language.ts';
import { useJobProgress, useLive, useLivePage } from '../live.ts';
import { go } from '../route.ts';
import { ask } from '../ui/dialog.tsx';
import { AreaField, Choices, TextField } from '../ui/field.tsx';
import { ImageIcon, PlusIcon } from '../ui/icons.tsx';
import { Ago, Badge, Bones, Button, Empty, Failure, Notice, type Mood } from '../ui/parts.tsx';
import { Pager } from '../ui/table.tsx';
import { may } from '../who.ts';
import type { PageProps } from './admin.tsx';
import { Head } from './head.tsx';
import { JobProgress } from './jobs.tsx';
import { nameWrong } from './pool-values.ts';

function confirmDelete(image: Image): void {
  ask({
    title: t('Delete image {name}?', { name: image.name }),
    text: t('{count} version with {size} on disk is removed. Desktops cannot be made from it any more. | {count} versions with {size} on disk are removed. Desktops cannot be made from it any more.', { count: image.versions.length, size: bytes(image.versions.reduce((sum, one) => sum + one.file_bytes, 0)) }),
    action: t('Delete image'),
    danger: true,
    name: image.name,
    blocked: image.pools.length > 0 && t('Pool {pools} uses it. Delete it or choose another image there first. | Pools {pools} use it. Delete them or choose another image there first.', { count: image.pools.length, pools: image.pools.map((one) => one.name).join(', ') }),
    run: () => api.deleteImage(image.name),
  });
}

function Building({ id }: { id: string }) {
  const progress = useJobProgress();
  const live = useLive((signal) => api.job(id, signal), ['job'], [id]);
  const job = progress.get(id) ?? live.value;
  if (!job) return null;
  return (
    <div class="notice busy">
      <div class="grow stack tight">
        <JobProgress job={job} />
        <a class="small" href={`#/admin/jobs/${id}`}>{t('Progress and log')}</a>
      </div>
    </div>
  );
}

const versionStates = {
  building: { text: t('being built'), mood: 'busy' },
  ready: { text: t('ready'), mood: 'good' },
  failed: { text: t('failed'), mood: 'bad' },
  deleting: { text: t('being deleted'), mood: 'busy' },
} as const;

/** A build that somebody stopped has not gone wrong. */
function versionState(one: ImageVersion): { text: string; mood: Mood } {
  if (one.state === 'failed' && /\bcancelled\b/.test(one.error ?? '')) return { text: t('cancelled'), mood: 'warn' };
  return versionStates[one.state];
}

function VersionRow({ one, newest }: { one: ImageVersion; newest: boolean }) {
  const state = versionState(one);
  return (
    <tr role="row">
      <td role="cell" data-head={t('Version')}><div class="cell">{one.version} {newest && <Badge mood="good" plain>{t('newest')}</Badge>}{one.state !== 'ready' && <Badge mood={state.mood}>{state.text}</Badge>}</div></td>
      <td role="cell" data-head={t('Built')}><div class="cell"><Ago time={one.created_ms} /></div></td>
      {one.state === 'ready' ? (
        <>
          <td role="cell" data-head={t('Takes on disk')} class="number"><div class="cell">{bytes(one.file_bytes)}</div></td>
          <td role="cell" data-head={t('Disk inside')} class="number"><div class="cell">{bytes(one.disk_bytes)}</div></td>
          <td role="cell" data-head={t('Memory')} class="number"><div class="cell">{bytes(one.memory_bytes)}</div></td>
        </>
      ) : (
        <td role="cell" data-head={t('What happened')} colSpan={3} class="wide-cell"><div class="cell">
          {one.error && <span class={`small ${state.mood === 'bad' ? 'error-text' : 'quiet'}`}>{asSentence(one.error)}</span>}
          {one.job && <> <a class="small" href={`#/admin/jobs/${one.job}`}>{t('Log')}</a></>}
        </div></td>
      )}
    </tr>
  );
}

function ImageCard({ image, write }: { image: Image; write: boolean }) {
  const [all, setAll] = useState(false);
  const versions = all ? image.versions : image.versions.slice(0, 3);
  return (
    <section class="card" aria-label={t('Image {name}', { name: image.name })}>
      <header>
        <div>
          <h2>{titleOf(image)}{image.name !== titleOf(image) && <> <code class="small quiet">{image.name}</code></>}</h2>
          {image.description && <p class="small quiet">{image.description}</p>}
        </div>
        {write && (
          <div class="row tight">
            <a class="button small" href={`#/admin/images/build?name=${encodeURIComponent(image.name)}`}>{t('Build new version')}</a>
            <Button look="small danger" onClick={() => confirmDelete(image)}>{t('Delete…')}</Button>
          </div>
        )}
      </header>
      <div class="inside stack">
        {image.building && <Building id={image.building} />}
        {image.versions.length === 0 && !image.building && <p class="quiet">{t('No version was built yet, or the first build failed. Look at the jobs, then build again.')}</p>}
        {versions.length > 0 && (
          <div class="table-wrap" tabIndex={0} role="region" aria-label={t('Versions of {name}', { name: image.name })}>
            <table class="list" role="table">
              <thead role="rowgroup"><tr role="row">
                {[t('Version'), t('Built'), t('Takes on disk'), t('Disk inside'), t('Memory')].map((head, n) => <th key={head} role="columnheader" scope="col" class={n > 1 ? 'number' : ''}>{head}</th>)}
              </tr></thead>
              <tbody role="rowgroup">
                {versions.map((one) => <VersionRow key={one.version} one={one} newest={one.version === image.newest} />)}
              </tbody>
            </table>
          </div>
        )}
        {image.versions.length > 3 && <div><Button look="small plain" onClick={() => setAll(!all)}>{all ? t('Fewer') : t('All {count} versions', { count: image.versions.length })}</Button></div>}
        <p class="small faint">
          {image.recipe ? t('Built from recipe {name}.', { name: image.recipe }) : t('Built from a recipe of its own.')}{' '}
          {image.pools.length === 0 ? t('No pool uses it.') : tx('Used by {pools}.', { pools: image.pools.map((pool, n) => <>{n > 0 && ', '}<a href={`#/admin/pools/${pool.name}`}>{pool.name}</a></>) })}
        </p>
      </div>
    </section>
  );
}

function ImageList({ me }: PageProps) {
  const page = useLivePage((query, signal) => api.images(query, signal), ['image', 'pool', 'job'], [], 20);
  const write = may(me, 'images-write');
  const build = write && <a class="button main" href="#/admin/images/build"><PlusIcon />{t('Build image')}</a>;
  return (
    <>
      <Head title={t('Images')} text={t('Golden images are built from a recipe: a small text file that says what is inside. Desktops are forked from them.')}>{build}</Head>
      {page.error !== null && <Failure error={page.error} again={page.reload} />}
      {!page.value && page.error === null && <Bones rows={5} height="2rem" />}
      {page.value?.items.length === 0 && (
        <div class="card"><Empty icon={<ImageIcon size={36} />} title={t('No images yet')}><p>{t('Choose a recipe and build your first image. It takes some minutes; then create a pool from it.')}</p>{build}</Empty></div>
      )}
      <div class="stack wide">{page.value?.items.map((image) => <ImageCard key={image.id} image={image} write={write} />)}</div>
      <Pager page={page} />
    </>
  );
}

interface Draft { kind: 'recipe' | 'text'; recipe: string; name: string; text: string }

function BuildForm({ recipes, wanted }: { recipes: Recipe[]; wanted: string }) {
  const first = recipes.find((one) => one.name === wanted) ?? recipes[0];
  const [draft, setDraft] = useState<Draft>({ kind: 'recipe', recipe: first?.name ?? '', name: wanted || first?.name || '', text: first?.text ?? '' });
  const [wrong, setWrong] = useState<string | null>(null);
  const [tried, setTried] = useState(false);
  const named = nameWrong(draft.name);
  const chosen = recipes.find((one) => one.name === draft.recipe);

  const choose = (value: string) => {
    const recipe = recipes.find((one) => one.name === value);
    const followed = draft.name === draft.recipe || draft.name === '';
    if (value === '+own') setDraft({ ...draft, kind: 'text', text: draft.text || chosen?.text || '' });
    else setDraft({ kind: 'recipe', recipe: value, name: followed ? value : draft.name, text: recipe?.text ?? '' });
  };
  const build = async () => {
    setTried(true);
    setWrong(null);
    if (named) {
      requestAnimationFrame(() => document.querySelector<HTMLElement>('form [aria-invalid=true]')?.focus());
      return;
    }
    try {
      const { job } = await api.buildImage(draft.kind === 'text' ? { name: draft.name, recipe_text: draft.text } : { name: draft.name, recipe: draft.recipe });
      go(`/admin/jobs/${job.id}`);
    } catch (problem) {
      setWrong(sentence(problem));
    }
  };

  return (
    <form class="card" onSubmit={(event) => { event.preventDefault(); void build(); }} noValidate>
      <div class="inside stack wide">
        {wrong && <Notice mood="bad" seek>{wrong}</Notice>}
        <Choices legend={t('Recipe')} value={draft.kind === 'text' ? '+own' : draft.recipe} onValue={choose} options={[
          ...recipes.map((one) => ({ value: one.name, text: one.name, help: one.description })),
          { value: '+own', text: t('My own'), help: t('Write a recipe here, beginning from the one chosen before.') },
        ]} />
        <AreaField label={draft.kind === 'text' ? t('Your recipe') : t('What the recipe says')} rows={14} class="input mono" value={draft.text} readOnly={draft.kind === 'recipe'}
          spellcheck={false} onValue={(text) => setDraft({ ...draft, text })}
          help={draft.kind === 'recipe' ? t('Comes with Oriel. Choose “My own” to change it.') : t('A mistake is reported with its line and what is allowed there.')} />
        <div class="narrow">
          <TextField label={t('Name of the image')} value={draft.name} onValue={(name) => setDraft({ ...draft, name })} wrong={tried || draft.name ? named : null}
            autocapitalize="off" autocomplete="off" spellcheck={false}
            help={t('An image of this name gets a new version; pools that follow its newest version go over to it.')} />
        </div>
        <div class="row"><Button type="submit" look="main">{t('Build')}</Button><a class="button" href="#/admin/images">{t('Cancel')}</a></div>
      </div>
    </form>
  );
}

function Build({ route }: PageProps) {
  const live = useLive((signal) => api.recipes({}, signal), [], []);
  return (
    <>
      <Head title={t('Build an image')} back={{ href: '#/admin/images', text: t('Images') }}
        text={t('The build runs as a job: you see its progress and log, and may leave the page meanwhile.')} />
      {live.error !== null && <Failure error={live.error} again={live.reload} />}
      {!live.value && live.error === null && <Bones />}
      {live.value && <BuildForm recipes={live.value.items} wanted={route.query.get('name') ?? ''} />}
    </>
  );
}

export function Images(props: PageProps) {
  return props.route.parts[2] === 'build' && may(props.me, 'images-write') ? <Build {...props} /> : <ImageList {...props} />;
}
