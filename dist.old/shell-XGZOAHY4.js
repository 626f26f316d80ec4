import { createRequire as requireFrom } from "node:module"; const require = requireFrom(import.meta.url);
import {
  chooseConf,
  chooseProject,
  confNames,
  scriptletNames
} from "./chunk-GEQQK4VD.js";
import {
  addedDebs,
  eatmydataOf,
  findLayer,
  layersSeen,
  ledgerOf,
  scriptletStep,
  shellStep
} from "./chunk-Y644624U.js";
import "./chunk-4ROARDOM.js";
import {
  NO_SERVICES,
  currentSlot,
  enterSandbox,
  slotsOf,
  stackOf
} from "./chunk-PSNPRZSN.js";
import "./chunk-XYS7EDNB.js";
import {
  readInputs,
  sequenceOf
} from "./chunk-ISSTBTSC.js";
import {
  baseInputs,
  makeTop,
  mergeView,
  scriptletInputs
} from "./chunk-JBN4M4ZG.js";
import {
  Store,
  listConfs,
  loadConf
} from "./chunk-CMH6CGA3.js";
import {
  holdLock
} from "./chunk-TH3CEDQX.js";
import "./chunk-AVJFFU3G.js";
import "./chunk-UW3ZN2PS.js";
import "./chunk-4HCLSOVL.js";
import "./chunk-2JN5UEQO.js";
import {
  SnapError,
  __callDispose,
  __using,
  nearest
} from "./chunk-LVCJS3W4.js";

// src/shell.ts
import { mkdirSync, realpathSync } from "node:fs";
import { join } from "node:path";
async function shell(request) {
  var _stack = [];
  try {
    const store = __using(_stack, new Store(request.project));
    const held = await holdLock(store.layout.lock, "shared");
    const folder = store.makeWorkDir();
    try {
      const entered = request.layer === void 0 ? imageOf(store, request) : await viewOf(store, request, folder);
      return await enterSandbox({ folder, ...entered, signal: request.signal });
    } finally {
      store.dropWorkDir(folder);
      held.release();
    }
  } catch (_) {
    var _error = _, _hasError = true;
  } finally {
    __callDispose(_stack, _error, _hasError);
  }
}
function imageOf(store, { conf = "", command }) {
  const slot = currentSlot(slotsOf(store.layout.images, conf));
  if (!slot)
    throw new SnapError("USAGE", `There is no image of "${conf}"`, {
      hint: `build it first: snap build ${conf}`
    });
  return { lower: [realpathSync(slot)], step: shellStep(command) };
}
async function viewOf(store, { project, conf, layer = "", command }, folder) {
  const name = conf ?? builtLast(store, project, layer);
  const inputs = await readInputs(project, name, store);
  const scriptlet = inputs.scriptlets.find((one) => one.name === layer);
  const { lock } = inputs;
  if (!scriptlet)
    throw new SnapError("USAGE", `Conf "${name}" has no scriptlet "${layer}"`, {
      hint: "name another conf: --conf"
    });
  if (!lock) throw notBuilt(name, layer);
  const layers = layersBelow(store, inputs, lock, layer);
  const view = mergeView(store, layers);
  makeTop(store, view, join(folder, "top"), lock.epoch, NO_SERVICES);
  const own = join(folder, "scriptlet");
  mkdirSync(own);
  const eatmydata = await eatmydataOf(lock, store);
  const step = scriptletStep(scriptlet, {
    project,
    lock,
    sourcesDir: store.layout.sources,
    folder: own,
    eatmydata
  });
  return {
    lower: [join(folder, "top"), ...stackOf(store, view)],
    step: {
      ...step,
      ...shellStep(command),
      env: { ...step.env, ...shellStep(command).env },
      binds: step.binds
    }
  };
}
function layersBelow(store, inputs, lock, layer) {
  const sequence = sequenceOf(inputs, lock);
  const bench = { store, ledger: ledgerOf(lock, inputs.parent) };
  const there = /* @__PURE__ */ new Map();
  const base = findLayer(bench, baseInputs(lock));
  if (!base) throw notBuilt(inputs.conf.name, "base");
  const baseLayer = { name: "base", row: base, sees: /* @__PURE__ */ new Set() };
  const wanted = sequence.sees.get(layer) ?? /* @__PURE__ */ new Set();
  for (const scriptlet of sequence.scriptlets.filter(({ name }) => wanted.has(name))) {
    const sees = sequence.sees.get(scriptlet.name) ?? /* @__PURE__ */ new Set();
    const below = layersSeen(baseLayer, there, sequence, sees);
    const debs = addedDebs(lock, scriptlet.name, sees);
    const row = findLayer(bench, scriptletInputs(scriptlet, inputs.conf.project, lock, debs, below));
    if (!row) throw notBuilt(inputs.conf.name, scriptlet.name);
    there.set(scriptlet.name, { name: scriptlet.name, row, sees });
  }
  return layersSeen(baseLayer, there, sequence, wanted);
}
function notBuilt(conf, layer) {
  return new SnapError("USAGE", `Layer "${layer}" of "${conf}" is not built`, {
    hint: `build it first: snap build ${conf}`
  });
}
function builtLast(store, project, layer) {
  const built = listConfs(project).filter((name) => loadConf(project, name).scriptlets.includes(layer)).map((name) => ({ name, made: store.lastBuild(name)?.made ?? 0 })).sort((a, b) => b.made - a.made)[0];
  if (!built) throw new SnapError("USAGE", `No conf has the scriptlet "${layer}"`);
  return built.name;
}

// src/commands/shell.ts
var shellCommand = async (session, [name, command], options) => {
  const project = chooseProject(session);
  const inside = { project, command, signal: session.signal };
  if (name === void 0 || options.conf === void 0 && confNames(project).includes(name)) {
    return shell({ ...inside, conf: chooseConf(project, name ?? options.conf) });
  }
  if (!scriptletNames(project).includes(name)) throw unknownName(project, name);
  const conf = options.conf === void 0 ? {} : { conf: chooseConf(project, options.conf) };
  return shell({ ...inside, ...conf, layer: name });
};
function unknownName(project, name) {
  const near = nearest(name, [...confNames(project), ...scriptletNames(project)]);
  return new SnapError("USAGE", `Neither a conf nor a scriptlet: "${name}"`, {
    hint: near.length > 0 ? `did you mean ${near.map((found) => `"${found}"`).join(", ")}?` : `confs: ${confNames(project).join(", ")}`
  });
}
export {
  shellCommand
};
