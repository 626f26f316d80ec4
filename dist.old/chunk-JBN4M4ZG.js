import { createRequire as requireFrom } from "node:module"; const require = requireFrom(import.meta.url);
import {
  NAME,
  NAME_RULE,
  OWN_VARIABLES,
  at,
  canonicalJson,
  copyFile,
  didYouMean,
  digestOf,
  identity,
  isDerived,
  linkEntry,
  makeEntry,
  parentOf,
  printable,
  scanTree,
  setMetadata,
  setTime,
  walk
} from "./chunk-CMH6CGA3.js";
import {
  ownFile
} from "./chunk-UW3ZN2PS.js";
import {
  SnapError,
  errno
} from "./chunk-LVCJS3W4.js";

// src/debian/records.ts
var SEPARATOR = "\0";
function subKey(key, kind, member) {
  return `${key}${SEPARATOR}${kind}${SEPARATOR}${member}`;
}
function splitKey(key) {
  const [owner = "", kind, ...member] = key.split(SEPARATOR);
  return { key: owner, kind, member: member.join(SEPARATOR) };
}
function membersOf(records) {
  const members = /* @__PURE__ */ new Map();
  for (const full of records.keys()) {
    const { key, kind, member } = splitKey(full);
    if (kind === void 0) continue;
    const kinds = members.get(key) ?? /* @__PURE__ */ new Map();
    members.set(key, kinds.set(kind, [...kinds.get(kind) ?? [], member]));
  }
  return members;
}
function linesOf(text) {
  const lines = text.split("\n");
  if (lines.at(-1) === "") lines.pop();
  return lines;
}
function lineFormat(keyOf2) {
  return {
    parse: (text) => new Map(linesOf(text).map((line) => [keyOf2(line), line])),
    format: (records) => [...records.values()].map((line) => `${line}
`).join("")
  };
}
var wholeLine = lineFormat((line) => line);
var byFirstField = lineFormat((line) => line.slice(0, line.indexOf(":")));
var byLastField = lineFormat((line) => line.slice(line.lastIndexOf(" ") + 1));
function groupFormat(sets) {
  return {
    parse(text) {
      const records = /* @__PURE__ */ new Map();
      for (const line of linesOf(text)) {
        const fields = line.split(":");
        const key = fields[0] ?? "";
        records.set(key, fields.slice(0, -sets.length).join(":"));
        sets.forEach((kind, index) => {
          const members = fields.at(index - sets.length) ?? "";
          for (const member of members.split(",").filter(Boolean)) records.set(subKey(key, kind, member), "");
        });
      }
      return records;
    },
    format(records) {
      const members = membersOf(records);
      const lines = [];
      for (const [key, value] of records) {
        if (splitKey(key).kind !== void 0) continue;
        const fields = sets.map((kind) => (members.get(key)?.get(kind) ?? []).join(","));
        lines.push(`${[value, ...fields].join(":")}
`);
      }
      return lines.join("");
    }
  };
}
var diversions = {
  parse(text) {
    const lines = linesOf(text);
    const records = /* @__PURE__ */ new Map();
    for (let i = 0; i < lines.length; i += 3) records.set(lines[i] ?? "", lines.slice(i, i + 3).join("\n"));
    return records;
  },
  format: (records) => [...records.values()].map((record) => `${record}
`).join("")
};
function stanzasOf(text) {
  return text.split(/\n\n+/).map((stanza) => stanza.replace(/^\n+|\n+$/g, "")).filter((stanza) => stanza !== "");
}
function fieldOf(stanza, name) {
  const start = stanza.startsWith(`${name}:`) ? 0 : stanza.indexOf(`
${name}:`) + 1;
  if (start === 0 && !stanza.startsWith(`${name}:`)) return "";
  let end = stanza.indexOf("\n", start);
  while (end >= 0 && stanza[end + 1] === " ") end = stanza.indexOf("\n", end + 1);
  return stanza.slice(start + name.length + 1, end < 0 ? void 0 : end).replace(/^[ \t\n]+|[ \t\n]+$/g, "");
}
function withoutField(stanza, name) {
  return `${stanza}
`.replace(new RegExp(`^${name}:.*\\n(?: .*\\n)*`, "m"), "").replace(/\n$/, "");
}
var PENDING = "pending";
var status = {
  parse(text) {
    const records = /* @__PURE__ */ new Map();
    for (const stanza of stanzasOf(text)) {
      const key = `${fieldOf(stanza, "Package")}:${fieldOf(stanza, "Architecture")}`;
      const triggers = fieldOf(stanza, "Triggers-Pending").split(/[ \t\n]+/).filter(Boolean);
      const plain = withoutField(withoutField(stanza, "Triggers-Pending"), "Triggers-Awaited");
      records.set(
        key,
        plain.replace(/^Status: (\S+ \S+) triggers-(pending|awaited)$/m, "Status: $1 installed")
      );
      for (const trigger of triggers) records.set(subKey(key, PENDING, trigger), "");
    }
    return records;
  },
  format(records) {
    const members = membersOf(records);
    const stanzas = [];
    for (const [key, stanza] of records) {
      if (splitKey(key).kind !== void 0) continue;
      const triggers = members.get(key)?.get(PENDING);
      stanzas.push(`${triggers ? pendingStanza(stanza, triggers) : stanza}

`);
    }
    return stanzas.join("");
  }
};
function pendingStanza(stanza, triggers) {
  const waiting = stanza.replace(/^Status: (\S+ \S+) installed$/m, "Status: $1 triggers-pending");
  return `${waiting}
Triggers-Pending: ${[...triggers].sort().join(" ")}`;
}
function pendingTriggers(records) {
  const pending = /* @__PURE__ */ new Map();
  for (const [key, kinds] of membersOf(records)) pending.set(key, [...kinds.get(PENDING) ?? []].sort());
  return pending;
}
function withPending(records, pending) {
  const result = /* @__PURE__ */ new Map();
  for (const [key, value] of records) if (splitKey(key).kind === void 0) result.set(key, value);
  for (const [key, triggers] of pending) {
    for (const trigger of triggers) result.set(subKey(key, PENDING, trigger), "");
  }
  return result;
}
var debconf = {
  parse(text) {
    const records = /* @__PURE__ */ new Map();
    for (const stanza of stanzasOf(text)) {
      const key = fieldOf(stanza, "Name");
      records.set(key, withoutField(withoutField(stanza, "Owners"), "Flags"));
      for (const kind of ["Owners", "Flags"]) {
        const members = fieldOf(stanza, kind).split(", ").filter(Boolean);
        for (const member of members) records.set(subKey(key, kind, member), "");
      }
    }
    return records;
  },
  format(records) {
    const members = membersOf(records);
    const stanzas = [];
    for (const [key, value] of records) {
      if (splitKey(key).kind !== void 0) continue;
      const sets = ["Owners", "Flags"].flatMap((kind) => {
        const values = members.get(key)?.get(kind);
        return values ? [`${kind}: ${[...values].sort().join(", ")}`] : [];
      });
      stanzas.push(`${[value, ...sets].join("\n")}

`);
    }
    return stanzas.join("");
  }
};
var FORMATS = [
  [/^etc\/(passwd|shadow)$/, byFirstField],
  [/^etc\/(subuid|subgid|shells)$/, wholeLine],
  [/^etc\/group$/, groupFormat(["member"])],
  [/^etc\/gshadow$/, groupFormat(["administrator", "member"])],
  [/^var\/lib\/dpkg\/status$/, status],
  [/^var\/lib\/dpkg\/diversions$/, diversions],
  [/^var\/lib\/dpkg\/statoverride$/, byLastField],
  [/^var\/lib\/dpkg\/triggers\/(?!Lock$|Unincorp$)[^/]+$/, wholeLine],
  [/^var\/lib\/ucf\/(hashfile|registry)$/, byLastField],
  [/^var\/cache\/debconf\/[^/]+\.dat$/, debconf]
];
function formatFor(path) {
  return FORMATS.find(([pattern]) => pattern.test(path))?.[1];
}
function isRecordFile(path) {
  return formatFor(path) !== void 0;
}
function parseRecords(path, text) {
  return formatFor(path)?.parse(text) ?? /* @__PURE__ */ new Map();
}
function formatRecords(path, records) {
  return formatFor(path)?.format(records) ?? "";
}
function recordName(key) {
  const { key: owner, kind, member } = splitKey(key);
  return kind === void 0 ? owner : `${owner} (${kind} ${member})`;
}

// src/layers/view.ts
import { mkdirSync, writeFileSync } from "node:fs";

// src/layers/merge.ts
function mergeChanges(changes, sees, same) {
  const top = changes.at(-1);
  if (top === void 0) throw new Error("A merge of no change");
  if (changes.length === 1) return { kind: "settled", winner: top, top };
  const last = changes.filter(
    (change) => !changes.some((other) => other !== change && sees(other.layer, change.layer))
  );
  const wins = (candidate) => {
    const unequal = last.filter((other) => !same(other.value, candidate.value));
    if (unequal.length === 0) return true;
    const found = foundBy(candidate, changes, sees, same);
    return found !== void 0 && unequal.every((other) => same(other.value, found.value));
  };
  const winners = last.filter(wins);
  const winner = winners.at(-1);
  if (winner !== void 0 && winners.every((other) => same(other.value, winner.value))) {
    return { kind: "settled", winner, top };
  }
  return conflictOf(last, same);
}
function foundBy(change, changes, sees, same) {
  const below = changes.filter((other) => sees(change.layer, other.layer));
  if (below.length === 0) return void 0;
  const merged = mergeChanges(below, sees, same);
  return merged.kind === "settled" ? merged.winner : void 0;
}
function conflictOf(last, same) {
  for (const later of last) {
    for (const earlier of last) {
      if (earlier.layer >= later.layer) break;
      if (!same(earlier.value, later.value)) {
        return { kind: "conflict", earlier: earlier.layer, later: later.layer };
      }
    }
  }
  throw new Error("A conflict between equal changes");
}

// src/layers/resolve.ts
var NOTHING = { placed: void 0, corrected: false, replacing: [], conflict: void 0 };
function sameEntry(a, b) {
  return a === b || identity(a) === identity(b);
}
function resolveSpot(path, changes, sees, spotAt) {
  const spot = mergeSpot(changes, sees);
  return spot === NOTHING ? spot : beneathReplaced(path, spot, sees, spotAt);
}
function mergeSpot(changes, sees) {
  const [first] = changes;
  if (first === void 0) return NOTHING;
  if (changes.length === 1) {
    return { ...NOTHING, placed: { entry: first.value, layer: first.layer } };
  }
  const below = first.layer === 0 ? first.value : void 0;
  const own = below ? changes.slice(1) : changes;
  const mixed = changes.some(({ value }) => value.type === "dir");
  const replacing = mixed ? own.filter(({ value }) => value.type !== "dir").map(({ layer: layer2 }) => layer2) : [];
  const result = mergeChanges(changes, sees, sameEntry);
  if (result.kind === "conflict") {
    const { value: entry2, layer: layer2 } = own.at(-1);
    const conflict = [result.earlier, result.later];
    return { placed: { entry: entry2, layer: layer2 }, corrected: false, replacing, conflict };
  }
  const { value: entry, layer } = result.winner;
  const hidden = !sameEntry(entry, result.top.value);
  const repainted = entry.type === "dir" && below?.type === "dir";
  const renewed = entry.type === "dir" && own.some(({ value }) => !sameEntry(value, entry));
  return {
    placed: { entry, layer },
    corrected: hidden || repainted || renewed,
    replacing,
    conflict: void 0
  };
}
function beneathReplaced(path, spot, sees, spotAt) {
  const { placed } = spot;
  if (path === "" || placed === void 0) return spot;
  let gone = false;
  let conflict = spot.conflict;
  for (let above = parentOf(path); above !== ""; above = parentOf(above)) {
    for (const by of spotAt(above).replacing) {
      if (by === placed.layer || sees(placed.layer, by)) continue;
      gone = true;
      if (sees(by, placed.layer) || placed.entry.type === "whiteout") continue;
      conflict ??= [Math.min(by, placed.layer), Math.max(by, placed.layer)];
    }
  }
  return gone ? { ...spot, placed: void 0, corrected: false, conflict } : spot;
}

// src/layers/walk.ts
function* mergeSorted(manifests) {
  const heap = [];
  for (const [layer, manifest] of manifests.entries()) {
    const rest = manifest.values()[Symbol.iterator]();
    const first = rest.next();
    if (!first.done) push(heap, { layer, rest, entry: first.value });
  }
  while (heap.length > 0) {
    const { path } = heap[0].entry;
    const changes = [];
    while (heap[0]?.entry.path === path) {
      const source = heap[0];
      changes.push({ layer: source.layer, value: source.entry });
      advance(heap, source);
    }
    yield [path, changes];
  }
}
function advance(heap, top) {
  const next = top.rest.next();
  if (!next.done) {
    top.entry = next.value;
    sink(heap);
    return;
  }
  const last = heap.pop();
  if (heap.length === 0) return;
  heap[0] = last;
  sink(heap);
}
function comesBefore(a, b) {
  return a.entry.path < b.entry.path || a.entry.path === b.entry.path && a.layer < b.layer;
}
function push(heap, source) {
  let at2 = heap.push(source) - 1;
  for (let parent = at2 - 1 >> 1; at2 > 0 && comesBefore(source, heap[parent]); parent = at2 - 1 >> 1) {
    heap[at2] = heap[parent];
    at2 = parent;
  }
  heap[at2] = source;
}
function sink(heap) {
  const source = heap[0];
  let at2 = 0;
  for (; ; ) {
    let child = 2 * at2 + 1;
    if (child >= heap.length) break;
    if (child + 1 < heap.length && comesBefore(heap[child + 1], heap[child])) child++;
    if (!comesBefore(heap[child], source)) break;
    heap[at2] = heap[child];
    at2 = child;
  }
  heap[at2] = source;
}

// src/layers/view.ts
var FILE_ITSELF = "";
function viewDigests(layers) {
  return layers.map(({ row }) => row.digest);
}
function mergeView(store, layers, known) {
  const sees = seesOf(layers);
  const paths = lookUpPaths(store, layers, sees);
  const conflictOf2 = (earlier, later, path) => {
    return { earlier: layers[earlier]?.name ?? "", later: layers[later]?.name ?? "", path };
  };
  const merge = once(() => {
    const conflicts = [];
    const corrections = [];
    const take = (path, { placed, corrected, conflict }) => {
      if (conflict && !isDerived(path)) conflicts.push(conflictOf2(...conflict, printable(path)));
      if (placed && corrected) corrections.push(placed);
    };
    if (known) for (const path of pathsToMerge(known)) take(path, paths.spotAt(path));
    else for (const [path, spot] of writtenSpots(store, layers, sees)) take(path, spot);
    return { corrections, conflicts };
  });
  const records = once(() => {
    const conflicts = [];
    const merged = mergeRecords(
      store,
      layers,
      sees,
      (...conflict) => conflicts.push(conflictOf2(...conflict))
    );
    return { merged, conflicts };
  });
  return {
    layers,
    get conflicts() {
      return [...merge().conflicts, ...records().conflicts];
    },
    get corrections() {
      return merge().corrections;
    },
    get records() {
      return records().merged;
    },
    at: paths.at,
    get: (path) => paths.at(path)?.entry,
    isReplaced: (path) => paths.spotAt(path).replacing.length > 0,
    entries: () => allEntries(store, layers, sees),
    namesIn: (folder) => namesIn(store, paths.at, folder)
  };
}
function withRecords(view, records) {
  return Object.create(view, { records: { value: records } });
}
function once(make) {
  let made;
  return () => {
    made ??= { value: make() };
    return made.value;
  };
}
function seesOf(layers) {
  return (layer, other) => other === 0 ? layer !== 0 : layers[layer]?.sees.has(layers[other]?.name ?? "") ?? false;
}
function lookUpPaths(store, layers, sees) {
  const positions = /* @__PURE__ */ new Map();
  for (const [position, { row }] of layers.entries()) {
    positions.set(row.n, [...positions.get(row.n) ?? [], position]);
  }
  const spots = /* @__PURE__ */ new Map();
  const changesAt = (path) => {
    const changes = [];
    for (const n of store.holdersOf(path)) {
      const value = positions.has(n) ? store.manifestOf(n).get(path) : void 0;
      if (value) for (const layer of positions.get(n)) changes.push({ layer, value });
    }
    return changes.sort((a, b) => a.layer - b.layer);
  };
  const spotAt = (path) => {
    const known = spots.get(path);
    if (known) return known;
    const spot = resolveSpot(path, changesAt(path), sees, spotAt);
    if (spot !== NOTHING) spots.set(path, spot);
    return spot;
  };
  const at2 = (path) => shown(spotAt(path));
  return { spotAt, at: at2 };
}
function shown({ placed }) {
  return placed?.entry.type === "whiteout" ? void 0 : placed;
}
function pathsToMerge({ corrections, changed }) {
  return /* @__PURE__ */ new Set([...corrections, ...changed]);
}
function* writtenSpots(store, layers, sees) {
  const [base, ...others] = layers.map(({ row }) => store.manifestOf(row.n));
  const replaced = /* @__PURE__ */ new Map();
  const spotAt = (path) => replaced.get(path) ?? NOTHING;
  for (const [path, own] of mergeSorted(others)) {
    const below = base?.get(path);
    const changes = own.map(({ layer, value }) => ({ layer: layer + 1, value }));
    const spot = resolveSpot(path, below ? [{ layer: 0, value: below }, ...changes] : changes, sees, spotAt);
    if (spot.replacing.length > 0) replaced.set(path, spot);
    yield [path, spot];
  }
}
function* allEntries(store, layers, sees) {
  const replaced = /* @__PURE__ */ new Map();
  const spotAt = (path) => replaced.get(path) ?? NOTHING;
  for (const [path, changes] of mergeSorted(layers.map(({ row }) => store.manifestOf(row.n)))) {
    const spot = resolveSpot(path, changes, sees, spotAt);
    if (spot.replacing.length > 0) replaced.set(path, spot);
    const placed = shown(spot);
    if (placed) yield placed;
  }
}
function namesIn(store, at2, folder) {
  const start = folder === "" ? 0 : folder.length + 1;
  const names = new Set(store.pathsBelow(folder).map((path) => path.slice(start).split("/")[0] ?? ""));
  return new Set([...names].filter((name) => at2(folder === "" ? name : `${folder}/${name}`)));
}
function mergeRecords(store, layers, sees, addConflict) {
  const files = /* @__PURE__ */ new Map();
  layers.forEach(({ row }, layer) => {
    for (const [file, patch] of Object.entries(store.recordsOf(row.n))) {
      const changes = files.get(file) ?? /* @__PURE__ */ new Map();
      files.set(file, changes);
      for (const [key, value] of patch) {
        const known = changes.get(key);
        if (known) known.push({ layer, value });
        else changes.set(key, [{ layer, value }]);
      }
    }
  });
  const merged = /* @__PURE__ */ new Map();
  for (const file of [...files.keys()].sort()) {
    const records = /* @__PURE__ */ new Map();
    const makers = /* @__PURE__ */ new Map();
    let remover = 0;
    for (const [key, changes] of files.get(file) ?? []) {
      const result = mergeChanges(changes, sees, (a, b) => a === b);
      if (result.kind === "conflict") {
        addConflict(result.earlier, result.later, `${file}: ${recordName(key)}`);
      } else if (result.winner.value !== null) {
        records.set(key, result.winner.value);
        makers.set(key, result.winner.layer);
      } else if (key === FILE_ITSELF) {
        remover = result.winner.layer;
      }
    }
    const itself = records.get(FILE_ITSELF);
    if (itself === void 0) {
      for (const [key, by] of makers) {
        addConflict(Math.min(by, remover), Math.max(by, remover), `${file}: ${recordName(key)}`);
      }
      continue;
    }
    records.delete(FILE_ITSELF);
    const [mode = "", uid, gid] = itself.split(" ");
    merged.set(file, { mode: Number.parseInt(mode, 8), uid: Number(uid), gid: Number(gid), records });
  }
  return merged;
}
function encodeFileItself(file) {
  return `${file.mode.toString(8)} ${file.uid} ${file.gid}`;
}
function recordBytes(path, file) {
  return Buffer.from(formatRecords(path, file.records), "latin1");
}
function makeTop(store, view, folder, epoch, extras = []) {
  mkdirSync(folder, { mode: 493 });
  const made = /* @__PURE__ */ new Set([""]);
  const makeParents = (path) => {
    const parent = parentOf(path);
    if (made.has(parent)) return;
    makeParents(parent);
    const entry = view.get(parent);
    mkdirSync(at(folder, parent), { mode: 493 });
    if (entry?.type === "dir") setMetadata(entry, at(folder, parent));
    made.add(parent);
  };
  for (const { entry, layer } of [...view.corrections].sort(
    (a, b) => a.entry.path < b.entry.path ? -1 : 1
  )) {
    if (made.has(entry.path)) continue;
    makeParents(entry.path);
    placeEntry(entry, at(folder, entry.path), at(store.treeOf(view.layers[layer].row.n), entry.path));
    if (entry.type === "dir") made.add(entry.path);
  }
  for (const [path, file] of view.records) {
    makeParents(path);
    const target = at(folder, path);
    writeFileSync(target, recordBytes(path, file));
    setMetadata({ ...file, type: "dir", path, mtime: epoch, xattrs: "" }, target);
  }
  for (const { path, mode, content } of extras) {
    if (view.get(path)) continue;
    makeParents(path);
    writeFileSync(at(folder, path), content);
    setMetadata({ type: "dir", path, mode, uid: 0, gid: 0, mtime: epoch, xattrs: "" }, at(folder, path));
  }
  for (const path of made) setTime(at(folder, path), epoch);
}
function placeEntry(entry, file, from) {
  if (entry.type === "file") linkEntry(entry, file, from);
  else makeEntry(entry, file, from);
}

// src/layers/key.ts
import { existsSync, readFileSync } from "node:fs";
import { join as join2 } from "node:path";

// src/project/declared.ts
import { posix } from "node:path";

// src/project/evaluation.ts
var WORDS = /* @__PURE__ */ new Set([
  "need",
  "install_debian_deb",
  "use_var",
  "use_file",
  "fetch_source",
  "use_network",
  "exclude_path"
]);
var PLAIN = "only declarations, functions and variables belong at the top level of a scriptlet";
var EXTERNAL = "external commands belong in do_run";
var NOTES = /* @__PURE__ */ new Set([
  "external",
  "kernel",
  "misplaced",
  "overridden",
  "shopt",
  "function",
  "variable",
  "end"
]);
var SNAPS_OWN = /* @__PURE__ */ new Set([
  ...["ARCH", "SUITE", "PATH", "LC_ALL", "IMAGE_DIR", "DATA_DIR", "RUN_HOME", "SOURCES_DIR"]
]);
var OWN_HINT = "this variable is snap's own at the top level: choose another name, or set it in do_run";
function readSegment(segment, known) {
  const { records, whole } = parseRecords2(segment.records);
  const faults = [...records.flatMap(faultOf), ...diagnostics(segment, known)];
  const [first] = faults.sort((a, b) => (a.line || Infinity) - (b.line || Infinity));
  if (first) return first;
  if (!whole) return damaged;
  if (records.at(-1)?.word !== "end") return endedEarly(segment);
  if (records.filter(({ word }) => word === "end" || word === "shopt").length !== 2) return damaged;
  return {
    declarations: records.filter(({ word }) => WORDS.has(word)),
    functions: pairs(records, "function"),
    variables: [
      ...pairs(records, "variable").map(([, text]) => text),
      ...changedOptions(segment.shopt, records.find(({ word }) => word === "shopt")?.args[0] ?? "")
    ]
  };
}
function isFault(result) {
  return "what" in result;
}
var damaged = {
  line: 0,
  what: "what it says is damaged",
  hint: "file descriptor 250 belongs to snap"
};
function parseRecords2(bytes) {
  const fields = bytes.toString().split("\0");
  const rest = fields.pop();
  const records = [];
  for (let at2 = 0; at2 < fields.length; ) {
    const [word = "", line = "", count = ""] = fields.slice(at2, at2 + 3);
    const next = at2 + 3 + Number(count);
    const known = WORDS.has(word) || NOTES.has(word);
    if (!known || !/^\d{1,9}$/.test(line) || !/^\d{1,6}$/.test(count) || next > fields.length) {
      return { records, whole: false };
    }
    records.push({ word, line: Number(line), args: fields.slice(at2 + 3, next) });
    at2 = next;
  }
  return { records, whole: rest === "" };
}
function faultOf({ word, args, line }) {
  const [subject = ""] = args;
  switch (word) {
    case "external":
      return [{ line, what: `"${subject}" is an external command`, hint: EXTERNAL }];
    case "kernel":
      return [
        {
          line,
          what: `"${subject}" is not known`,
          hint: "kernel scriptlets are not supported by this version"
        }
      ];
    case "misplaced":
      return [{ line, what: `"${subject}" at the top level of the scriptlet`, hint: "it belongs in do_run" }];
    case "overridden":
      return [{ line, what: `it defines a function "${subject}"`, hint: "choose another name for it" }];
    case "variable":
      return SNAPS_OWN.has(subject) ? [{ line, what: `it sets "${subject}"`, hint: OWN_HINT }] : [];
    default:
      return [];
  }
}
function diagnostics({ name, stderr }, known) {
  const prefix = `/run/snap/${name}/scriptlet.sh: `;
  return stderr.split("\n").flatMap((text) => {
    if (!text.startsWith(prefix)) return [];
    const found = /^(?:[a-z ]+: )?line (\d+): (.*)$/.exec(text.slice(prefix.length));
    if (!found) return [];
    const line = Number(found[1]);
    const message = found[2] ?? "";
    return [{ line, what: message, hint: diagnosticHint(message, known) }];
  });
}
function diagnosticHint(message, known) {
  const unbound = /^(\w+): unbound variable$/.exec(message)?.[1];
  if (unbound !== void 0) {
    return known.includes(unbound) ? `declare it first: use_var ${unbound}` : `set it first, or add it to [vars] of the conf and declare it: use_var ${unbound}`;
  }
  if (/: readonly function$/.test(message)) return "this name is a word of snap: choose another one";
  if (/: (?:No such file or directory|Permission denied|Read-only file system|Is a directory)$/.test(message)) {
    return `the top level of a scriptlet sees no files, and ${EXTERNAL}`;
  }
  return void 0;
}
function endedEarly({ status: status2, stderr }) {
  if (stderr.includes(": cannot allocate "))
    return { line: 0, what: "its top level needs too much memory", hint: PLAIN };
  const how = status2 > 128 ? `was ended by signal ${status2 - 128}` : "ended before the end of the file";
  return {
    line: 0,
    what: `its top level ${how}`,
    hint: "only declarations, functions and variables belong there"
  };
}
function pairs(records, word) {
  return records.filter((record) => record.word === word).map(({ args: [name = "", text = ""] }) => [name, text.replace(/\n$/, "")]).sort(([a], [b]) => a < b ? -1 : 1);
}
function changedOptions(before, after) {
  const [had, has] = [new Set(before.split(":")), new Set(after.split(":"))];
  return [
    ...[...has].filter((name) => !had.has(name)).map((name) => `shopt -s ${name}`),
    ...[...had].filter((name) => !has.has(name)).map((name) => `shopt -u ${name}`)
  ].sort();
}

// src/project/declared.ts
function readDeclared(name, evaluation, conf, vars) {
  if (isFault(evaluation)) throw scriptletFault(name, evaluation.line, evaluation.what, evaluation.hint);
  const { declarations } = evaluation;
  for (const declaration of declarations) checkCount(name, declaration);
  const each = (word, check) => argumentsOf(name, declarations, word, check);
  const needs = each("need", checkNeed);
  return {
    needs: needs.filter((need) => need !== "*"),
    needsAll: needs.includes("*"),
    packages: each("install_debian_deb", checkPackage),
    vars: Object.fromEntries(
      each("use_var", (arg) => checkVariable(arg, conf, vars)).map((n) => [n, vars[n]])
    ),
    files: each("use_file", checkFile),
    sources: readSources(name, declarations),
    network: declarations.some(({ word }) => word === "use_network"),
    excludes: each("exclude_path", checkExclude),
    lines: linesOf2(declarations)
  };
}
function scriptletFault(name, line, what, hint) {
  const place = line > 0 ? `scriptlets/${name}.sh:${line}` : `scriptlets/${name}.sh`;
  return new SnapError("SCRIPTLET", `Cannot evaluate ${place}: ${what}`, hint === void 0 ? {} : { hint });
}
function argumentsOf(name, declarations, word, check) {
  const kept = /* @__PURE__ */ new Set();
  for (const declaration of declarations.filter((one) => one.word === word)) {
    for (const arg of declaration.args) {
      const checked = check(arg, name);
      if (typeof checked !== "string")
        throw scriptletFault(name, declaration.line, checked.what, checked.hint);
      kept.add(checked);
    }
  }
  return [...kept];
}
function checkCount(name, { word, args, line }) {
  const usage = USAGE[word];
  const right = word === "fetch_source" ? args.length === 2 : args.length === 0 === (word === "use_network");
  if (!right) throw scriptletFault(name, line, `"${word}" with ${counted(args.length)}`, `usage: ${usage}`);
}
var USAGE = {
  need: "need NAME... or need '*'",
  install_debian_deb: "install_debian_deb PACKAGE...",
  use_var: "use_var NAME...",
  use_file: "use_file PATH...",
  fetch_source: "fetch_source URL SHA256",
  use_network: "use_network",
  exclude_path: "exclude_path 'GLOB'..."
};
function counted(count) {
  if (count === 0) return "no argument";
  return count === 1 ? "one argument" : `${count} arguments`;
}
function checkNeed(need, name) {
  if (need === name) return { what: `it needs itself: ${name} -> ${name}`, hint: "take this need out" };
  if (need === "*" || NAME.test(need)) return need;
  return { what: `"${need}" is not the name of a scriptlet`, hint: NAME_RULE };
}
function checkPackage(wanted) {
  if (/^[a-z0-9][a-z0-9+.-]+(?::[a-z0-9-]+)?$/.test(wanted)) return wanted;
  return {
    what: `"${wanted}" is not the name of a Debian package`,
    hint: "versions are pinned in the lock, not here"
  };
}
function checkVariable(wanted, conf, vars) {
  if (Object.hasOwn(vars, wanted)) return wanted;
  const names = Object.keys(vars);
  const hint = `${didYouMean(wanted, names, "variables")} variables come from [vars] of conf/${conf.name}.toml`;
  return { what: `unknown variable "${wanted}"`, hint };
}
function checkFile(path) {
  const hint = "expected a file or folder of the project, relative to its top";
  if (path.startsWith("/")) return { what: `use_file "${path}" is an absolute path`, hint };
  const plain = plainPath(path);
  if (plain === ".." || plain.startsWith("../"))
    return { what: `use_file "${path}" lies outside the project`, hint };
  if (plain === ".")
    return { what: `use_file "${path}" is the whole project`, hint: "name what the scriptlet uses" };
  return plain;
}
function plainPath(path) {
  return posix.normalize(path).replace(/\/$/, "");
}
function checkExclude(glob) {
  const plain = glob.replace(/^\/+/, "").replace(/\/+$/, "");
  const parts = plain.split("/");
  if (plain !== "" && parts.every((part) => part !== "" && part !== "." && part !== "..")) {
    return Buffer.from(plain).toString("latin1");
  }
  return {
    what: `exclude_path "${glob}" matches no path of an image`,
    hint: "for example exclude_path 'usr/share/doc/*'"
  };
}
function readSources(name, declarations) {
  const sources = /* @__PURE__ */ new Map();
  for (const { word, args, line } of declarations) {
    if (word !== "fetch_source") continue;
    const [url = "", sha256 = ""] = args;
    const source = checkSource(url, sha256);
    if ("what" in source) throw scriptletFault(name, line, source.what, source.hint);
    const file = sourceFile(source);
    const other = sources.get(file);
    if (other && (other.url !== url || other.sha256 !== source.sha256)) {
      throw scriptletFault(
        name,
        line,
        `two sources end in "${file}"`,
        "both would be that file in $SOURCES_DIR"
      );
    }
    sources.set(file, source);
  }
  return [...sources.values()];
}
function sourceFile({ url }) {
  const last = new URL(url).pathname.split("/").at(-1) ?? "";
  return decodeURIComponent(last);
}
function checkSource(url, sha256) {
  if (!URL.canParse(url)) return { what: `"${url}" is not a URL`, hint: `usage: ${USAGE.fetch_source}` };
  const { protocol } = new URL(url);
  if (protocol !== "http:" && protocol !== "https:") {
    return { what: `unknown kind of URL "${protocol}"`, hint: "expected http: or https:" };
  }
  const file = /%(?![0-9a-f]{2})/i.test(url) ? "" : fileOr(url);
  if (file === "" || file === "." || file === ".." || /[/\0]/.test(file)) {
    return {
      what: `"${url}" ends in no file name`,
      hint: "the file in $SOURCES_DIR is called as the last part of the URL"
    };
  }
  if (!/^[0-9a-f]{64}$/i.test(sha256)) {
    return { what: `"${sha256}" is not a SHA-256`, hint: "expected 64 hex digits, as sha256sum prints them" };
  }
  return { url, sha256: sha256.toLowerCase() };
}
function fileOr(url) {
  try {
    return sourceFile({ url, sha256: "" });
  } catch {
    return "";
  }
}
function linesOf2(declarations) {
  const lines = declarations.flatMap(({ word, args, line }) => {
    if (args.length === 0) return [[word, line]];
    const named = word === "fetch_source" ? args.slice(0, 1) : args;
    return named.map((arg) => [`${word} ${word === "use_file" ? plainPath(arg) : arg}`, line]);
  });
  return Object.fromEntries(lines.reverse());
}

// src/layers/stage.ts
import { chmodSync, lchownSync, lstatSync, mkdirSync as mkdirSync2, readlinkSync, symlinkSync } from "node:fs";
import { dirname, join } from "node:path";
function stageInput(from, to, epoch) {
  try {
    copyInput(from, to, epoch);
  } catch (error) {
    if (errno(error) === "ENOENT") throw changedMeanwhile(`in "${from}"`, error);
    throw error;
  }
}
function changedMeanwhile(which, cause) {
  return new SnapError("CHANGED", `Cannot go on: files ${which} changed while snap read them`, {
    hint: "build again; with --watch snap does so by itself",
    cause
  });
}
function copyInput(from, to, epoch) {
  mkdirSync2(dirname(to), { recursive: true, mode: 493 });
  const folders = [];
  for (const { path, stat } of walk(from)) {
    const [source, target] = [at(from, path), at(to, path)];
    if (stat.isDirectory()) {
      mkdirSync2(target, { mode: 493 });
      folders.push(path);
    } else if (stat.isSymbolicLink()) {
      symlinkSync(readlinkSync(source, { encoding: "buffer" }), target);
    } else if (stat.isFile()) {
      copyFile(source, target);
      chmodSync(target, stat.mode & 0o100n ? 493 : 420);
    } else {
      continue;
    }
    lchownSync(target, 0, 0);
    setTime(target, epoch);
  }
  for (const path of folders.reverse()) setTime(at(to, path), epoch);
}
function stageFiles(project, files, folder, epoch) {
  mkdirSync2(folder, { mode: 493 });
  for (const file of files) {
    for (let parent = dirname(file); parent !== "."; parent = dirname(parent)) {
      if (isFolder(join(project, parent))) continue;
      throw new SnapError("RUN", `Cannot use file "${file}": "${parent}" on the way is a symlink`, {
        hint: "name the path that it leads to in use_file"
      });
    }
    stageInput(join(project, file), join(folder, file), epoch);
  }
}
function isFolder(path) {
  return lstatSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;
}

// src/layers/key.ts
var KEY_FORMAT = 1;
function keyOf(inputs) {
  return digestOf(canonicalJson(inputs));
}
function baseInputs(lock) {
  return {
    format: KEY_FORMAT,
    kind: "base",
    suite: lock.suite,
    arch: lock.arch,
    epoch: lock.epoch,
    bootstrap: "mmdebstrap",
    debs: debInputs(lock, lock.base)
  };
}
function scriptletInputs(scriptlet, project, lock, debs, view) {
  const ran = scriptlet.hasRun ? { prelude: preludeDigest(), ...declaredInputs(scriptlet, project) } : {};
  return {
    format: KEY_FORMAT,
    kind: "scriptlet",
    suite: lock.suite,
    arch: lock.arch,
    epoch: lock.epoch,
    debs: debInputs(lock, debs),
    view: viewDigests(view),
    ...ran
  };
}
function declaredInputs(scriptlet, project) {
  return {
    functions: scriptlet.functions,
    // Before the variables, which hold them too: the reason for a run is the first difference.
    vars: { ...scriptlet.vars },
    variables: scriptlet.variables,
    data: scriptlet.dataDir === void 0 ? {} : contentOf(scriptlet.dataDir),
    files: filesBelow(project, scriptlet.files),
    sources: scriptlet.sources.map((source) => `${sourceFile(source)} ${source.sha256}`),
    network: scriptlet.network
  };
}
function checkStaged({ data, files }, scriptlet, folder) {
  const staged = {
    data: scriptlet.dataDir === void 0 ? {} : contentOf(join2(folder, "data")),
    files: filesBelow(join2(folder, "home"), scriptlet.files)
  };
  if (canonicalJson({ data, files }) === canonicalJson(staged)) return;
  throw changedMeanwhile(`of scriptlet "${scriptlet.name}"`);
}
function debInputs(lock, ids) {
  return ids.map((id) => {
    const { name, arch, version, sha256 } = pinOf(lock, id);
    return `${name} ${version} ${arch} ${sha256}`;
  });
}
function pinOf(lock, id) {
  const pin = lock.pins.get(id);
  if (!pin) throw new Error(`The lock names "${id}" without a pin`);
  return pin;
}
var PRELUDE = ownFile("src/layers/prelude.sh");
var prelude;
function preludeDigest() {
  prelude ??= digestOf(readFileSync(PRELUDE));
  return prelude;
}
function contentOf(path) {
  if (!existsSync(path)) return {};
  const content = {};
  for (const entry of scanned(path).values()) {
    const name = printable(entry.path);
    if (entry.type === "file") content[name] = `${entry.mode & 64 ? "x" : "f"} ${entry.digest}`;
    else if (entry.type === "symlink") content[name] = `l ${printable(entry.target)}`;
    else if (entry.type === "dir") content[name] = "d";
  }
  return content;
}
function scanned(path) {
  try {
    return scanTree(path, { mtime: () => 0 });
  } catch (error) {
    if (errno(error) === "ENOENT") throw changedMeanwhile(`in "${path}"`, error);
    throw error;
  }
}
function filesBelow(folder, files) {
  return Object.assign({}, ...files.map((file) => prefixed(file, contentOf(join2(folder, file)))));
}
function prefixed(folder, content) {
  return Object.fromEntries(
    Object.entries(content).map(([name, value]) => [name === "" ? folder : `${folder}/${name}`, value])
  );
}

// src/project/diagnose.ts
import { posix as posix2 } from "node:path";
function missingDeclaration(scriptlet, conf, logTail, exists) {
  for (const line of logTail.toReversed()) {
    const hint = missingVariable(scriptlet, conf, line) ?? missingFile(scriptlet, line, exists) ?? (NO_NETWORK.test(line) && !scriptlet.network ? "declare it: use_network" : void 0);
    if (hint !== void 0) return hint;
  }
  return void 0;
}
var NO_NETWORK = /Temporary failure in name resolution|Temporary failure resolving|Network is unreachable|Could not resolve host|unable to resolve host|Name or service not known|getaddrinfo|EAI_AGAIN|ENETUNREACH/i;
function missingVariable(scriptlet, conf, line) {
  const name = /(?:^|: )([A-Za-z_]\w*): unbound variable$/.exec(line.trimEnd())?.[1];
  if (name === void 0 || Object.hasOwn(scriptlet.vars, name)) return void 0;
  const known = Object.hasOwn(conf.vars, name) || OWN_VARIABLES.some((own) => own === name);
  return known ? `declare it: use_var ${name}` : void 0;
}
function missingFile(scriptlet, line, exists) {
  for (const { path, under } of namedPaths(line)) {
    const plain = posix2.normalize(path).replace(/\/$/, "");
    if (plain === "." || plain === ".." || plain.startsWith("../") || !exists(plain)) continue;
    const declared = scriptlet.files.some((file) => plain === file || plain.startsWith(`${file}/`));
    if (declared && under === "home") continue;
    if (declared) return `it lies in "$RUN_HOME/${plain}"`;
    const declare = `declare it: use_file ${shellWord(plain)}`;
    return under === "home" ? declare : `${declare} (it is then "$RUN_HOME/${plain}")`;
  }
  return void 0;
}
function namedPaths(line) {
  const home = [
    ...line.matchAll(
      /(['"\u2018])\/run\/snap\/home\/([^'"\u2019]+)['"\u2019]|\/run\/snap\/home\/([^\s'":;,)]+)/g
    )
  ];
  const unfound = [
    /^copy_file: no "(?:\/run\/snap\/data\/)?([^/"][^"]*)"/.exec(line)?.[1],
    /['"\u2018](?:\/run\/snap\/data\/)?([^/'"\u2019][^'"\u2019]*)['"\u2019]: No such file or directory/.exec(
      line
    )?.[1],
    /(?:^|: )(?:\/run\/snap\/data\/)?([^/:][^:]*): No such file or directory/.exec(line)?.[1],
    /No such file or directory: ['"]?(?:\/run\/snap\/data\/)?([^/'"][^'"]*)/.exec(line)?.[1]
  ];
  return [
    ...home.map((found) => ({ path: found[2] ?? found[3] ?? "", under: "home" })),
    ...unfound.flatMap((path) => path === void 0 ? [] : [{ path, under: "elsewhere" }])
  ];
}
function shellWord(path) {
  return /^[\w@%+=:,./-]+$/.test(path) ? path : `'${path.replaceAll("'", `'\\''`)}'`;
}

export {
  readSegment,
  isFault,
  readDeclared,
  scriptletFault,
  sourceFile,
  stageInput,
  stageFiles,
  isFolder,
  fieldOf,
  pendingTriggers,
  withPending,
  isRecordFile,
  parseRecords,
  recordName,
  mergeChanges,
  FILE_ITSELF,
  mergeView,
  withRecords,
  encodeFileItself,
  recordBytes,
  makeTop,
  keyOf,
  baseInputs,
  scriptletInputs,
  declaredInputs,
  checkStaged,
  pinOf,
  PRELUDE,
  contentOf,
  missingDeclaration
};
