import { createRequire as requireFrom } from "node:module"; const require = requireFrom(import.meta.url);
import {
  addedDebs,
  findLayer,
  hitOf,
  holdForBuild,
  joinRuns,
  layersSeen,
  ledgerOf,
  makeBench,
  ordersFrom,
  runRound,
  settleLayers,
  settlements,
  shareRuns
} from "./chunk-Y644624U.js";
import {
  reasonOf,
  wordsOf
} from "./chunk-4ROARDOM.js";
import {
  currentSlot,
  planImage,
  recallView,
  settleImage,
  slotsOf,
  updateFolder
} from "./chunk-PSNPRZSN.js";
import {
  forgetUnchanged,
  rememberUnchanged,
  witness
} from "./chunk-YGGTV4WK.js";
import {
  checkInputs,
  coverLock,
  fetchInputs,
  formatLock,
  inputPaths,
  readInputs,
  sequenceOf,
  uncovered,
  withIds,
  withOrders,
  writeLock
} from "./chunk-ISSTBTSC.js";
import {
  baseInputs,
  keyOf,
  mergeView,
  scriptletInputs
} from "./chunk-JBN4M4ZG.js";
import {
  Store,
  canonicalJson,
  digestOf
} from "./chunk-CMH6CGA3.js";
import {
  SnapError,
  __callDispose,
  __using
} from "./chunk-LVCJS3W4.js";

// src/build.ts
import { readFileSync } from "node:fs";
import { basename as basename2 } from "node:path";

// src/layers/estimate.ts
function expectedSeconds(layers, jobs, run) {
  const there = new Set(layers.filter(({ name }) => !run.has(name)).map(({ name }) => name));
  const names = new Set(layers.map(({ name }) => name));
  const waiting = new Set(layers.filter(({ name }) => run.has(name)));
  const running = [];
  let now = 0;
  for (; ; ) {
    for (const layer of waiting) {
      if (running.length >= Math.max(1, jobs)) break;
      if (!layer.sees.every((name) => there.has(name) || !names.has(name))) continue;
      waiting.delete(layer);
      running.push({ name: layer.name, end: now + (layer.seconds ?? 0) });
    }
    const next = running.toSorted((a, b) => a.end - b.end)[0];
    if (!next) return now;
    running.splice(running.indexOf(next), 1);
    now = next.end;
    there.add(next.name);
  }
}

// src/layers/forecast.ts
function forecast(bench, sequence) {
  const { store, lock, conf } = bench;
  const planned = [];
  const there = /* @__PURE__ */ new Map();
  const add = (name, inputs, view2, sees) => {
    const row = bench.rerun.has(name) ? void 0 : findLayer(bench, inputs);
    if (row) there.set(name, { name, row, sees });
    const common = { name, key: keyOf(inputs), sees: view2.map((layer) => layer.name) };
    if (row) {
      const why = inputs.network === true ? { kind: "impure" } : void 0;
      planned.push({ ...common, state: "hit", ...told(why), seconds: row.seconds, layer: row.n });
    } else {
      const why = bench.rerun.has(name) ? { kind: "asked" } : reasonOf(store, conf.name, name, inputs, view2);
      planned.push({ ...common, state: "run", ...told(why), ...lastTook(bench, name) });
    }
  };
  add("base", baseInputs(lock), [], /* @__PURE__ */ new Set());
  const open = new Set(openIn(lock, sequence));
  for (const scriptlet of sequence.scriptlets) {
    const { name } = scriptlet;
    const sees = sequence.sees.get(name) ?? /* @__PURE__ */ new Set();
    const missing = ["base", ...sees].find((other) => !there.has(other));
    if (open.has(name) || missing !== void 0) {
      planned.push({
        name,
        ...open.has(name) ? { state: "run", ...told({ kind: "uncovered" }) } : { state: "unknown", ...told({ kind: "below", layer: missing }) },
        ...lastTook(bench, name),
        sees: ["base", ...sees]
      });
    } else {
      const view2 = layersSeen(there.get("base"), there, sequence, sees);
      add(
        name,
        scriptletInputs(scriptlet, conf.project, lock, addedDebs(lock, name, sees), view2),
        view2,
        sees
      );
    }
  }
  const first = planned.find(({ state }) => state !== "hit");
  if (first) {
    const sees = planned.map(({ name }) => name);
    return [
      ...planned,
      { name: "settle", state: "unknown", ...told({ kind: "below", layer: first.name }), sees }
    ];
  }
  const view = mergeView(store, [...there.values()]);
  for (const settlement of settlements(store, view, lock)) {
    add(`settle/${settlement.package}`, { ...settlement.inputs, after: [] }, view.layers, /* @__PURE__ */ new Set());
  }
  return planned;
}
function unlocked(bench, sequence) {
  const all = [
    { name: "base", sees: [] },
    ...sequence.scriptlets.map(({ name }) => ({ name, sees: ["base", ...sequence.sees.get(name) ?? []] }))
  ];
  return all.map((layer) => ({
    ...layer,
    state: "run",
    ...told({ kind: "no-lock" }),
    ...lastTook(bench, layer.name)
  }));
}
function told(why) {
  return why ? { reason: wordsOf(why), why } : { reason: "" };
}
function openIn(lock, sequence) {
  const wants = new Map(sequence.scriptlets.map(({ name, packages }) => [name, packages]));
  return uncovered(lock, wants).map(({ name }) => name);
}
function lastTook({ store, conf }, name) {
  const last = store.lastOf(name, conf.name);
  return last ? { seconds: last.seconds } : {};
}

// src/output.ts
import { existsSync, mkdirSync, readdirSync } from "node:fs";
import { basename, join, resolve as resolvePath } from "node:path";
var FORMAT = 1;
function imageKey({ scriptlets }, { epoch }, layers) {
  const excludes = scriptlets.flatMap((scriptlet) => scriptlet.excludes);
  const seen = layers.map(({ name, row, sees }) => [name, row.n, [...sees]]);
  return `image ${digestOf(canonicalJson([FORMAT, epoch, excludes, seen]))}`;
}
function recallImage(store, inputs, lock, layers) {
  const text = store.results.get(imageKey(inputs, lock, layers));
  const slot = currentSlot(slotsOf(store.layout.images, inputs.conf.name));
  if (text === void 0 || slot === void 0) return void 0;
  const output = JSON.parse(text);
  const lies = store.results.get(slotKey(inputs.conf.name)) === `${basename(slot)} ${output.digest}`;
  return lies && output.layers.every(([, n]) => store.layerNumbered(n)) ? output : void 0;
}
function slotKey(conf) {
  return `slot ${conf}`;
}
function settledRows(store, output, layers) {
  return output.layers.slice(layers.length).map(([, n]) => store.layerNumbered(n));
}
function putOutput(store, inputs, lock, {
  view,
  layers,
  all
}, request, report) {
  report({ kind: "stage", name: "Assembling the image" });
  const excludes = inputs.scriptlets.flatMap((scriptlet) => scriptlet.excludes);
  const plan2 = planImage(store, view, excludes, lock.epoch);
  const slots = slotsOf(store.layout.images, inputs.conf.name);
  const folder = request.output === void 0 ? void 0 : outputFolder(store, request.output);
  if (!folder) forgetUnchanged(store, inputs.conf.name);
  const { paths, bytes } = folder ? updateFolder(store, folder.path, folder.note, plan2) : settleImage(store, slots, plan2);
  const output = {
    path: folder?.path ?? slots.link,
    digest: plan2.digest,
    paths,
    bytes,
    layers: all.map(({ name, row }) => [name, row.n])
  };
  if (!folder) {
    store.results.set(imageKey(inputs, lock, layers), JSON.stringify(output));
    store.results.set(slotKey(inputs.conf.name), `${basename(currentSlot(slots) ?? "")} ${plan2.digest}`);
  }
  report({ kind: "image", path: output.path, paths: output.paths, bytes: output.bytes });
  return output;
}
function outputFolder(store, output) {
  const path = resolvePath(output);
  const notes = join(store.layout.root, "outputs");
  const note = join(notes, `${digestOf(path)}.json`);
  mkdirSync(notes, { recursive: true, mode: 448 });
  if (existsSync(path) && !existsSync(note) && readdirSync(path).length > 0) {
    throw new SnapError("USAGE", `Cannot build into "${path}": it is not empty`, {
      hint: "name a new folder"
    });
  }
  return { path, note };
}
function recordBuild(store, conf, output, seconds) {
  const { digest, paths, bytes } = output;
  const layers = JSON.stringify(output.layers);
  const last = store.lastBuild(conf);
  if (last?.digest === digest && last.layers === layers) return;
  store.addBuild({ conf, made: Math.floor(Date.now() / 1e3), seconds, digest, paths, bytes, layers });
}

// src/build.ts
var INDEX_AGE = 3600;
async function build(request, report) {
  var _stack = [];
  try {
    const store = __using(_stack, new Store(request.project));
    const _held = __using(_stack, await holdForBuild(store, request, report));
    return await buildHeld(store, request, report, joinRuns(shareRuns(request.jobs)));
  } catch (_) {
    var _error = _, _hasError = true;
  } finally {
    __callDispose(_stack, _error, _hasError);
  }
}
async function buildHeld(store, request, report, relay) {
  const begun = performance.now();
  const read = Date.now();
  const inputs = await readInputs(request.project, request.conf, store);
  const signal = AbortSignal.any([request.signal, relay.halt]);
  await checkInputs(inputs, store, signal);
  const lock = await coverLock(inputs, store, { ...request, indexAge: INDEX_AGE }, report);
  await saveLock(inputs, lock, request, report);
  await fetchInputs(inputs, lock, store, { ...request, signal }, report);
  const bench = await makeBench(inputs, lock, store, request, report, relay);
  const made = await makeLayers(inputs, bench, request);
  await keepIds(inputs, made.bench, request);
  const { output, results } = made.recalled ?? await finish(inputs, made, request, report);
  store.settleDisk();
  const seconds = (performance.now() - begun) / 1e3;
  recordBuild(store, request.conf, output, seconds);
  const { path: image, digest, paths, bytes } = output;
  const result = { image, digest, seconds, paths, bytes, layers: [...made.results, ...results] };
  if (request.output === void 0)
    rememberUnchanged(store, request.conf, result, witnesses(inputs, made.bench, read));
  return result;
}
function witnesses(inputs, { lock, ledger }, read) {
  const now = Date.now();
  const isOwn = readFileSync(inputs.lockFile, "utf8") === formatLock(withIds(lock, ledger));
  return inputPaths(inputs)?.map((path) => witness(path, isOwn && path === inputs.lockFile ? now : read));
}
async function saveLock({ lockFile: file }, lock, { locked }, report) {
  if (!locked && await writeLock(file, lock)) report({ kind: "lock", file });
}
async function keepIds(inputs, { lock, ledger, report }, request) {
  const fresh = [
    ...[...ledger.uids].filter(([name]) => !lock.uids.has(name)).map(([name, id]) => ({ what: "uid", name, id })),
    ...[...ledger.gids].filter(([name]) => !lock.gids.has(name)).map(([name, id]) => ({ what: "gid", name, id }))
  ];
  if (request.locked && fresh.length > 0) {
    const names = fresh.map(({ what, name }) => `${what} of "${name}"`);
    throw new SnapError(
      "LOCK",
      `Cannot build "${request.conf}" with --locked: its lock lacks the ${names.join(", ")}`,
      {
        hint: `build once without --locked and commit ${basename2(inputs.lockFile)}`
      }
    );
  }
  for (const one of fresh) report({ kind: "ids", ...one });
  await saveLock(inputs, withIds(lock, ledger), request, report);
}
async function makeLayers(inputs, first, request) {
  const ran = /* @__PURE__ */ new Map();
  for (let bench = first; ; ) {
    const round = await runRound(bench, sequenceOf(inputs, bench.lock));
    for (const result of round.results) {
      if (result.state !== "hit" || !ran.has(result.name)) ran.set(result.name, result);
    }
    bench.relay.halt.throwIfAborted();
    if (round.errors.length > 0) throw failureOf(request.conf, round.errors, round.results);
    const { layers } = round;
    const whole = round.conflicts.length === 0;
    const recalled = whole ? recall(inputs, bench, layers, request) : void 0;
    const conflicts = whole && !recalled ? recallView(bench.store, `${request.conf} settle#1`, layers).conflicts : round.conflicts;
    if (conflicts.length === 0) return { bench, layers, results: [...ran.values()], recalled };
    const lock = await learn(inputs, bench, ordersFrom(conflicts), request);
    bench = { ...bench, lock, rerun: /* @__PURE__ */ new Set() };
  }
}
function recall(inputs, { store, lock }, layers, { output: folder }) {
  const output = folder === void 0 ? recallImage(store, inputs, lock, layers) : void 0;
  return output && { output, results: settledRows(store, output, layers).map(hitOf) };
}
async function learn(inputs, bench, orders, request) {
  const [order] = orders;
  if (request.locked && order) {
    const { earlier, later, path } = order;
    throw new SnapError(
      "CONFLICT",
      `Scriptlets "${earlier}" and "${later}" both write "${path}", in no order`,
      {
        hint: `let one need the other, or build once without --locked and commit ${basename2(inputs.lockFile)}`
      }
    );
  }
  for (const one of orders) bench.report({ kind: "learned", ...one });
  const lock = withOrders(bench.lock, orders);
  await saveLock(inputs, lock, request, bench.report);
  return lock;
}
async function finish(inputs, { bench, layers }, request, report) {
  const settled = await settleLayers(bench, layers);
  bench.relay.halt.throwIfAborted();
  const shown = {
    view: settled.view,
    layers,
    all: settled.layers
  };
  return {
    output: putOutput(bench.store, inputs, bench.lock, shown, request, report),
    results: settled.results
  };
}
function failureOf(conf, errors, results) {
  const other = errors.find((error) => !(error instanceof SnapError) || error.code !== "RUN");
  if (other !== void 0) return other;
  const failed = results.filter(({ state }) => state === "fail").map(({ name }) => name);
  const names = failed.map((name) => `"${name}"`).join(", ");
  return new SnapError("RUN", `Cannot build "${conf}": ${names} failed`, {
    cause: errors[0],
    hint: `full log: snap log ${failed[0]}; what ran well is kept`
  });
}
async function plan(request) {
  var _stack = [];
  try {
    const store = __using(_stack, new Store(request.project));
    const inputs = await readInputs(request.project, request.conf, store);
    const layers = planLayers(store, inputs, request);
    const expected = (...states) => {
      const runs = new Set(layers.filter(({ state }) => states.includes(state)).map(({ name }) => name));
      return expectedSeconds(layers, request.jobs, runs);
    };
    return { layers, seconds: expected("run"), atMost: expected("run", "unknown") };
  } catch (_) {
    var _error = _, _hasError = true;
  } finally {
    __callDispose(_stack, _error, _hasError);
  }
}
function planLayers(store, inputs, request) {
  const { conf, lock, parent } = inputs;
  if (!lock) return unlocked({ store, conf }, sequenceOf(inputs, { orders: [] }));
  const bench = { store, conf, lock, ledger: ledgerOf(lock, parent), rerun: new Set(request.rerun) };
  return forecast(bench, sequenceOf(inputs, lock));
}

export {
  build,
  buildHeld,
  plan
};
