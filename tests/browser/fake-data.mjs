// What the fake API knows at its start: enough of everything that each page has something to show.
let serial = 0;
const alphabet = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';

/** Looks like a ULID, and is the same in every run. */
export function id() {
  serial += 1;
  let rest = serial;
  let text = '';
  for (let n = 0; n < 26; n += 1) {
    text = (n < 6 ? alphabet[rest % 32] : '0') + text;
    if (n < 6) rest = Math.floor(rest / 32);
  }
  return `01${text.slice(2)}`;
}

const GiB = 1024 ** 3;
const ref = (thing) => ({ id: thing.id, name: thing.name });

function image(name, description, versions, now) {
  return {
    id: id(), name, display_name: '', description, recipe: name, newest: versions, building: null, created_ms: now - 86400000 * 9,
    updated_ms: now - 86400000, pools: [],
    versions: Array.from({ length: versions }, (_, n) => ({
      version: versions - n, state: 'ready', file_bytes: Math.round((1.9 - n * 0.1) * GiB), disk_bytes: 16 * GiB,
      memory_bytes: 2 * GiB, vcpus: 2, checksum: 'c0ffee', job: null, error: null, created_ms: now - 86400000 * (1 + n * 3),
    })),
  };
}

function pool(name, display, description, type, from, extra = {}) {
  const made = {
    id: id(), name, display_name: display, description, type, image: ref(from), version: from.newest, follows_newest: true,
    size: 10, spares: 2, vcpus: 2, memory_bytes: 2 * GiB, refresh_on_log_off: type === 'floating', self_service: ['restart', 'reset'], provisioning: 'instant', icon: false, application: '', sessions_a_user: 1, home: '', home_bytes: 0, enabled: true,
    power_plan: null, release_plan: null, display_plan: null, maintenance: false, deleting: false, template: { state: 'ready', job: null, error: null, waits_for: null }, created_ms: Date.now() - 86400000 * 6,
    updated_ms: Date.now() - 86400000, ...extra,
  };
  from.pools.push(ref(made));
  return made;
}

function desktop(of, number, state, extra = {}) {
  return {
    id: id(), name: `${of.name}-${number}`, pool: ref(of), state, desired: state === 'stopped' ? 'stopped' : 'running',
    observed: ['refreshing', 'deleting'].includes(state) ? 'stopping' : state, agent: state === 'running' ? 'ready' : 'none',
    user: null, session: null, image: of.image, version: of.version, seat_of: null, seats: 0, seats_taken: 0, generation: 1, observed_generation: 1, error: null,
    created_ms: Date.now() - 3600000 * number, updated_ms: Date.now() - 60000 * number, ...extra,
  };
}

export function makeWorld() {
  serial = 0;
  const now = Date.now();
  const users = [
    ['admin', 'Anna Weber', ['admin', 'user']], ['ben', 'Ben Okafor', ['user']], ['chiara', 'Chiara Rossi', ['operator', 'user']],
    ['dora', 'Dora Lind', ['helpdesk']], ['emil', 'Emil Haas', ['user']], ['farid', 'Farid Amini', ['auditor']],
  ].map(([name, display_name, roles], n) => ({
    id: id(), name, display_name, email: '', roles, enabled: name !== 'emil', password_set: name !== 'farid', totp: false, groups: [], directory: null,
    created_ms: now - 86400000 * (20 - n), updated_ms: now - 86400000, last_login_ms: n < 3 ? now - 3600000 * (n + 1) : null,
  }));
  const [admin, ben, chiara] = users;
  const groups = [['design', 'Design, second floor'], ['sales', 'Sales']].map(([name, display_name]) => ({
    id: id(), name, display_name, built_in: false, members: [], directory: null, directory_group: null, missing_since_ms: null, created_ms: now - 86400000 * 12, updated_ms: now - 86400000 * 2,
  }));
  groups.push({ id: id(), name: 'everyone', display_name: 'Everyone', built_in: true, members: users.filter((one) => one.enabled).map(ref), directory: null, directory_group: null, missing_since_ms: null, created_ms: now, updated_ms: now });
  groups[0].members.push(ref(ben), ref(chiara));
  ben.groups.push(ref(groups[0]));
  chiara.groups.push(ref(groups[0]));
  const xfce = image('debian-xfce', 'Debian 12 with a pleasant desktop', 3, now);
  const small = image('debian-minimal', 'Small, for tests', 1, now);
  const pools = [
    pool('demo', 'Office', 'Browser, mail and documents', 'floating', xfce),
    pool('studio', 'Design studio', 'Your own machine for drawing and layout', 'dedicated', xfce, { memory_bytes: 4 * GiB, vcpus: 4 }),
    pool('lab', 'Lab', 'Try things out; everything is fresh each time', 'floating', small, { spares: 0, enabled: true }),
  ];
  const [demo, studio, lab] = pools;
  const desktops = [
    desktop(demo, 1, 'running', { user: ref(admin) }), desktop(demo, 2, 'running', { user: ref(ben) }),
    desktop(demo, 3, 'running'), desktop(demo, 4, 'starting'), desktop(demo, 5, 'refreshing'),
    desktop(studio, 1, 'running', { user: ref(chiara) }), desktop(studio, 2, 'stopped', { user: ref(admin) }),
    desktop(lab, 1, 'failed', { error: 'desktop "lab-1": QEMU ended with status 1: could not open disk.qcow2: no space left on device' }),
  ];
  const session = (of, user, state, minutes) => {
    const made = {
      id: id(), user: ref(user), pool: of.pool, desktop: ref(of), state, client: '192.0.2.17',
      started_ms: now - 60000 * (minutes + 40), since_ms: now - 60000 * minutes, ended_ms: null, end_reason: null, policy: null,
    };
    of.session = { id: made.id, state, since_ms: made.since_ms };
    return made;
  };
  const sessions = [session(desktops[0], admin, 'disconnected', 18), session(desktops[1], ben, 'connected', 52), session(desktops[5], chiara, 'connected', 7)];
  const jobs = [
    { id: id(), kind: 'image.build', title: 'Build image debian-xfce', state: 'done', progress: 100, step: '', object: { kind: 'image', ...ref(xfce) }, error: null, cancel_requested: false, actor: 'admin', created_ms: now - 86400000, started_ms: now - 86400000, ended_ms: now - 86000000 },
    { id: id(), kind: 'image.build', title: 'Build image kiosk', state: 'failed', progress: 34, step: 'Install packages', object: null, cancel_requested: false, actor: 'admin', error: 'recipe "kiosk", line 7: package "chromiun" does not exist in Debian 12; did you mean "chromium"?', created_ms: now - 7200000, started_ms: now - 7200000, ended_ms: now - 7000000 },
  ];
  const actions = [
    ['admin', 'pool.create', 'pool', demo, { image: 'debian-xfce', size: 10 }, 'ok'],
    ['ben', 'session.connect', 'desktop', desktops[1], { pool: 'demo' }, 'ok'], ['system', 'desktop.refresh', 'desktop', desktops[4], { why: 'log off' }, 'ok'],
    ['system', 'login', 'user', { id: null, name: 'root' }, {}, 'unauthenticated'], ['local administrator', 'user.create', 'user', ben, {}, 'ok'],
  ];
  const events = Array.from({ length: 130 }, (_, n) => {
    const [actor, action, kind, object, detail, result] = actions[n % actions.length];
    return { id: String(1000 - n), time_ms: now - n * 421000, actor, address: n % 5 === 3 ? '203.0.113.9' : null, action, object: { kind, id: object.id, name: object.name }, result, detail };
  });
  return {
    plans: [{ id: id(), name: 'strict', description: 'Nothing is copied', kind: 'display', settings: { clipboard: 'none' }, created_ms: now, updated_ms: now }],
    users, groups, directories: [], images: [xfce, small], pools, desktops, sessions, jobs, events,
    entitlements: [{ pool: demo.id, kind: 'user', id: admin.id, name: 'admin' }, { pool: studio.id, kind: 'user', id: admin.id, name: 'admin' },
      { pool: lab.id, kind: 'user', id: admin.id, name: 'admin' }, { pool: demo.id, kind: 'group', id: groups[0].id, name: 'design' }],
    kiosks: [{ id: id(), name: 'hall', networks: ['192.0.2.0/28'], certificates: [], user: { id: ben.id, name: 'ben' }, pool: { id: demo.id, name: 'demo' }, enabled: true, logins: 2, created_ms: now, updated_ms: now }],
    logins: [['192.0.2.7', 'Firefox 128 on Linux', true], ['2001:db8::7', 'Safari 17 on iPhone', false]].map(([address, browser, current]) => (
      { id: id(), user: { id: admin.id, name: 'admin' }, current, address, browser, means: 'password', means_name: null, since_ms: now - 86400000, seen_ms: now - 60000, expires_ms: now + 86400000 })),
    tokens: [{ id: id(), name: 'Nightly report', scopes: ['read'], created_ms: now - 864000000, expires_ms: now + 86400000 * 80, last_used_ms: now - 3600000 * 9 }],
    passwords: new Map([['admin', 'correct horse']]), logs: new Map([[jobs[1].id, 'I: automatically chosen mode: unshare\nI: installing packages...\nE: Unable to locate package chromiun\n']]),
    recipes: [
      { name: 'debian-xfce', description: 'A pleasant desktop with browser, file manager, terminal and editor', text: '# debian-xfce\nbase: debian 12\nsize: 16 GiB\nmemory: 2 GiB\nsession: xfce\npackages: xfce4 firefox-esr mousepad\n' },
      { name: 'debian-minimal', description: 'Small; what tests use', text: '# debian-minimal\nbase: debian 12\nsize: 4 GiB\nmemory: 512 MiB\n' },
    ],
    homes: [{ id: id(), user: ref(ben), name: 'work', size_bytes: 10 * GiB, state: 'kept', desktop: ref(desktops[1]), used_ms: now - 3600000, created_ms: now - 86400000, updated_ms: now - 86400000 }],
    startedMs: now - 86400000 * 3,
  };
}

export function countsOf(world, one) {
  const mine = world.desktops.filter((d) => d.pool.id === one.id);
  return {
    desktops: mine.length, running: mine.filter((d) => d.state === 'running').length, assigned: mine.filter((d) => d.user).length,
    sessions: mine.filter((d) => d.session).length,
  };
}
