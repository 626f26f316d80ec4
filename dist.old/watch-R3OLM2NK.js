import { createRequire as requireFrom } from "node:module"; const require = requireFrom(import.meta.url);
import {
  showBuild
} from "./chunk-LXAFZY2M.js";
import {
  tellBuild
} from "./chunk-K5PJNG2W.js";
import "./chunk-ZL6Y3NW3.js";
import {
  buildHeld
} from "./chunk-23DNWGKP.js";
import {
  haltedError,
  holdForBuild,
  joinRuns,
  obsolete,
  shareRuns,
  stopRuns,
  wantsOf
} from "./chunk-Y644624U.js";
import "./chunk-4ROARDOM.js";
import "./chunk-PSNPRZSN.js";
import "./chunk-XYS7EDNB.js";
import "./chunk-YGGTV4WK.js";
import {
  closures,
  readInputs
} from "./chunk-ISSTBTSC.js";
import {
  contentOf
} from "./chunk-JBN4M4ZG.js";
import {
  Store,
  namesIn
} from "./chunk-CMH6CGA3.js";
import "./chunk-TH3CEDQX.js";
import "./chunk-AVJFFU3G.js";
import {
  count,
  counted
} from "./chunk-PL7MILUG.js";
import "./chunk-UW3ZN2PS.js";
import "./chunk-4HCLSOVL.js";
import {
  printJsonLine,
  say
} from "./chunk-5MAKWUIE.js";
import {
  message,
  messageValue
} from "./chunk-PNTIWC4A.js";
import {
  printable
} from "./chunk-STE4WAD5.js";
import "./chunk-2JN5UEQO.js";
import {
  SnapError,
  __callDispose,
  __using,
  errno
} from "./chunk-LVCJS3W4.js";

// src/watch.ts
import { readFileSync } from "node:fs";
import { join as join2 } from "node:path";
import { setImmediate as turn } from "node:timers/promises";

// src/changes.ts
import { lstatSync, readdirSync } from "node:fs";
import { basename } from "node:path";
import { setTimeout as wait } from "node:timers/promises";

// src/host/folder-watch.ts
import { watch } from "node:fs";
function watchFolders(onEvent) {
  let watchers = [];
  const set = (folders) => {
    const before = watchers;
    watchers = [...new Set(folders)].flatMap((folder) => watchFolder(folder, onEvent) ?? []);
    for (const watcher of before) watcher.close();
  };
  return { set, close: () => set([]) };
}
function watchFolder(folder, onEvent) {
  try {
    const watcher = watch(
      Buffer.from(folder, "latin1"),
      { encoding: "buffer" },
      (_, name) => onEvent(name === null ? folder : `${folder}/${name.toString("latin1")}`)
    );
    return watcher.on("error", () => onEvent(folder));
  } catch (error) {
    const code = errno(error) ?? "";
    if (code === "ENOENT" || code === "ENOTDIR") return void 0;
    throw refused(folder, code, error);
  }
}
var LIMITS = {
  ENOSPC: "fs.inotify.max_user_watches",
  EMFILE: "fs.inotify.max_user_instances"
};
function refused(folder, code, cause) {
  const limit = LIMITS[code];
  const why = limit === void 0 ? code : `the host's limit ${limit} is reached`;
  const hint = limit === void 0 ? "build without --watch" : `raise it: sysctl ${limit}=524288`;
  return new SnapError("HOST", `Cannot watch "${Buffer.from(folder, "latin1")}": ${why}`, { hint, cause });
}

// src/project/watched.ts
import { join } from "node:path";
function inputPaths(conf, scriptlets) {
  const inProject = (...parts) => join(conf.project, ...parts);
  const confs = [conf.name, ...conf.parents];
  const asksForCommit = scriptlets.some(({ vars }) => "SNAP_COMMIT" in vars);
  return [
    .../* @__PURE__ */ new Set([
      ...confs.map((name) => inProject("conf", `${name}.toml`)),
      ...confs.slice(0, 2).map((name) => inProject("conf", `${name}.lock`)),
      ...scriptlets.flatMap(({ name, files }) => [
        inProject("scriptlets", `${name}.sh`),
        inProject("scriptlets", name),
        ...files.map((file) => inProject(file))
      ]),
      ...conf.mirrors.flatMap(({ signedBy }) => signedBy ?? []),
      ...asksForCommit ? [inProject(".git", "logs", "HEAD")] : []
    ])
  ];
}
function concerns(path, inputs) {
  for (const input of inputs) {
    if (path === input || input.startsWith(`${path}/`)) return true;
    if (path.startsWith(`${input}/`))
      return !path.slice(input.length + 1).split("/").some(isEditors);
  }
  return false;
}
var EDITORS = [
  /^\..*\.sw[a-z]x?$/,
  // vim, nano
  /^4913$/,
  // vim, to try whether it may write here
  /~$/,
  // backups
  /^#.*#$/,
  // Emacs: what is not saved yet
  /^\.#/,
  // Emacs: its lock
  /^\.~lock\..*#$/,
  // LibreOffice
  /^\.goutputstream-/,
  // GLib
  /___jb_(?:tmp|old)___$/,
  // JetBrains
  /\.kate-swp$/
];
function isEditors(name) {
  return EDITORS.some((pattern) => pattern.test(name));
}
function foldersAbove(path, top) {
  const folders = [];
  for (let end = path.lastIndexOf("/"); end > 0; end = path.lastIndexOf("/", end - 1)) {
    folders.push(path.slice(0, end));
    if (end <= top.length || !path.startsWith(`${top}/`)) break;
  }
  return folders;
}

// src/changes.ts
var QUIET = 50;
var PATIENCE = 1e3;
var Changes = class {
  #top;
  #folders;
  /** What is watched, as paths and as the byte strings that events come with. */
  #inputs = /* @__PURE__ */ new Map();
  #known = /* @__PURE__ */ new Map();
  /** The inputs at which something has happened since they were last read. */
  #dirty = /* @__PURE__ */ new Set();
  /** What snap itself writes. */
  #own;
  #last = 0;
  #event = Promise.withResolvers();
  #next;
  /** What was found to have changed and nobody has taken yet; undefined when nobody has looked since. */
  #found;
  #touched = false;
  /** `top`: the folder that paths are told relative to. */
  constructor(top) {
    this.#top = top;
    this.#folders = watchFolders((path) => this.#noticed(path));
  }
  [Symbol.dispose]() {
    this.#folders.close();
  }
  /**
   * From now on these are watched, and changes are told against what they hold now. `own` is the one that snap itself writes.
   * @throws SnapError HOST when the host allows no more.
   */
  watch(inputs, own) {
    this.#own = own;
    this.#inputs = new Map(inputs.map((path) => [path, Buffer.from(path).toString("latin1")]));
    for (const path of [...this.#known.keys(), ...this.#dirty])
      if (!this.#inputs.has(path)) this.#forget(path);
    this.#setFolders();
    for (const path of inputs) {
      if (this.#known.has(path) && !this.#dirty.has(path)) continue;
      const content = this.#read(path);
      this.#known.set(path, content ?? {});
      if (content) this.#dirty.delete(path);
      else this.#dirty.add(path);
    }
    this.#touched = false;
    this.#found = void 0;
  }
  /** Takes what lies at this path now as known: snap itself has written it. */
  absorb(path) {
    if (this.#known.has(path)) this.#known.set(path, this.#read(path) ?? {});
  }
  /** Whether anything has happened to an input since `watch`, be it that it holds the same as before again. */
  get touched() {
    return this.#touched;
  }
  /** What lies at an input as it was read last, without files of editors. */
  content(path) {
    return Object.fromEntries(
      Object.entries(this.#known.get(path) ?? {}).filter(([name]) => !isEditors(basename(name)))
    );
  }
  /** Whether something has happened that nobody has taken yet. */
  get pending() {
    return this.#dirty.size > 0 || this.#found !== void 0;
  }
  /** How many files are watched. */
  get files() {
    const counts = [...this.#known.values()].map(
      (content) => Object.values(content).filter((what) => what !== "d").length
    );
    return counts.reduce((sum, count2) => sum + count2, 0);
  }
  /** Waits until something has happened to an input, and a moment has passed without more of it. */
  next() {
    if (this.#found !== void 0) return Promise.resolve("saved");
    this.#next ??= this.#settled().finally(() => {
      this.#next = void 0;
    });
    return this.#next;
  }
  /** The paths, relative to the top, that hold something else than before; none where all is as it was. Each is given once. */
  take() {
    const found = this.#found ?? [];
    this.#found = void 0;
    return found;
  }
  #forget(path) {
    this.#known.delete(path);
    this.#dirty.delete(path);
  }
  #noticed(path) {
    const found = [...this.#inputs].filter(([, bytes]) => concerns(path, [bytes]));
    if (found.length === 0) return;
    for (const [input] of found) this.#dirty.add(input);
    this.#touched ||= found.some(([input]) => input !== this.#own);
    this.#last = performance.now();
    this.#event.resolve();
  }
  async #settled() {
    while (this.#dirty.size === 0) {
      this.#event = Promise.withResolvers();
      await this.#event.promise;
    }
    const begun = performance.now();
    for (let rest = QUIET; rest > 0 && performance.now() - begun < PATIENCE; ) {
      await wait(rest);
      rest = this.#last + QUIET - performance.now();
    }
    this.#setFolders();
    this.#found = [.../* @__PURE__ */ new Set([...this.#found ?? [], ...this.#compare()])];
    return "saved";
  }
  #compare() {
    const changed2 = [];
    for (const path of [...this.#dirty]) {
      const now = this.#read(path);
      if (now === void 0) continue;
      this.#dirty.delete(path);
      changed2.push(...differences(this.#known.get(path) ?? {}, now).map((name) => this.#told(path, name)));
      this.#known.set(path, now);
    }
    return changed2;
  }
  #told(input, name) {
    const path = input.startsWith(`${this.#top}/`) ? input.slice(this.#top.length + 1) : input;
    return name === "" ? path : `${path}/${name}`;
  }
  /** Undefined: it changed while it was read. */
  #read(path) {
    try {
      return contentOf(path);
    } catch (error) {
      if (error instanceof SnapError && error.code === "CHANGED") return void 0;
      if (errno(error) === void 0) throw error;
      return { "": `cannot be read: ${errno(error)}` };
    }
  }
  #setFolders() {
    const top = Buffer.from(this.#top).toString("latin1");
    const paths = [...this.#inputs.values()];
    this.#folders.set(paths.flatMap((path) => [...foldersAbove(path, top), ...foldersIn(path)]));
  }
};
function foldersIn(path) {
  const bytes = Buffer.from(path, "latin1");
  try {
    if (!lstatSync(bytes).isDirectory()) return [];
    const inside = readdirSync(bytes, { encoding: "latin1" });
    return [path, ...inside.flatMap((name) => foldersIn(`${path}/${name}`))];
  } catch (error) {
    if (errno(error) === void 0) throw error;
    return [];
  }
}
function differences(before, now) {
  const names = /* @__PURE__ */ new Set([...Object.keys(before), ...Object.keys(now)]);
  const different = [...names].filter((name) => before[name] !== now[name] && !isEditors(basename(name)));
  const files = different.filter((name) => [before[name], now[name]].some((what) => what && what !== "d"));
  return (files.length > 0 ? files : different).sort();
}

// src/watch.ts
async function watch2(request, tell) {
  var _stack = [];
  try {
    const changes = __using(_stack, new Changes(request.project));
    const report = (event) => {
      if (event.kind === "lock") changes.absorb(event.file);
      tell({ kind: "progress", event });
    };
    const ended = whenAborted(request.signal);
    const { rerun } = request;
    const watching = { request, changes, tell, report, ended, paths: [], rerun, digest: void 0 };
    try {
      for (; ; ) {
        await buildUntilStill(watching);
        tell({ kind: "watching", files: changes.files });
        while (!await changed(watching)) ;
      }
    } catch (error) {
      if (!request.signal.aborted) throw error;
    }
  } catch (_) {
    var _error = _, _hasError = true;
  } finally {
    __callDispose(_stack, _error, _hasError);
  }
}
async function buildUntilStill(watching) {
  var _stack = [];
  try {
    const { request, report } = watching;
    const store = __using(_stack, new Store(request.project));
    const _held = __using(_stack, await holdForBuild(store, request, report));
    const shared = shareRuns(request.jobs);
    try {
      for (let next = "changed"; next !== "still"; )
        next = await buildOnce(watching, store, shared, next === "touched");
    } finally {
      await stopRuns(shared, shared.runs.keys());
    }
  } catch (_) {
    var _error = _, _hasError = true;
  } finally {
    __callDispose(_stack, _error, _hasError);
  }
}
async function buildOnce(watching, store, shared, quiet) {
  const { request, changes, ended, tell, report } = watching;
  const read = await readAndWatch(watching, store);
  tell({ kind: "begin" });
  if ("error" in read) return failed(watching, shared, read.error);
  const wants = liveWants(read.result, changes);
  await stopObsolete(watching, shared, wants.now());
  const heeding = (event) => {
    wants.heed(event);
    report(event);
  };
  const halt = new AbortController();
  const asked = { ...request, rerun: watching.rerun };
  const building = outcomeOf(buildHeld(store, asked, heeding, joinRuns(shared, wants.now, halt.signal)));
  try {
    for (; ; ) {
      const first = await Promise.race([building, changes.next(), ended]);
      if (first !== "saved") {
        return "result" in first ? await built(watching, first.result, quiet) : await failed(watching, shared, first.error);
      }
      if (!tellChanged(watching)) continue;
      halt.abort(haltedError());
      const now = await outcomeOf(readInputs(request.project, request.conf, store));
      if ("result" in now) await stopObsolete(watching, shared, liveWants(now.result, changes).now());
      return "changed";
    }
  } finally {
    halt.abort(haltedError());
    await building;
  }
}
async function built(watching, result, quiet) {
  const { changes, tell } = watching;
  const news = result.digest !== watching.digest || result.layers.some(({ state }) => state === "run");
  watching.rerun = [];
  watching.digest = result.digest;
  if (news || !quiet) tell({ kind: "built", result });
  await noticed();
  if (changes.pending && await changed(watching)) return "changed";
  return changes.touched ? "touched" : "still";
}
async function failed(watching, shared, error) {
  const { changes, ended, tell, request } = watching;
  await noticed();
  const saved = errno(error) !== void 0 || error instanceof SnapError && error.code === "CHANGED";
  if (saved && changes.touched) return "changed";
  if (request.signal.aborted || !(error instanceof SnapError)) throw error;
  tell({ kind: "failed", error });
  const idle = Promise.allSettled([...shared.runs.values()].map(({ done }) => done)).then(
    () => "idle"
  );
  for (; ; ) {
    const first = await Promise.race([...changes.pending ? [] : [idle], changes.next(), ended]);
    if (first === "idle") return "still";
    if (tellChanged(watching)) return "changed";
  }
}
async function changed(watching) {
  await Promise.race([watching.changes.next(), watching.ended]);
  return tellChanged(watching);
}
function tellChanged({ tell, changes }) {
  const paths = changes.take();
  if (paths.length > 0) tell({ kind: "changed", paths });
  return paths.length > 0;
}
async function noticed() {
  await turn();
  await turn();
}
async function readAndWatch(watching, store) {
  const { changes, request } = watching;
  const own = join2(request.project, "conf", `${request.conf}.lock`);
  for (let watched = watching.paths; ; ) {
    changes.watch(watched, own);
    const read = await outcomeOf(readInputs(request.project, request.conf, store));
    if ("result" in read) watching.paths = inputPaths(read.result.conf, read.result.scriptlets);
    const wanted = "result" in read ? watching.paths : loosePaths(request.project, watching.paths);
    if (wanted.join("\0") === watched.join("\0")) return read;
    watched = wanted;
  }
}
function loosePaths(project, known) {
  const scriptlets = namesIn(join2(project, "scriptlets"), ".sh").map((name) => `${name}.sh`);
  const named = scriptlets.flatMap((name) => [...wordsAfter("use_file", textOf(project, name))]);
  const paths = ["conf", "scriptlets", ...named].map((path) => join2(project, path));
  return [.../* @__PURE__ */ new Set([...paths, ...known])].filter((path) => path.startsWith(`${project}/`));
}
function textOf(project, scriptlet) {
  try {
    return readFileSync(join2(project, "scriptlets", scriptlet), "utf8");
  } catch {
    return "";
  }
}
function* wordsAfter(declaration, text) {
  for (const [, words = ""] of text.matchAll(RegExp(`^\\s*${declaration}\\s+(.*)$`, "gm")))
    yield* words.replaceAll(/["']/g, "").split(/\s+/).filter((word) => /^[^$#]/.test(word));
}
function liveWants({ conf, scriptlets, lock, parent }, changes) {
  const own = /* @__PURE__ */ new Map([["base", [conf.suite, conf.arch]]]);
  for (const scriptlet of scriptlets) {
    own.set(scriptlet.name, ownInputs(scriptlet, conf.project, changes));
  }
  const orders = [...lock?.orders ?? [], ...parent?.orders ?? []];
  let wants;
  return {
    now: () => {
      wants ??= wantsOf(own, closures(scriptlets, orders));
      return wants;
    },
    heed: (event) => {
      if (event.kind !== "learned") return;
      const { later, earlier, path } = event;
      orders.push({ later, earlier, path });
      wants = void 0;
    }
  };
}
function ownInputs(scriptlet, project, changes) {
  const { packages, hasRun, functions, vars, variables, dataDir, files, sources, network } = scriptlet;
  if (!hasRun) return { packages };
  const data = dataDir === void 0 ? {} : changes.content(dataDir);
  const contents = files.map((file) => [file, changes.content(join2(project, file))]);
  const fetched = sources.map(({ url, sha256 }) => [url, sha256]);
  return { packages, functions, vars, variables, data, files: contents, sources: fetched, network };
}
async function stopObsolete({ report }, shared, wants) {
  const names = obsolete(shared.runs, wants);
  for (const name of names) report({ kind: "layer-stop", name });
  await stopRuns(shared, names);
}
function outcomeOf(work) {
  return work.then(
    (result) => ({ result }),
    (error) => ({ error })
  );
}
function whenAborted(signal) {
  const { promise, reject } = Promise.withResolvers();
  promise.catch(() => {
  });
  if (signal.aborted) reject(signal.reason);
  signal.addEventListener("abort", () => reject(signal.reason), { once: true });
  return promise;
}

// src/commands/watch.ts
async function watchBuilds(request, json) {
  let shown;
  const close = () => {
    const last = shown;
    shown?.close();
    shown = void 0;
    return last;
  };
  const tell = (event) => {
    switch (event.kind) {
      case "begin":
        close();
        shown = showBuild(request);
        return;
      case "progress":
        shown?.report(event.event);
        return;
      case "changed": {
        const text = `${request.conf}: ${listed(event.paths)} changed`;
        if (shown) shown.report({ kind: "note", text });
        else say(printable(text));
        return;
      }
      case "built": {
        const learned = close()?.learned ?? { orders: 0, ids: 0 };
        tellBuild(request.conf, event.result, learned, json ? printJsonLine : void 0);
        return;
      }
      case "failed": {
        const layers = close()?.ended ?? [];
        for (const line of message(event.error)) say(line);
        if (json) printJsonLine({ image: null, layers, error: messageValue(event.error) });
        return;
      }
      case "watching":
        close();
        say(`watching ${counted(event.files, "file")}, Ctrl-C ends`);
        return;
      default:
        event;
    }
  };
  try {
    await watch2(request, tell);
  } finally {
    close();
  }
  return 0;
}
var NAMED = 3;
function listed(paths) {
  const named = paths.slice(0, NAMED).join(", ");
  return paths.length > NAMED ? `${named} and ${count(paths.length - NAMED)} more` : named;
}
export {
  watchBuilds
};
