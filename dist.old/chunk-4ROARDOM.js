import { createRequire as requireFrom } from "node:module"; const require = requireFrom(import.meta.url);
import {
  derivedBy,
  identity,
  isDerived,
  parentOf,
  printable
} from "./chunk-CMH6CGA3.js";

// src/layers/changed-paths.ts
var NAMED = 20;
function pathsBetween(contents, before, now) {
  const known = contents.layerNumbered(before) && contents.layerNumbered(now);
  return found(known ? differing(contents, before, now) : []);
}
function pathsSeenBetween(contents, before, now, inputs) {
  const [old, seen] = [new Map(before), new Map(now)];
  const isSeen = seenPaths(String(inputs.package), inputs.triggers ?? []);
  const paths = [.../* @__PURE__ */ new Set([...seen.keys(), ...old.keys()])].flatMap((name) => {
    const [was, is] = [old.get(name), seen.get(name)];
    if (was === is) return [];
    const lost = [was, is].some((n) => n !== void 0 && !contents.layerNumbered(n));
    return lost ? [] : differing(contents, was, is).filter(isSeen);
  });
  return found([...new Set(paths)]);
}
function found(paths) {
  return { paths: paths.toSorted(tellingFirst).slice(0, NAMED).map(printable), count: paths.length };
}
function tellingFirst(a, b) {
  const made = (path) => Number(isDerived(path) || /^var\/(cache|lib\/dpkg)\//.test(path));
  return made(a) - made(b) || (a < b ? -1 : 1);
}
function differing(contents, before, now) {
  const [old, entries] = [before, now].map((n) => n === void 0 ? void 0 : contents.manifestOf(n));
  const paths = /* @__PURE__ */ new Set();
  for (const { path } of [...old?.values() ?? [], ...entries?.values() ?? []]) {
    if (!sameEntry(old?.get(path), entries?.get(path))) paths.add(path);
  }
  const [records, patches] = [before, now].map((n) => n === void 0 ? {} : contents.recordsOf(n));
  for (const file of union(Object.keys(records), Object.keys(patches))) {
    if (JSON.stringify(records[file]) !== JSON.stringify(patches[file])) paths.add(file);
  }
  const parents = new Set([...paths].map(parentOf));
  const isWay = (path) => parents.has(path) && (old?.get(path) ?? entries?.get(path))?.type === "dir" && !(old?.get(path) && entries?.get(path));
  return [...paths].filter((path) => !isWay(path));
}
function union(a = [], b = []) {
  return /* @__PURE__ */ new Set([...a, ...b]);
}
function sameEntry(a, b) {
  return a === b || a !== void 0 && b !== void 0 && identity(a) === identity(b);
}
function seenPaths(name, triggers) {
  const prefixes = triggers.filter((trigger) => trigger.startsWith("/")).flatMap((trigger) => [trigger.slice(1), `usr${trigger}`]);
  const rules = derivedBy(name.split(":")[0] ?? name);
  return (path) => !rules.some(({ paths }) => paths.test(path)) && (prefixes.some((prefix) => path === prefix || path.startsWith(`${prefix}/`)) || rules.some(({ from }) => from?.test(path)));
}

// src/layers/reason.ts
function reasonOf(store, conf, name, inputs, view) {
  const last = store.lastOf(name, conf);
  if (!last) return { kind: "first" };
  const now = { inputs, view: view.map((layer) => [layer.name, layer.row.n]) };
  const [first] = differences(store, decidedOf(store, last.n), now);
  return first ?? { kind: "lost" };
}
function decidedOf(store, n) {
  const { inputs, view } = store.noteOf(n);
  return { inputs, view };
}
function* differences(store, before, now) {
  for (const [name, value] of Object.entries(now.inputs)) {
    const old = before.inputs[name];
    if (JSON.stringify(old) === JSON.stringify(value)) continue;
    if (old === void 0) yield { kind: "input", name, change: "new" };
    else yield* inputDifferences(store, name, before, now);
  }
  for (const name of Object.keys(before.inputs)) {
    if (!(name in now.inputs)) yield { kind: "input", name, change: "gone" };
  }
}
function* inputDifferences(store, name, before, now) {
  const [old, value] = [before.inputs[name], now.inputs[name]];
  switch (name) {
    case "debs":
      return yield* debDifferences(asList(old), asList(value));
    case "view":
      return yield* needDifferences(store, before, now);
    case "data":
    case "files":
      for (const [path, change] of changedMembers(asTable(old), asTable(value))) {
        yield { kind: name === "data" ? "data" : "file", path, change };
      }
      return;
    case "vars":
      for (const [member, change] of changedMembers(asTable(old), asTable(value)))
        yield { kind: "variable", name: member, change };
      return;
    case "sources":
      for (const [member, change] of changedMembers(firstWords(old), firstWords(value)))
        yield { kind: "source", name: member, change };
      return;
    case "functions":
      return yield* textDifferences("function", functionsIn(String(old)), functionsIn(String(value)));
    case "variables":
      return yield* ownVariables(before.inputs, now.inputs);
    case "version":
      return yield { kind: "deb", name: String(now.inputs.package), from: String(old), to: String(value) };
    case "activated":
      for (const [by, change] of changedMembers(firstWords(old), firstWords(value)))
        yield { kind: "activation", by, change };
      return;
    case "sees":
      return yield { kind: "seen", ...pathsSeenBetween(store, before.view, now.view, now.inputs) };
    case "format":
    case "prelude":
      return yield { kind: "snap" };
    default:
      return yield { kind: "input", name, change: "changed" };
  }
}
function asList(value) {
  return Array.isArray(value) ? value.map(String) : [];
}
function asTable(value) {
  return value !== null && typeof value === "object" && !Array.isArray(value) ? value : {};
}
function firstWords(value) {
  return Object.fromEntries(asList(value).map((line) => [line.split(" ")[0] ?? "", line]));
}
function* changedMembers(before, now) {
  for (const [name, value] of Object.entries(now)) {
    if (!Object.hasOwn(before, name)) yield [name, "new"];
    else if (before[name] !== value) yield [name, "changed"];
  }
  for (const name of Object.keys(before)) if (!Object.hasOwn(now, name)) yield [name, "gone"];
}
function* debDifferences(before, now) {
  const parse = (debs2) => new Map(debs2.map((deb) => [deb.split(" ")[0] ?? "", { version: deb.split(" ")[1] ?? "", deb }]));
  const [old, debs] = [parse(before), parse(now)];
  let same = true;
  for (const [name, { version, deb }] of debs) {
    const was = old.get(name);
    if (was?.deb === deb) continue;
    same = false;
    yield was ? { kind: "deb", name, from: was.version, to: version } : { kind: "deb", name, to: version };
  }
  for (const [name, { version }] of old) {
    if (debs.has(name)) continue;
    same = false;
    yield { kind: "deb", name, from: version };
  }
  if (same) yield { kind: "deb-order" };
}
function* needDifferences(store, before, now) {
  const [old, seen] = [seenBy(before), seenBy(now)];
  let same = true;
  for (const [name, { n, digest }] of seen) {
    const was = old.get(name);
    if (was?.digest === digest) continue;
    same = false;
    if (was) yield { kind: "need", name, change: "changed", ...pathsBetween(store, was.n, n) };
    else yield { kind: "need", name, change: "new", paths: [], count: 0 };
  }
  for (const name of old.keys()) {
    if (seen.has(name)) continue;
    same = false;
    yield { kind: "need", name, change: "gone", paths: [], count: 0 };
  }
  if (same) yield { kind: "need-order" };
}
function seenBy({ inputs, view }) {
  const digests = asList(inputs.view);
  return new Map(view.map(([name, n], at) => [name, { n, digest: digests[at] ?? "" }]));
}
function* textDifferences(kind, before, now) {
  for (const [name, change] of changedMembers(before, now)) {
    yield { kind, name, change, before: before[name] ?? "", now: now[name] ?? "" };
  }
}
function functionsIn(text) {
  const bodies = text.split(/^(?=\S+ \(\) ?$)/m).filter((body) => body.trim() !== "");
  return Object.fromEntries(bodies.map((body) => [body.split(" ")[0] ?? "", body]));
}
function* ownVariables(before, now) {
  const given = { ...asTable(before.vars), ...asTable(now.vars) };
  const parse = (text) => {
    const lines = String(text).split("\n").filter((line) => line !== "").map((line) => [/^declare \S+ ([^=]+)/.exec(line)?.[1] ?? line.replace(/ -[su] /, " "), line]);
    return Object.fromEntries(lines.filter(([name]) => !Object.hasOwn(given, name)));
  };
  yield* textDifferences("own-variable", parse(before.variables), parse(now.variables));
}
function wordsOf(reason) {
  switch (reason.kind) {
    case "first":
      return "first build";
    case "lost":
      return "the layer was removed from the store";
    case "asked":
      return "asked for";
    case "no-lock":
      return "there is no lock yet";
    case "uncovered":
      return "the lock does not cover its packages yet";
    case "below":
      return `known when ${reason.layer} has run`;
    case "impure":
      return "impure: it used the network; --rerun asks again";
    case "deb":
      return debWords(reason);
    case "deb-order":
      return "the order of the debs changed";
    case "data":
      return `data file ${changeWords(reason.path === "" ? "folder" : reason.path, reason.change)}`;
    case "file":
      return `file ${changeWords(reason.path, reason.change)}`;
    case "variable":
      return `variable ${changeWords(reason.name, reason.change)}`;
    case "source":
      return `source ${changeWords(reason.name, reason.change)}`;
    case "function":
      return changeWords(reason.name, reason.change);
    case "own-variable":
      return `own variable ${changeWords(reason.name, reason.change)}`;
    case "need":
      return needWords(reason);
    case "need-order":
      return "the order of the needs changed";
    case "seen":
      return reason.count === 0 ? "what its triggers see differs" : differing2(reason);
    case "activation":
      return `activated by ${reason.by}: ${reason.change}`;
    case "snap":
      return "another version of snap";
    case "input":
      return changeWords(reason.name, reason.change);
    default:
      return reason;
  }
}
function changeWords(name, change) {
  return change === "changed" ? `${name} changed` : `${name} is ${change}`;
}
function debWords({ name, from, to }) {
  if (from === void 0) return `deb ${name} ${to} is new`;
  if (to === void 0) return `deb ${name} is gone`;
  return from === to ? `deb ${name} ${to} has other content` : `deb ${name} ${from} -> ${to}`;
}
function needWords(need) {
  const { name, change, count } = need;
  if (change === "new") return `need ${name} is new`;
  if (change === "gone") return `need ${name} is gone`;
  const what = name === "base" ? "base" : `need ${name}`;
  return count === 0 ? `${what} differs` : `${what}: ${differing2(need)}`;
}
function differing2({ paths, count }) {
  return count === 1 ? `${paths[0]} differs` : `${paths[0]} and ${count - 1} more differ`;
}

export {
  reasonOf,
  decidedOf,
  differences,
  wordsOf
};
