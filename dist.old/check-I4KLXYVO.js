import { createRequire as requireFrom } from "node:module"; const require = requireFrom(import.meta.url);
import {
  table
} from "./chunk-S62MGVE5.js";
import {
  chooseConf,
  chooseProject
} from "./chunk-GEQQK4VD.js";
import {
  openScreen
} from "./chunk-ZL6Y3NW3.js";
import {
  build
} from "./chunk-23DNWGKP.js";
import {
  addedDebs,
  makeBench,
  packageStep,
  preDependsOf,
  scriptletStep,
  triggerStep
} from "./chunk-Y644624U.js";
import "./chunk-4ROARDOM.js";
import {
  NO_SERVICES,
  capture,
  createdNames,
  currentSlot,
  giveIds,
  planImage,
  planOfSlot,
  renumbering,
  runSandboxed,
  slotsOf,
  watchClock
} from "./chunk-PSNPRZSN.js";
import "./chunk-XYS7EDNB.js";
import "./chunk-YGGTV4WK.js";
import {
  readInputs,
  sequenceOf
} from "./chunk-ISSTBTSC.js";
import {
  isRecordFile,
  makeTop,
  mergeView,
  parseRecords,
  recordName
} from "./chunk-JBN4M4ZG.js";
import {
  Store,
  at,
  contentDigest,
  identity,
  printable
} from "./chunk-CMH6CGA3.js";
import "./chunk-TH3CEDQX.js";
import "./chunk-AVJFFU3G.js";
import {
  counted
} from "./chunk-PL7MILUG.js";
import {
  ownFile
} from "./chunk-UW3ZN2PS.js";
import "./chunk-4HCLSOVL.js";
import {
  print,
  printJson,
  reporting,
  say
} from "./chunk-5MAKWUIE.js";
import "./chunk-PNTIWC4A.js";
import {
  printablePath
} from "./chunk-STE4WAD5.js";
import {
  lastLines
} from "./chunk-2JN5UEQO.js";
import {
  SnapError,
  __callDispose,
  __using
} from "./chunk-LVCJS3W4.js";

// src/commands/check.ts
import { availableParallelism } from "node:os";

// src/check.ts
import { existsSync, mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

// src/layers/compare.ts
import { matchesGlob } from "node:path";
function compareTrees(a, b, names) {
  const paths = [
    ...new Set([a, b].flatMap(({ manifest }) => [...manifest.values()].map(({ path }) => path)))
  ].sort();
  return paths.flatMap((path) => {
    const [left, right] = [a.manifest.get(path), b.manifest.get(path)];
    if (left === void 0) return [{ path, what: `only ${names[1]}` }];
    if (right === void 0) return [{ path, what: `only ${names[0]}` }];
    if (isRecordFile(path) && left.type === "file" && right.type === "file") {
      return [
        ...compareRecords(path, a.recordText(path), b.recordText(path), names),
        ...asDifference(left, withContent(right, left))
      ];
    }
    return asDifference(left, right);
  });
}
function withContent(entry, like) {
  return entry.type === "file" && like.type === "file" ? { ...entry, size: like.size, digest: like.digest } : entry;
}
function compareRecords(path, a, b, names) {
  const [left, right] = [parseRecords(path, a), parseRecords(path, b)];
  const keys = [.../* @__PURE__ */ new Set([...left.keys(), ...right.keys()])];
  return keys.flatMap((key) => {
    const [one, other] = [left.get(key), right.get(key)];
    if (one === other) return [];
    const where = `${path}: ${recordName(key)}`;
    if (one === void 0) return [{ path: where, what: `only ${names[1]}` }];
    if (other === void 0) return [{ path: where, what: `only ${names[0]}` }];
    return [{ path: where, what: `${firstUnlike(one, other)} / ${firstUnlike(other, one)}` }];
  });
}
function firstUnlike(text, other) {
  const lines = new Set(other.split("\n"));
  return printable(text.split("\n").find((line) => !lines.has(line)) ?? "").slice(0, 120);
}
function asDifference(a, b) {
  const what = describe(a, b);
  return what === void 0 ? [] : [{ path: a.path, what }];
}
function describe(a, b) {
  if (a.type !== b.type) return `${a.type} / ${b.type}`;
  if (identity(a) === identity(b)) return a.mtime === b.mtime ? void 0 : `time ${a.mtime} / ${b.mtime}`;
  if (a.mode !== b.mode) return `mode ${a.mode.toString(8)} / ${b.mode.toString(8)}`;
  if (a.uid !== b.uid || a.gid !== b.gid) return `owner ${a.uid}:${a.gid} / ${b.uid}:${b.gid}`;
  if (a.xattrs !== b.xattrs) return "extended attributes";
  if (a.type === "symlink" && b.type === "symlink")
    return `-> ${printable(a.target)} / ${printable(b.target)}`;
  if (a.type === "file" && b.type === "file") {
    if (a.digest !== b.digest) return a.size === b.size ? "content" : `content, ${a.size} / ${b.size} bytes`;
    return "hard links";
  }
  return "content";
}
function parseAllowances(text) {
  return text.split("\n").filter((line) => line.trim() !== "" && !line.startsWith("#")).map((line) => {
    const split = line.indexOf(" # ");
    return split < 0 ? { glob: line.trim(), reason: "" } : { glob: line.slice(0, split).trim(), reason: line.slice(split + 3).trim() };
  });
}
function applyAllowances(differences, allowances2) {
  return differences.map((difference) => {
    const found = allowances2.find(
      ({ glob, reason }) => reason !== "" && (difference.path === glob || matchesGlob(difference.path, glob))
    );
    return found ? { ...difference, allowed: found.reason } : difference;
  });
}

// src/check.ts
async function check(request, report) {
  var _stack = [];
  try {
    const asked = { ...request, locked: false, offline: false, keepFailed: false, rerun: [] };
    await build(asked, report);
    const store = __using(_stack, new Store(request.project));
    const inputs = await readInputs(request.project, request.conf, store);
    if (!inputs.lock) throw new Error("A build left no lock");
    const bench = await makeBench(inputs, inputs.lock, store, asked, report);
    const folder = store.makeWorkDir();
    try {
      const old = await buildInOneTree(bench, sequenceOf(inputs, inputs.lock), folder);
      const excludes = inputs.scriptlets.flatMap((scriptlet) => scriptlet.excludes);
      const plan = planImage(old.contents, old.view, excludes, inputs.lock.epoch);
      const oldSide = {
        manifest: plan.manifest,
        recordText: (path) => plan.recordAt(path)?.toString("latin1") ?? ""
      };
      const found = compareTrees(imageSide(store, request.conf), oldSide, ["layered", "the old way"]);
      const differences = applyAllowances(found, allowances(request.project));
      return { same: differences.every(({ allowed }) => allowed !== void 0), differences };
    } finally {
      store.dropWorkDir(folder);
    }
  } catch (_) {
    var _error = _, _hasError = true;
  } finally {
    __callDispose(_stack, _error, _hasError);
  }
}
function imageSide(store, conf) {
  const slot = currentSlot(slotsOf(store.layout.images, conf));
  const plan = slot && planOfSlot(store, slot);
  if (!plan) throw new Error("A build left no image");
  return {
    manifest: plan.manifest,
    recordText: (path) => readFileSync(at(slot, path), "latin1")
  };
}
function allowances(project) {
  const own = ownFile("src/check.allow");
  const files = [own, join(project, "check.allow")];
  return files.flatMap((file) => existsSync(file) ? parseAllowances(readFileSync(file, "utf8")) : []);
}
var ALL = -1;
async function buildInOneTree(bench, sequence, folder) {
  const { store, lock, report } = bench;
  const base = { name: "base", row: baseRow(bench), sees: /* @__PURE__ */ new Set() };
  const below = mergeView(store, [base]);
  makeTop(store, below, join(folder, "top"), lock.epoch, NO_SERVICES);
  const { steps, names } = await allSteps(bench, sequence, folder);
  report({ kind: "layer-start", name: "the old way", reason: "in one tree" });
  const begun = performance.now();
  const clock = watchClock();
  const lower = [join(folder, "top"), store.treeOf(base.row.n)];
  const ending = await runSandboxed({ folder, lower, steps, timeout: void 0, signal: bench.signal });
  const ran = clock.end();
  const seconds = (performance.now() - begun) / 1e3;
  const state = ending.exitCode === 0 ? "run" : "fail";
  report({ kind: "layer-end", name: "the old way", state, seconds, reason: "in one tree" });
  if (state === "fail") {
    throw new SnapError(
      "CHECK",
      `Cannot build "${bench.conf.name}" the old way: scriptlet "${names[ending.step - 1]}" failed`,
      {
        lines: lastLines(readFileSync(join(folder, "log"), "utf8"), 20),
        hint: "it runs as a layer, so it may rely on not seeing what others left"
      }
    );
  }
  const upper = join(folder, "upper");
  const created = createdNames(upper, below);
  const captured = capture(upper, below, {
    epoch: lock.epoch,
    ran,
    settling: true,
    uids: renumbering(created.uids, giveIds(bench.ledger.uids, created.uids)),
    gids: renumbering(created.gids, giveIds(bench.ledger.gids, created.gids))
  });
  const isBase = (n) => n === base.row.n;
  const contents = {
    manifestOf: (n) => isBase(n) ? store.manifestOf(n) : captured.manifest,
    recordsOf: (n) => isBase(n) ? store.recordsOf(n) : captured.records,
    treeOf: (n) => isBase(n) ? store.treeOf(n) : upper,
    holdersOf: () => [base.row.n, ALL],
    pathsBelow: () => [],
    results: store.results
  };
  const digest = contentDigest(captured.manifest, captured.records);
  const all = { name: "all", row: { ...base.row, n: ALL, digest }, sees: /* @__PURE__ */ new Set(["base"]) };
  return { view: mergeView(contents, [base, all]), contents };
}
function baseRow({ store, conf }) {
  const layers = JSON.parse(store.lastBuild(conf.name)?.layers ?? "[]");
  const row = store.layerNumbered(layers.find(([name]) => name === "base")?.[1] ?? -1);
  if (!row) throw new Error("A build left no base");
  return row;
}
async function allSteps(bench, sequence, folder) {
  const { lock, store, eatmydata, conf } = bench;
  const steps = [];
  const names = [];
  const before = /* @__PURE__ */ new Set();
  for (const scriptlet of sequence.scriptlets) {
    const own = join(folder, scriptlet.name);
    mkdirSync(own);
    const add = (...made) => {
      steps.push(...made);
      names.push(...made.map(() => scriptlet.name));
    };
    const debs = addedDebs(lock, scriptlet.name, before);
    if (debs.length > 0) {
      const preDepends = await preDependsOf(bench, debs);
      add(packageStep(lock, debs, preDepends, { folder: own, eatmydata, debsDir: store.layout.debs }));
      add(triggerStep(lock, eatmydata));
    }
    if (scriptlet.hasRun) {
      const options = {
        project: conf.project,
        lock,
        sourcesDir: store.layout.sources,
        folder: own,
        eatmydata
      };
      add(scriptletStep(scriptlet, options));
    }
    before.add(scriptlet.name);
  }
  return { steps, names };
}

// src/commands/check.ts
var checkCommand = (session, [name], options) => reporting(options.json === true, async () => {
  const project = chooseProject(session);
  const conf = chooseConf(project, name);
  const screen = openScreen(conf, process.stderr, process.env);
  const request = { project, conf, jobs: options.jobs ?? availableParallelism(), signal: session.signal };
  let result;
  try {
    result = await check(request, screen.report);
  } finally {
    screen.close();
  }
  if (options.json) printJson({ ...result, differences: result.differences.map(shown) });
  else printDifferences(conf, result);
  return result.same ? 0 : 1;
});
function shown(difference) {
  return { ...difference, path: printablePath(difference.path) };
}
function printDifferences(conf, { same, differences }) {
  const open = differences.filter((difference) => difference.allowed === void 0);
  const rows = open.map(({ path, what }) => [printablePath(path), what]);
  for (const line of table([{ title: "path" }, { title: "difference" }], rows)) print(line);
  const allowed = `${counted(differences.length - open.length, "allowed difference")}`;
  say(
    same ? `${conf}: same as built the old way, ${allowed}` : `${conf}: not the same as built the old way, ${counted(open.length, "difference")} and ${allowed}`
  );
}
export {
  checkCommand
};
