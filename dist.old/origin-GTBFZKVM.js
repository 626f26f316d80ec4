import { createRequire as requireFrom } from "node:module"; const require = requireFrom(import.meta.url);
import {
  table
} from "./chunk-S62MGVE5.js";
import {
  readInputs
} from "./chunk-ISSTBTSC.js";
import {
  FILE_ITSELF,
  fieldOf,
  mergeChanges,
  recordName
} from "./chunk-JBN4M4ZG.js";
import {
  Store,
  at,
  identity,
  listConfs,
  parentOf,
  printable
} from "./chunk-CMH6CGA3.js";
import "./chunk-TH3CEDQX.js";
import "./chunk-AVJFFU3G.js";
import {
  counted
} from "./chunk-PL7MILUG.js";
import "./chunk-UW3ZN2PS.js";
import "./chunk-4HCLSOVL.js";
import {
  print,
  printJson
} from "./chunk-5MAKWUIE.js";
import "./chunk-PNTIWC4A.js";
import "./chunk-STE4WAD5.js";
import "./chunk-2JN5UEQO.js";
import {
  SnapError,
  __callDispose,
  __using,
  nearest
} from "./chunk-LVCJS3W4.js";

// src/origin.ts
import { existsSync, readFileSync as readFileSync2 } from "node:fs";
import { matchesGlob, relative } from "node:path";

// src/debian/depends.ts
var FIELDS = ["Pre-Depends", "Depends", "Recommends"];
function dependencyChain(stanzas, from, to) {
  const packages = /* @__PURE__ */ new Map();
  const providers = /* @__PURE__ */ new Map();
  for (const stanza of stanzas) {
    const name = fieldOf(stanza, "Package");
    packages.set(name, stanza);
    for (const provided of namesIn(fieldOf(stanza, "Provides")))
      providers.set(provided, [...providers.get(provided) ?? [], name]);
  }
  const installed = (name) => packages.has(name) ? [name] : providers.get(name) ?? [];
  const cameFrom = new Map(
    from.flatMap(installed).map((name) => [name, void 0])
  );
  for (const name of cameFrom.keys()) {
    if (name === to) return wayTo(name, cameFrom);
    const wanted = FIELDS.flatMap((field) => namesIn(fieldOf(packages.get(name) ?? "", field)));
    for (const next of wanted.flatMap(installed)) if (!cameFrom.has(next)) cameFrom.set(next, name);
  }
  return void 0;
}
function namesIn(relations) {
  return relations.split(/[,|]/).map((relation) => relation.trim().split(/[\s(:[]/)[0] ?? "").filter((name) => name !== "");
}
function wayTo(to, cameFrom) {
  const way = [to];
  for (let at2 = cameFrom.get(to); at2 !== void 0; at2 = cameFrom.get(at2)) way.unshift(at2);
  return way;
}

// src/layers/origin.ts
function writersOf(contents, layers, path) {
  const sees = (layer, other) => other === 0 ? layer !== 0 : layers[layer]?.sees.has(layers[other]?.name ?? "") ?? false;
  const changes = layers.flatMap(({ row: row2 }, layer) => {
    const value = contents.manifestOf(row2.n).get(path);
    return value ? [{ layer, value }] : [];
  });
  const recording = layers.filter(({ row: row2 }) => Object.hasOwn(contents.recordsOf(row2.n), path));
  const parts = recording.map((layer) => ({ layer, entry: void 0, wins: true }));
  if (changes.length === 0) return parts;
  const merged = mergeChanges(changes, sees, (a, b) => identity(a) === identity(b));
  const winner = merged.kind === "settled" ? merged.winner : changes.at(-1);
  const writers = changes.map(
    (change) => ({ layer: layers[change.layer], entry: change.value, wins: change === winner })
  );
  return [...writers, ...parts];
}
var MOST_LINKS = 40;
function findPath(contents, layers, path) {
  const open = path.split("/");
  let at2 = "";
  for (let links = 0; ; ) {
    const name = open.shift();
    if (name === void 0) return { kind: "there", path: at2, writers: writersOf(contents, layers, at2) };
    if (name === "" || name === ".") continue;
    if (name === "..") {
      at2 = parentOf(at2);
      continue;
    }
    const next = at2 === "" ? name : `${at2}/${name}`;
    const writers = writersOf(contents, layers, next);
    const entry = writers.find(({ wins }) => wins)?.entry;
    if (entry?.type === "whiteout") return { kind: "removed", path: next, writers };
    const last = open.every((part) => part === "" || part === ".");
    if (entry?.type === "symlink" && !last && links++ < MOST_LINKS) {
      if (entry.target.startsWith("/")) at2 = "";
      open.unshift(...entry.target.split("/"));
    } else if (writers.length === 0 || !last && entry?.type !== "dir") {
      return { kind: "missing", folder: at2, name };
    } else {
      at2 = next;
    }
  }
}
function namesIn2(contents, layers, folder) {
  const prefix = folder === "" ? "" : `${folder}/`;
  const names = /* @__PURE__ */ new Set();
  for (const { row: row2 } of layers) {
    for (const { path } of contents.manifestOf(row2.n).values()) {
      if (path === "" || !path.startsWith(prefix) || path.includes("/", prefix.length)) continue;
      names.add(path.slice(prefix.length));
    }
  }
  return [...names].sort();
}
function pathsNamed(contents, layers, name) {
  const links = /* @__PURE__ */ new Map();
  for (const { row: row2 } of layers) {
    for (const { path, type } of contents.manifestOf(row2.n).values()) {
      if (type !== "whiteout" && (path === name || path.endsWith(`/${name}`)))
        links.set(path, type === "symlink");
    }
  }
  return [...links].sort(([a, aLinks], [b, bLinks]) => Number(aLinks) - Number(bLinks) || (a < b ? -1 : 1)).map(([path]) => path);
}

// src/layers/owner.ts
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
var INFO = "var/lib/dpkg/info/";
var STATUS = "var/lib/dpkg/status";
function ownerIn(contents, { row: row2 }, path, names, entry) {
  const control = path.startsWith(INFO) ? /^(.+)\.[^.]+$/.exec(path.slice(INFO.length))?.[1] : void 0;
  const listed = control === void 0 ? listing(contents, row2, names) : [control];
  const plain = new Set(listed.map((name) => name.split(":")[0]));
  const [owner = ""] = listed;
  const stanza = plain.size === 1 ? stanzaOf(contents.recordsOf(row2.n), owner) : void 0;
  if (stanza === void 0) return void 0;
  const sum = control === void 0 ? checksum(contents, row2, owner, stanza, names) : void 0;
  const intact = sum === void 0 || entry?.type !== "file" || sum === md5(contents, row2, path);
  return { name: owner.split(":")[0], version: fieldOf(stanza, "Version"), intact };
}
function stanzasOf(records) {
  return (records[STATUS] ?? []).flatMap(
    ([key, value]) => value === null || value === "" || key.includes("\0") || key.startsWith("") ? [] : [value]
  );
}
function stanzaOf(records, name) {
  const [plain, arch] = name.split(":");
  return stanzasOf(records).find(
    (stanza) => fieldOf(stanza, "Package") === plain && (arch === void 0 || fieldOf(stanza, "Architecture") === arch)
  );
}
function listing(contents, row2, names) {
  const owners = [];
  for (const { path, type } of contents.manifestOf(row2.n).values()) {
    if (type !== "file" || !path.startsWith(INFO) || !path.endsWith(".list")) continue;
    const list = `
${readFileSync(at(contents.treeOf(row2.n), path), "latin1")}`;
    if (names.some((name) => list.includes(`
/${name}
`)))
      owners.push(path.slice(INFO.length, -".list".length));
  }
  return owners;
}
function checksum(contents, row2, owner, stanza, names) {
  const sums = `${INFO}${owner}.md5sums`;
  const listed = contents.manifestOf(row2.n).get(sums)?.type === "file" ? readFileSync(at(contents.treeOf(row2.n), sums), "latin1").split("\n") : [];
  const files = new Map(listed.map((line) => [line.slice(34), line.slice(0, 32)]));
  for (const line of fieldOf(stanza, "Conffiles").split("\n")) {
    const [, name = "", sum = ""] = /^ ?\/(.+) ([0-9a-f]{32})(?: obsolete)?$/.exec(line) ?? [];
    files.set(name, sum);
  }
  return names.map((name) => files.get(name)).find((sum) => sum !== void 0);
}
function md5(contents, row2, path) {
  return createHash("md5").update(readFileSync(at(contents.treeOf(row2.n), path))).digest("hex");
}

// src/origin.ts
async function originOf(project, given, path) {
  var _stack = [];
  try {
    const store = __using(_stack, new Store(project));
    const conf = given ?? builtLast(store, project);
    const layers = layersOf(store, conf);
    const inputs = await readInputs(project, conf, store);
    const image = { store, conf, project, inputs, layers };
    const wanted = Buffer.from(path).toString("latin1");
    const found = findPath(store, layers, wanted);
    if (found.kind === "missing") throw unknownPath(image, path, wanted, found);
    const excluded = exclusion(image, found.path);
    return {
      conf,
      path: printable(found.path),
      removed: found.kind === "removed",
      ...excluded ? { excluded } : {},
      parts: found.writers.map((writer) => partOf(image, writer, found.path))
    };
  } catch (_) {
    var _error = _, _hasError = true;
  } finally {
    __callDispose(_stack, _error, _hasError);
  }
}
function builtLast(store, project) {
  const builds = listConfs(project).flatMap((conf) => store.lastBuild(conf) ?? []);
  const last = builds.sort((a, b) => b.made - a.made)[0];
  if (last) return last.conf;
  throw new SnapError("USAGE", "No conf was built yet", { hint: "build one first: snap build" });
}
function layersOf(store, conf) {
  const build = store.lastBuild(conf);
  if (!build)
    throw new SnapError("USAGE", `Conf "${conf}" was not built yet`, {
      hint: `build it first: snap build ${conf}`
    });
  return JSON.parse(build.layers).map(([name, n]) => {
    const row2 = store.layerNumbered(n);
    if (row2) return { name, row: row2, sees: new Set(store.noteOf(n).view.map(([seen]) => seen)) };
    throw new SnapError(
      "STORE",
      `Layer "${name}" of the last build of "${conf}" is not in the store any more`,
      {
        hint: `make it again: snap build ${conf}`
      }
    );
  });
}
function unknownPath({ store, conf, layers }, path, wanted, { folder, name }) {
  const within = nearest(name, namesIn2(store, layers, folder)).map((one) => `${folder}/${one}`);
  const last = wanted.replace(/\/+$/, "").split("/").at(-1) ?? "";
  const elsewhere = pathsNamed(store, layers, last).slice(0, 3).map((one) => `/${one}`);
  const near = [.../* @__PURE__ */ new Set([...elsewhere, ...within.map((one) => `/${one}`.replace("//", "/"))])].slice(0, 3);
  return new SnapError("USAGE", `No layer of "${conf}" has the path "${path}"`, {
    hint: near.length > 0 ? `did you mean ${near.map((one) => `"${printable(one)}"`).join(" or ")}?` : "that of the last build; look into the image: snap shell"
  });
}
function exclusion({ inputs, project }, path) {
  for (const scriptlet of inputs.scriptlets) {
    for (const glob of scriptlet.excludes) {
      const pattern = Buffer.from(glob).toString("latin1").replace(/^\/+|\/+$/g, "");
      for (let one = path; one !== ""; one = parentOf(one)) {
        if (one === pattern || matchesGlob(one, pattern))
          return declaration(project, scriptlet, `exclude_path ${glob}`);
      }
    }
  }
  return void 0;
}
function declaration(project, scriptlet, text) {
  const line = scriptlet.lines[text];
  return line === void 0 ? void 0 : { file: relative(project, scriptlet.file), line, text };
}
function partOf(image, { layer, entry, wins }, path) {
  const { store, layers, inputs } = image;
  const { row: row2, name } = layer;
  const names = archiveNames(image, path);
  const own = ownerIn(store, layer, path, names, entry);
  const [lower] = layers.filter((one) => layer.sees.has(one.name)).flatMap((one) => ownerIn(store, one, path, names, void 0) ?? []);
  const owner = own ?? lower;
  const by = own?.intact ? "package" : byOf(image, layer);
  const scriptlet = inputs.scriptlets.find((one) => one.name === name);
  const copied = by !== "package" && entry && scriptlet ? sourceOf(image, layer, entry) : void 0;
  return {
    layer: name,
    number: row2.n,
    key: row2.key,
    wins,
    type: entry?.type ?? "records",
    by: copied === void 0 ? by : "do_run",
    ...entry ? {} : { records: recordsIn(store, row2.n, path) },
    ...owner ? { package: { name: owner.name, version: owner.version } } : {},
    ...copied === void 0 ? {} : { copied },
    ...scriptlet ? declaredPart(image, layer, scriptlet, by, own?.name) : {},
    ...pinnedPart(image, owner?.name)
  };
}
function byOf({ store }, { row: row2 }) {
  if (row2.kind === "base") return "base";
  if (row2.kind === "settle") return "triggers";
  const { functions, debs } = store.noteOf(row2.n).inputs;
  if (!/^do_run \(\)/m.test(functions ?? "")) return "scripts";
  return (debs ?? []).length > 0 ? "do_run or scripts" : "do_run";
}
function sourceOf({ store }, { name, row: row2 }, entry) {
  if (entry.type !== "file" || entry.size === 0) return void 0;
  const { data = {}, files = {} } = store.noteOf(row2.n).inputs;
  const own = Object.entries(data).map(([path, content]) => [`scriptlets/${name}/${path}`, content]);
  return [...own, ...Object.entries(files)].find(([, content]) => content.slice(2) === entry.digest)?.[0];
}
function recordsIn(store, n, path) {
  const keys = (store.recordsOf(n)[path] ?? []).map(([key]) => key).filter((key) => key !== FILE_ITSELF);
  return keys.map((key) => printable(recordName(key)));
}
function archiveNames({ store, layers }, path) {
  const [first = "", second = "", ...rest] = path.split("/");
  const link = layers[0] && store.manifestOf(layers[0].row.n).get(second);
  const alias = link?.type === "symlink" && link.target.replace(/^\//, "") === `${first}/${second}`;
  return [path, ...alias ? [[second, ...rest].join("/")] : []];
}
function declaredPart(image, layer, scriptlet, by, name) {
  if (by.startsWith("do_run")) {
    const declared2 = runPlace(image.project, scriptlet);
    return declared2 ? { declared: declared2 } : {};
  }
  if (name === void 0) return {};
  const wants = scriptlet.packages.map((want2) => want2.split(":")[0]);
  const stanzas = image.layers.filter((one) => one === layer || layer.sees.has(one.name)).flatMap(({ row: row2 }) => stanzasOf(image.store.recordsOf(row2.n)));
  const chain = dependencyChain(stanzas, wants, name);
  const want = scriptlet.packages.find((one) => one.split(":")[0] === (chain?.[0] ?? wants[0]));
  const declared = declaration(image.project, scriptlet, `install_debian_deb ${want}`);
  return { ...declared ? { declared } : {}, ...chain ? { chain } : {} };
}
function runPlace(project, { file }) {
  const lines2 = readFileSync2(file, "utf8").split("\n");
  const line = lines2.findIndex((text) => /^\s*(function\s+)?do_run\b/.test(text));
  return line < 0 ? void 0 : { file: relative(project, file), line: line + 1, text: "do_run" };
}
function pinnedPart({ inputs, project }, name) {
  const { lock, lockFile } = inputs;
  const pin = name === void 0 || !lock ? void 0 : pinNamed(lock, name);
  if (!pin || !existsSync(lockFile)) return {};
  const start = `deb ${pin.name} ${pin.arch} ${pin.version}`;
  const line = readFileSync2(lockFile, "utf8").split("\n").findIndex((text) => text.startsWith(`${start} `));
  return line < 0 ? {} : { pinned: { file: relative(project, lockFile), line: line + 1, text: start } };
}
function pinNamed(lock, name) {
  return [...lock.pins.values()].find((pin) => pin.name === name);
}

// src/commands/origin.ts
async function tellOrigin(project, { conf }, path, json) {
  const origin = await originOf(project, conf, path);
  if (json) printJson(origin);
  else for (const line of lines(origin)) print(line);
  return 0;
}
var LAYOUT = [
  { title: "" },
  { title: "layer" },
  { title: "number", align: "right" },
  { title: "key" },
  { title: "type" },
  { title: "by" }
];
function lines(origin) {
  const { parts } = origin;
  const winner = parts.find(({ wins }) => wins) ?? parts.at(-1);
  return [
    heading(origin),
    ...parts.length > 1 ? ["", ...table(LAYOUT, parts.map(row))] : [],
    ...winner && winner.type !== "records" ? ["", ...chainLines(winner, origin.excluded)] : []
  ];
}
function heading({ path, conf, removed, excluded }) {
  const fate = removed ? ", removed" : excluded ? ", left out" : "";
  return `/${path} of ${conf}${fate}`;
}
function row(part) {
  const { layer, number, key, type, wins } = part;
  return [wins ? "*" : "", layer, String(number), key.slice(0, 12), TYPES[type], byWords(part)];
}
var TYPES = {
  file: "file",
  dir: "folder",
  symlink: "link",
  char: "device",
  block: "device",
  fifo: "fifo",
  whiteout: "removed",
  records: "records"
};
function byWords(part) {
  const { by, package: owner, records } = part;
  if (records) return `${counted(records.length, "record")}: ${shortList(records)}`;
  if (by === "package" && owner) return `${owner.name} ${owner.version}`;
  return owner ? `${makerWords(part)}, on a file of ${owner.name}` : makerWords(part);
}
function makerWords({ by, copied }) {
  return copied === void 0 ? by.replace("scripts", "maintainer scripts") : `do_run, from ${copied}`;
}
function shortList(names) {
  return names.length > 4 ? `${names.slice(0, 3).join(", ")}, ...` : names.join(", ");
}
function chainLines(part, excluded) {
  const { layer, number, key, package: owner, declared, chain = [], pinned } = part;
  const rows = [
    ["layer", `${layer}, number ${number}, key ${key.slice(0, 12)}`],
    ...part.by === "package" ? [] : [["made by", makerWords(part)]],
    ...owner ? [["package", `${owner.name} ${owner.version}`]] : [],
    ...chain.length > 1 ? [["through", chain.join(" -> ")]] : [],
    ...declared ? [["declared", placeWords(declared)]] : [],
    ...pinned ? [["pinned", placeWords(pinned)]] : [],
    ...excluded ? [["left out", placeWords(excluded)]] : []
  ];
  return table([{ title: "" }, { title: "" }], rows).slice(1);
}
function placeWords({ file, line, text }) {
  return `${file}:${line}  ${text}`;
}
export {
  tellOrigin
};
