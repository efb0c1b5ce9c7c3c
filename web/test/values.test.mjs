// Unit tests of what needs no browser. The TypeScript is bundled by esbuild as the build does it.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath, pathToFileURL } from 'node:url';
import * as esbuild from 'esbuild';

const root = path.join(path.dirname(fileURLToPath(import.meta.url)), '..');
let folder;
let code;

before(async () => {
  folder = mkdtempSync(path.join(os.tmpdir(), 'oriel-web-'));
  const out = path.join(folder, 'code.mjs');
  await esbuild.build({
    absWorkingDir: root,
    stdin: {
      resolveDir: root,
      loader: 'ts',
      contents: `
        export * from './src/format.ts';
        export * from './src/language.ts';
        export * from './src/admin/pool-values.ts';
        export * from './src/admin/plan-values.ts';
        export { bodyOf as policyBody, draftOf as policyDraft, emptyPolicy, summary } from './src/admin/policy-values.ts';
        export * from './src/admin/schedule-values.ts';
        export { strokesFor, Typist, keysymOf, namedKeys } from './src/console/typist.ts';
        export { layouts, layoutCodes } from './src/console/layouts.ts';
        export { difference } from './src/console/textinput.ts';
        export { levelOf, median } from './src/console/quality.ts';
        export { parseHash } from './src/route.ts';
        export { looksLikeBoot } from './src/console/starting.ts';
        export { asSentence } from './src/api.ts';
        export { csv } from './src/ui/csv.ts';
        export { detailText } from './src/admin/events.tsx';
        export { logOffText, startsFresh } from './src/portal/logoff.ts';
        export { displayUrl } from './src/console/channel.ts';`,
    },
    bundle: true, format: 'esm', platform: 'neutral', mainFields: ['module', 'main'], outfile: out, logLevel: 'error',
    banner: { js: "globalThis.document ??= { baseURI: 'https://host.example/desk/' }; globalThis.window ??= globalThis;" },
  });
  code = await import(pathToFileURL(out).href);
});
after(() => rmSync(folder, { recursive: true, force: true }));

const layout = (id) => code.layouts.find((one) => one.id === id);
const brief = (strokes) => strokes?.map((s) => `${s.shift ? 'S-' : ''}${s.altGr ? 'G-' : ''}${s.code}`).join(' ') ?? null;

test('numbers and times as people read them', () => {
  const { bytes, duration, ago, until } = code;
  const cases = [[0, '0 B'], [1023, '1023 B'], [1024, '1 KiB'], [1536, '1.5 KiB'], [150 * 1024 ** 2, '150 MiB'], [2 * 1024 ** 3, '2 GiB'], [-1, '–'], [NaN, '–']];
  for (const [value, text] of cases) assert.equal(bytes(value), text);
  const times = [[0, '0 s'], [59_000, '59 s'], [60_000, '1 min'], [3_600_000, '1 h'], [5_400_000, '1 h 30 min'], [40_000_000, '11 h'], [90_000_000, '1 day'], [400_000_000, '4 days']];
  for (const [value, text] of times) assert.equal(duration(value), text);
  assert.equal(ago(1000, 500), 'just now');
  assert.equal(until(500, 1000), 'over');
  assert.equal(ago(0, 86_400_000), '1 day ago');
  assert.equal(until(3 * 86_400_000, 0), 'in 3 days');
});

test('messages: names, numbers, singular and plural of each language', () => {
  const { speak, t, tx, languageOf, bytes } = code;
  assert.equal(t('{count} day | {count} days', { count: 1 }), '1 day');
  assert.equal(t('{count} day | {count} days', { count: 1200 }), '1,200 days');
  assert.equal(t('Delete {name}?', { name: 'a {b}' }), 'Delete a {b}?');
  assert.deepEqual(tx('in {when} or so', { when: 7 }), ['in ', '7', ' or so']);
  speak('fr', { '{count} day | {count} days': '{count} jour | {count} jours', 'Save': 'Enregistrer' });
  assert.equal(t('{count} day | {count} days', { count: 0 }), '0 jour', 'none is singular in French');
  assert.equal(t('{count} day | {count} days', { count: 2 }), '2 jours');
  assert.equal(t('Save'), 'Enregistrer');
  assert.equal(t('Cancel'), 'Cancel', 'what is not there yet is said in English');
  assert.equal(bytes(1536), '1,5 KiB');
  speak('ja', { '{count} day | {count} days': '{count} 日' });
  assert.equal(t('{count} day | {count} days', { count: 2 }), '2 日');
  speak('en', {});
  assert.equal(languageOf(['pt-BR', 'de-CH', 'fr']), 'de');
  assert.equal(languageOf(['zh-Hans-CN']), 'zh');
  assert.equal(languageOf([]), 'en');
});

test('addresses', () => {
  const { parseHash, displayUrl } = code;
  assert.deepEqual(parseHash('#/').parts, []);
  assert.deepEqual(parseHash('').parts, []);
  assert.deepEqual(parseHash('#/desktop/a%20b').parts, ['desktop', 'a b']);
  assert.deepEqual(parseHash('#/desktop/100%').parts, ['desktop', '100%']);
  assert.equal(parseHash('#/desktop/x?ticket=A-b_').query.get('ticket'), 'A-b_');
  assert.equal(displayUrl('api/v1/display/T', 'https://h:8443/'), 'wss://h:8443/api/v1/display/T');
  assert.equal(displayUrl('api/v1/display/T', 'https://h/desk/#/desktop/demo'), 'wss://h/desk/api/v1/display/T');
  assert.equal(displayUrl('api/v1/display/T', 'http://localhost:1/'), 'ws://localhost:1/api/v1/display/T');
});

test('the words of the server become whole sentences, and names stay', () => {
  const cases = [
    ['log in: the name or the password is wrong', 'Log in: the name or the password is wrong.'],
    ['pool "nope": there is none', 'Pool "nope": there is none.'],
    ['debian-xfce: no room', 'debian-xfce: no room.'],
    ['recipe_text, line 1: unknown word "x"', 'recipe_text, line 1: unknown word "x".'],
    ['Oriel is being restarted.', 'Oriel is being restarted.'], ['really?', 'really?'], ['', ''],
  ];
  for (const [words, text] of cases) assert.equal(code.asSentence(words), text);
});

test('what a log off takes with it', () => {
  const { startsFresh, logOffText } = code;
  assert.ok(startsFresh({ type: 'floating', refresh_on_log_off: true }));
  assert.ok(startsFresh({ type: 'dedicated', refresh_on_log_off: true }), 'hers, and from the image each time');
  assert.ok(!startsFresh({ type: 'dedicated', refresh_on_log_off: false }));
  assert.equal(logOffText({ type: 'floating', refresh_on_log_off: true }), 'This desktop goes back to its image: everything on it is lost, saved files too.');
  assert.match(logOffText({ type: 'floating', refresh_on_log_off: false }), /What is not saved is lost/);
});

test('details of an event: a change has an arrow', () => {
  assert.equal(code.detailText({ enabled: ['no', 'yes'], size: [3, 5], title: [null, 'x'], group: 'all' }), 'enabled: no → yes, size: 3 → 5, title: none → x, group: all');
});

test('every layout has a place for each key, and can type its own letters', () => {
  for (const one of code.layouts) {
    for (const level of one.levels) assert.equal(level.length, code.layoutCodes.length, one.id);
    for (const letter of 'abcxyzABCXYZ0189.,-/@"') assert.ok(code.strokesFor(one, letter), `${one.id}: ${letter}`);
  }
});

test('characters become key strokes', () => {
  const cases = [
    ['us', 'a', 'KeyA'], ['us', 'A', 'S-KeyA'], ['us', '<', 'S-Comma'], ['us', '\n', 'Enter'], ['us', ' ', 'Space'], ['us', 'é', null], ['us', '你', null],
    ['de', 'z', 'KeyY'], ['de', 'ß', 'Minus'], ['de', '@', 'G-KeyQ'], ['de', '€', 'G-KeyE'], ['de', 'é', 'Equal KeyE'], ['de', 'È', 'S-Equal S-KeyE'], ['de', '^', 'Backquote Space'],
    ['fr', 'a', 'KeyQ'], ['fr', '1', 'S-Digit1'], ['fr', 'é', 'Digit2'], ['fr', 'ê', 'BracketLeft KeyE'], ['es', 'ñ', 'Semicolon'], ['gb', '£', 'S-Digit3'],
  ];
  for (const [id, character, strokes] of cases) assert.equal(brief(code.strokesFor(layout(id), character)), strokes, `${id} ${character}`);
});

function typist(id) {
  const sent = [];
  const one = new code.Typist((keysym, key, down) => sent.push(`${down ? '+' : '-'}${key ?? keysym.toString(16)}`), layout(id));
  return { one, sent };
}

test('typing leaves no key down and gives Shift back', () => {
  const { one, sent } = typist('us');
  assert.equal(one.text('aB'), '');
  assert.deepEqual(sent, ['+KeyA', '-KeyA', '+ShiftLeft', '+KeyB', '-KeyB', '-ShiftLeft']);
  sent.length = 0;
  one.press('ShiftLeft', 0xffe1);
  one.type('a');
  one.releaseAll();
  assert.deepEqual(sent, ['+ShiftLeft', '-ShiftLeft', '+KeyA', '-KeyA', '+ShiftLeft', '-ShiftLeft']);
});

test('what the keyboard cannot make is reported, and tried as a keysym', () => {
  const { one, sent } = typist('us');
  assert.equal(one.text('a你'), '你');
  assert.deepEqual(sent.slice(-2), ['+1004f60', '-1004f60']);
});

test('what cannot be typed is known before a key is pressed', () => {
  const { one, sent } = typist('us');
  assert.equal(one.missing('ls -l\n'), '');
  assert.equal(one.missing('a你é你'), '你é');
  assert.deepEqual(sent, []);
});

test('a long text is typed no faster than the desktop takes it, until it is stopped', async () => {
  const { one, sent } = typist('us');
  let waited = 0;
  const pause = async (ms) => {
    waited += ms;
    assert.ok(sent.length * 10 <= waited, `${sent.length} key events after ${waited} ms`);
  };
  assert.equal(await one.paced('aB'.repeat(500), pause), true);
  assert.equal(sent.length, 3000);
  sent.length = 0;
  assert.equal(await one.paced('abc', async () => one.stop()), false);
  assert.deepEqual(sent, ['+KeyA', '-KeyA']);
  sent.length = 0;
  const first = one.paced('aaa', () => new Promise((resolve) => { setTimeout(resolve, 1); }));
  assert.equal(await one.paced('bb', async () => {}), true);
  assert.equal(await first, false);
  assert.deepEqual(sent, ['+KeyA', '-KeyA', '+KeyB', '-KeyB', '+KeyB', '-KeyB']);
});

test('the picture of a machine that starts: few colours, mostly black', () => {
  const picture = (...points) => Uint8Array.from(points.flatMap(([red, green, blue, many]) => Array.from({ length: many }, () => [red, green, blue, 255]).flat()));
  const cases = [
    [picture([0, 0, 0, 90], [170, 170, 170, 10]), true, 'firmware'],
    [picture([0, 0, 0, 100]), false, 'a screen that is off'],
    [picture([0, 0, 0, 60], [170, 170, 170, 40]), false, 'not mostly black'],
    [picture([0, 0, 0, 900], ...Array.from({ length: 30 }, (_, n) => [n * 8, 9, 9, 3])), false, 'many colours'],
  ];
  for (const [data, boots, what] of cases) assert.equal(code.looksLikeBoot(data), boots, what);
});

test('combinations press in order and release in reverse', () => {
  const { one, sent } = typist('us');
  one.combination(['ControlLeft', 'AltLeft', 'Delete']);
  assert.deepEqual(sent, ['+ControlLeft', '+AltLeft', '+Delete', '-Delete', '-AltLeft', '-ControlLeft']);
});

test('a change of the text field becomes backspaces and text', () => {
  const cases = [['ooo', 'oooa', 0, 'a'], ['ooohel', 'ooohelp ', 0, 'p '], ['oooteh', 'ooothe', 2, 'he'], ['ooo', 'oo', 1, ''], ['oo´', 'ooé', 1, 'é']];
  for (const [before, now, back, text] of cases) assert.deepEqual(code.difference(before, now), { back, text });
});

test('the quality of a connection', () => {
  const cases = [[null, 0, 'unknown'], [20, 0, 'good'], [120, 0, 'fair'], [400, 0, 'poor'], [20, 2, 'poor']];
  for (const [trip, failures, level] of cases) assert.equal(code.levelOf(trip, failures), level);
  assert.equal(code.median([]), null);
  assert.equal(code.median([5, 1, 900]), 5);
});

test('names of pools, images, users', () => {
  const good = ['a', 'sales', 'team-1.x_y', 'ben@example.org', 'a-', 'a'.repeat(63)];
  const bad = ['', 'Sales', '-a', '.a', 'a b', 'ä', 'a'.repeat(64)];
  for (const name of good) assert.equal(code.nameWrong(name), null, name);
  for (const name of bad) assert.notEqual(code.nameWrong(name), null, name);
});

test('the pool form says what is wrong', () => {
  const draft = { ...code.emptyDraft('debian'), name: 'x' };
  const wrong = (change) => Object.keys(code.poolWrong({ ...draft, ...change }, true));
  assert.deepEqual(wrong({}), []);
  assert.deepEqual(wrong({ name: 'X' }), ['name']);
  assert.deepEqual(wrong({ image: '' }), ['image']);
  assert.deepEqual(wrong({ size: '' }), ['size']);
  assert.deepEqual(wrong({ size: '2001' }), ['size']);
  assert.deepEqual(wrong({ size: '3', spares: '4' }), ['spares']);
  assert.deepEqual(wrong({ vcpus: '65' }), ['vcpus']);
  assert.deepEqual(wrong({ memory_gib: '0.01' }), ['memory_gib']);
  assert.deepEqual(wrong({ memory_gib: 'two' }), ['memory_gib']);
  assert.deepEqual(wrong({ memory_gib: '1,5' }), []);
  const said = (change, memory = null) => code.poolWrong({ ...draft, ...change }, true, memory);
  assert.equal(said({ size: '7', spares: '-3' }).spares, 'A whole number from 0 to 7 is needed.');
  assert.equal(said({ name: 'Bad Name' }).name, 'Small letters, digits and hyphens only.');
  assert.match(said({ memory_gib: '18' }, 17 * 1024 ** 3).memory_gib, /needs 18 GiB of memory, this host has 17 GiB/);
  assert.deepEqual(said({ memory_gib: '17' }, 17 * 1024 ** 3), {});
});

test('the pool form sends what was filled in, and only changes', () => {
  const draft = { ...code.emptyDraft('debian'), name: 'x', memory_gib: '1.5' };
  const body = code.createBody(draft);
  assert.equal(body.memory_bytes, 1.5 * 1024 ** 3);
  assert.equal(body.version, null);
  assert.ok(!('vcpus' in body));
  assert.deepEqual(code.updateBody(draft, { ...draft, size: '12', name: 'ignored' }), { size: 12 });
  assert.deepEqual(code.updateBody(draft, draft), {});
});

test('the preview warns of more than the host has', () => {
  const image = { name: 'debian', newest: 1, versions: [{ version: 1, state: 'ready', memory_bytes: 2 * 1024 ** 3, vcpus: 2 }] };
  const status = { memory: { limit_bytes: 8 * 1024 ** 3, used_bytes: 0, desktop_bytes: 128 * 1024 ** 2 }, counts: { room: 60 } };
  const of = (change) => code.preview({ ...code.emptyDraft('debian'), ...change }, [image], status);
  assert.match(of({ size: '3' }).lines[0], /up to 3 desktops with 2 processors and 2 GiB each/);
  assert.equal(of({ size: '3' }).mood, '');
  assert.equal(of({ size: '5' }).mood, '', 'what they share is not counted again');
  assert.equal(of({ size: '65' }).mood, 'warn');
  assert.match(of({ size: '1', memory_gib: '0.0625' }).lines[1], /64 MiB each/, 'an idle one takes no more than it may have');
  assert.match(of({ size: '3' }).lines[1], /384 MiB together while idle/);
  assert.equal(of({ image: 'none' }).lines.length, 1);
});

test('rows as CSV', () => {
  const rows = [
    { name: 'a, "b"', pool: { id: '1', name: 'lab' }, counts: { desktops: 3, free: 0 }, updated_ms: 1_700_000_000_123, roles: ['admin', 'user'], on: true },
    { name: '=1+1', pool: null, counts: null, updated_ms: 0, roles: [], on: false, late: -5, odd: '-5 or so', groups: [{ name: 'x' }, { name: 'y' }] },
  ];
  assert.equal(code.csv(rows), [
    'name,pool,counts.desktops,counts.free,updated,roles,on,late,odd,groups',
    '"a, ""b""",lab,3,0,2023-11-14T22:13:20.123Z,admin; user,true,,,',
    "'=1+1,,,,,,false,-5,'-5 or so,x; y", ''].join('\r\n'));
  assert.equal(code.csv([]), '\r\n');
});

test('a plan keeps what its form does not know, and says nothing of what is usual', () => {
  const back = (kind, settings) => code.planBody(code.planDraft({ name: 'x', description: '', kind, settings }), settings).settings;
  for (const kind of ['power', 'release', 'display']) assert.deepEqual(back(kind, {}), {}, kind);
  const power = {
    on_disconnect: { action: 'suspend', after_minutes: 0, later: 1 }, on_idle: { action: 'power-off', after_minutes: 3 }, peak_spares: 0, off_peak_spares: 2, later: [1],
    peak: { time_zone: 'UTC', windows: [{ days: ['sat'], from: '22:00', to: '24:00', later: 1 }], holidays: ['2026-12-25'], later: 1 },
  };
  assert.deepEqual(back('power', power), power);
  const release = { log_off_after_minutes: 1, lock_after_idle_minutes: 2, disconnect_after_idle_minutes: 3, log_off_after_idle_minutes: 4, release_after_minutes: 5, at_log_off: 'keep', at_release: 'delete', later: null };
  assert.deepEqual(back('release', release), release);
  const display = { clipboard: 'to_desktop', largest: { width: 800, height: 600 }, follow_window: false, view_only: true, sound: false, drives: false, usb: false, printers: false, bandwidth_kbit_s: 500, clients: ['vv'], later: 1 };
  assert.deepEqual(back('display', display), display);
  assert.deepEqual(back('power', { on_log_off: { action: 'suspend' } }), { on_log_off: { action: 'suspend', after_minutes: 0 } });
  assert.deepEqual(back('power', { on_log_off: { action: 'none' }, peak_spares: null }), {});
});

test('the plan form says what is wrong, of its own kind only', () => {
  const wrong = (change) => Object.keys(code.planWrong({ ...code.emptyPlan(), name: 'x', ...change }));
  const rule = (action, after_minutes) => ({ on_disconnect: { action, after_minutes } });
  assert.deepEqual(wrong({}), []);
  assert.deepEqual(wrong({ name: '', description: 'x'.repeat(201) }), ['name', 'description']);
  assert.deepEqual(wrong(rule('suspend', '')), ['on_disconnect']);
  assert.deepEqual(wrong(rule('suspend', '527041')), ['on_disconnect']);
  assert.deepEqual(wrong(rule('none', 'x')), []);
  assert.deepEqual(wrong({ peak_spares: '2001', off_peak_spares: 'x' }), ['peak_spares'], 'without peak there are no other times');
  assert.deepEqual(wrong({ peak: { ...code.emptySchedule('UTC'), holidays: 'x' }, off_peak_spares: '-1' }), ['off_peak_spares', 'peak']);
  assert.deepEqual(wrong({ kind: 'release', log_off_after_minutes: '0', peak_spares: 'x' }), ['log_off_after_minutes']);
  assert.deepEqual(wrong({ kind: 'display', width: '1' }), []);
  assert.deepEqual(wrong({ kind: 'display', limited: true, width: '319', height: '16385', clients: [] }), ['width', 'height', 'clients']);
  assert.deepEqual(wrong({ kind: 'display', bandwidth_kbit_s: '63' }), ['bandwidth_kbit_s']);
});

test('a chooser offers plans of its kind, and what is chosen', () => {
  const plans = [{ name: 'a', kind: 'power' }, { name: 'b', kind: 'display' }];
  const values = (...rest) => code.planOptions(plans, 'power', ...rest).map((one) => one.value);
  assert.deepEqual(values('', 'None'), ['', 'a']);
  assert.deepEqual(values('a', 'None'), ['', 'a']);
  assert.deepEqual(values('later', 'None'), ['', 'a', 'later']);
});

test('plans of a pool, and times of a policy, are sent', () => {
  const draft = { ...code.emptyDraft('debian'), name: 'x', power_plan: 'thrifty' };
  assert.equal(code.createBody(draft).power_plan, 'thrifty');
  assert.equal(code.createBody(draft).display_plan, null);
  assert.deepEqual(code.updateBody(draft, { ...draft, power_plan: '' }), { power_plan: null });
  assert.equal(code.policyBody(code.emptyPolicy()).when.times, null);
  const times = { time_zone: 'Europe/Berlin', windows: [{ days: ['sat', 'sun'], from: '08:00', to: '24:00' }], holidays: [] };
  const when = { users: [], groups: [], pools: [], roles: [], addresses: [], devices: [], times };
  const policy = { name: 'x', description: '', enabled: true, when, then: { deny: null, only_pools: [], power_plan: null, release_plan: null, display_plan: null } };
  assert.deepEqual(code.policyBody(code.policyDraft(policy)).when.times, times);
  assert.deepEqual(code.summary(policy), ['Times: Sat, Sun 08:00–24:00 (Europe/Berlin)']);
  assert.equal(code.scheduleText({ windows: [{}, { from: '08:00' }] }), '00:00–24:00; 08:00–24:00 (UTC)');
});

test('windows of time', () => {
  const draft = code.scheduleDraft({ windows: [{}] });
  assert.deepEqual(draft, { time_zone: 'UTC', windows: [{ days: code.days, from: '00:00', to: '00:00' }], holidays: '' });
  assert.deepEqual(code.scheduleBody(draft), { time_zone: 'UTC', windows: [{ days: code.days, from: '00:00', to: '24:00' }], holidays: [] });
  assert.ok(!code.overnight(draft.windows[0]), 'until midnight is the same day');
  assert.ok(code.overnight({ days: [], from: '22:00', to: '22:00' }));
  const wrong = (change) => code.scheduleWrong({ ...code.emptySchedule('Europe/Berlin'), ...change });
  assert.ok(code.scheduleRight(code.emptySchedule('Europe/Berlin')));
  for (const zone of ['', 'Mars', '+02:00', '../etc']) assert.ok(wrong({ time_zone: zone }).time_zone, zone);
  assert.match(wrong({ holidays: '2026-12-25 2026-02-29' }).holidays, /"2026-02-29" is no date/);
  assert.ok(wrong({ windows: [{ days: [], from: '08:00', to: '09:00' }] }).windows[0]);
  assert.ok(wrong({ windows: [{ days: ['mon'], from: '', to: '09:00' }] }).windows[0]);
});
