// A stand-in for orield and the gateway, for tests of the pages only: the API of docs/api.yaml over a world in memory,
// with a picture that answers. Start by hand:  node fake-api.mjs [port]   (log in as admin, "correct horse")
import { readFile } from 'node:fs/promises';
import http from 'node:http';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { countsOf, id, makeWorld } from './fake-data.mjs';
import { serveFiles } from './fake-files.mjs';
import { writePng } from './png.mjs';
import { Screen, Viewer } from './rfb-server.mjs';
import { accept } from './websocket.mjs';

const here = path.dirname(fileURLToPath(import.meta.url));
const dist = process.env.ORIEL_WEB_OUT ?? path.join(here, '../../web/dist');
const types = { '.html': 'text/html; charset=utf-8', '.js': 'text/javascript', '.css': 'text/css', '.svg': 'image/svg+xml', '.woff2': 'font/woff2', '.txt': 'text/plain' };
/** The same words as src/api/server.c sends. */
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; font-src 'self'; "
  + "connect-src 'self'; manifest-src 'self'; worker-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'";
class Refusal extends Error {
  constructor(status, kind, detail, headers = {}) {
    super(detail);
    Object.assign(this, { status, kind, headers });
  }
}
const ref = (thing) => ({ id: thing.id, name: thing.name });
const lost = (what, name) => new Refusal(404, 'not-found', `there is no ${what} "${name}"`);
/** What `search` of a list means. */
const holds = (query, ...texts) => texts.some((text) => (text ?? '').toLowerCase().includes((query.get('search') ?? '').toLowerCase()));

export class FakeOriel {
  constructor({ prefix = '/' } = {}) {
    this.prefix = prefix;
    this.reset();
    this.server = http.createServer((request, response) => this.answer(request, response));
    this.server.on('upgrade', (request, socket) => this.upgrade(request, socket));
  }

  reset() {
    this.world = makeWorld();
    this.screens = new Map();
    this.tickets = new Map();
    this.streams ??= new Set();
    this.logins = new Map();
    this.boots = new Map(); // pool id → job that prepares it
    this.displays = new Set();
    this.broken = null;     // (method, path) → Refusal or null, for tests of failures
  }

  async listen(port = 0) {
    await new Promise((resolve) => this.server.listen(port, '127.0.0.1', resolve));
    this.url = `http://localhost:${this.server.address().port}${this.prefix}`;
    return this.url;
  }

  async close() {
    for (const stream of this.streams) stream.end();
    for (const peer of this.displays) peer.cut();
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }

  tell(kind, id, op = 'update') {
    this.push('change', { kind, id, op });
    if (kind === 'desktop' || kind === 'session') this.push('change', { kind: 'portal', id, op: 'update' });
  }

  push(event, data) {
    for (const stream of this.streams) stream.write(`event: ${event}\ndata: ${JSON.stringify(data)}\n\n`);
  }

  find(list, name, what) {
    const found = this.world[list].find((one) => one.id === name || one.name === name);
    if (!found) throw lost(what, name);
    return found;
  }

  async answer(request, response) {
    response.setHeader('Content-Security-Policy', policy);
    response.setHeader('X-Content-Type-Options', 'nosniff');
    const url = new URL(request.url, 'http://localhost');
    if (!url.pathname.startsWith(this.prefix)) {
      response.writeHead(404).end('outside of the prefix');
      return;
    }
    const name = url.pathname.slice(this.prefix.length);
    try {
      if (name.startsWith('api/v1/')) await this.api(request, response, name.slice(7), url.searchParams);
      else await this.file(response, name || 'index.html');
    } catch (error) {
      const refusal = error instanceof Refusal ? error : new Refusal(500, 'internal', String(error.stack));
      response.writeHead(refusal.status, { 'Content-Type': 'application/problem+json', ...refusal.headers });
      response.end(JSON.stringify({ type: `https://oriel.invalid/problems/${refusal.kind}`, title: refusal.kind, status: refusal.status, detail: refusal.message }));
    }
  }

  async file(response, name) {
    const full = path.join(dist, name);
    if (!full.startsWith(dist)) throw lost('page', name);
    const body = await readFile(full).catch(() => { throw lost('page', name); });
    response.writeHead(200, { 'Content-Type': types[path.extname(name)] ?? 'application/octet-stream' }).end(body);
  }

  caller(request) {
    const cookie = /oriel-test=(\w+)/.exec(request.headers.cookie ?? '')?.[1];
    const login = this.logins.get(cookie);
    if (!login) throw new Refusal(401, 'unauthenticated', 'log in first');
    if (request.method !== 'GET' && request.headers['x-oriel-csrf'] !== login.csrf) throw new Refusal(403, 'forbidden', 'the CSRF value is missing or wrong');
    return { ...login, cookie };
  }

  logIn(response, user) {
    const cookie = `c${Math.random().toString(36).slice(2)}`;
    this.logins.set(cookie, { user, csrf: `x${cookie}`, at: Date.now() });
    response.setHeader('Set-Cookie', `oriel-test=${cookie}; HttpOnly; SameSite=Strict; Path=/`);
    return this.me(user, `x${cookie}`);
  }

  me(user, csrf) {
    return { user: { id: user.id, name: user.name, display_name: user.display_name, roles: user.roles }, csrf, scopes: user.must_enrol ? ['enrol'] : ['all'], must_enrol: !!user.must_enrol, kiosk_pool: this.world.kiosk ? { id: this.world.pools[0].id, name: this.world.pools[0].name } : null, directory: user.directory ?? null };
  }

  async api(request, response, name, query) {
    let bytes = Buffer.alloc(0);
    for await (const part of request) bytes = Buffer.concat([bytes, part]);
    const body = bytes.length > 0 && request.headers['content-type'] !== 'application/octet-stream' ? JSON.parse(bytes) : {};
    const parts = name.split('/').map(decodeURIComponent);
    const refusal = this.broken?.(request.method, name);
    if (refusal) throw new Refusal(refusal.status, refusal.kind, refusal.detail, refusal.headers);
    const open = this.openCalls(request.method, parts, body, response);
    if (open !== undefined) return this.json(response, 200, open);
    const who = this.caller(request);
    if (name === 'stream') return this.stream(response);
    if (parts[0] === 'desktops' && parts[2] === 'thumbnail') return this.thumbnail(response, parts[1]);
    if (parts[0] === 'jobs' && parts[2] === 'log') return this.log(response, parts[1], Number(query.get('from') ?? 0));
    if (parts[0] === 'sessions' && parts[2] === 'files') return serveFiles(this, request.method, parts.slice(3), { bytes, body, query }, response);
    const [status, value] = this.route(request.method, parts, body, query, who);
    return this.json(response, status, value);
  }

  json(response, status, value) {
    if (status === 204) response.writeHead(204).end();
    else response.writeHead(status, { 'Content-Type': 'application/json', ETag: '"1"' }).end(JSON.stringify(value));
  }

  openCalls(method, parts, body, response) {
    const { users, passwords } = this.world;
    if (parts[0] === 'login' && parts[1] === 'providers') return { items: this.world.providers ?? [], kiosk: this.world.kiosk ?? false };
    if (method === 'POST' && parts[0] === 'login' && parts[1] === 'kiosk') return this.logIn(response, users[0]);
    if (parts[0] === 'health') return { status: 'ok', version: '0.1.0' };
    if (method === 'POST' && parts[0] === 'login' && parts[1] === 'code') {
      this.codeCheck(body.code);
      return this.logIn(response, users.find((one) => `half ${one.name}` === body.login));
    }
    if (method === 'POST' && parts[0] === 'login') {
      const user = users.find((one) => one.name === body.name);
      if (body.password === 'slow down') throw new Refusal(429, 'too-many', 'too many failed logins for this name; wait, then try again', { 'Retry-After': '3' });
      if (!user || passwords.get(user.name) !== body.password) throw new Refusal(401, 'unauthenticated', 'name or password is wrong');
      if (user.totp) return { next: 'totp', login: `half ${user.name}`, expires_ms: Date.now() + 300000 };
      return this.logIn(response, user);
    }
    if (method === 'POST' && parts[0] === 'setup') {
      if (body.token !== 'GOOD') throw new Refusal(404, 'not-found', 'this link is not valid any more: it was used, replaced, or is too old');
      passwords.set('admin', body.password);
      return this.logIn(response, users[0]);
    }
    return undefined;
  }

  codeCheck(code) {
    if (code !== '123456') throw new Refusal(403, 'forbidden', "the code is wrong. The server's clock says 12:34:56 UTC: a device whose clock is apart by more than half a minute shows other codes");
  }

  on_totp({ method, name, body, who }) {
    const codes = Array.from({ length: 10 }, (_, n) => `ABCD-EFGH-IJKL-${1000 + n}`);
    if (method === 'GET') return [200, { enrolled: who.user.totp, required: false, since_ms: who.user.totp ? Date.now() : null, recovery_codes: who.user.totp ? 10 : 0 }];
    if (!name) return [200, { secret: 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567', uri: 'otpauth://totp/Oriel:x', qr: Array.from({ length: 21 }, (_, y) => Array.from({ length: 21 }, (_, x) => (x * y) % 2).join('')) }];
    this.codeCheck(body.code);
    who.user.totp = name !== 'remove';
    who.user.must_enrol = false;
    return name === 'remove' ? [204] : [200, { recovery_codes: codes }];
  }

  stream(response) {
    response.writeHead(200, { 'Content-Type': 'text/event-stream', 'Cache-Control': 'no-store' });
    response.write('event: resync\ndata: {}\n\n');
    this.streams.add(response);
    response.on('close', () => this.streams.delete(response));
  }

  screenOf(desktop) {
    if (!this.screens.has(desktop.id)) this.screens.set(desktop.id, new Screen(1024, 700, this.screens.size * 1.3));
    return this.screens.get(desktop.id);
  }

  thumbnail(response, name) {
    const screen = this.screenOf(this.find('desktops', name, 'desktop'));
    response.writeHead(200, { 'Content-Type': 'image/png' }).end(writePng(screen.pixels, screen.width, screen.height, 2));
  }

  log(response, name, from) {
    const all = this.world.logs.get(this.find('jobs', name, 'job').id) ?? '';
    response.writeHead(200, { 'Content-Type': 'text/plain', 'X-Oriel-Next': String(all.length) }).end(all.slice(from));
  }

  page(items, query) {
    const limit = Number(query.get('limit') ?? 100);
    const from = Number(query.get('after') ?? 0);
    return [200, { items: items.slice(from, from + limit), next: from + limit < items.length ? String(from + limit) : null }];
  }

  route(method, parts, body, query, who) {
    const [head, name, verb] = parts;
    const handler = this[`on_${head}`];
    if (!handler) throw lost('path', parts.join('/'));
    return handler.call(this, { method, name, verb, rest: parts.slice(2), body, query, who });
  }

  on_me({ who }) {
    return [200, this.me(who.user, who.csrf)];
  }

  on_logout({ who }) {
    this.logins.delete(who.cookie);
    return [204];
  }

  on_portal({ who, method, name, rest }) {
    if (name === 'quota') return [200, this.quotaOf(who.user)];
    if (method === 'POST') { // portal/pools/POOL/ACT
      (this.acts ??= []).push(rest.join('/'));
      return [200, {}];
    }
    const mine = this.world.entitlements.filter((one) => one.kind === 'user' && one.id === who.user.id).map((one) => one.pool);
    const tiles = this.world.pools.filter((one) => mine.includes(one.id)).map((one) => {
      const desktop = this.world.desktops.find((d) => d.pool.id === one.id && d.user?.id === who.user.id) ?? null;
      const { id, name, display_name, description, type, refresh_on_log_off, self_service, home } = one;
      return {
        pool: { id, name, display_name, description, type, image: one.image.name, refresh_on_log_off, self_service, icon: one.icon ? 1 : null, home: home !== '', application: one.application !== '' },
        desktop: desktop && { id: desktop.id, name: desktop.name, state: desktop.state }, session: desktop?.session ?? null,
        desktops: this.world.desktops.filter((d) => d.pool.id === one.id && d.user?.id === who.user.id).map((d) => ({ desktop: { id: d.id, name: d.name, state: d.state }, session: d.session ?? null })),
        another: this.world.desktops.some((d) => d.pool.id === one.id && d.user?.id === who.user.id) && this.world.desktops.filter((d) => d.pool.id === one.id && d.user?.id === who.user.id).length < (one.sessions_a_user ?? 1),
        clients: ['browser', 'vv'],
        denied: this.denied?.[name] ?? null,
      };
    });
    return [200, { tiles }];
  }

  connection(desktop, session) {
    const ticket = `t${Math.random().toString(36).slice(2)}`;
    this.tickets.set(ticket, { desktop, session });
    return [200, {
      desktop: { id: desktop.id, name: desktop.name, state: desktop.state }, session: session && { id: session.id, state: session.state, since_ms: session.since_ms },
      ticket, path: `api/v1/display/${ticket}`, expires_ms: Date.now() + 30000, url: `${this.url}#/desktop/${desktop.id}?ticket=${ticket}`,
    }];
  }

  connect(one, { user, at }, { client, desktop: own, another } = {}) {
    const boot = this.boots.get(one.id);
    if (boot && boot.state !== 'done') return [202, { job: boot }];
    if (!one.enabled) throw new Refusal(409, 'conflict', `pool "${one.name}" is switched off; ask your administrator`);
    const mine = this.world.desktops.filter((d) => d.pool.id === one.id && d.user?.id === user.id);
    if (another && mine.length >= one.sessions_a_user) throw new Refusal(409, 'conflict', `pool "${one.name}": you have ${mine.length} desktops of it, which is as many as it gives to one person`);
    let desktop = own ? mine.find((d) => d.id === own) : another ? undefined : mine[0];
    if (own && !desktop) throw new Refusal(404, 'not-found', `desktop "${own}": you have none of this name`);
    desktop ??= this.world.desktops.find((d) => d.pool.id === one.id && !d.user && d.state === 'running');
    if (!desktop) throw new Refusal(503, 'full', `pool "${one.name}" has no desktop left; try again when somebody has logged off`);
    Object.assign(desktop, { user: ref(user), state: 'running', observed: 'running' });
    let session = this.world.sessions.find((s) => s.desktop.id === desktop.id && s.state !== 'ended');
    if (!session) {
      session = { id: id(), user: ref(user), pool: desktop.pool, desktop: ref(desktop), state: 'connecting', client: null, started_ms: Date.now(), since_ms: Date.now(), ended_ms: null, end_reason: null, policy: null };
      this.world.sessions.push(session);
    }
    this.mayUnlock(session, at);
    if (session.locked_ms) this.lock(session, null);
    desktop.session = { id: session.id, state: session.state, since_ms: session.since_ms };
    const [status, connection] = this.connection(desktop, session);
    if (!client || client === 'browser') return [status, connection];
    const { path: _path, url: _url, ...rest } = connection;
    const type = client === 'vv' ? 'application/x-virt-viewer' : 'application/x-rdp';
    return [status, { ...rest, file: { name: `${desktop.name}.${client}`, type, text: `ticket ${connection.ticket}\n` } }];
  }

  console(desktop, takeOver, who) {
    const session = this.world.sessions.find((s) => s.desktop.id === desktop.id && s.state === 'connected');
    if (session && !takeOver) throw new Refusal(409, 'conflict', `desktop "${desktop.name}": its user works there now; take the desktop over to see it`);
    for (const peer of this.displays) if (session && peer.session === session) peer.close(4003, who.user.name);
    return this.connection(desktop, null);
  }

  setSession(session, state) {
    Object.assign(session, { state, since_ms: Date.now(), ended_ms: state === 'ended' ? Date.now() : null });
    const desktop = this.world.desktops.find((d) => d.id === session.desktop.id);
    if (desktop) desktop.session = state === 'ended' ? null : { id: session.id, state, since_ms: session.since_ms };
    this.tell('session', session.id);
  }

  lock(session, locked_ms) {
    session.locked_ms = locked_ms;
    this.tell('session', session.id);
  }

  mayUnlock(session, at) {
    if (session.locked_ms && at <= session.locked_ms) throw new Refusal(403, 'forbidden', `desktop "${session.desktop.name}": is locked; log in to the portal again to go on`);
  }

  /** What the person does: as orield says it of a session whose guest has an agent. */
  withActivity(session) {
    const connected = session.state === 'connected';
    return {
      ...session, activity: connected ? 'active' : session.state, idle_since_ms: connected ? session.since_ms : null, idle_ms: connected ? 0 : null,
      locked: Boolean(session.locked_ms), locked_ms: session.locked_ms ?? null, agent: 'ready',
    };
  }

  sessionsAs(query) {
    const part = (query.get('search') ?? '').toLowerCase();
    const [from, until] = ['from', 'until'].map((name) => Number(query.get(name) ?? 0));
    const found = this.world.sessions.filter((one) => (one.state !== 'ended' || query.get('ended') === 'true')
      && (!from || (one.ended_ms ?? Infinity) >= from) && (!until || one.started_ms < until)
      && (one.user.name + one.desktop.name).toLowerCase().includes(part));
    return this.page(found.map((one) => this.withActivity(one)), query);
  }

  on_people({ query }) {
    const part = query.get('search').toLowerCase();
    const items = this.world.users.filter((one) => (one.name + one.display_name).toLowerCase().includes(part)).map((one) => ({
      id: one.id, name: one.name, display_name: one.display_name, enabled: one.enabled, last_login_ms: one.last_login_ms,
      sessions: this.world.sessions.filter((s) => s.user.id === one.id && s.state !== 'ended').map((s) => this.withActivity(s)),
    }));
    return [200, { items }];
  }

  shadow(session, mode, by) {
    const now = Date.now();
    const made = { id: id(), session: session.id, by: ref(by.user), mode, consent: 'ask', state: 'asked', asked_ms: now, since_ms: now, until_ms: now + 30_000 };
    this.world.shadows = [...(this.world.shadows ?? []), made];
    this.tell('session', session.id);
    return made;
  }

  on_shadows({ method, name, verb, body }) {
    const shadow = (this.world.shadows ?? []).find((one) => one.id === name);
    if (!shadow) throw new Refusal(404, 'not-found', `there is no shadow "${name}"`);
    if (method === 'POST' && verb === 'answer') shadow.state = body.allow ? 'allowed' : 'refused';
    if (method === 'POST' && verb === 'end') shadow.state = 'ended';
    if (method === 'POST' && verb === 'connect') {
      shadow.state = 'open';
      const session = this.find('sessions', shadow.session, 'session');
      return this.connection(this.world.desktops.find((d) => d.id === session.desktop.id), session);
    }
    if (method === 'POST') this.tell('session', shadow.session);
    return [200, shadow];
  }

  message(session, text, by) {
    const made = { id: id(), session: { id: session.id, desktop: session.desktop.name }, by: by.user.name, text, sent_ms: Date.now() };
    this.world.messages = [...(this.world.messages ?? []), made];
    this.tell('session', session.id);
    return made;
  }

  on_messages({ method, name, who }) {
    const own = (this.world.messages ?? []).filter((one) => this.find('sessions', one.session.id, 'session').user.id === who.user.id);
    if (method === 'GET') return [200, { items: own }];
    this.world.messages = this.world.messages.filter((one) => one.id !== name);
    return [204, null];
  }

  on_sessions({ method, name, verb, query, body, who }) {
    if (!name) return this.sessionsAs(query);
    const session = this.find('sessions', name, 'session');
    if (verb === 'shadows') return [200, { items: (this.world.shadows ?? []).filter((one) => one.session === session.id && ['asked', 'allowed', 'open'].includes(one.state)) }];
    if (verb === 'shadow') return [201, this.shadow(session, body.mode, who)];
    if (verb === 'message') {
      return [200, { id: this.message(session, body.text, who).id, in_guest: this.world.showsNothing !== true, problem: this.world.showsNothing ? 'no agent' : null }];
    }
    if (verb === 'unlock') this.mayUnlock(session, who.at);
    if (verb === 'lock' || verb === 'unlock') this.lock(session, verb === 'lock' ? Date.now() : null);
    else if (method === 'POST') {
      this.screens.get(session.desktop.id)?.viewers.forEach((viewer) => viewer.end());
      this.setSession(session, verb === 'log-off' ? 'ended' : 'disconnected');
      if (verb === 'log-off') {
        this.screens.delete(session.desktop.id);
        const desktop = this.world.desktops.find((d) => d.id === session.desktop.id);
        if (desktop && this.find('pools', desktop.pool.id, 'pool').type === 'floating') desktop.user = null;
      }
    }
    const steps = [{ name: 'choice', at_us: 0, took_us: 300 }, { name: 'machine', at_us: 300, took_us: 241_000 }, { name: 'picture', at_us: 250_000, took_us: 9_000 }];
    return [200, { ...this.withActivity(session), ...(method === 'GET' ? { steps, display: session.state === 'ended' ? null : { sound: this.sound ?? true, bandwidth_kbit_s: this.bandwidth ?? null, files: this.filesPlan ?? { to_desktop: true, from_desktop: true } } } : {}) }];
  }

  withCounts(one) {
    return { ...one, counts: countsOf(this.world, one) };
  }

  on_pools({ method, name, verb, rest, body, query, who }) {
    const { world } = this;
    if (!name && method === 'GET') return this.page(world.pools.map((one) => this.withCounts(one)), query);
    if (!name) return this.createPool(body);
    const one = this.find('pools', name, 'pool');
    if (verb === 'connect') return this.connect(one, who, body ?? undefined);
    if (verb === 'entitlements') return this.entitlements(method, one, rest);
    if (verb === 'icon') {
      if (method === 'GET') return [204];
      one.icon = method === 'PUT' ? body.png : false;
      this.tell('pool', one.id);
      return [204];
    }
    if (method === 'PATCH') {
      Object.assign(one, body, body.image ? { image: ref(this.find('images', body.image, 'image')) } : {});
      Object.assign(one, this.plansOf(one, body));
      if ('version' in body) Object.assign(one, body.version === null ? { follows_newest: true, version: 3 } : { follows_newest: false });
      this.tell('pool', one.id);
    }
    if (method === 'DELETE') {
      if (countsOf(world, one).sessions > 0 && query.get('force') !== 'true') throw new Refusal(409, 'conflict', `pool "${one.name}" has ${countsOf(world, one).sessions} open sessions; end them or delete with force`);
      world.pools.splice(world.pools.indexOf(one), 1);
      this.tell('pool', one.id, 'delete');
      return [204];
    }
    return [200, this.withCounts(one)];
  }

  /** What a body says of plans, as the API shows it. */
  plansOf(before, body) {
    return Object.fromEntries(['power', 'release', 'display'].map((kind) => `${kind}_plan`).map((key) => {
      if (!(key in body)) return [key, before[key] ?? null];
      return [key, body[key] && ref(this.find('plans', body[key], 'plan'))];
    }));
  }

  on_plans({ method, name, body, query }) {
    const { plans } = this.world;
    const using = (plan) => this.world.pools.filter((one) => one[`${plan.kind}_plan`]?.name === plan.name);
    const whole = (plan) => ({ ...plan, pools: using(plan).length });
    if (!name && method === 'GET') return this.page(plans.map(whole), query);
    if (!name) plans.push({ id: id(), description: '', created_ms: Date.now(), ...body });
    const plan = name ? this.find('plans', name, 'plan') : plans.at(-1);
    if (method === 'PATCH') Object.assign(plan, body);
    if (method === 'DELETE') {
      const [pool] = using(plan);
      if (pool) throw new Refusal(409, 'conflict', `plan "${plan.name}": pool "${pool.name}" uses it; give that another one first`);
      plans.splice(plans.indexOf(plan), 1);
    }
    plan.updated_ms = Date.now();
    this.tell('plan', plan.id, { POST: 'create', DELETE: 'delete' }[method]);
    return method === 'DELETE' ? [204] : [method === 'POST' ? 201 : 200, whole(plan)];
  }

  on_policies({ method, name, body, query }) {
    const policies = (this.policies ??= []);
    const all = (names) => (names ?? []).map((one) => ({ id: one, name: one, gone: false }));
    const whole = ({ when = {}, then = {}, ...rest }) => ({
      description: '', enabled: true, warnings: [], created_ms: 1, updated_ms: 1, ...rest,
      when: { roles: [], addresses: [], devices: [], times: null, ...when, users: all(when.users), groups: all(when.groups), pools: all(when.pools) },
      then: {
        deny: null, ...then, only_pools: all(then.only_pools),
        ...Object.fromEntries(['power_plan', 'release_plan', 'display_plan'].map((key) => [key, then[key] ? { id: then[key], name: then[key] } : null])),
      },
    });
    if (name === 'order') {
      policies.sort((one, other) => body.policies.indexOf(one.id) - body.policies.indexOf(other.id));
      return [204];
    }
    if (name === 'explain') {
      return [200, {
        decided: policies[0] ? ref(policies[0]) : null, denied: policies[0]?.then.deny ?? null, hidden: false, entitled: true,
        plans: { power: null, release: null, display: null }, time_ms: Date.now(),
        rules: policies.map((one, place) => ({ policy: ref(one), reason: place === 0 ? 'matches' : 'not-reached', why: '' })),
      }];
    }
    if (!name && method === 'GET') return this.page(policies, query);
    if (!name) {
      policies.push(whole({ id: id(), ...body }));
      return [201, policies.at(-1)];
    }
    const place = policies.findIndex((one) => one.id === name);
    if (method === 'DELETE') {
      policies.splice(place, 1);
      return [204];
    }
    policies[place] = whole({ id: name, ...body });
    return [200, policies[place]];
  }

  createPool(body) {
    if (this.world.pools.some((one) => one.name === body.name)) throw new Refusal(409, 'conflict', `pool "${body.name}" exists already; choose another name`);
    const image = this.find('images', body.image, 'image');
    const newest = image.versions[0];
    const type = body.type ?? 'floating';
    const one = {
      id: id(), name: body.name, display_name: body.display_name ?? '', description: body.description ?? '', type,
      image: ref(image), version: body.version ?? newest.version, follows_newest: body.version == null, size: body.size ?? 10,
      spares: body.spares ?? 1, vcpus: body.vcpus ?? newest.vcpus, memory_bytes: body.memory_bytes ?? newest.memory_bytes,
      refresh_on_log_off: body.refresh_on_log_off ?? type === 'floating', self_service: body.self_service ?? ['restart', 'reset'], provisioning: body.provisioning ?? 'instant', icon: false, enabled: body.enabled ?? true,
      application: body.application ?? '', sessions_a_user: body.sessions_a_user ?? 1, home: body.home ?? '', home_bytes: body.home_bytes ?? 0,
      maintenance: body.maintenance ?? false, deleting: false, template: { state: 'ready', job: null, error: null, waits_for: null }, created_ms: Date.now(), updated_ms: Date.now(), ...this.plansOf({}, body),
    };
    this.world.pools.push(one);
    this.tell('pool', one.id, 'create');
    return [201, this.withCounts(one)];
  }

  entitlements(method, one, [, kinds, name]) {
    const { world } = this;
    if (!kinds) return [200, { items: world.entitlements.filter((e) => e.pool === one.id).map(({ kind, id, name: of }) => ({ kind, id, name: of })), next: null }];
    const kind = kinds === 'users' ? 'user' : 'group';
    const who = this.find(kinds, name, kind);
    world.entitlements = world.entitlements.filter((e) => !(e.pool === one.id && e.id === who.id));
    if (method === 'PUT') world.entitlements.push({ pool: one.id, kind, id: who.id, name: who.name });
    this.tell('entitlement', one.id);
    return [204];
  }

  on_desktops({ method, name, verb, body, query, who }) {
    const { world } = this;
    const matches = (d) => ['pool', 'user'].every((key) => !query.get(key) || [d[key]?.id, d[key]?.name].includes(query.get(key))) && (!query.get('state') || d.observed === query.get('state')) && holds(query, d.name, d.user?.name);
    if (!name) return this.page(world.desktops.filter(matches), query);
    const desktop = this.find('desktops', name, 'desktop');
    if (verb === 'connect') return this.console(desktop, body?.take_over === true, who);
    if (method === 'DELETE') {
      world.desktops.splice(world.desktops.indexOf(desktop), 1);
      this.tell('desktop', desktop.id, 'delete');
      return [204];
    }
    if (method === 'POST') this.act(desktop, verb, body, who);
    return [200, desktop];
  }

  act(desktop, verb, body) {
    if (verb === 'assign') desktop.user = ref(this.find('users', body.user, 'user'));
    if (verb === 'release') desktop.user = null;
    const next = { start: 'starting', stop: 'stopping', reset: 'starting', refresh: 'refreshing' }[verb];
    if (next) {
      desktop.state = next;
      setTimeout(() => {
        desktop.state = verb === 'stop' ? 'stopped' : 'running';
        this.tell('desktop', desktop.id);
      }, 1200).unref();
    }
    this.tell('desktop', desktop.id);
  }

  on_images({ method, name, body, query }) {
    const { world } = this;
    if (!name && method === 'GET') return this.page(world.images, query);
    if (!name) {
      if (body.recipe_text?.includes('nonsense')) throw new Refusal(422, 'invalid', 'recipe_text, line 1: unknown word "nonsense"; allowed are base, packages, files, users, services, size, memory, session');
      return [202, { job: this.startJob('image.build', `Build image ${body.name}`, body.name) }];
    }
    const image = this.find('images', name, 'image');
    if (method === 'DELETE') {
      if (image.pools.length > 0) throw new Refusal(409, 'conflict', `image "${image.name}" is used by pool "${image.pools[0].name}"; delete the pool or give it another image first`);
      world.images.splice(world.images.indexOf(image), 1);
      this.tell('image', image.id, 'delete');
      return [204];
    }
    return [200, image];
  }

  startJob(kind, title, object) {
    const job = { id: id(), kind, title, state: 'running', progress: 3, step: 'Unpack the base', object: { kind: 'image', id: null, name: object }, error: null, cancel_requested: false, actor: 'admin', created_ms: Date.now(), started_ms: Date.now(), ended_ms: null };
    this.world.jobs.unshift(job);
    this.world.logs.set(job.id, 'I: unpacking the base system\n');
    this.tell('job', job.id, 'create');
    return job;
  }

  advance(job, progress, step) {
    Object.assign(job, { progress, step });
    if (progress >= 100) Object.assign(job, { state: 'done', ended_ms: Date.now() });
    this.world.logs.set(job.id, `${this.world.logs.get(job.id) ?? ''}I: ${step}\n`);
    this.push('job', job);
    if (progress >= 100) this.tell('job', job.id);
  }

  on_recipes() {
    return [200, { items: this.world.recipes, next: null }];
  }

  on_settings({ method, body }) {
    if (method === 'PATCH') this.world.consent = body.shadow_consent;
    return [200, { shadow_consent: this.world.consent ?? 'ask' }];
  }

  helps(one, method, body) {
    if (method === 'PUT') one.helps = body.groups === null ? null : body.groups.map((name) => ref(this.find('groups', name, 'group')));
    return [200, { groups: one.helps ?? null }];
  }

  on_users({ method, name, verb, body, query, who }) {
    const { world } = this;
    if (!name && method === 'GET') return this.page(world.users.filter((one) => holds(query, one.name, one.display_name, one.email)), query);
    if (!name) {
      if (world.users.some((one) => one.name === body.name)) throw new Refusal(409, 'conflict', `user "${body.name}" exists already; choose another name`);
      const user = { id: id(), name: body.name, display_name: body.display_name ?? '', email: '', roles: body.roles ?? ['user'], enabled: true, password_set: !!body.password, totp: false, groups: [], directory: null, created_ms: Date.now(), updated_ms: Date.now(), last_login_ms: null };
      world.users.push(user);
      this.tell('user', user.id, 'create');
      return [201, user];
    }
    const user = this.find('users', name, 'user');
    if (verb === 'helps') return this.helps(user, method, body);
    if (verb === 'link') return [200, { url: `${this.url}#/setup/GOOD`, expires_ms: Date.now() + 86400000 }];
    if (verb === 'password') {
      if (user.id === who.user.id && world.passwords.get(user.name) !== body.current) throw new Refusal(403, 'forbidden', 'the current password is wrong');
      world.passwords.set(user.name, body.password);
      return [204];
    }
    if (method === 'PATCH') {
      if (user.name === 'admin' && (body.enabled === false || (body.roles && !body.roles.includes('admin')))) throw new Refusal(409, 'conflict', 'user "admin" is the last administrator; make another one first');
      Object.assign(user, body);
      this.tell('user', user.id);
    }
    if (method === 'DELETE') {
      world.users.splice(world.users.indexOf(user), 1);
      this.tell('user', user.id, 'delete');
      return [204];
    }
    return [200, user];
  }

  quotaOf(user) {
    const own = (this.world.quotas ?? []).find((one) => one.kind === 'user' && one.id === user.id);
    const theirs = this.world.desktops.filter((one) => one.user?.id === user.id);
    const used = { desktops: theirs.length, running: theirs.length, memory_bytes: theirs.length * 2 ** 31, disk_bytes: theirs.length * 2 ** 34 };
    const limit = (kind) => ({ used: used[kind], most: own && own[kind] !== 'unlimited' ? own[kind] : null, from: own ? { kind: 'user', name: user.name } : null });
    return { user: ref(user), ...Object.fromEntries(Object.keys(used).map((kind) => [kind, limit(kind)])) };
  }

  on_quotas({ method, name: kinds, rest, body }) {
    const { world } = this;
    world.quotas ??= [];
    if (!kinds) return this.page(world.quotas, new URLSearchParams());
    const whose = this.find(kinds, rest[0], kinds.slice(0, -1));
    world.quotas = world.quotas.filter((one) => one.id !== whose.id);
    if (method === 'DELETE') return [204];
    const quota = { kind: kinds.slice(0, -1), id: whose.id, name: whose.name, desktops: null, running: null, memory_bytes: null, disk_bytes: null, ...body };
    world.quotas.push(quota);
    this.tell('user', whose.id);
    return [200, quota];
  }

  on_directories({ method, name, body, query }) {
    const { world } = this;
    if (!name && method === 'GET') return this.page(world.directories, query);
    if (!name) {
      const { secret, ...rest } = body;
      const made = { id: id(), display_name: '', position: world.directories.length + 1, enabled: true, ...rest, secret_set: !!secret, users: 0, groups: 0, created_ms: Date.now(), updated_ms: Date.now() };
      world.directories.push(made);
      this.tell('directory', made.id, 'create');
      return [201, made];
    }
    const directory = this.find('directories', name, 'directory');
    if (method === 'GET') return [200, directory];
    if (method === 'POST') return [200, { ok: false, steps: [
      { step: 'resolve', ok: true, detail: 'dc1.example has an address', milliseconds: 1 },
      { step: 'connect', ok: false, detail: 'dc1.example does not answer at port 636: Connection refused', milliseconds: 2 }] }];
    if (method === 'DELETE') {
      world.directories.splice(world.directories.indexOf(directory), 1);
      this.tell('directory', directory.id, 'delete');
      return [204];
    }
    const { secret, ...rest } = body;
    Object.assign(directory, rest, { secret_set: directory.secret_set || !!secret });
    this.tell('directory', directory.id);
    return [200, directory];
  }

  on_homes({ method, name, verb, body, query }) {
    if (!name) return this.page(this.world.homes, query);
    const home = this.world.homes.find((one) => [one.user.id, one.user.name].includes(name) && one.name === verb);
    if (!home) throw lost('home', verb);
    if (method === 'DELETE') this.world.homes.splice(this.world.homes.indexOf(home), 1);
    if (method === 'PATCH') home.size_bytes = body.size_bytes;
    this.tell('home', home.id, method === 'DELETE' ? 'delete' : 'update');
    return method === 'DELETE' ? [204] : [200, home];
  }

  on_groups({ method, name, verb, rest, body, query }) {
    const { world } = this;
    if (!name && method === 'GET') return this.page(world.groups, query);
    if (!name) {
      const group = { id: id(), name: body.name, display_name: body.display_name ?? '', built_in: false, members: [], directory: null, directory_group: null, missing_since_ms: null, created_ms: Date.now(), updated_ms: Date.now() };
      world.groups.push(group);
      this.tell('group', group.id, 'create');
      return [201, group];
    }
    const group = this.find('groups', name, 'group');
    if (verb === 'helps') return this.helps(group, method, body);
    if (group.built_in && method !== 'GET') throw new Refusal(409, 'conflict', `group "${group.name}": is built in`);
    if (verb === 'members') {
      const user = this.find('users', rest[1], 'user');
      group.members = group.members.filter((one) => one.id !== user.id);
      if (method === 'PUT') group.members.push(ref(user));
      this.tell('group', group.id);
      return [204];
    }
    if (method === 'PATCH') Object.assign(group, body);
    if (method === 'DELETE') {
      world.groups.splice(world.groups.indexOf(group), 1);
      this.tell('group', group.id, 'delete');
      return [204];
    }
    return [200, group];
  }

  on_jobs({ name, verb, query }) {
    if (!name) return this.page(this.world.jobs.filter((one) => !query.get('state') || one.state === query.get('state')), query);
    const job = this.find('jobs', name, 'job');
    if (verb === 'cancel') {
      Object.assign(job, { state: 'cancelled', ended_ms: Date.now() });
      this.push('job', job);
      this.tell('job', job.id);
      return [202, { job }];
    }
    return [200, job];
  }

  on_events({ query }) {
    const of = query.get('object');
    return this.page(this.world.events.filter((one) => !of || one.object?.id === of), query);
  }

  on_kiosks({ method, name, body, query }) {
    const { world } = this;
    if (method === 'GET') return this.page(world.kiosks, query);
    const before = world.kiosks.find((one) => one.id === name);
    world.kiosks = world.kiosks.filter((one) => one.id !== name);
    this.push('change', { kind: 'kiosk', id: name ?? id(), op: 'update' });
    if (method === 'DELETE') return [204];
    const kiosk = { id: name ?? id(), logins: 0, created_ms: Date.now(), updated_ms: Date.now(), ...before, ...body, user: { id: id(), name: body.user }, pool: { id: id(), name: body.pool } };
    world.kiosks.push(kiosk);
    return [method === 'POST' ? 201 : 200, kiosk];
  }

  on_logins({ method, name }) {
    const { world } = this;
    if (method === 'GET') return [200, { items: world.logins, next: null }];
    const before = world.logins.length;
    world.logins = world.logins.filter((one) => (name === undefined ? one.current : one.id !== name));
    this.push('change', { kind: 'login', id: id(), op: 'delete' });
    return name === undefined ? [200, { ended: before - world.logins.length }] : [204];
  }

  on_tokens({ method, name, body }) {
    const { world } = this;
    if (method === 'GET') return [200, { items: world.tokens, next: null }];
    if (method === 'DELETE') {
      world.tokens = world.tokens.filter((one) => one.id !== name);
      return [204];
    }
    const token = { id: id(), name: body.name, scopes: body.scopes, created_ms: Date.now(), expires_ms: body.days === null ? null : Date.now() + body.days * 86400000, last_used_ms: null };
    world.tokens.push(token);
    return [201, { ...token, token: 'oriel_9f2kQx7Vd0tR4mZb1cYw8uLs' }];
  }

  // a curve of its own for each figure, with an hour in which the host was off
  on_statistics({ query }) {
    const name = query.get('name');
    const [unit, most] = { log_on_ms: ['ms', 2400], memory_bytes: ['bytes', 9 * 1024 ** 3], processor_percent: ['percent', 70] }[name] ?? ['count', 20];
    const [from, to, step] = ['from', 'to', 'step'].map((one) => Number(query.get(one)));
    const points = [];
    for (let time = Math.ceil(from / step) * step; time < to && !this.world.noFigures; time += step) {
      const share = (time - from) / (to - from);
      if (share < 0.4 || share > 0.45) points.push({ time_ms: time, value: Math.round(most * (0.5 + 0.5 * Math.sin(share * 9 + name.length))) });
    }
    return [200, { name, unit, from_ms: from, to_ms: to, step_ms: step, points }];
  }

  on_status() {
    const { world } = this;
    const running = world.desktops.filter((d) => d.state === 'running').length;
    const GiB = 1024 ** 3;
    return [200, {
      version: '0.1.0', host: 'oriel-1', started_ms: world.startedMs,
      accelerator: { name: 'tcg', reason: '/dev/kvm opens but cannot run a 64-bit guest here (KVM_RUN: internal error); desktops are emulated and slower' },
      qemu: '7.2.22', store: 'SQLite 3.40.1',
      memory: { limit_bytes: 20 * GiB, used_bytes: 4.2 * GiB, desktop_bytes: 128 * 1024 ** 2 },
      disk: { total_bytes: 200 * GiB, free_bytes: 31 * GiB, floor_bytes: 10 * GiB },
      counts: {
        users: world.users.length, groups: world.groups.length, pools: world.pools.length, images: world.images.length,
        desktops: world.desktops.length, running, starting: 1, failed: 1, room: 126, sessions: world.sessions.filter((s) => s.state !== 'ended').length,
        jobs: world.jobs.filter((j) => j.state === 'running').length, waiting: 2, templates: 2,
      },
      warnings: ['The certificate is self-signed; browsers warn until you install your own.'],
    }];
  }

  upgrade(request, socket) {
    const name = new URL(request.url, 'http://localhost').pathname.slice(this.prefix.length);
    const ticket = name.startsWith('api/v1/display/') ? this.tickets.get(name.slice(15)) : undefined;
    if (!ticket || this.refuseDisplays) {
      socket.end('HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n');
      return;
    }
    this.tickets.delete(name.slice(15));
    const peer = accept(request, socket);
    this.displays.add(peer);
    peer.session = ticket.session;
    const viewer = new Viewer(this.screenOf(ticket.desktop), (data) => peer.send(data), () => peer.close(1000));
    if (ticket.session) setTimeout(() => this.setSession(ticket.session, 'connected'), 50);
    peer.onData = (data) => viewer.feed(data);
    peer.onClose = () => {
      this.displays.delete(peer);
      const screen = this.screenOf(ticket.desktop);
      viewer.gone();
      if (ticket.session?.state === 'connected' && screen.viewers.size === 0) this.setSession(ticket.session, 'disconnected');
    };
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const fake = new FakeOriel();
  console.log(await fake.listen(Number(process.argv[2] ?? 8099)));
}
