// Files of the stand-in's desktops: one folder for all of them, in house.downloads (name → Buffer).
const piece = 1024; // small, so that a small file has many

const shown = (one) => ({ id: one.id, direction: one.toDesktop ? 'to_desktop' : 'from_desktop', name: one.name, size_bytes: one.size, done_bytes: one.done, piece_bytes: piece });

function begin(house, { direction, name, size_bytes: size }) {
  house.transfers ??= new Map();
  const toDesktop = direction === 'to_desktop';
  const made = { id: `t${house.transfers.size + 1}`, toDesktop, name, size: toDesktop ? size : house.downloads.get(name).length, done: 0, content: Buffer.alloc(0) };
  house.transfers.set(made.id, made);
  return made;
}

function finish(house, transfer) {
  house.transfers.set(transfer.id, null);
  let name = transfer.name;
  for (let number = 2; transfer.toDesktop && house.downloads.has(name); number += 1) name = transfer.name.replace(/(\.[^.]*)?$/, ` (${number})$1`);
  if (transfer.toDesktop) house.downloads.set(name, transfer.content);
  return { name };
}

function list(house) {
  const items = [...house.downloads].map(([name, content], at) => ({ name, size_bytes: content.length, modified_ms: 1_700_000_000_000 + at }));
  return { folder: 'Downloads', items, left_out: 0, free_bytes: 1e9 };
}

export async function serveFiles(house, method, [id, verb], { bytes, body, query }, response) {
  house.downloads ??= new Map();
  await house.filesHold?.(method, id, verb); // a test decides when it goes on
  const problem = house.filesBroken?.(method, verb);
  const fail = (status, kind, detail) => response.writeHead(status, { 'Content-Type': 'application/problem+json' })
    .end(JSON.stringify({ type: `https://oriel.invalid/problems/${kind}`, title: kind, status, detail }));
  if (problem) return fail(problem.status, problem.kind, problem.detail);
  if (!id) return house.json(response, method === 'POST' ? 201 : 200, method === 'POST' ? shown(begin(house, body)) : list(house));
  const transfer = house.transfers?.get(id);
  if (!transfer) return fail(404, 'not-found', `transfer "${id}": there is none`);
  const offset = Number(query.get('offset') ?? 0);
  if (method === 'DELETE') {
    house.transfers.set(id, null);
    return house.json(response, 204);
  }
  if (verb === 'finish') return house.json(response, 200, finish(house, transfer));
  if (method === 'PUT') {
    if (offset === transfer.done) transfer.content = Buffer.concat([transfer.content, bytes]);
    transfer.done = transfer.content.length;
    return house.json(response, 200, { done_bytes: transfer.done });
  }
  if (verb !== 'bytes') return house.json(response, 200, shown(transfer));
  response.writeHead(200, { 'Content-Type': 'application/octet-stream' }).end(house.downloads.get(transfer.name).subarray(offset, offset + piece));
  return undefined;
}
