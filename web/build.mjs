// Bundles src/ into dist/: index.html, and under assets/ everything else with a hash in its name, so that the server
// may tell browsers to keep assets/ for ever and to ask again for index.html. Every URL is relative.
//   node build.mjs          once
//   node build.mjs --watch  again whenever a file changes, with source maps
import * as esbuild from 'esbuild';
import { copyFile, mkdir, readFile, readdir, rename, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';

const here = path.dirname(fileURLToPath(import.meta.url));
const out = process.env.ORIEL_WEB_OUT ?? path.join(here, 'dist');
const watch = process.argv.includes('--watch');
const { version } = JSON.parse(await readFile(path.join(here, 'package.json'), 'utf8'));

async function writePage(metafile) {
  const outputs = Object.entries(metafile.outputs);
  const main = outputs.find(([, output]) => output.entryPoint?.endsWith('src/main.tsx'));
  if (!main) throw new Error('the build made no bundle of src/main.tsx');
  const relative = (file) => './' + path.relative(out, path.resolve(here, file)).split(path.sep).join('/');
  // the pages themselves are asked for by code (main.tsx): what is known to be needed is fetched beside it
  const app = outputs.find(([, output]) => output.entryPoint?.endsWith('src/app.tsx'));
  const first = [...main[1].imports, ...(app ? [{ kind: 'import-statement', path: app[0] }, ...app[1].imports] : [])]
    .filter((one) => one.kind === 'import-statement').map((one) => one.path);
  const preload = [...new Set(first)].map((file) => `  <link rel="modulepreload" href="${relative(file)}">\n`).join('');
  const page = (await readFile(path.join(here, 'index.html'), 'utf8'))
    .replace('%STYLE%', relative(main[1].cssBundle))
    .replace('%SCRIPT%', relative(main[0]))
    .replace('%ICON%', './assets/icon.svg')
    .replace('%PRELOAD%\n', preload);
  const temporary = path.join(out, '.index.html.new');
  await writeFile(temporary, page);
  await rename(temporary, path.join(out, 'index.html'));
  return main[0];
}

// What we bundle keeps its licence beside it.
const licences = {
  '@novnc/novnc': 'node_modules/@novnc/novnc/LICENSE.txt',
  preact: 'node_modules/preact/LICENSE',
  'pako (in @novnc/novnc)': 'node_modules/@novnc/novnc/vendor/pako/LICENSE',
  uplot: 'node_modules/uplot/LICENSE',
  'Inter (font)': 'node_modules/@fontsource-variable/inter/LICENSE',
};

async function writeFixed() {
  await copyFile(path.join(here, 'src/icon.svg'), path.join(out, 'assets/icon.svg'));
  let text = '';
  for (const [name, file] of Object.entries(licences)) {
    text += `==== ${name} ====\n\n${await readFile(path.join(here, file), 'utf8')}\n\n`;
  }
  await writeFile(path.join(out, 'licences.txt'), text);
}

// A compressed copy beside each text file: the server sends it to browsers that take gzip.
async function compress() {
  for (const folder of [out, path.join(out, 'assets')]) {
    for (const file of await readdir(folder)) {
      if (!/\.(html|js|css|svg|txt)$/.test(file)) continue;
      const name = path.join(folder, file);
      await writeFile(`${name}.gz`, gzipSync(await readFile(name), { level: 9 }));
    }
  }
}

async function dropOldAssets(metafile) {
  const wanted = new Set(Object.keys(metafile.outputs).map((file) => path.basename(file)));
  wanted.add('icon.svg');
  for (const file of await readdir(path.join(out, 'assets'))) {
    if (!wanted.has(file.replace(/\.gz$/, ''))) await rm(path.join(out, 'assets', file));
  }
}

const pagePlugin = {
  name: 'page',
  setup(build) {
    build.onEnd(async (result) => {
      if (result.errors.length > 0) return;
      const main = await writePage(result.metafile);
      await writeFixed();
      await dropOldAssets(result.metafile);
      await compress();
      const kib = (result.metafile.outputs[main].bytes / 1024).toFixed(0);
      console.log(`web: ${path.relative(process.cwd(), out) || '.'}: ${path.basename(main)} ${kib} KiB`);
    });
  },
};

const options = {
  absWorkingDir: here,
  entryPoints: ['src/main.tsx'],
  outdir: path.join(out, 'assets'),
  bundle: true,
  format: 'esm',
  splitting: true,
  target: 'es2022',
  minify: !watch,
  sourcemap: watch ? 'linked' : false,
  entryNames: '[name]-[hash]',
  chunkNames: '[name]-[hash]',
  assetNames: '[name]-[hash]',
  loader: { '.woff2': 'file', '.svg': 'file', '.worklet.js': 'file' },
  jsx: 'automatic',
  jsxImportSource: 'preact',
  metafile: true,
  legalComments: 'linked',
  define: { ORIEL_VERSION: JSON.stringify(version) },
  logLevel: 'warning',
  plugins: [pagePlugin],
};

await mkdir(path.join(out, 'assets'), { recursive: true });
if (watch) {
  const context = await esbuild.context(options);
  await context.watch();
} else {
  await esbuild.build(options);
}
