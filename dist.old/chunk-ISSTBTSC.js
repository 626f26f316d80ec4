import { createRequire as requireFrom } from "node:module"; const require = requireFrom(import.meta.url);
import {
  PRELUDE,
  declaredInputs,
  isFault,
  keyOf,
  missingDeclaration,
  pinOf,
  readDeclared,
  readSegment,
  scriptletFault
} from "./chunk-JBN4M4ZG.js";
import {
  didYouMean,
  digestOf,
  listConfs,
  loadConf,
  namesIn
} from "./chunk-CMH6CGA3.js";
import {
  ownFile
} from "./chunk-UW3ZN2PS.js";
import {
  giveToCaller
} from "./chunk-4HCLSOVL.js";
import {
  attempt,
  lastLines,
  quote,
  run
} from "./chunk-2JN5UEQO.js";
import {
  SnapError,
  __callDispose,
  __using,
  errno,
  nearest
} from "./chunk-LVCJS3W4.js";

// src/debian/lock.ts
function packageId(deb) {
  return `${deb.name}:${deb.arch}`;
}
function uncovered(lock, wants) {
  const asked2 = [...wants].filter(([, packages]) => packages.length > 0);
  const open4 = asked2.flatMap(([name2, packages]) => {
    const closure = lock.closures.get(name2);
    if (closure === void 0) return [{ name: name2, reason: "new" }];
    return sameSet(closure.wants, packages) ? [] : [{ name: name2, reason: "changed" }];
  });
  const names = new Set(asked2.map(([name2]) => name2));
  const gone = [...lock.closures.keys()].filter((name2) => !names.has(name2));
  return [...open4, ...gone.map((name2) => ({ name: name2, reason: "gone" }))];
}
function movedPins(from, to) {
  const before = pinsByName(from);
  const after = pinsByName(to);
  return [.../* @__PURE__ */ new Set([...before.keys(), ...after.keys()])].sort().filter((name2) => before.get(name2)?.sha256 !== after.get(name2)?.sha256).map((name2) => ({ name: name2, from: before.get(name2)?.version, to: after.get(name2)?.version }));
}
function withOrders(lock, orders) {
  const known = new Map(
    [...lock.orders, ...orders].map((order) => [JSON.stringify(orderWords(order)), order])
  );
  return { ...lock, orders: [...known.values()] };
}
function withIds(lock, ids) {
  return {
    ...lock,
    uids: appended(lock.uids, ids.uids ?? /* @__PURE__ */ new Map()),
    gids: appended(lock.gids, ids.gids ?? /* @__PURE__ */ new Map())
  };
}
function appended(ledger, more) {
  for (const [name2, id] of more) {
    const known = ledger.get(name2);
    if (known !== void 0 && known !== id)
      throw new Error(`The id of "${name2}" would move from ${known} to ${id}`);
  }
  return new Map([...ledger, ...more]);
}
function sameSet(a, b) {
  const set = new Set(a);
  return set.size === new Set(b).size && b.every((item) => set.has(item));
}
function pinsByName(lock) {
  return new Map([...lock.pins.values()].map((pin) => [pin.name, pin]));
}
function orderWords(order) {
  return [order.later, order.earlier, order.path];
}

// src/debian/lock-text.ts
var VERSION = 1;
var HEADER = "snap-lock";
function formatLock(lock) {
  const lines2 = [
    `${HEADER} ${VERSION}`,
    "# Written by snap: commit it. Every package with its bytes, and what builds have learned.",
    `suite ${escapeName(lock.suite)}`,
    `arch ${escapeName(lock.arch)}`,
    `epoch ${lock.epoch}`,
    ...lock.releases.map(releaseLine).sort(),
    ...[...lock.uids].map(([name2, id]) => `uid ${escapeName(name2)} ${id}`).sort(),
    ...[...lock.gids].map(([name2, id]) => `gid ${escapeName(name2)} ${id}`).sort(),
    ...lock.orders.map(orderLine).sort(),
    ...lock.base.map((id) => `base ${id}`),
    ...lock.tools.map((id) => `tool ${id}`).sort(),
    ...[...lock.closures].sort(byKey).flatMap(([name2, closure]) => closureLines(name2, closure)),
    ...[...lock.pins.values()].map(debLine).sort()
  ];
  return `${lines2.join("\n")}
`;
}
function parseLock(text, file, target) {
  const draft = emptyDraft();
  const seen = /* @__PURE__ */ new Map();
  const lines2 = text.replace(/\n$/, "").split(/\r?\n/);
  const refuse = (line2, reason2) => {
    throw lockError(file, line2, reason2);
  };
  for (const [index, line2] of lines2.entries()) {
    const at = index + 1;
    const fail = (reason2) => refuse(at, reason2);
    if (/^(<{7}|={7}|>{7}|\|{7})/.test(line2))
      fail("conflict marker of a merge: keep the lines of both sides");
    if (at === 1) checkHeader(line2, fail);
    else if (line2.trim() !== "" && !line2.startsWith("#")) {
      const first = seen.get(line2);
      if (first !== void 0) fail(`the same line as line ${first}`);
      seen.set(line2, at);
      takeLine(line2, { at, draft, target, fail });
    }
  }
  return finish(draft, lines2.length, refuse);
}
function takeLine(line2, context) {
  const [field2 = "", ...words2] = line2.split(" ");
  const { fail } = context;
  const known = Object.hasOwn(FIELDS, field2) ? FIELDS[field2] : void 0;
  const read = known ?? fail(`unknown field "${field2}"`);
  if (words2.length !== read.words) fail(`"${field2}" takes ${read.words} words and has ${words2.length}`);
  read.take({ words: words2, ...context });
}
var FIELDS = {
  suite: { words: 1, take: (line2) => takeTarget(line2, "suite") },
  arch: { words: 1, take: (line2) => takeTarget(line2, "arch") },
  epoch: { words: 1, take: takeEpoch },
  release: { words: 3, take: takeRelease },
  uid: { words: 2, take: (line2) => takeId(line2, line2.draft.uids) },
  gid: { words: 2, take: (line2) => takeId(line2, line2.draft.gids) },
  order: { words: 5, take: takeOrder },
  base: { words: 1, take: (line2) => line2.draft.base.push(mention(line2, 0)) },
  tool: { words: 1, take: (line2) => line2.draft.tools.push(mention(line2, 0)) },
  want: { words: 2, take: (line2) => closureOf(line2).wants.push(name(line2, 1)) },
  closure: { words: 2, take: (line2) => closureOf(line2).debs.push(mention(line2, 1)) },
  deb: { words: 7, take: takeDeb }
};
function emptyDraft() {
  return {
    suite: void 0,
    arch: void 0,
    epoch: void 0,
    releases: [],
    pins: /* @__PURE__ */ new Map(),
    base: [],
    tools: [],
    closures: /* @__PURE__ */ new Map(),
    orders: [],
    uids: /* @__PURE__ */ new Map(),
    gids: /* @__PURE__ */ new Map(),
    mentions: []
  };
}
function finish(draft, last, refuse) {
  const { suite, arch, epoch, mentions, ...rest } = draft;
  if (suite === void 0) return refuse(last, 'the line "suite" is missing');
  if (arch === void 0) return refuse(last, 'the line "arch" is missing');
  if (epoch === void 0) return refuse(last, 'the line "epoch" is missing');
  if (rest.base.length === 0) return refuse(last, 'the lines "base" are missing');
  for (const { id, at } of mentions) {
    if (!rest.pins.has(id)) refuse(at, `"${id}" has no line "deb"`);
  }
  for (const [scriptlet, closure] of rest.closures) {
    if (closure.wants.length === 0)
      refuse(last, `scriptlet "${scriptlet}" has lines "closure" but no line "want"`);
  }
  return { suite, arch, epoch, ...rest };
}
function checkHeader(line2, fail) {
  const version = Number(new RegExp(`^${HEADER} ([0-9]+)$`).exec(line2)?.[1]);
  if (Number.isNaN(version)) fail(`expected "${HEADER} ${VERSION}", so this is not a lock`);
  if (version > VERSION) fail(`format ${version} is newer than this snap, which reads up to ${VERSION}`);
  if (version < VERSION) fail(`format ${version} is unknown`);
}
function takeTarget({ words: words2, draft, target, fail }, field2) {
  const value = unescapeName(words2[0], fail);
  if (draft[field2] !== void 0) fail(`a second "${field2}"`);
  if (target !== void 0 && target[field2] !== value) {
    fail(`the lock is for ${field2} "${value}", and the conf asks for "${target[field2]}"`);
  }
  draft[field2] = value;
}
function takeEpoch({ words: words2, draft, fail }) {
  if (draft.epoch !== void 0) fail('a second "epoch"');
  draft.epoch = whole(words2[0], fail);
}
function takeRelease(line2) {
  const { words: words2, draft, fail } = line2;
  const date = Date.parse(words2[2]) / 1e3;
  if (!Number.isInteger(date) || isoTime(date) !== words2[2]) fail(`"${words2[2]}" is not a time in UTC`);
  const release2 = { archive: name(line2, 0), suite: name(line2, 1), date };
  if (draft.releases.some((other) => other.archive === release2.archive && other.suite === release2.suite)) {
    fail(`a second "release" of "${release2.archive}" "${release2.suite}"`);
  }
  draft.releases.push(release2);
}
function takeId(line2, ledger) {
  const owner = name(line2, 0);
  const id = whole(line2.words[1], line2.fail);
  if (id > 4294967294) line2.fail(`"${id}" is not an id`);
  if (ledger.has(owner)) line2.fail(`"${owner}" has an id already`);
  const other = [...ledger].find(([, taken]) => taken === id)?.[0];
  if (other !== void 0) line2.fail(`id ${id} belongs to "${other}" already`);
  ledger.set(owner, id);
}
function takeOrder(line2) {
  if (line2.words[1] !== "after" || line2.words[3] !== "#") {
    line2.fail('expected "order LATER after EARLIER # PATH"');
  }
  const path = unescapeBytes(line2.words[4], line2.fail);
  line2.draft.orders.push({ later: name(line2, 0), earlier: name(line2, 2), path });
}
function takeDeb(line2) {
  const { words: words2, draft, fail } = line2;
  const pin = {
    name: words2[0],
    arch: words2[1],
    version: words2[2],
    size: whole(words2[3], fail),
    sha256: words2[4],
    archive: name(line2, 5),
    path: unescapeBytes(words2[6], fail)
  };
  if (!/^[a-z0-9][a-z0-9+.-]*$/.test(pin.name)) fail(`"${pin.name}" is not a package name`);
  if (!/^[a-z0-9][a-z0-9-]*$/.test(pin.arch)) fail(`"${pin.arch}" is not an architecture`);
  if (!/^[A-Za-z0-9.+:~-]+$/.test(pin.version)) fail(`"${pin.version}" is not a version`);
  if (!/^[0-9a-f]{64}$/.test(pin.sha256)) fail("damaged digest: a SHA-256 has 64 hexadecimal digits");
  if (pin.path === "" || pin.path.startsWith("/") || pin.path.split("/").includes("..")) {
    fail(`"${pin.path}" is not a path below an archive`);
  }
  const id = packageId(pin);
  if (draft.pins.has(id)) fail(`a second "deb" of "${id}"`);
  draft.pins.set(id, pin);
}
function closureOf(line2) {
  const scriptlet = name(line2, 0);
  const closure = line2.draft.closures.get(scriptlet) ?? { wants: [], debs: [] };
  line2.draft.closures.set(scriptlet, closure);
  return closure;
}
function mention(line2, index) {
  const id = line2.words[index];
  if (!/^[a-z0-9][a-z0-9+.-]*:[a-z0-9-]+$/.test(id)) line2.fail(`"${id}" is not a package as "name:arch"`);
  line2.draft.mentions.push({ id, at: line2.at });
  return id;
}
function name(line2, index) {
  return unescapeName(line2.words[index], line2.fail);
}
function whole(word, fail) {
  const number2 = /^(0|[1-9][0-9]*)$/.test(word) ? Number(word) : Number.NaN;
  return Number.isSafeInteger(number2) ? number2 : fail(`"${word}" is not a whole number`);
}
function lockError(file, line2, reason2) {
  return new SnapError("LOCK", `Cannot read lock "${file}:${line2}": ${reason2}`, {
    hint: "mend the line, or take the file back from version control; snap never makes a damaged lock anew"
  });
}
function releaseLine(release2) {
  return `release ${escapeName(release2.archive)} ${escapeName(release2.suite)} ${isoTime(release2.date)}`;
}
function orderLine(order) {
  return `order ${escapeName(order.later)} after ${escapeName(order.earlier)} # ${escapeBytes(order.path)}`;
}
function closureLines(scriptlet, closure) {
  const owner = escapeName(scriptlet);
  return [
    ...closure.wants.map((want) => `want ${owner} ${escapeName(want)}`),
    ...closure.debs.map((id) => `closure ${owner} ${id}`)
  ];
}
function debLine(pin) {
  const words2 = [pin.name, pin.arch, pin.version, pin.size, pin.sha256];
  return `deb ${words2.join(" ")} ${escapeName(pin.archive)} ${escapeBytes(pin.path)}`;
}
function isoTime(seconds) {
  return new Date(seconds * 1e3).toISOString().replace(".000Z", "Z");
}
function escapeName(text) {
  return escapeBytes(Buffer.from(text, "utf8").toString("latin1"));
}
function unescapeName(word, fail) {
  return Buffer.from(unescapeBytes(word, fail), "latin1").toString("utf8");
}
function escapeBytes(text) {
  const escaped = text.replace(
    /[^!"$&-~]/g,
    (char) => `%${char.charCodeAt(0).toString(16).toUpperCase().padStart(2, "0")}`
  );
  return escaped === "" ? "%" : escaped;
}
function unescapeBytes(word, fail) {
  if (word === "%") return "";
  if (!/^(?:[!"$&-~]|%[0-9A-F]{2})+$/.test(word)) fail(`"${word}" is not escaped as %XX`);
  return word.replace(/%([0-9A-F]{2})/g, (_, hex) => String.fromCharCode(Number.parseInt(hex, 16)));
}
function byKey(a, b) {
  return a[0] < b[0] ? -1 : a[0] > b[0] ? 1 : 0;
}

// src/debian/lock-file.ts
import { randomBytes } from "node:crypto";
import { open, readFile, rename, rm } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
async function readLock(file, target) {
  try {
    return parseLock(await readFile(file, "utf8"), file, target);
  } catch (error) {
    if (error instanceof SnapError) throw error;
    if (errno(error) === "ENOENT") return void 0;
    throw new SnapError("LOCK", `Cannot read lock "${file}": ${error.message}`, { cause: error });
  }
}
async function writeLock(file, lock) {
  const text = formatLock(lock);
  const temporary = join(dirname(file), `.${basename(file)}.${randomBytes(6).toString("hex")}`);
  try {
    if (await readFile(file, "utf8").catch(() => void 0) === text) return false;
    await writeDurably(temporary, text);
    giveToCaller(temporary);
    await rename(temporary, file);
    await syncFolder(dirname(file));
    return true;
  } catch (error) {
    await rm(temporary, { force: true });
    throw new SnapError("LOCK", `Cannot write lock "${file}": ${error.message}`, { cause: error });
  }
}
async function writeDurably(file, text) {
  var _stack = [];
  try {
    const handle = __using(_stack, await open(file, "wx", 420), true);
    await handle.writeFile(text);
    await handle.sync();
  } catch (_) {
    var _error = _, _hasError = true;
  } finally {
    var _promise = __callDispose(_stack, _error, _hasError);
    _promise && await _promise;
  }
}
async function syncFolder(folder) {
  var _stack = [];
  try {
    const handle = __using(_stack, await open(folder, "r"), true);
    await handle.sync();
  } catch (_) {
    var _error = _, _hasError = true;
  } finally {
    var _promise = __callDispose(_stack, _error, _hasError);
    _promise && await _promise;
  }
}

// src/project/order.ts
function sequence(scriptlets2, orders) {
  const before = predecessors(scriptlets2, orders);
  const done = /* @__PURE__ */ new Set();
  const result = [];
  let waiting = [...scriptlets2];
  while (waiting.length > 0) {
    const next = waiting.find(({ name: name2 }) => [...before.get(name2)].every((other) => done.has(other)));
    done.add(next.name);
    result.push(next);
    waiting = waiting.filter((scriptlet) => scriptlet !== next);
  }
  return result;
}
function closures(scriptlets2, orders) {
  const before = predecessors(scriptlets2, orders);
  const running = sequence(scriptlets2, orders).map(({ name: name2 }) => name2);
  const seen = /* @__PURE__ */ new Map();
  for (const name2 of running) {
    const all = new Set([...before.get(name2)].flatMap((other) => [...seen.get(other), other]));
    seen.set(name2, new Set(running.filter((other) => all.has(other))));
  }
  return seen;
}
function checkNeeds(scriptlets2, available) {
  const names = scriptlets2.map(({ name: name2 }) => name2);
  const known = new Set(names);
  for (const { name: name2, needs, lines: lines2 } of scriptlets2) {
    for (const need of needs) {
      const line2 = lines2?.[`need ${need}`] ?? 0;
      if (need === name2)
        throw scriptletFault(name2, line2, `it needs itself: ${name2} -> ${name2}`, "take this need out");
      if (known.has(need)) continue;
      const hint = available.includes(need) ? `scriptlets/${need}.sh is there: add "${need}" to "scriptlets" of the conf` : didYouMean(need, [.../* @__PURE__ */ new Set([...names, ...available])], "scriptlets");
      throw scriptletFault(name2, line2, `it needs "${need}", which is not a scriptlet of the conf`, hint);
    }
  }
}
function predecessors(scriptlets2, orders) {
  checkNeeds(scriptlets2, []);
  const edges = new Map(scriptlets2.map(({ name: name2, needs }) => [name2, new Set(needs)]));
  const stars = scriptlets2.filter(({ needsAll }) => needsAll);
  for (const star of stars) {
    for (const other of scriptlets2) if (!other.needsAll) edges.get(star.name).add(other.name);
  }
  refuseCircle(scriptlets2, edges);
  for (const { later, earlier } of orders) addOrder(edges, later, earlier);
  for (const [index, star] of stars.entries()) {
    for (const other of stars.slice(index + 1)) {
      const [first, second] = wayBetween(edges, star.name, other.name) ? [other, star] : [star, other];
      edges.get(second.name).add(first.name);
    }
  }
  return edges;
}
function addOrder(edges, later, earlier) {
  if (!edges.has(later) || !edges.has(earlier)) return;
  const way = wayBetween(edges, earlier, later);
  if (way) {
    throw new SnapError(
      "LOCK",
      `Cannot keep "order ${later} after ${earlier}": ${[later, ...way].join(" -> ")}`,
      {
        hint: `take the line "order ${later} after ${earlier}" out of the lock`
      }
    );
  }
  edges.get(later).add(earlier);
}
function refuseCircle(scriptlets2, edges) {
  const finished = /* @__PURE__ */ new Set();
  for (const { name: name2 } of scriptlets2) {
    const circle = circleFrom(edges, name2, [], finished);
    if (!circle) continue;
    const [asking = "", need = ""] = circle;
    const lines2 = scriptlets2.find((one) => one.name === asking)?.lines;
    const line2 = lines2?.[`need ${need}`] ?? lines2?.["need *"] ?? 0;
    throw scriptletFault(
      asking,
      line2,
      `its needs run in a circle: ${circle.join(" -> ")}`,
      "take one of these needs out"
    );
  }
}
function circleFrom(edges, name2, way, finished) {
  if (way.includes(name2)) return [...way.slice(way.indexOf(name2)), name2];
  if (finished.has(name2)) return void 0;
  for (const next of edges.get(name2)) {
    const circle = circleFrom(edges, next, [...way, name2], finished);
    if (circle) return circle;
  }
  finished.add(name2);
  return void 0;
}
function wayBetween(edges, from, to) {
  const cameFrom = /* @__PURE__ */ new Map([[from, void 0]]);
  for (const name2 of cameFrom.keys()) {
    if (name2 === to) {
      const way = [name2];
      for (let at = cameFrom.get(name2); at !== void 0; at = cameFrom.get(at)) way.unshift(at);
      return way;
    }
    for (const next of edges.get(name2)) if (!cameFrom.has(next)) cameFrom.set(next, name2);
  }
  return void 0;
}

// src/inputs.ts
import { existsSync as existsSync4, lstatSync as lstatSync2, readdirSync, readFileSync as readFileSync4 } from "node:fs";
import { join as join10 } from "node:path";

// src/debian/download.ts
import { mkdir, open as open3, stat as stat2 } from "node:fs/promises";
import { join as join4 } from "node:path";

// src/debian/deb.ts
import { spawn } from "node:child_process";
import { once } from "node:events";

// src/debian/deb-paths.ts
var ALIASES = /* @__PURE__ */ new Set(["bin", "sbin", "lib", "lib32", "lib64", "libx32", "libo32"]);
var MOST_LINKS = 40;
var DebPaths = class {
  #links = /* @__PURE__ */ new Map();
  #members = /* @__PURE__ */ new Set();
  #files = /* @__PURE__ */ new Set();
  #hardLinks = [];
  /** @throws Error with the path and the reason. */
  add(member) {
    const path = plain(member.name);
    this.#members.add(path);
    if (member.type === "symlink") this.#links.set(path, member.target);
    if (member.type === "hard link") this.#addHardLink(path, plain(member.target));
    if (member.type === "file") this.#files.add(path);
  }
  /** Once all members are there: whatever their order is, none lies beneath a link that leads outside. @throws Error as `add`. */
  check() {
    if (this.#links.size === 0) return;
    for (const path of this.#members) {
      const parents = parentsOf(path);
      const through = parents.find((parent) => this.#links.has(parent));
      if (through !== void 0 && !this.#staysInside(parents.at(-1))) {
        throw new Error(
          `it has "${path}" beneath the symlink "${through}", which leads outside to "${this.#links.get(through)}"`
        );
      }
    }
    for (const { path, target } of this.#hardLinks) {
      const through = [...parentsOf(target), target].find((parent) => this.#links.has(parent));
      if (through !== void 0)
        throw new Error(`its hard link "${path}" goes through the symlink "${through}"`);
    }
  }
  #addHardLink(path, target) {
    if (!this.#files.has(target))
      throw new Error(`its hard link "${path}" is to "${target}", which is no file of it`);
    this.#hardLinks.push({ path, target });
    this.#files.add(path);
  }
  /** Follows a folder's path through the deb's own links. */
  #staysInside(folder) {
    const open4 = folder.split("/");
    const walked = [];
    for (let links = 0; open4.length > 0; ) {
      const part = open4.shift();
      if (part === "" || part === ".") continue;
      if (part === "..") {
        if (walked.pop() === void 0) return false;
        continue;
      }
      walked.push(part);
      const target = this.#links.get(walked.join("/"));
      if (target === void 0) continue;
      if (++links > MOST_LINKS) return false;
      const alias = walked.length === 1 && ALIASES.has(part) && target === `/usr/${part}`;
      if (target.startsWith("/") && !alias) return false;
      walked.pop();
      open4.unshift(...target.split("/"));
    }
    return true;
  }
};
function plain(name2) {
  if (name2.startsWith("/")) throw new Error(`it has the absolute path "${name2}"`);
  const parts = name2.split("/").filter((part) => part !== "" && part !== ".");
  if (parts.includes("..")) throw new Error(`it has the path "${name2}" with ".."`);
  return parts.join("/");
}
function parentsOf(path) {
  const parts = path.split("/");
  return parts.slice(1).map((_, index) => parts.slice(0, index + 1).join("/"));
}

// src/debian/tar.ts
var BLOCK = 512;
var LONGEST = 2 ** 16;
var TYPES = {
  "\0": "file",
  "0": "file",
  "1": "hard link",
  "2": "symlink",
  "3": "device",
  "4": "device",
  "5": "directory",
  "6": "fifo"
};
async function readMembers(stream, take) {
  const reader = new TarReader(take);
  for await (const chunk of stream) reader.push(chunk);
  reader.end();
}
var TarReader = class {
  #take;
  /** The bytes of a header or a long name, until there are enough. */
  #held = Buffer.alloc(0);
  #wanted = BLOCK;
  #skip = 0;
  #long;
  #name;
  #target;
  #ended = false;
  constructor(take) {
    this.#take = take;
  }
  push(chunk) {
    let at = 0;
    while (at < chunk.length && !this.#ended) {
      if (this.#skip > 0) {
        const step = Math.min(this.#skip, chunk.length - at);
        this.#skip -= step;
        at += step;
        continue;
      }
      const piece = chunk.subarray(at, at + this.#wanted - this.#held.length);
      this.#held = this.#held.length === 0 ? piece : Buffer.concat([this.#held, piece]);
      at += piece.length;
      if (this.#held.length === this.#wanted) this.#block(this.#held);
    }
  }
  end() {
    if (!this.#ended) throw new Error("the archive is cut short");
  }
  #block(block) {
    this.#held = Buffer.alloc(0);
    this.#wanted = BLOCK;
    if (this.#long === void 0) this.#header(block);
    else {
      const text = cString(block.subarray(0, this.#long.size));
      if (this.#long.kind === "L") this.#name = text;
      else this.#target = text;
      this.#long = void 0;
    }
  }
  #header(block) {
    if (block.every((byte) => byte === 0)) {
      this.#ended = true;
      return;
    }
    checkSum(block);
    const flag = String.fromCharCode(block[156]);
    const size = number(block.subarray(124, 136));
    if (flag === "L" || flag === "K") {
      if (size === 0 || size > LONGEST) throw new Error(`a name of ${size} bytes`);
      this.#long = { kind: flag, size };
      this.#wanted = padded(size);
      return;
    }
    const type = TYPES[flag];
    if (type === void 0) throw new Error(`a member of the type "${flag}", which dpkg does not know`);
    if (type !== "file" && size > 0) throw new Error(`a ${type} with content`);
    const name2 = this.#name ?? headerName(block);
    const target = type === "symlink" || type === "hard link" ? this.#target ?? cString(block.subarray(157, 257)) : "";
    this.#name = void 0;
    this.#target = void 0;
    this.#skip = type === "file" ? padded(size) : 0;
    this.#take({ type, name: name2, target });
  }
};
function headerName(block) {
  const name2 = cString(block.subarray(0, 100));
  const posix = block.toString("latin1", 257, 263) === "ustar\0";
  const prefix = posix ? cString(block.subarray(345, 500)) : "";
  return prefix === "" ? name2 : `${prefix}/${name2}`;
}
function checkSum(block) {
  let sum = 8 * 32;
  for (const [at, byte] of block.entries()) if (at < 148 || at >= 156) sum += byte;
  if (sum !== number(block.subarray(148, 156))) throw new Error("a damaged header");
}
function number(field2) {
  const value = (field2[0] & 128) === 0 ? Number.parseInt(cString(field2).trim() || "0", 8) : Number(BigInt(`0x${field2.toString("hex")}`) & (1n << 87n) - 1n);
  if (!Number.isSafeInteger(value) || value < 0) throw new Error("a damaged number in a header");
  return value;
}
function padded(size) {
  return Math.ceil(size / BLOCK) * BLOCK;
}
function cString(bytes) {
  const end = bytes.indexOf(0);
  return bytes.toString("latin1", 0, end < 0 ? void 0 : end);
}

// src/debian/deb.ts
async function controlOf(file) {
  return await run(["dpkg-deb", "--field", file]);
}
async function controlsOf(files) {
  if (files.length === 0) return [];
  const script = 'for file; do dpkg-deb --field "$file" || exit; printf "\\0"; done';
  const text = await run(["sh", "-c", script, "sh", ...files]);
  return text.split("\0").slice(0, -1);
}
async function checkDeb(file, name2 = file) {
  const child = spawn("dpkg-deb", ["--fsys-tarfile", file], { stdio: ["ignore", "pipe", "pipe"] });
  const ended = once(child, "close");
  let stderr = "";
  child.stderr.on("data", (chunk) => {
    stderr = (stderr + chunk.toString()).slice(-4096);
  });
  try {
    const paths = new DebPaths();
    await readMembers(child.stdout, (member) => paths.add(member));
    paths.check();
    const [exitCode] = await ended;
    if (exitCode !== 0) throw new Error(`dpkg-deb exited with ${exitCode}`);
  } catch (error) {
    child.kill();
    await ended.catch(() => void 0);
    throw new SnapError("DOWNLOAD", `Refused package "${name2}": ${error.message}`, {
      lines: stderr === "" ? [] : lastLines(stderr, 5),
      hint: "nothing of it was unpacked; do not trust the archive that it comes from",
      cause: error
    });
  }
}

// src/debian/debs.ts
import { join as join2 } from "node:path";
function debPath(debsDir, pin) {
  return join2(debsDir, `${pin.sha256}.deb`);
}

// src/debian/host-proxy.ts
async function hostProxySettings() {
  const { stdout } = await attempt(["apt-config", "dump", "--no-empty", "--format", '%F "%v";%n', "Acquire"]);
  return stdout.split("\n").filter((line2) => /^Acquire::https?::(Proxy|Proxy-Auto-Detect)\b/i.test(line2));
}
async function hostProxies() {
  return parseProxies(await hostProxySettings(), process.env);
}
function parseProxies(settings, environment) {
  const values = settings.map((line2) => /^Acquire::(https?)::Proxy(?:::(\S+))? "(.*)";$/i.exec(line2));
  const whole2 = (scheme) => values.find((match) => match?.[1]?.toLowerCase() === scheme && match[2] === void 0)?.[3];
  const pick = (value) => value === void 0 || /^(DIRECT|false)?$/i.test(value) ? void 0 : value;
  const hosts = values.flatMap(
    (match) => match?.[2] !== void 0 && match[3] === "DIRECT" ? [match[2]] : []
  );
  const excepted = (environment.no_proxy ?? "").split(",").map((host) => host.trim());
  return {
    http: pick(whole2("http") ?? environment.http_proxy),
    https: pick(whole2("https") ?? environment.https_proxy ?? whole2("http")),
    direct: [...hosts, ...excepted.filter(Boolean)]
  };
}
function proxyVariables() {
  const names = ["http_proxy", "https_proxy", "no_proxy"];
  return Object.fromEntries(
    names.flatMap((name2) => process.env[name2] === void 0 ? [] : [[name2, process.env[name2]]])
  );
}

// src/debian/transfer.ts
import { createHash, randomBytes as randomBytes2 } from "node:crypto";
import { createReadStream } from "node:fs";
import { open as open2, rename as rename2, rm as rm2, stat } from "node:fs/promises";
import { basename as basename2, dirname as dirname2, join as join3 } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
var TransferFailure = class extends Error {
  kind;
  constructor(kind, reason2, cause2) {
    super(reason2, { cause: cause2 });
    this.kind = kind;
  }
};
var TRIES = 3;
var REDIRECTS = 5;
var PATIENCE = 3e4;
var LEAST = 1024;
var MOST = 64 * 2 ** 30;
async function openClient(proxies) {
  const { EnvHttpProxyAgent } = await import("undici");
  const dispatcher = new EnvHttpProxyAgent({
    ...proxies.http === void 0 ? {} : { httpProxy: proxies.http },
    ...proxies.https === void 0 ? {} : { httpsProxy: proxies.https },
    noProxy: proxies.direct.join(","),
    connect: { timeout: 15e3 }
  });
  return { dispatcher, [Symbol.asyncDispose]: () => dispatcher.destroy() };
}
async function transfer(client, what, options) {
  const released = `${what.file}.part`;
  const part = join3(dirname2(what.file), `.${basename2(what.file)}.${randomBytes2(6).toString("hex")}.part`);
  await rename2(released, part).catch(() => void 0);
  try {
    await tries(client, what, part, options);
    await what.check?.(part);
    await rename2(part, what.file);
  } catch (error) {
    const keep = options.signal?.aborted || error instanceof TransferFailure && error.kind !== "wrong";
    await release(part, keep ? released : void 0).catch(() => void 0);
    throw stored(error, what);
  }
}
async function release(part, to) {
  if (to === void 0 || (await stat(part)).size === 0) await rm2(part, { force: true });
  else await rename2(part, to);
}
async function tries(client, what, part, options) {
  for (let n = 1; ; n++) {
    try {
      return await once2(client, what, part, options);
    } catch (error) {
      const again = error instanceof TransferFailure && (error.kind === "wrong" || error.kind === "unreachable");
      if (!again || n === TRIES || options.signal?.aborted) throw error;
      if (error.kind === "wrong") await rm2(part, { force: true });
      await sleep(250 * 4 ** (n - 1));
    }
  }
}
async function once2(client, what, part, options) {
  var _stack = [];
  try {
    const handle = __using(_stack, await open2(part, "a+", 384), true);
    const sink = await openSink(handle, what, options.progress);
    if (sink.bytes !== what.size) await receive(client, what, sink, options);
    if (what.size !== void 0 && sink.bytes < what.size) {
      throw new TransferFailure(
        "unreachable",
        `the connection ended after ${sink.bytes} of ${what.size} bytes`
      );
    }
    const digest = sink.hash.digest("hex");
    if (digest !== what.sha256) throw new TransferFailure("wrong", `the bytes have the SHA-256 ${digest}`);
    await handle.chmod(420);
    await handle.sync();
  } catch (_) {
    var _error = _, _hasError = true;
  } finally {
    var _promise = __callDispose(_stack, _error, _hasError);
    _promise && await _promise;
  }
}
async function openSink(handle, what, progress) {
  const most = what.size ?? MOST;
  const sink = {
    handle,
    hash: createHash("sha256"),
    bytes: 0,
    take: async (chunk) => {
      if (sink.bytes + chunk.length > most) {
        throw new TransferFailure(
          "wrong",
          `the server sends more than the ${most} bytes that it should have`
        );
      }
      sink.hash.update(chunk);
      sink.bytes += chunk.length;
      await handle.writeFile(chunk);
      progress(sink.bytes);
    },
    restart: async () => {
      await handle.truncate(0);
      sink.hash = createHash("sha256");
      sink.bytes = 0;
    }
  };
  if ((await handle.stat()).size > most) await handle.truncate(0);
  for await (const chunk of handle.createReadStream({ start: 0, autoClose: false })) {
    sink.hash.update(chunk);
    sink.bytes += chunk.length;
  }
  progress(sink.bytes);
  return sink;
}
async function receive(client, what, sink, options) {
  const patience = options.patience ?? PATIENCE;
  const stall = new AbortController();
  let before = -1;
  const watch = setInterval(() => {
    if (before >= 0 && sink.bytes - before < LEAST) {
      stall.abort(sink.bytes === before ? "the server does not answer" : "the server is too slow");
    }
    before = sink.bytes;
  }, patience);
  const signal = AbortSignal.any([stall.signal, ...options.signal === void 0 ? [] : [options.signal]]);
  try {
    const body = /^(file|copy):/.test(what.url) ? createReadStream(localPath(what.url), { start: sink.bytes }) : await answer(client, what.url, sink, { signal, patience });
    for await (const chunk of body) await sink.take(chunk);
  } catch (error) {
    if (stall.signal.aborted) throw new TransferFailure("unreachable", String(stall.signal.reason), error);
    throw failure(error);
  } finally {
    clearInterval(watch);
  }
}
async function answer(client, url, sink, { signal, patience }) {
  const { request } = await import("undici");
  let at = new URL(url);
  const { username, password, origin } = at;
  for (let hops = 0; hops <= REDIRECTS; hops++) {
    const credentials = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
    const response = await request(`${at.origin}${at.pathname}${at.search}`, {
      dispatcher: client.dispatcher,
      headersTimeout: patience,
      bodyTimeout: patience,
      signal,
      headers: {
        "user-agent": "snap",
        ...sink.bytes > 0 ? { range: `bytes=${sink.bytes}-` } : {},
        ...username !== "" && at.origin === origin ? { authorization: `Basic ${Buffer.from(credentials).toString("base64")}` } : {}
      }
    });
    const { statusCode, headers, body } = response;
    const location = headers.location;
    if (statusCode === 206 && startsAt(headers["content-range"]) === sink.bytes) return body;
    if (statusCode === 200 && sink.bytes > 0) await sink.restart();
    if (statusCode === 200) return body;
    body.on("error", () => void 0).destroy();
    if (statusCode < 300 || statusCode > 399 || typeof location !== "string") throw statusFailure(statusCode);
    at = new URL(location, at);
    if (!/^https?:$/.test(at.protocol))
      throw new TransferFailure("refused", `it redirects to "${at.protocol}"`);
  }
  throw new TransferFailure("refused", `it redirects more than ${REDIRECTS} times`);
}
function startsAt(range) {
  return Number(/^bytes (\d+)-/.exec(String(range))?.[1] ?? Number.NaN);
}
function statusFailure(status) {
  if (status === 404 || status === 410)
    return new TransferFailure("gone", `the server has it no more (${status})`);
  if (status === 401 || status === 403)
    return new TransferFailure("refused", `the server refuses it (${status})`);
  if (status === 416 || status === 206) return new TransferFailure("wrong", "the server has other bytes");
  return new TransferFailure("unreachable", `the server answers ${status}`);
}
var REASONS = {
  ECONNREFUSED: "connection refused",
  ECONNRESET: "connection reset",
  EPIPE: "connection reset",
  ENOTFOUND: "its host has no address: is there a network?",
  EAI_AGAIN: "its host has no address: is there a network?",
  ENETUNREACH: "no network",
  EHOSTUNREACH: "no way to its host",
  ETIMEDOUT: "the server does not answer",
  UND_ERR_CONNECT_TIMEOUT: "the server does not answer",
  UND_ERR_HEADERS_TIMEOUT: "the server does not answer",
  UND_ERR_BODY_TIMEOUT: "the server stopped sending",
  UND_ERR_SOCKET: "the connection ended early",
  UND_ERR_RES_CONTENT_LENGTH_MISMATCH: "the connection ended early"
};
function failure(error) {
  const code = errno(error) ?? errno(error?.cause) ?? "";
  if (error instanceof TransferFailure || error instanceof SnapError) return error;
  if (code === "ENOENT") return new TransferFailure("gone", "there is no such file", error);
  if (["ENOSPC", "EDQUOT", "EIO", "EROFS", "EFBIG"].includes(code)) return error;
  const message = error instanceof Error ? error.message : String(error);
  return new TransferFailure("unreachable", REASONS[code] ?? message, error);
}
function stored(error, what) {
  const code = errno(error);
  if (error instanceof SnapError || error instanceof TransferFailure || code === void 0) return error;
  const size = what.size === void 0 ? "" : ` of ${what.size} bytes`;
  return new SnapError("STORE", `Cannot store "${what.file}"${size}: ${error.message}`, {
    hint: code === "ENOSPC" || code === "EDQUOT" ? "make room: snap gc" : "see that the store can be written to",
    cause: error
  });
}
function localPath(url) {
  return fileURLToPath(url.replace(/^copy:/, "file:").replace(/^file:\/*/, "file:///"));
}

// src/debian/download.ts
var PARALLEL = 4;
async function missingDebs(pins, debsDir) {
  const unique2 = [...new Map([...pins].map((pin) => [pin.sha256, pin])).values()];
  const sizes = await Promise.all(unique2.map((pin) => sizeOf(debPath(debsDir, pin))));
  return unique2.filter((pin, index) => sizes[index] !== pin.size);
}
async function download(pins, options) {
  const missing = await missingDebs(pins, options.debsDir);
  if (missing.length === 0) return;
  if (options.offline) throw offlineError(missing);
  const transfers = missing.map((pin) => debTransfer(pin, options));
  await mkdir(options.debsDir, { recursive: true, mode: 448 });
  const failures = await transferAll(transfers, options);
  await syncFolder2(options.debsDir);
  if (failures.size > 0) throw missingError(await missingDebs(missing, options.debsDir), failures);
}
async function fetchSource(url, sha256, options) {
  const file = join4(options.sourcesDir, sha256);
  if (await sizeOf(file) !== void 0) return file;
  if (!URL.canParse(url) || !/^(https?|file):$/.test(new URL(url).protocol)) {
    throw new SnapError(
      "DOWNLOAD",
      `Cannot fetch "${url}": it is no address that begins with http:, https: or file:`
    );
  }
  if (options.offline && !url.startsWith("file:")) {
    throw new SnapError(
      "DOWNLOAD",
      `Source "${url}" is not in the store, and --offline forbids to fetch it`,
      {
        hint: "run once without --offline"
      }
    );
  }
  await mkdir(options.sourcesDir, { recursive: true, mode: 448 });
  const [failure3] = (await transferAll([{ url, sha256, size: void 0, file }], options)).values();
  await syncFolder2(options.sourcesDir);
  if (failure3 === void 0) return file;
  throw new SnapError("DOWNLOAD", `Cannot fetch "${url}": ${failure3.message}`, {
    hint: failure3.kind === "wrong" ? `if these bytes are the right ones, correct the digest that the scriptlet declares (${sha256})` : "see that the address is right and run again; what came is kept",
    cause: failure3
  });
}
function debTransfer(pin, { mirrors, debsDir }) {
  const mirror = mirrors.find((one) => one.name === pin.archive);
  if (mirror === void 0) {
    throw new SnapError(
      "DOWNLOAD",
      `Package "${pin.name}" comes from archive "${pin.archive}", which is not known here`,
      {
        lines: [`known: ${mirrors.map((one) => one.name).join(" ") || "none"}`],
        hint: `name it in the conf, or add it to the host's apt sources`
      }
    );
  }
  const path = pin.path.split("/").map(encodeURIComponent).join("/");
  const url = `${mirror.uri.replace(/\/+$/, "")}/${path}`;
  const check2 = (file) => checkDeb(file, `${pin.name} ${pin.version}`);
  return { url, sha256: pin.sha256, size: pin.size, file: debPath(debsDir, pin), check: check2 };
}
async function transferAll(transfers, { report, signal, patience }) {
  var _stack = [];
  try {
    const failures = /* @__PURE__ */ new Map();
    const received = /* @__PURE__ */ new Map();
    let done = 0;
    const totalBytes = transfers.every(({ size }) => size !== void 0) ? transfers.reduce((sum, { size }) => sum + (size ?? 0), 0) : void 0;
    const tell = () => report({
      done,
      total: transfers.length,
      bytes: [...received.values()].reduce((a, b) => a + b, 0),
      totalBytes
    });
    const stop = new AbortController();
    const both = AbortSignal.any([stop.signal, ...signal === void 0 ? [] : [signal]]);
    const client = __using(_stack, await openClient(await hostProxies()), true);
    const queue = transfers.values();
    const worker = async () => {
      for (const one of queue) {
        if (both.aborted) return;
        const progress = (bytes) => {
          received.set(one, bytes);
          tell();
        };
        const failure3 = await outcome(client, one, { progress, signal: both, patience }).catch((error) => {
          stop.abort();
          throw error;
        });
        if (failure3 === void 0) done++;
        else if (!both.aborted) failures.set(one, failure3);
        if (failure3?.kind === "unreachable") stop.abort();
        tell();
      }
    };
    const workers = await Promise.allSettled(Array.from({ length: PARALLEL }, worker));
    if (signal?.aborted) throw new SnapError("INTERRUPTED", "Stopped while downloading");
    const broken = workers.find((result) => result.status === "rejected");
    if (broken !== void 0) throw broken.reason;
    return failures;
  } catch (_) {
    var _error = _, _hasError = true;
  } finally {
    var _promise = __callDispose(_stack, _error, _hasError);
    _promise && await _promise;
  }
}
async function outcome(client, one, options) {
  try {
    await transfer(client, one, options);
    return void 0;
  } catch (error) {
    if (error instanceof TransferFailure) return error;
    throw error;
  }
}
function offlineError(missing) {
  return new SnapError(
    "DOWNLOAD",
    `${count(missing.length)} not in the store (${megabytes(missing)}), and --offline forbids to fetch`,
    { lines: missing.slice(0, 10).map(line), hint: "run once without --offline" }
  );
}
function missingError(missing, failures) {
  const reasons = new Map([...failures].map(([{ sha256 }, failure3]) => [sha256, failure3]));
  const failed = missing.filter((pin) => reasons.has(pin.sha256));
  const first = failed[0];
  const gone = failed.filter((pin) => reasons.get(pin.sha256)?.kind === "gone");
  return new SnapError(
    "DOWNLOAD",
    `${count(missing.length)} missing: cannot fetch "${first.name}" ${first.version} from archive "${first.archive}": ${reasons.get(first.sha256)?.message}`,
    {
      lines: failed.slice(1, 10).map((pin) => `${line(pin)}: ${reasons.get(pin.sha256)?.message}`),
      hint: gone.length > 0 ? `move to the versions that are there: snap lock --update ${gone.map((pin) => pin.name).join(" ")}` : "run again; what came is kept",
      cause: reasons.get(first.sha256)
    }
  );
}
function line(pin) {
  return `${pin.name} ${pin.version} from ${pin.archive}`;
}
function count(packages) {
  return packages === 1 ? "1 package is" : `${packages} packages are`;
}
function megabytes(pins) {
  return `${(pins.reduce((sum, pin) => sum + pin.size, 0) / 1e6).toFixed(1)} MB`;
}
async function sizeOf(file) {
  return (await stat2(file).catch(() => void 0))?.size;
}
async function syncFolder2(folder) {
  var _stack = [];
  try {
    const handle = __using(_stack, await open3(folder, "r"), true);
    await handle.sync();
  } catch (_) {
    var _error = _, _hasError = true;
  } finally {
    var _promise = __callDispose(_stack, _error, _hasError);
    _promise && await _promise;
  }
}

// src/debian/host-sources.ts
import { readdir, readFile as readFile2 } from "node:fs/promises";
import { join as join5 } from "node:path";

// src/debian/sources.ts
var DEBIAN_KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg";
function parseDeb822(text) {
  return stanzas(text).filter((fields) => !/^(no|false|without|off|disable|0)$/i.test((fields.get("enabled") ?? "").trim())).filter((fields) => words(fields.get("types")).includes("deb")).map((fields) => ({
    uris: words(fields.get("uris")),
    suites: words(fields.get("suites")),
    components: words(fields.get("components")),
    architectures: words(fields.get("architectures")),
    signedBy: signedBy(fields.get("signed-by"))
  }));
}
function parseOneLine(text) {
  return text.split("\n").flatMap((line2) => {
    const match = /^\s*deb\s+(?:\[([^\]]*)\]\s*)?(\S+)\s+(\S+)([^#]*)/.exec(line2);
    if (match === null) return [];
    const [, bracket = "", uri = "", suite = "", components = ""] = match;
    const options = new Map(words(bracket).map((option) => optionPair(option)));
    return [
      {
        uris: [uri],
        suites: [suite],
        components: words(components),
        architectures: (options.get("arch") ?? "").split(",").filter(Boolean),
        signedBy: options.get("signed-by")
      }
    ];
  });
}
function mirrorsFor(entries, target) {
  const fitting = entries.filter(
    ({ architectures }) => architectures.length === 0 || architectures.includes(target.arch)
  );
  const own = fitting.flatMap((entry) => atPlaces(entry, offered(entry, target)));
  const found2 = own.length > 0 ? own : fitting.flatMap((entry) => atPlaces(entry, moved(entry, target)));
  return named(merged(found2));
}
var ALIASES2 = ["stable", "oldstable", "oldoldstable", "testing"];
var ENDINGS = ["", "-updates", "-security"];
function offered(entry, target) {
  const real = entry.suites.map((suite) => {
    const { release: release2, ending } = split(suite);
    return ALIASES2.includes(release2) && target.hostSuite !== void 0 ? target.hostSuite + ending : suite;
  });
  return real.filter((suite) => ENDINGS.some((ending) => suite === target.suite + ending));
}
function moved(entry, target) {
  if (!entry.components.includes("main")) return [];
  const rolling = ["sid", "unstable", "experimental"].includes(target.suite);
  const endings = entry.suites.flatMap((suite) => {
    const { release: release2, ending } = split(suite);
    const host = release2 === target.hostSuite || [...ALIASES2, "sid", "unstable"].includes(release2);
    return host && ENDINGS.includes(ending) && !(rolling && ending !== "") ? [ending] : [];
  });
  return endings.map((ending) => target.suite + ending);
}
function split(suite) {
  const dash = suite.indexOf("-");
  return dash < 0 ? { release: suite, ending: "" } : { release: suite.slice(0, dash), ending: suite.slice(dash) };
}
function atPlaces(entry, suites) {
  if (suites.length === 0) return [];
  return entry.uris.filter((uri) => /^(https?|file|copy):/.test(uri)).map((uri) => ({
    uri: uri.replace(/\/+$/, ""),
    suites,
    components: entry.components,
    signedBy: entry.signedBy ?? DEBIAN_KEYRING
  }));
}
function merged(places) {
  const byPlace = /* @__PURE__ */ new Map();
  for (const place2 of places) {
    const key = JSON.stringify([place2.uri, place2.components, place2.signedBy]);
    const suites = [.../* @__PURE__ */ new Set([...byPlace.get(key)?.suites ?? [], ...place2.suites])];
    byPlace.set(key, { ...place2, suites });
  }
  return [...byPlace.values()];
}
function named(places) {
  const taken = /* @__PURE__ */ new Set();
  return places.map((place2) => {
    const name2 = unique(archiveName(place2.uri), taken);
    taken.add(name2);
    return { name: name2, ...place2 };
  });
}
function archiveName(uri) {
  const { pathname, hostname } = new URL(uri);
  const last = pathname.split("/").filter(Boolean).at(-1);
  return decodeURIComponent(last ?? hostname) || "archive";
}
function unique(name2, taken) {
  if (!taken.has(name2)) return name2;
  for (let n = 2; ; n++) {
    if (!taken.has(`${name2}-${n}`)) return `${name2}-${n}`;
  }
}
function stanzas(text) {
  const lines2 = text.split("\n").filter((line2) => !line2.startsWith("#"));
  return lines2.join("\n").split(/\n(?:[ \t]*\n)+/).map((stanza) => fieldsOf(stanza)).filter((fields) => fields.size > 0);
}
function fieldsOf(stanza) {
  const fields = /* @__PURE__ */ new Map();
  for (const match of stanza.matchAll(/^([^\s:#]+):(.*(?:\n[ \t].*)*)/gm)) {
    fields.set(match[1].toLowerCase(), match[2]);
  }
  return fields;
}
function signedBy(value) {
  if (value === void 0 || value.trim() === "") return void 0;
  if (!value.includes("-----BEGIN PGP")) return value.trim();
  const lines2 = value.split("\n").map((line2) => line2.trim());
  return `${lines2.map((line2) => line2 === "." ? "" : line2).join("\n").trim()}
`;
}
function optionPair(option) {
  const at = option.indexOf("=");
  return at < 0 ? [option.toLowerCase(), ""] : [option.slice(0, at).toLowerCase(), option.slice(at + 1)];
}
function words(text) {
  return (text ?? "").split(/\s+/).filter(Boolean);
}

// src/debian/host-sources.ts
async function hostMirrors(target, folder = "/etc/apt") {
  const entries = await Promise.all((await readEntries(folder)).map(withMirrorLists));
  const mirrors = mirrorsFor(entries, { ...target, hostSuite: await hostSuite() });
  if (mirrors.length > 0) return mirrors;
  throw new SnapError("RESOLVE", `No apt source in "${folder}" offers suite "${target.suite}"`, {
    hint: "name an archive in the conf, or add one to the host"
  });
}
async function readEntries(folder) {
  const parts = join5(folder, "sources.list.d");
  const names = (await readdir(parts).catch(() => [])).filter(
    (name2) => /^[\w.-]+\.(list|sources)$/.test(name2)
  );
  const files = [join5(folder, "sources.list"), ...names.sort().map((name2) => join5(parts, name2))];
  const texts = await Promise.all(files.map((file) => readFile2(file, "utf8").catch(() => "")));
  return files.flatMap(
    (file, index) => file.endsWith(".sources") ? parseDeb822(texts[index]) : parseOneLine(texts[index])
  );
}
async function withMirrorLists(entry) {
  const uris = entry.uris.map(async (uri) => {
    const list2 = /^mirror\+file:(.*)$/.exec(uri)?.[1];
    if (list2 === void 0) return uri;
    const text = await readFile2(list2.replace(/^\/\/+/, "/"), "utf8").catch(() => "");
    return /^\s*([a-z+]+:\S+)/m.exec(text)?.[1] ?? uri;
  });
  return { ...entry, uris: await Promise.all(uris) };
}
async function hostSuite() {
  const text = await readFile2("/etc/os-release", "utf8").catch(() => "");
  if (!/^ID=.?debian.?$/m.test(text)) return void 0;
  return /^VERSION_CODENAME="?([a-z]+)"?$/m.exec(text)?.[1];
}

// src/debian/resolve.ts
import { existsSync } from "node:fs";

// src/debian/apt-output.ts
function parseSimulation(stdout) {
  const installed = [];
  const removed = [];
  for (const line2 of stdout.split("\n")) {
    const inst = /^Inst (\S+?)(?::\S+)? (?:\[[^\]]*\] )?\((\S+) (?:.* )?\[([^\]]+)\]\)/.exec(line2);
    if (inst !== null) installed.push({ name: inst[1], version: inst[2], arch: inst[3] });
    const remv = /^Remv (\S+?)(?::\S+)? /.exec(line2);
    if (remv !== null) removed.push(remv[1]);
  }
  return { installed, removed };
}
function explanation(outcome2) {
  const lines2 = outcome2.stdout.split("\n");
  const unmet = lines2.findIndex((line2) => line2.startsWith("The following packages have unmet dependencies"));
  const virtual = lines2.findIndex(
    (line2) => / is a virtual package provided by:|^Package \S+ is not available/.test(line2)
  );
  const start = unmet >= 0 ? unmet + 1 : virtual;
  const told = start < 0 ? [] : lines2.slice(start).filter((line2) => line2.trim() !== "");
  return [...told, ...outcome2.stderr.split("\n").filter((line2) => /^E: /.test(line2))];
}
function updateProblems(stderr, mirrors) {
  const lines2 = stderr.split("\n").filter((line2) => /^[EW]: /.test(line2));
  const telling = lines2.filter((line2) => !/^E: (Some index files failed|The list of sources)/.test(line2));
  const named2 = telling.map((line2) => ({ ...place(line2, mirrors), reason: reason(line2) }));
  const known = named2.filter(({ archive }) => archive !== void 0);
  return ranked(known.length > 0 ? known : named2);
}
var CAUSES = [
  [
    /NO_PUBKEY ([0-9A-F]+)|Missing key ([0-9A-F]+)/,
    (m) => `it is signed by a key that is not in the keyring (${m[1] ?? m[2]})`
  ],
  [/BADSIG|invalid signature|Bad signature/i, () => "its signature is wrong"],
  [/EXPKEYSIG ([0-9A-F]+)/, (m) => `it is signed by a key that has expired (${m[1]})`],
  [/REVKEYSIG ([0-9A-F]+)/, (m) => `it is signed by a key that was revoked (${m[1]})`],
  [/is expired \(invalid since ([^)]*)\)/, (m) => `its Release file expired ${m[1]} ago`],
  [
    /is not valid yet \(invalid for another ([^)]*)\)/,
    (m) => `its Release file is from the future, by ${m[1]}: is the clock right?`
  ],
  [/is not signed/, () => "it is not signed"],
  [/NOSPLIT|NODATA|not valid format|Clearsigned file/i, () => "its InRelease is no signed file"],
  [/does not have a Release file|404/, () => "it has no such suite"],
  [/Hash Sum mismatch|unexpected size/i, () => "an index is not what its Release file says"],
  [/Could not resolve '?([^'\s]+)'?/, (m) => `"${m[1]}" has no address: is there a network?`],
  [
    /Could not connect|Unable to connect|Connection refused|Connection failed|Network is unreachable/i,
    () => "no connection"
  ],
  [/timed out/i, () => "it does not answer"],
  [
    /Conflicting distribution: .*\(expected (\S+) but got (\S*)\)/,
    (m) => `it offers "${m[2]}" under the name "${m[1]}"`
  ]
];
function reason(line2) {
  for (const [pattern, words2] of CAUSES) {
    const match = pattern.exec(line2);
    if (match !== null) return words2(match);
  }
  return line2.replace(/^[EW]: /, "");
}
function ranked(problems) {
  const rank = ({ reason: words2 }) => words2 === "it is not signed" ? 1 : 0;
  const unique2 = new Map(problems.map((problem) => [JSON.stringify(problem), problem]));
  return [...unique2.values()].sort((a, b) => rank(a) - rank(b));
}
function place(line2, mirrors) {
  const fits2 = mirrors.filter(({ uri }) => line2.includes(`${bare(uri)}/`) || line2.includes(`${bare(uri)} `)).sort((a, b) => b.uri.length - a.uri.length);
  for (const mirror of fits2) {
    const suites = [...mirror.suites].sort((a, b) => b.length - a.length);
    const suite = suites.find((one) => line2.includes(`dists/${one}/`) || line2.includes(` ${one} `));
    if (suite !== void 0) return { archive: mirror.name, suite };
  }
  return { archive: fits2[0]?.name, suite: void 0 };
}
function bare(uri) {
  return uri.replace(/\/+$/, "").replace(/\/\/[^@/]*@/, "//");
}

// src/debian/apt-root.ts
import { mkdir as mkdir2, mkdtemp, readFile as readFile3, rm as rm3, stat as stat3, writeFile } from "node:fs/promises";
import { basename as basename3, join as join6 } from "node:path";
async function withAptRoot({ dir, mirrors, arch }, use) {
  for (const folder of ["state/lists/partial", "cache/archives/partial", "sources.d", "none"]) {
    await mkdir2(join6(dir, folder), { recursive: true, mode: 448 });
  }
  await writeFile(join6(dir, "apt.conf"), configuration(arch, await hostProxySettings()));
  await writeFile(
    join6(dir, "sources.d/snap.sources"),
    mirrors.map((one) => sourceStanza(one, arch)).join("\n")
  );
  const run2 = await mkdtemp(join6(dir, "run-"));
  try {
    return await use({ dir, mirrors, arch, run: basename3(run2) });
  } finally {
    await rm3(run2, { recursive: true, force: true });
  }
}
async function updateIndexes(root) {
  const outcome2 = await apt(root, ["flock", "lists.lock", "apt-get", "update", "-q", "--error-on=any"]);
  if (outcome2.exitCode === 0) {
    await writeFile(join6(root.dir, UPDATED), "");
    return;
  }
  const [first, ...others] = updateProblems(outcome2.stderr, root.mirrors);
  const where = first?.archive === void 0 ? "" : ` "${first.archive}"`;
  const suite = first?.suite === void 0 ? "" : ` suite "${first.suite}"`;
  throw new SnapError(
    "RESOLVE",
    `Cannot use archive${where}${suite}: ${first?.reason ?? `apt-get exited with ${outcome2.exitCode}`}`,
    {
      lines: others.map(
        ({ archive, suite: other, reason: reason2 }) => `${archive ?? "apt"} ${other ?? ""}: ${reason2}`
      ),
      hint: "no package was taken from it; see what apt said with: LC_ALL=C apt-get update"
    }
  );
}
var UPDATED = "updated";
async function areRecent(root, seconds) {
  const made = await stat3(join6(root.dir, UPDATED)).catch(() => void 0);
  const age = made === void 0 ? Number.POSITIVE_INFINITY : (Date.now() - made.mtimeMs) / 1e3;
  return age >= 0 && age < seconds;
}
async function readIndexes(root) {
  const format = "$(FILENAME)|$(METAKEY)|$(REPO_URI)|$(RELEASE)|$(CREATED_BY)";
  const { stdout } = await apt(root, ["apt-get", "indextargets", "--format", format]);
  const targets = stdout.split("\n").map((line2) => line2.split("|")).filter((words2) => words2[4] === "Packages");
  const packages = [];
  const releases = /* @__PURE__ */ new Map();
  for (const [file = "", metaKey = "", uri = "", suite = ""] of targets) {
    const offering = root.mirrors.filter((one) => sameUri(one.uri, uri) && one.suites.includes(suite));
    if (offering[0] === void 0) continue;
    packages.push({ archive: offering[0].name, text: await readFile3(join6(root.dir, file), "latin1") });
    const date = await releaseDate(join6(root.dir, file.slice(0, file.length - metaKey.length)));
    for (const { name: name2 } of offering) releases.set(`${name2} ${suite}`, { archive: name2, suite, date });
  }
  requireAll(root, releases);
  return { packages, releases: [...releases.values()] };
}
async function simulate(root, simulation) {
  const run2 = await mkdtemp(join6(root.dir, root.run, "sim-"));
  const place2 = `./${root.run}/${basename3(run2)}`;
  await writeFile(join6(run2, "status"), simulation.status, "latin1");
  await writeFile(join6(run2, "preferences"), simulation.preferences ?? "", "latin1");
  await writeFile(join6(run2, "Packages"), simulation.extra ?? "", "latin1");
  const options = [
    `Dir::State::status=${place2}/status`,
    `Dir::Etc::preferences=${place2}/preferences`,
    ...simulation.universe === "archives" ? [] : EXTRA_ALONE
  ];
  const outcome2 = await apt(root, [
    "apt-get",
    "-s",
    "-q",
    ...options.flatMap((option) => ["-o", option]),
    ...simulation.extra === void 0 ? [] : ["--with-source", `${place2}/Packages`],
    "install",
    "--",
    ...simulation.packages
  ]);
  return { ...outcome2, result: parseSimulation(outcome2.stdout) };
}
var EXTRA_ALONE = [
  "Dir::Etc::sourceparts=./none/",
  "Dir::State::lists=./none/",
  "Dir::Cache::pkgcache=",
  "Dir::Cache::srcpkgcache="
];
function apt(root, command) {
  return attempt(command, { cwd: root.dir, env: { ...proxyVariables(), APT_CONFIG: "./apt.conf" } });
}
function configuration(arch, proxies) {
  return `Dir::State "./state/";
Dir::State::lists "lists/";
Dir::State::status "/dev/null";
Dir::Cache "./cache/";
Dir::Etc "./";
Dir::Etc::parts "./none/";
Dir::Etc::main "/dev/null";
Dir::Etc::netrc "/dev/null";
Dir::Etc::netrcparts "./none/";
Dir::Etc::sourcelist "/dev/null";
Dir::Etc::sourceparts "./sources.d/";
Dir::Etc::preferences "/dev/null";
Dir::Etc::preferencesparts "./none/";
Dir::Etc::trusted "/dev/null";
Dir::Etc::trustedparts "/etc/apt/trusted.gpg.d/";
Dir::Log::Planner "/dev/null";
APT::Architecture "${arch}";
APT::Architectures { "${arch}"; };
APT::Sandbox::User "root";
APT::Install-Recommends "false";
APT::Install-Suggests "false";
APT::Get::Show-Upgraded "false";
Acquire::Languages "none";
Acquire::Check-Valid-Until "true";
Acquire::Check-Date "true";
Acquire::AllowInsecureRepositories "false";
Acquire::AllowWeakRepositories "false";
Acquire::AllowDowngradeToInsecureRepositories "false";
Acquire::Retries "2";
Acquire::http::Timeout "30";
Acquire::https::Timeout "30";
Debug::NoLocking "true";
${proxies.join("\n")}
`;
}
function sourceStanza(mirror, arch) {
  const key = (mirror.signedBy ?? DEBIAN_KEYRING).trimEnd().split("\n");
  const signedBy2 = key.length === 1 ? ` ${key[0]}` : key.map((line2) => `
 ${line2 === "" ? "." : line2}`).join("");
  return [
    "Types: deb",
    `URIs: ${mirror.uri.replace(/\/*$/, "/")}`,
    `Suites: ${mirror.suites.join(" ")}`,
    `Components: ${mirror.components.join(" ")}`,
    `Architectures: ${arch}`,
    `Signed-By:${signedBy2}`,
    ""
  ].join("\n");
}
async function releaseDate(prefix) {
  for (const name2 of ["InRelease", "Release"]) {
    const text = await readFile3(prefix + name2, "latin1").catch(() => "");
    const date = Date.parse(/^Date: (.*)$/m.exec(text)?.[1] ?? "");
    if (!Number.isNaN(date)) return date / 1e3;
  }
  throw new SnapError("RESOLVE", `The Release file of "${basename3(prefix)}" has no date`);
}
function requireAll(root, releases) {
  for (const mirror of root.mirrors) {
    const missing = mirror.suites.find((suite) => !releases.has(`${mirror.name} ${suite}`));
    if (missing === void 0) continue;
    throw new SnapError(
      "RESOLVE",
      `Archive "${mirror.name}" suite "${missing}" has no index for "${root.arch}" and "${mirror.components.join(" ")}"`,
      { hint: "run without --offline, or correct the suite, architecture or components in the conf" }
    );
  }
}
function sameUri(a, b) {
  const plain2 = (uri) => uri.replace(/\/+$/, "").replace(/\/\/[^@/]*@/, "//");
  return plain2(a) === plain2(b);
}

// src/debian/packages.ts
function requiredNames(indexes) {
  const names = /* @__PURE__ */ new Set();
  for (const { text } of indexes) {
    for (const mark of ["\nEssential: yes\n", "\nPriority: required\n"]) {
      for (let at = text.indexOf(mark); at >= 0; at = text.indexOf(mark, at + 1)) {
        names.add(field(text.slice(stanzaStart(text, at), at + 1), "Package"));
      }
    }
  }
  return [...names].sort();
}
function findStanzas(indexes, wanted) {
  const names = new Set([...wanted].map((key) => key.slice(0, key.indexOf(" "))));
  const found2 = /* @__PURE__ */ new Map();
  for (const { archive, text } of indexes) {
    eachStanza(text, (name2, start, end) => {
      if (!names.has(name2)) return;
      const stanza = text.slice(start, end);
      const key = `${name2} ${field(stanza, "Version")}`;
      if (wanted.has(key) && !found2.has(key)) found2.set(key, { archive, text: stanza });
    });
  }
  return found2;
}
function unknownNames(indexes, names) {
  const open4 = new Set(names);
  for (const { text } of indexes) eachStanza(text, (name2) => open4.delete(name2));
  return [...open4].filter((name2) => !indexes.some(({ text }) => provides(text, name2)));
}
function allNames(indexes) {
  const names = /* @__PURE__ */ new Set();
  for (const { text } of indexes) eachStanza(text, (name2) => names.add(name2));
  return names;
}
function field(stanza, name2) {
  const mark = `${name2}:`;
  let at = stanza.startsWith(mark) ? 0 : stanza.indexOf(`
${mark}`) + 1;
  if (at === 0 && !stanza.startsWith(mark)) return "";
  at += mark.length;
  const end = stanza.indexOf("\n", at);
  return stanza.slice(at, end < 0 ? void 0 : end).trim();
}
function installedStanza(stanza) {
  const end = stanza.indexOf("\n");
  return `${stanza.slice(0, end)}
Status: install ok installed${stanza.slice(end)}`;
}
function eachStanza(text, take) {
  const mark = "Package: ";
  let start = 0;
  while (start < text.length) {
    if (text[start] === "\n") {
      start++;
      continue;
    }
    const gap = text.indexOf("\n\n", start);
    const end = gap < 0 ? text.trimEnd().length : gap;
    const name2 = text.startsWith(mark, start) ? text.slice(start + mark.length, text.indexOf("\n", start)) : field(text.slice(start, end), "Package");
    take(name2, start, end);
    start = gap < 0 ? text.length : gap + 2;
  }
}
function stanzaStart(text, at) {
  const gap = text.lastIndexOf("\n\n", at);
  return gap < 0 ? 0 : gap + 2;
}
function provides(text, name2) {
  const literal = name2.replace(/[.+]/g, "\\$&");
  return new RegExp(`^Provides:(?:.*[ ,])?${literal}(?=[ ,(:]|$)`, "m").test(text);
}

// src/debian/wants.ts
function parseWant(scriptlet, text) {
  const match = /^([a-z0-9][a-z0-9+.-]*)(?:=([A-Za-z0-9.+:~-]+))?$/.exec(text);
  if (match !== null && !match[1].endsWith("-")) return { name: match[1], version: match[2] };
  throw new SnapError("SCRIPTLET", `Scriptlet "${scriptlet}" cannot install "${text}": ${refusal(text)}`, {
    hint: "write install_debian_deb PKG or install_debian_deb PKG=VERSION"
  });
}
function namedVersions(wants) {
  const versions = /* @__PURE__ */ new Map();
  for (const [scriptlet, texts] of wants) {
    for (const text of texts) {
      const { name: name2, version } = parseWant(scriptlet, text);
      const other = versions.get(name2);
      if (version === void 0) continue;
      if (other !== void 0 && other.version !== version) {
        throw new SnapError(
          "SCRIPTLET",
          `Scriptlets "${other.scriptlet}" and "${scriptlet}" ask for two versions of "${name2}": ${other.version} and ${version}`
        );
      }
      versions.set(name2, { version, scriptlet });
    }
  }
  return new Map([...versions].map(([name2, { version }]) => [name2, version]));
}
function askers(wants) {
  const result = /* @__PURE__ */ new Map();
  for (const [scriptlet, texts] of wants) {
    for (const { name: name2 } of texts.map((text) => parseWant(scriptlet, text))) {
      result.set(name2, [...result.get(name2) ?? [], scriptlet]);
    }
  }
  return result;
}
function refusal(text) {
  if (text.includes("/")) return "a package of another suite is not supported";
  if (text.includes(":")) return "a package of another architecture is not supported";
  if (/[*?^$[\]|()~]/.test(text)) return "a pattern or a task is not a package name";
  return "it is not a package name";
}

// src/debian/resolve.ts
var TOOLS = ["libeatmydata1"];
async function resolve(request) {
  const versions = namedVersions(request.wants);
  const covered = request.update === void 0 ? coveredLock(request) : void 0;
  if (covered !== void 0) return covered;
  requireKeyrings(request.mirrors);
  const { aptDir: dir, mirrors, arch } = request;
  return await withAptRoot({ dir, mirrors, arch }, async (root) => {
    const asksServer = !request.offline;
    const recent = asksServer && request.update === void 0 && await areRecent(root, request.indexAge ?? 0);
    if (asksServer && !recent) await updateIndexes(root);
    try {
      return await solve(root, request, versions);
    } catch (error) {
      if (!recent || !(error instanceof SnapError) || error.code !== "RESOLVE") throw error;
      await updateIndexes(root);
      return await solve(root, request, versions);
    }
  });
}
async function solve(root, request, versions) {
  const indexes = await readIndexes(root);
  refuseOlder(indexes, request);
  const pool = await poolOf(root, indexes, request, versions);
  requireKnown(pool, request);
  const base = await resolveBase(pool, request);
  const solution = await resolveAll(pool, base, request);
  const closures2 = await resolveClosures(pool, base, solution, request);
  return newLock(request, indexes, base, solution, closures2);
}
function coveredLock(request) {
  const { lock, parent } = request;
  if (lock !== void 0 && uncovered(lock, request.wants).length === 0) return lock;
  const sources = [lock, parent].filter((one) => one !== void 0).filter((one) => fits(one, request));
  const first = sources[0];
  if (first === void 0) return void 0;
  const pins = /* @__PURE__ */ new Map();
  const closures2 = /* @__PURE__ */ new Map();
  const agree = (from, ids) => ids.every((id) => {
    const pin = from.pins.get(id);
    const other = pin && pins.get(pin.name);
    if (pin !== void 0) pins.set(pin.name, other ?? pin);
    return pin !== void 0 && (other === void 0 || samePin(other, pin));
  });
  if (!agree(first, [...first.base, ...first.tools])) return void 0;
  for (const [name2, wants] of asked(request.wants)) {
    const from = sources.find((source) => sameSet(source.closures.get(name2)?.wants ?? [], wants));
    const closure = from?.closures.get(name2);
    if (from === void 0 || closure === void 0 || !agree(from, closure.debs)) return void 0;
    closures2.set(name2, closure);
  }
  const releases = new Map(
    sources.toReversed().flatMap((one) => one.releases.map((release2) => [`${release2.archive} ${release2.suite}`, release2]))
  );
  return {
    ...learned(request),
    releases: [...releases.values()],
    base: first.base,
    tools: first.tools,
    closures: closures2,
    pins: byId([...pins.values()])
  };
}
function fits(lock, { suite, arch, mirrors }) {
  const names = new Set(mirrors.map((mirror) => mirror.name));
  return lock.suite === suite && lock.arch === arch && [...lock.pins.values()].every((pin) => names.has(pin.archive));
}
function learned({ suite, arch, lock, parent, now }) {
  const from = lock ?? parent;
  return {
    suite,
    arch,
    epoch: from?.epoch ?? now(),
    orders: from?.orders ?? [],
    uids: from?.uids ?? /* @__PURE__ */ new Map(),
    gids: from?.gids ?? /* @__PURE__ */ new Map()
  };
}
function keptPins({ lock, parent, update, suite, arch }) {
  const own = new Map([...lock?.pins.values() ?? []].map((pin) => [pin.name, pin]));
  const fitting = parent !== void 0 && parent.suite === suite && parent.arch === arch ? parent : void 0;
  const inherited = new Map([...fitting?.pins.values() ?? []].map((pin) => [pin.name, pin]));
  if (update === void 0) return new Map([...inherited, ...own]);
  if (update === "all") return inherited;
  const unknown = update.find((name2) => !own.has(name2));
  if (unknown !== void 0) throw unknownUpdate(unknown, own.keys());
  for (const name2 of update) own.delete(name2);
  return new Map([...inherited, ...own]);
}
function unknownUpdate(name2, names) {
  const near = nearest(name2, names);
  return new SnapError("RESOLVE", `Cannot update "${name2}": the lock has no such package`, {
    hint: near.length > 0 ? `did you mean ${list(near)}?` : "see the packages of the lock: grep ^deb conf/NAME.lock"
  });
}
async function poolOf(root, { packages: indexes }, request, versions) {
  const kept = keptPins(request);
  for (const [name2, version] of versions) if (kept.get(name2)?.version !== version) kept.delete(name2);
  const present = findStanzas(indexes, new Set([...kept.values()].map(versionKey)));
  const absent = [...kept.values()].filter((pin) => !present.has(versionKey(pin)));
  const cached = absent.filter((pin) => existsSync(debPath(request.debsDir, pin)));
  const extra = await Promise.all(
    cached.map(async (pin) => cachedStanza(pin, await controlOf(debPath(request.debsDir, pin))))
  );
  const lost = new Map(absent.filter((pin) => !cached.includes(pin)).map((pin) => [pin.name, pin]));
  const pinned = [...[...kept.values()].map((pin) => [pin.name, pin.version]), ...versions];
  return { root, indexes, extra, kept, lost, preferences: pinned.map(preference).join("\n") };
}
function preference([name2, version]) {
  return `Package: ${name2}
Pin: version ${version}
Pin-Priority: 1001
`;
}
function cachedStanza(pin, control) {
  const bytes = Buffer.from(control.trimEnd(), "utf8").toString("latin1");
  const text = `${bytes}
Filename: ${pin.path}
Size: ${pin.size}
SHA256: ${pin.sha256}`;
  return { archive: pin.archive, text };
}
async function resolveBase(pool, request) {
  const settled = [request.lock, request.parent].find(
    (lock) => lock !== void 0 && stays(pool, lock, lock.base) && lock.suite === request.suite && lock.arch === request.arch
  );
  if (settled !== void 0)
    return await found(
      pool,
      settled.base.map((id) => settled.pins.get(id))
    );
  const names = /* @__PURE__ */ new Set([...requiredNames(pool.indexes), "apt"]);
  if (pool.indexes.some(({ text }) => text.includes("usrmerge | usr-is-merged"))) names.add("usr-is-merged");
  const outcome2 = await simulate(pool.root, { ...fromPool(pool), status: "", packages: [...names].sort() });
  if (outcome2.exitCode !== 0) throw noSolution("the base", explanation(outcome2), pool);
  return await found(pool, outcome2.result.installed);
}
function stays(pool, lock, ids) {
  return ids.every((id) => {
    const pin = lock.pins.get(id);
    const kept = pin && pool.kept.get(pin.name);
    return pin !== void 0 && kept !== void 0 && samePin(pin, kept);
  });
}
async function resolveAll(pool, base, request) {
  const status = statusOf(base);
  const ask = async (wants) => {
    const packages = [...[...new Set(wants)].sort(), ...TOOLS];
    const outcome2 = await simulate(pool.root, { ...fromPool(pool), status, packages });
    return {
      ...outcome2,
      conflict: outcome2.exitCode === 0 ? removalLines(outcome2.result) : explanation(outcome2)
    };
  };
  const { result, exitCode, conflict } = await ask([...request.wants.values()].flat());
  if (exitCode === 0 && conflict.length === 0) return await found(pool, result.installed);
  const guilty = mentioned(conflict, request.wants);
  if (guilty.length === 0) {
    await inPairs([...asked(request.wants)], async ([name2, wants]) => {
      const alone = await ask(wants);
      if (alone.exitCode !== 0 || alone.conflict.length > 0) guilty.push(name2);
    });
  }
  const who = guilty.length > 0 ? scriptlets(guilty) : "all scriptlets together";
  throw noChoice(conflict, request.wants) ?? noSolution(who, conflict, pool);
}
function removalLines(result) {
  return result.removed.map((name2) => ` ${name2} of the base would have to be removed`);
}
function mentioned(lines2, wants) {
  const words2 = new Set(lines2.flatMap((line2) => line2.split(/[^a-z0-9+.-]+/)));
  const guilty = [...askers(wants)].filter(([name2]) => words2.has(name2)).flatMap(([, names]) => names);
  return [...new Set(guilty)];
}
async function resolveClosures(pool, base, solution, request) {
  const status = statusOf(base);
  const extra = [...solution.values()].map(({ stanza }) => `${stanza}
`).join("\n");
  const everything = new Map([...base, ...solution]);
  const closures2 = /* @__PURE__ */ new Map();
  await inPairs([...asked(request.wants)], async ([name2, wants]) => {
    closures2.set(name2, settledClosure(name2, wants, everything, request) ?? await ask(name2, wants));
  });
  return new Map([...asked(request.wants)].map(([name2]) => [name2, closures2.get(name2)]));
  async function ask(name2, wants) {
    const outcome2 = await simulate(pool.root, { status, extra, packages: wants, universe: "extra" });
    if (outcome2.exitCode !== 0) throw noSolution(scriptlets([name2]), explanation(outcome2), pool);
    return { wants, debs: outcome2.result.installed.map(packageId) };
  }
}
function settledClosure(name2, wants, solution, { lock, parent, update }) {
  const sources = update === void 0 ? [lock, parent] : [parent, lock];
  for (const source of sources) {
    const closure = source?.closures.get(name2);
    if (source === void 0 || closure === void 0 || !sameSet(closure.wants, wants)) continue;
    const same = closure.debs.every((id) => {
      const pin = source.pins.get(id);
      const now = pin && solution.get(pin.name)?.pin;
      return pin !== void 0 && now !== void 0 && samePin(pin, now);
    });
    if (same) return { wants, debs: closure.debs };
  }
  return void 0;
}
async function inPairs(items, work) {
  const queue = items.values();
  const worker = async () => {
    for (const item of queue) await work(item);
  };
  await Promise.all([worker(), worker()]);
}
async function found(pool, packages) {
  const moved2 = packages.flatMap(({ name: name2, version }) => {
    const lost = pool.lost.get(name2);
    return lost !== void 0 && pool.kept.get(name2) === lost ? [{ name: name2, version, lost }] : [];
  });
  if (moved2.length > 0) throw versionsGone(moved2.map(({ lost }) => lost));
  const stanzas2 = findStanzas([...pool.indexes, ...pool.extra], new Set(packages.map(versionKey)));
  return new Map(
    packages.map((one) => {
      const stanza = stanzas2.get(versionKey(one));
      if (stanza === void 0) throw new Error(`apt chose "${versionKey(one)}", which no index has`);
      const kept = pool.kept.get(one.name);
      const pin = kept?.version === one.version ? kept : pinOf2(stanza);
      return [one.name, { pin, stanza: stanza.text }];
    })
  );
}
function pinOf2({ archive, text }) {
  return {
    name: field(text, "Package"),
    arch: field(text, "Architecture"),
    version: field(text, "Version"),
    size: Number(field(text, "Size")),
    sha256: field(text, "SHA256"),
    archive,
    path: field(text, "Filename").replace(/^(?:\.\/)+/, "")
  };
}
function newLock(request, indexes, base, solution, closures2) {
  const tools = TOOLS.map((name2) => packageId((solution.get(name2) ?? base.get(name2)).pin));
  const all = byId([...base.values(), ...solution.values()].map(({ pin }) => pin));
  const baseIds = [...base.values()].map(({ pin }) => packageId(pin));
  const used = [...baseIds, ...tools, ...[...closures2.values()].flatMap(({ debs }) => debs)];
  return {
    ...learned(request),
    releases: indexes.releases,
    base: baseIds,
    tools,
    closures: closures2,
    pins: new Map([...new Set(used)].map((id) => [id, all.get(id)]))
  };
}
function requireKeyrings(mirrors) {
  for (const { name: name2, signedBy: signedBy2 } of mirrors) {
    if (signedBy2 === void 0 || !signedBy2.startsWith("/") || existsSync(signedBy2)) continue;
    throw new SnapError(
      "RESOLVE",
      `Archive "${name2}" is signed by a key in "${signedBy2}", and there is no such file`,
      {
        hint: "install the keyring, for Debian: apt-get install debian-archive-keyring"
      }
    );
  }
}
function refuseOlder({ releases }, { lock, parent }) {
  for (const before of [...lock?.releases ?? [], ...parent?.releases ?? []]) {
    const now = releases.find((one) => one.archive === before.archive && one.suite === before.suite);
    if (now === void 0 || now.date >= before.date) continue;
    const day = (seconds) => new Date(seconds * 1e3).toISOString().slice(0, 16).replace("T", " ");
    throw new SnapError(
      "RESOLVE",
      `Cannot use archive "${now.archive}" suite "${now.suite}": its Release file of ${day(now.date)} is older than the one of ${day(before.date)} that the lock was made from`,
      { hint: "the mirror lags behind or replays old packages: use another, or wait until it has caught up" }
    );
  }
}
function requireKnown(pool, { wants }) {
  const indexes = [...pool.indexes, ...pool.extra];
  const asking = askers(wants);
  const unknown = unknownNames(indexes, [...asking.keys(), ...TOOLS]);
  const [first, ...others] = unknown;
  if (first === void 0) return;
  const lost = unknown.flatMap((name2) => pool.lost.get(name2) ?? []);
  if (lost.length > 0) throw versionsGone(lost);
  const names = allNames(indexes);
  const near = (name2) => nearest(name2, names);
  const who = (name2) => scriptlets(asking.get(name2) ?? []);
  const hint = near(first);
  throw new SnapError("RESOLVE", `Cannot find package "${first}", which ${who(first)} installs`, {
    lines: others.map(
      (name2) => `nor "${name2}" of ${who(name2)}${near(name2).length > 0 ? `: did you mean ${list(near(name2))}?` : ""}`
    ),
    hint: hint.length > 0 ? `did you mean ${list(hint)}?` : "see the names: apt-cache search WORD"
  });
}
function noChoice(lines2, wants) {
  const text = lines2.join("\n");
  const version = /^E: Version '(.*)' for '(.*)' was not found/m.exec(text);
  const virtual = /^E: Package '(.*)' has no installation candidate/m.exec(text);
  const who = (want) => scriptlets([...wants].filter(([, texts]) => texts.includes(want)).map(([scriptlet]) => scriptlet));
  if (version !== null) {
    const [, wanted = "", name3 = ""] = version;
    return new SnapError(
      "RESOLVE",
      `Cannot find version "${wanted}" of package "${name3}", which ${who(`${name3}=${wanted}`)} installs`,
      {
        hint: `see the versions: apt-cache madison ${name3}`
      }
    );
  }
  if (virtual === null) return void 0;
  const [, name2 = ""] = virtual;
  return new SnapError(
    "RESOLVE",
    `Cannot install "${name2}" of ${who(name2)}: it is a name that other packages provide`,
    {
      lines: lines2.filter((line2) => line2.startsWith("  ")),
      hint: "name the one that you want"
    }
  );
}
function noSolution(what, lines2, pool) {
  const needed = lines2.flatMap((line2) => /Depends: (\S+) \(/.exec(line2)?.[1] ?? []);
  const pinned = [...new Set(needed)].filter((name2) => pool.kept.has(name2)).sort();
  return new SnapError("RESOLVE", `Cannot install the packages of ${what}: they do not fit together`, {
    lines: lines2,
    hint: pinned.length > 0 ? `if a pinned version is in the way: snap lock --update ${pinned.join(" ")}` : "leave one of the packages out"
  });
}
function versionsGone(pins) {
  const [first] = pins;
  const rest = pins.length > 1 ? ` and ${pins.length - 1} more` : "";
  return new SnapError(
    "RESOLVE",
    `Package "${first?.name}" ${first?.version}${rest} is gone from archive "${first?.archive}", and the store has no copy`,
    {
      lines: pins.length > 1 ? pins.map(versionKey) : [],
      hint: `move to the version that is there: snap lock --update ${pins.map(({ name: name2 }) => name2).join(" ")}`
    }
  );
}
function* asked(wants) {
  for (const [name2, packages] of wants) if (packages.length > 0) yield [name2, packages];
}
function fromPool(pool) {
  const extra = pool.extra.map(({ text }) => `${text}
`).join("\n");
  return { universe: "archives", preferences: pool.preferences, ...extra === "" ? {} : { extra } };
}
function statusOf(solution) {
  return [...solution.values()].map(({ stanza }) => `${installedStanza(stanza)}
`).join("\n");
}
function byId(pins) {
  return new Map(pins.map((pin) => [packageId(pin), pin]));
}
function versionKey({ name: name2, version }) {
  return `${name2} ${version}`;
}
function samePin(a, b) {
  return a.sha256 === b.sha256 && a.version === b.version && a.arch === b.arch;
}
function scriptlets(names) {
  return names.length === 0 ? "snap itself" : `scriptlet${names.length > 1 ? "s" : ""} ${list(names)}`;
}
function list(names) {
  return names.map((name2) => `"${name2}"`).join(", ");
}

// src/project/check.ts
import {
  chmodSync,
  existsSync as existsSync2,
  lstatSync,
  mkdtempSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  writeFileSync
} from "node:fs";
import { tmpdir } from "node:os";
import { join as join7 } from "node:path";

// src/project/bubble.ts
import { spawn as spawn2 } from "node:child_process";
var NOBODY = { uid: 65534, gid: 65534 };
var ISOLATION = [
  "--unshare-pid",
  "--unshare-net",
  "--unshare-ipc",
  "--unshare-uts",
  "--unshare-cgroup-try",
  "--cap-drop",
  "ALL",
  "--die-with-parent",
  "--new-session",
  "--as-pid-1",
  "--clearenv"
];
var USER_NAMESPACE = ["--unshare-user", "--uid", "65534", "--gid", "65534"];
async function runInBubble(bubble) {
  const way = await workingWay(bubble);
  bubble.signal?.throwIfAborted();
  const env = Object.entries(bubble.env).flatMap(([name2, value]) => ["--setenv", name2, value]);
  return launch(way, [...bubble.mounts, ...env, "--", ...bubble.command], bubble);
}
function ways(user) {
  if (process.getuid?.() !== 0) return [{ user: void 0, flags: USER_NAMESPACE }];
  return [
    { user, flags: USER_NAMESPACE },
    { user: void 0, flags: USER_NAMESPACE },
    { user: void 0, flags: [] }
  ];
}
async function workingWay(bubble) {
  const trial = { seconds: 10, bytes: 65536 };
  const enter = bubble.reads.map((folder) => `cd ${quote([folder])}`).join(" && ");
  let outcome2;
  for (const way of ways(bubble.user)) {
    outcome2 = await launch(way, ["--ro-bind", "/", "/", "--", "/bin/sh", "-c", enter || ":"], trial);
    if (outcome2.exitCode === 0) return way;
  }
  throw new SnapError("HOST", "Cannot make a sandbox: bubblewrap fails", {
    lines: lastLines(outcome2?.stderr.toString() ?? "", 5),
    hint: "see what the host lacks: snap doctor"
  });
}
function launch(way, args, limits) {
  const { promise, resolve: resolve2, reject } = Promise.withResolvers();
  const child = spawn2("bwrap", [...ISOLATION, ...way.flags, ...args], {
    cwd: "/",
    env: { PATH: "/usr/local/bin:/usr/bin:/bin" },
    stdio: ["pipe", "pipe", "pipe", "pipe"],
    ...way.user
  });
  const { signal } = limits;
  const kill = () => void child.kill("SIGKILL");
  signal?.addEventListener("abort", kill, { once: true });
  let end = "exit";
  const stop = (why) => {
    end = why;
    kill();
  };
  const timer = setTimeout(() => stop("time"), limits.seconds * 1e3);
  const streams = [1, 2, 3].map((fd) => collect(child, fd, limits.bytes, () => stop("output")));
  child.on("error", (error) => {
    clearTimeout(timer);
    const hint = "install it: apt-get install bubblewrap";
    reject(new SnapError("HOST", 'Cannot start "bwrap"', { hint, cause: error }));
  });
  child.on("close", (code) => {
    clearTimeout(timer);
    signal?.removeEventListener("abort", kill);
    if (signal?.aborted) return reject(signal.reason);
    const [stdout, stderr, third] = streams.map((chunks) => Buffer.concat(chunks));
    resolve2({ end, exitCode: code ?? void 0, stdout, stderr, third });
  });
  child.stdin?.on("error", () => {
  });
  child.stdin?.end(limits.input ?? "");
  return promise;
}
function collect(child, fd, most, overflow) {
  const chunks = [];
  let size = 0;
  child.stdio[fd]?.on("data", (chunk) => {
    const kept = chunk.subarray(0, most - size);
    size += kept.length;
    if (kept.length > 0) chunks.push(kept);
    if (kept.length < chunk.length) overflow();
  });
  return chunks;
}

// src/project/check.ts
var MOST_BYTES = 16 * 1024 * 1024;
async function check(conf, scriptlets2, options) {
  const open4 = scriptlets2.filter(
    (scriptlet) => scriptlet.hasCheck && options.cache.get(options.checkKey(scriptlet)) === void 0
  );
  if (open4.length === 0) return [];
  const stage = mkdtempSync(join7(tmpdir(), "snap-check-"));
  try {
    chmodSync(stage, 493);
    const prelude = join7(stage, "prelude.sh");
    writeFileSync(prelude, readFileSync(options.prelude));
    chmodSync(prelude, 420);
    for (const scriptlet of open4) {
      const key = options.checkKey(scriptlet);
      const outcome2 = await runInBubble(bubbleOf(conf, scriptlet, { ...options, prelude }));
      if (outcome2.end !== "exit" || outcome2.exitCode !== 0) throw failure2(conf, scriptlet, options, outcome2);
      if (options.checkKey(scriptlet) === key) options.cache.set(key, "passed");
    }
  } finally {
    rmSync(stage, { recursive: true, force: true });
  }
  return open4.map(({ name: name2 }) => name2);
}
function bubbleOf(conf, scriptlet, { prelude, seconds = 60, signal }) {
  const { uid, gid } = statSync(conf.project);
  return {
    mounts: [...hostPrograms(), ...inputs(conf, scriptlet, prelude), "--chdir", "/"],
    // The variables come in through standard input, see below.
    command: ["/bin/sh", "-c", "exec /bin/bash /run/snap/prelude.sh do_check </dev/null 2>&1"],
    input: Buffer.from(scriptlet.variables),
    env: {
      PATH: "/usr/sbin:/usr/bin:/sbin:/bin",
      HOME: "/tmp",
      LC_ALL: "C.UTF-8",
      TZ: "UTC",
      ARCH: conf.arch,
      SUITE: conf.suite,
      DATA_DIR: "/run/snap/data",
      RUN_HOME: "/run/snap/home"
    },
    seconds,
    bytes: MOST_BYTES,
    user: { uid, gid },
    // who can read the project, whatever its modes are
    reads: [conf.project],
    ...signal ? { signal } : {}
  };
}
function hostPrograms() {
  const folders = ["/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32"].flatMap((path) => {
    const stat4 = lstatSync(path, { throwIfNoEntry: false });
    if (stat4 === void 0) return [];
    return stat4.isSymbolicLink() ? ["--symlink", readlinkSync(path), path] : ["--ro-bind", path, path];
  });
  const system = ["--ro-bind", "/usr", "/usr", "--ro-bind-try", "/etc/alternatives", "/etc/alternatives"];
  return [...system, ...folders, "--proc", "/proc", "--dev", "/dev", "--tmpfs", "/tmp"];
}
function inputs(conf, scriptlet, prelude) {
  const data = scriptlet.dataDir === void 0 ? ["--dir"] : ["--ro-bind", scriptlet.dataDir];
  const files = scriptlet.files.flatMap((path) => [
    "--ro-bind",
    join7(conf.project, path),
    `/run/snap/home/${path}`
  ]);
  return [
    ...["--ro-bind", prelude, "/run/snap/prelude.sh", "--ro-bind", scriptlet.file, "/run/snap/scriptlet.sh"],
    ...[
      "--ro-bind-data",
      "0",
      "/run/snap/variables.sh",
      ...data,
      "/run/snap/data",
      "--dir",
      "/run/snap/home",
      ...files
    ]
  ];
}
function failure2(conf, scriptlet, options, outcome2) {
  const output = printable(outcome2.stdout.toString() + outcome2.stderr.toString());
  const lines2 = output.trim() === "" ? [] : lastLines(output, 20);
  const missing = missingDeclaration(scriptlet, conf, lines2, (path) => existsSync2(join7(conf.project, path)));
  return new SnapError(
    "SCRIPTLET",
    `Check of scriptlet "${scriptlet.name}" failed: ${cause(scriptlet, options, outcome2)}`,
    {
      lines: lines2,
      hint: missing ?? "mend what it found: nothing was built"
    }
  );
}
function cause({ name: name2 }, { seconds = 60 }, outcome2) {
  if (outcome2.end === "time") return `no end within ${seconds} s`;
  if (outcome2.end === "output") return "it prints without end";
  const reports = printable(outcome2.third.toString()).trimEnd().split("\n");
  const [line2, status, command] = reports.at(-1)?.split("	") ?? [];
  if (command !== void 0) return `"${command}" exited with ${status} (scriptlets/${name2}.sh:${line2})`;
  return outcome2.exitCode === void 0 ? "do_check was killed" : `do_check exited with ${outcome2.exitCode}`;
}
function printable(text) {
  return text.replaceAll(/\x1b\[[0-9;?]*[ -/]*[@-~]/g, "").replaceAll(/[\0-\x08\x0b-\x1f\x7f]/g, "");
}

// src/project/evaluate.ts
import { randomBytes as randomBytes3 } from "node:crypto";
import {
  chmodSync as chmodSync2,
  mkdirSync,
  mkdtempSync as mkdtempSync2,
  readFileSync as readFileSync2,
  realpathSync,
  rmSync as rmSync2,
  writeFileSync as writeFileSync2
} from "node:fs";
import { tmpdir as tmpdir2 } from "node:os";
import { join as join8 } from "node:path";
var EVALUATOR = ownFile("src/project/declare.sh");
var BASH = "/bin/bash";
var MOST_BYTES2 = 16 * 1024 * 1024;
async function evaluate(question) {
  const stage = mkdtempSync2(join8(tmpdir2(), "snap-evaluate-"));
  try {
    stageTexts(stage, question);
    const tokens = question.scriptlets.map(() => randomBytes3(16).toString("hex"));
    const outcome2 = await runInBubble({
      mounts: await mounts(stage, question),
      command: ["/run/snap/bash", "--norc", "--noprofile", "/run/snap/declare.sh"],
      env: { LC_ALL: "C" },
      input: Buffer.from(questionText(question, tokens)),
      seconds: question.seconds,
      bytes: MOST_BYTES2,
      user: NOBODY,
      reads: [join8(stage, "texts")]
    });
    const known = Object.keys(question.vars);
    return cut(question, tokens, outcome2).map((segment) => readSegment(segment, known));
  } finally {
    rmSync2(stage, { recursive: true, force: true });
  }
}
function stageTexts(stage, { scriptlets: scriptlets2 }) {
  chmodSync2(stage, 457);
  mkdirSync(join8(stage, "texts"), { mode: 493 });
  for (const { name: name2, text } of [
    ...scriptlets2,
    { name: "declare.sh", text: readFileSync2(EVALUATOR, "utf8") }
  ]) {
    const file = join8(stage, "texts", name2);
    writeFileSync2(file, text);
    chmodSync2(file, 420);
  }
  chmodSync2(join8(stage, "texts"), 493);
}
async function mounts(stage, { scriptlets: scriptlets2 }) {
  const texts = scriptlets2.flatMap(({ name: name2 }) => [
    "--ro-bind",
    join8(stage, "texts", name2),
    `/run/snap/${name2}/scriptlet.sh`
  ]);
  const libraries2 = (await librariesOfBash()).flatMap((path) => ["--ro-bind", realpathSync(path), path]);
  return [
    ...["--ro-bind", realpathSync(BASH), "/run/snap/bash", ...libraries2],
    ...["--ro-bind", join8(stage, "texts", "declare.sh"), "/run/snap/declare.sh", ...texts],
    ...["--dev-bind", "/dev/null", "/dev/null", "--remount-ro", "/", "--chdir", "/"]
  ];
}
var libraries;
function librariesOfBash() {
  libraries ??= run(["ldd", BASH]).then(
    (text) => [...text.matchAll(/(?:=>\s*|^\s*)(\/\S+)\s+\(0x/gm)].map((found2) => found2[1])
  );
  return libraries;
}
function questionText({ arch, suite, vars, scriptlets: scriptlets2 }, tokens) {
  const given = Object.entries(vars);
  const head = [arch, suite, String(given.length), ...given.flat()];
  const asked2 = scriptlets2.flatMap(({ name: name2 }, index) => [name2, tokens[index]]);
  return [...head, ...asked2, ""].join("\0");
}
function cut({ scriptlets: scriptlets2, seconds }, tokens, outcome2) {
  const { stdout, stderr } = outcome2;
  let at = stdout.indexOf(0) + 1;
  let errorsAt = 0;
  const shopt = stdout.subarray(0, Math.max(at - 1, 0)).toString();
  return scriptlets2.map(({ name: name2 }, index) => {
    const token = tokens[index];
    const end = stdout.indexOf(`${token}\0`, at);
    const statusEnd = stdout.indexOf(0, end + token.length + 1);
    if (end < 0 || statusEnd < 0) throw unfinished(name2, seconds, outcome2);
    const errorsEnd = stderr.indexOf(`${token}
`, errorsAt);
    const records = stdout.subarray(at, end);
    const status = Number(stdout.subarray(end + token.length + 1, statusEnd).toString());
    const errors = stderr.subarray(errorsAt, errorsEnd < 0 ? stderr.length : errorsEnd).toString();
    at = statusEnd + 1;
    errorsAt = errorsEnd < 0 ? stderr.length : errorsEnd + token.length + 1;
    return { name: name2, records, status, stderr: errors, shopt };
  });
}
function unfinished(name2, seconds, { end, stderr }) {
  const where = `Cannot evaluate scriptlets/${name2}.sh`;
  const hint = "only declarations, functions and variables belong at the top level of a scriptlet";
  if (end === "time")
    return new SnapError("SCRIPTLET", `${where}: no end of its top level within ${seconds} s`, { hint });
  if (end === "output") {
    return new SnapError("SCRIPTLET", `${where}: its top level prints without end`, { hint });
  }
  const lines2 = stderr.toString().split("\n").slice(-20);
  return new SnapError("SCRIPTLET", `${where}: the evaluation broke off`, { hint, lines: lines2 });
}

// src/project/scriptlet.ts
import { createHash as createHash3 } from "node:crypto";
import { existsSync as existsSync3, readFileSync as readFileSync3, realpathSync as realpathSync2, statSync as statSync2 } from "node:fs";
import { join as join9, sep } from "node:path";

// src/project/evaluation-cache.ts
import { createHash as createHash2 } from "node:crypto";
function recall(cache, input, lookUp) {
  const known = [];
  for (; ; ) {
    const step = parseStep(cache.get(stepKey(input, known)));
    if (step === void 0 || "evaluation" in step) return step?.evaluation;
    const value = lookUp(step.uses);
    if (value === void 0) return void 0;
    known.push([step.uses, value]);
  }
}
function remember(cache, input, evaluation, lookUp) {
  const known = [];
  for (const uses of declaredVariables(evaluation)) {
    const value = lookUp(uses);
    if (value === void 0) return;
    setStep(cache, stepKey(input, known), { uses });
    known.push([uses, value]);
  }
  setStep(cache, stepKey(input, known), { evaluation });
}
function declaredVariables(evaluation) {
  const uses = evaluation.declarations.filter(({ word }) => word === "use_var");
  return [...new Set(uses.flatMap(({ args }) => args))];
}
function setStep(cache, key, step) {
  cache.set(key, JSON.stringify(step));
}
function parseStep(text) {
  return text === void 0 ? void 0 : JSON.parse(text);
}
function stepKey(input, known) {
  const { evaluator, bash, arch, suite, name: name2, text } = input;
  const canonical = JSON.stringify(["evaluation 1", evaluator, bash, arch, suite, name2, text, known]);
  return createHash2("sha256").update(canonical).digest("hex");
}

// src/project/scriptlet.ts
async function readScriptlets(conf, options) {
  const files = conf.scriptlets.map((name2) => readText(conf, name2));
  const vars = await givenVariables(conf, files);
  const evaluations = await evaluateAll(conf, files, vars, options);
  const scriptlets2 = files.map((file, index) => toScriptlet(conf, file, evaluations[index], vars));
  checkNeeds(scriptlets2, namesIn(join9(conf.project, "scriptlets"), ".sh"));
  return scriptlets2;
}
function readText(conf, name2) {
  const file = join9(conf.project, "scriptlets", `${name2}.sh`);
  try {
    const text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(readFileSync3(file));
    const line2 = (at) => text.slice(0, at).split("\n").length;
    const strange = text.search(/\r|\0|^\uFEFF/);
    if (strange < 0) return { name: name2, file, text };
    const what = text[strange] === "\0" ? "there is a NUL" : "it is a text of Windows";
    throw scriptletFault(name2, line2(strange), what, `write it as plain UTF-8 with Unix line ends`);
  } catch (error) {
    if (error instanceof SnapError) throw error;
    if (error instanceof TypeError) throw scriptletFault(name2, 0, "it is not UTF-8", "store it as UTF-8");
    if (errno(error) !== "ENOENT") throw scriptletFault(name2, 0, `cannot be read: ${errno(error) ?? error}`);
    const hint = didYouMean(name2, namesIn(join9(conf.project, "scriptlets"), ".sh"), "scriptlets");
    throw new SnapError(
      "CONF",
      `Cannot read scriptlet "${name2}" of conf "${conf.name}": there is no file "${file}"`,
      {
        hint,
        cause: error
      }
    );
  }
}
async function givenVariables(conf, files) {
  const vars = { ...conf.vars, SNAP_CONF: conf.name };
  if (!files.some(({ text }) => text.includes("SNAP_COMMIT"))) return vars;
  const { projectCommit } = await import("./commit-XDGKOLZA.js");
  return { ...vars, SNAP_COMMIT: await projectCommit(conf.project) };
}
async function evaluateAll(conf, files, vars, { cache, seconds = 10 }) {
  const lookUp = (name2) => Object.hasOwn(vars, name2) ? vars[name2] : void 0;
  const inputOf = evaluationInput(conf);
  const answers = /* @__PURE__ */ new Map();
  for (const file of files) {
    const remembered = recall(cache, inputOf(file), lookUp);
    if (remembered) answers.set(file, remembered);
  }
  const asked2 = files.filter((file) => !answers.has(file));
  if (asked2.length > 0) {
    const { arch, suite } = conf;
    const fresh = await evaluate({ arch, suite, vars, scriptlets: asked2, seconds });
    for (const [index, file] of asked2.entries()) {
      const answer2 = fresh[index];
      answers.set(file, answer2);
      if (!isFault(answer2)) remember(cache, inputOf(file), answer2, lookUp);
    }
  }
  return files.map((file) => answers.get(file));
}
function evaluationInput({ arch, suite }) {
  const evaluator = createHash3("sha256").update(readFileSync3(EVALUATOR)).digest("hex");
  const { size, mtimeMs } = statSync2(BASH);
  return ({ name: name2, text }) => ({ evaluator, bash: `${size} ${mtimeMs}`, arch, suite, name: name2, text });
}
function toScriptlet(conf, { name: name2, file, text }, evaluation, vars) {
  const declared = readDeclared(name2, evaluation, conf, vars);
  if (isFault(evaluation)) throw new Error("a fault was not thrown");
  const functions = evaluation.functions.map(([, text2]) => text2);
  const names = new Set(evaluation.functions.map(([word]) => word));
  if (!names.has("do_run") && !names.has("do_check") && evaluation.declarations.length === 0) {
    throw scriptletFault(name2, 0, "it declares nothing and has no do_run", "write a function do_run");
  }
  checkFiles(conf, name2, declared);
  const dataDir = join9(conf.project, "scriptlets", name2);
  return {
    name: name2,
    file,
    text,
    dataDir: statSync2(dataDir, { throwIfNoEntry: false })?.isDirectory() ? dataDir : void 0,
    ...declared,
    functions: lines(functions),
    variables: lines(evaluation.variables),
    hasRun: names.has("do_run"),
    hasCheck: names.has("do_check")
  };
}
function checkFiles(conf, name2, declared) {
  const top = realpathSync2(conf.project) + sep;
  for (const path of declared.files) {
    const file = join9(conf.project, path);
    const line2 = declared.lines[`use_file ${path}`] ?? 0;
    if (!existsSync3(file))
      throw scriptletFault(name2, line2, `use_file "${path}": there is no such file`, `looked for ${file}`);
    if (realpathSync2(file).startsWith(top)) continue;
    throw scriptletFault(
      name2,
      line2,
      `use_file "${path}" lies outside the project`,
      `it leads to ${realpathSync2(file)}`
    );
  }
}
function lines(texts) {
  return texts.map((text) => `${text}
`).join("");
}

// src/inputs.ts
async function readInputs(project, name2, store) {
  const conf = loadConf(project, name2);
  const scriptlets2 = await readScriptlets(conf, { cache: store.results });
  const target = { suite: conf.suite, arch: conf.arch };
  const lock = await readLock(lockOf(conf.project, conf.name), target);
  const [parentName] = conf.parents;
  const parent = parentName === void 0 ? void 0 : await readLock(lockOf(conf.project, parentName));
  return { conf, scriptlets: scriptlets2, lockFile: lockOf(conf.project, conf.name), lock, parent };
}
function inputPaths({ conf, scriptlets: scriptlets2, lockFile }) {
  if (scriptlets2.some(({ vars }) => Object.hasOwn(vars, "SNAP_COMMIT"))) return void 0;
  const confs = [conf.name, ...conf.parents].map((name2) => join10(conf.project, "conf", `${name2}.toml`));
  const locks = [lockFile, ...conf.parents.slice(0, 1).map((name2) => lockOf(conf.project, name2))];
  const own = scriptlets2.flatMap(({ name: name2, file, files }) => [
    file,
    ...[join10(conf.project, "scriptlets", name2), ...files.map((path) => join10(conf.project, path))].flatMap(
      below
    )
  ]);
  return [...SNAP_ITSELF, ...confs, ...locks, ...own];
}
var SNAP_ITSELF = [ownFile("dist/.made"), PRELUDE, EVALUATOR, BASH];
function lockOf(project, conf) {
  return join10(project, "conf", `${conf}.lock`);
}
function below(path) {
  if (!lstatSync2(path, { throwIfNoEntry: false })?.isDirectory()) return [path];
  return [path, ...readdirSync(path).flatMap((name2) => below(join10(path, name2)))];
}
async function coverLock(inputs2, store, options, report) {
  const { conf, lock, parent } = inputs2;
  const wants = new Map(inputs2.scriptlets.map(({ name: name2, packages }) => [name2, packages]));
  const open4 = lock ? uncovered(lock, wants) : [];
  if (lock && open4.length === 0 && options.update === void 0) return lock;
  if (options.locked) {
    const which = lock ? `does not cover ${open4.map(({ name: name2 }) => `"${name2}"`).join(", ")}` : "is not there";
    throw new SnapError("LOCK", `Cannot build "${conf.name}": its lock "${inputs2.lockFile}" ${which}`, {
      hint: `make it cover them, and commit it: snap lock ${conf.name}`
    });
  }
  report({ kind: "stage", name: "Resolving packages" });
  const mirrors = await mirrorsOf(conf);
  return resolve({
    suite: conf.suite,
    arch: conf.arch,
    mirrors,
    wants,
    lock,
    parent,
    update: options.update,
    aptDir: join10(store.layout.apt, digestOf(JSON.stringify([mirrors, conf.suite, conf.arch])).slice(0, 16)),
    debsDir: store.layout.debs,
    offline: options.offline,
    ...options.indexAge === void 0 ? {} : { indexAge: options.indexAge },
    now: () => projectEpoch(conf) ?? Math.floor(Date.now() / 1e3)
  });
}
function projectEpoch(conf) {
  const epochs = listConfs(conf.project).flatMap((name2) => {
    const file = lockOf(conf.project, name2);
    const epoch = existsSync4(file) ? /^epoch (\d+)$/m.exec(readFileSync4(file, "utf8"))?.[1] : void 0;
    return epoch === void 0 ? [] : [Number(epoch)];
  });
  return epochs.length > 0 ? Math.min(...epochs) : void 0;
}
async function mirrorsOf(conf) {
  return conf.mirrors.length > 0 ? conf.mirrors : hostMirrors({ suite: conf.suite, arch: conf.arch });
}
async function fetchInputs({ conf, scriptlets: scriptlets2 }, lock, store, options, report) {
  const shared = {
    ...options,
    report: (progress) => report({ kind: "download", ...progress, totalBytes: progress.totalBytes ?? progress.bytes })
  };
  const pins = [...lock.pins.keys()].map((id) => pinOf(lock, id));
  await download(pins, { ...shared, debsDir: store.layout.debs, mirrors: await mirrorsOf(conf) });
  for (const { url, sha256 } of scriptlets2.flatMap(({ sources }) => sources)) {
    await fetchSource(url, sha256, { ...shared, sourcesDir: store.layout.sources });
  }
}
function sequenceOf({ scriptlets: scriptlets2, parent }, lock) {
  const orders = [...lock.orders, ...parent?.orders ?? []];
  return { scriptlets: sequence(scriptlets2, orders), sees: closures(scriptlets2, orders) };
}
async function checkInputs({ conf, scriptlets: scriptlets2 }, store, signal) {
  await check(conf, scriptlets2, {
    cache: store.results,
    checkKey: (scriptlet) => `check ${keyOf(declaredInputs(scriptlet, conf.project))}`,
    prelude: PRELUDE,
    signal
  });
}

export {
  uncovered,
  movedPins,
  withOrders,
  withIds,
  formatLock,
  writeLock,
  controlsOf,
  debPath,
  closures,
  readInputs,
  inputPaths,
  coverLock,
  fetchInputs,
  sequenceOf,
  checkInputs
};
