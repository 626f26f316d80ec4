import { createRequire as requireFrom } from "node:module"; const require = requireFrom(import.meta.url);
import {
  reasonOf,
  wordsOf
} from "./chunk-4ROARDOM.js";
import {
  NO_SERVICES,
  adopt,
  fits,
  logFile,
  readOnlyProc,
  recallView,
  runLayer
} from "./chunk-PSNPRZSN.js";
import {
  controlsOf,
  debPath
} from "./chunk-ISSTBTSC.js";
import {
  PRELUDE,
  baseInputs,
  checkStaged,
  fieldOf,
  isFolder,
  keyOf,
  makeTop,
  mergeView,
  pendingTriggers,
  pinOf,
  scriptletInputs,
  sourceFile,
  stageFiles,
  stageInput,
  withPending,
  withRecords
} from "./chunk-JBN4M4ZG.js";
import {
  at,
  canonicalJson,
  derivedBy,
  digestOf,
  identity,
  startDigest
} from "./chunk-CMH6CGA3.js";
import {
  holdLock,
  makeNode
} from "./chunk-TH3CEDQX.js";
import {
  run
} from "./chunk-2JN5UEQO.js";
import {
  SnapError,
  __callDispose,
  __using
} from "./chunk-LVCJS3W4.js";

// src/layers/slots.ts
function makeSlots(count) {
  let free = Math.max(1, count);
  const queue = [];
  const take = async () => {
    if (free > 0) free--;
    else await new Promise((resolve) => queue.push(resolve));
  };
  const give = () => {
    const next = queue.shift();
    if (next) next();
    else free++;
  };
  return {
    async run(work) {
      await take();
      try {
        return await work();
      } finally {
        give();
      }
    },
    async aside(wait) {
      give();
      try {
        return await wait();
      } finally {
        await take();
      }
    }
  };
}

// src/layers/relay.ts
function shareRuns(jobs) {
  return { slots: makeSlots(jobs), runs: /* @__PURE__ */ new Map(), ledger: void 0 };
}
function joinRuns(shared, wants = () => /* @__PURE__ */ new Map(), halt = new AbortController().signal) {
  const { promise, reject } = Promise.withResolvers();
  promise.catch(() => {
  });
  halt.addEventListener("abort", () => reject(halt.reason), { once: true });
  return { shared, wants, halt, halted: promise };
}
function haltedError() {
  return new SnapError("INTERRUPTED", "Stopped, since what it builds has changed");
}
var BASE = "base";
var SETTLE = "settle/";
function wantsOf(own, sees) {
  const digests = new Map([...own].map(([name, value]) => [name, digestOf(canonicalJson(value))]));
  const below = (name) => name === BASE ? [] : [BASE, ...sees.get(name) ?? []];
  const want = (names) => digestOf(canonicalJson(names.map((name) => [name, digests.get(name) ?? ""])));
  return new Map([
    ...[...own.keys()].map((name) => [name, want([...below(name).toSorted(), name])]),
    [SETTLE, want([...own.keys()].toSorted())]
  ]);
}
function wantFor(wants, name) {
  return wants.get(name.startsWith(SETTLE) ? SETTLE : name);
}
function obsolete(runs, wants) {
  return [...runs].filter(([name, { want }]) => want !== wantFor(wants, name)).map(([name]) => name);
}
async function stopRuns({ runs }, names) {
  const stopped = [...names].flatMap((name) => runs.get(name) ?? []);
  for (const { stop } of stopped) stop.abort(haltedError());
  await Promise.allSettled(stopped.map(({ done }) => done));
}

// src/bench.ts
import { copyFileSync, existsSync, readdirSync, renameSync } from "node:fs";
import { join } from "node:path";
async function holdForBuild(store, { conf, signal }, report) {
  const held = [];
  const release = () => {
    for (const one of held) one.release();
  };
  try {
    const wait = (what) => () => report({ kind: "note", text: `waiting for ${what}` });
    held.push(await holdLock(store.layout.lock, "shared", wait('"snap gc" to end'), signal));
    const busy = join(store.layout.images, `.${conf}.busy`);
    held.push(await holdLock(busy, "exclusive", wait(`another build of "${conf}" to end`), signal));
  } catch (error) {
    release();
    throw error;
  }
  return { release, [Symbol.dispose]: release };
}
async function makeBench(inputs, lock, store, request, report, relay = joinRuns(shareRuns(request.jobs))) {
  return {
    store,
    conf: inputs.conf,
    lock,
    ledger: shareLedger(relay.shared, ledgerOf(lock, inputs.parent)),
    eatmydata: await eatmydataOf(lock, store),
    timeout: request.timeout,
    keepFailed: request.keepFailed,
    signal: request.signal,
    report,
    relay,
    rerun: new Set(request.rerun)
  };
}
function ledgerOf(lock, parent) {
  const join6 = (own, inherited = /* @__PURE__ */ new Map()) => {
    const taken = new Set(own.values());
    const added = [...inherited].filter(([name, id]) => !own.has(name) && !taken.has(id));
    return new Map([...own, ...added]);
  };
  return { uids: join6(lock.uids, parent?.uids), gids: join6(lock.gids, parent?.gids) };
}
function shareLedger(shared, own) {
  const ids = { uids: Object.fromEntries(own.uids), gids: Object.fromEntries(own.gids) };
  if (shared.ledger === void 0 || !fits(shared.ledger, ids)) shared.ledger = own;
  else adopt(shared.ledger, ids);
  return shared.ledger;
}
async function eatmydataOf(lock, store) {
  const pin = pinOf(lock, lock.tools[0]);
  const folder = join(store.layout.tools, pin.sha256);
  if (!existsSync(folder)) {
    const unpacked = store.makeWorkDir();
    await run(["dpkg-deb", "--extract", debPath(store.layout.debs, pin), unpacked]);
    const library = readdirSync(unpacked, { recursive: true, encoding: "utf8" }).find(
      (file) => /\/libeatmydata\.so$/.test(file)
    );
    if (!library) throw new SnapError("LOCK", `The deb of "${pin.name}" holds no libeatmydata.so`);
    const made = store.makeWorkDir();
    copyFileSync(join(unpacked, library), join(made, "libeatmydata.so"));
    if (!existsSync(folder)) renameSync(made, folder);
    store.dropWorkDir(unpacked);
  }
  return join(folder, "libeatmydata.so");
}

// src/layers/steps.ts
import { linkSync, mkdirSync, writeFileSync } from "node:fs";
import { join as join2 } from "node:path";
var RUN = "/run/snap";
function imageEnvironment(epoch) {
  return {
    PATH: "/usr/sbin:/usr/bin:/sbin:/bin",
    HOME: "/root",
    LC_ALL: "C.UTF-8",
    TZ: "UTC",
    DEBIAN_FRONTEND: "noninteractive",
    DEBCONF_NONINTERACTIVE_SEEN: "true",
    SOURCE_DATE_EPOCH: String(epoch),
    LD_PRELOAD: `${RUN}/libeatmydata.so`
  };
}
function commonBinds(eatmydata) {
  return [{ from: eatmydata, to: `${RUN}/libeatmydata.so` }];
}
var DPKG = "dpkg --force-confdef --force-confold";
var DEFERRED = `${DPKG} --no-triggers`;
var CONFIGURE = `configure() {
  set -- $(dpkg-query -W -f '\${db:Status-Abbrev}\${binary:Package}\\n' | sed -n 's/^i[UFHR] //p')
  [ $# = 0 ] || ${DEFERRED} --configure "$@"
}`;
function packageStep(lock, debs, preDepends, options) {
  const shown = join2(options.folder, "debs");
  mkdirSync(shown, { mode: 493 });
  const commands = batches(debs, preDepends).map((batch) => {
    const files = batch.map((id) => {
      const { name, version, arch } = pinOf(lock, id);
      const file = `${name}_${encodeURIComponent(version)}_${arch}.deb`;
      linkSync(debPath(options.debsDir, pinOf(lock, id)), join2(shown, file));
      return `'${RUN}/debs/${file}'`;
    });
    return `${DEFERRED} --unpack ${files.join(" ")}`;
  });
  const [last, ...before] = commands.reverse();
  const script = [
    "umask 022; set -e",
    CONFIGURE,
    ...before.reverse().flatMap((command) => [command, "configure || true"]),
    last,
    "configure"
  ];
  return {
    command: ["/bin/sh", "-c", script.join("\n")],
    env: imageEnvironment(lock.epoch),
    binds: [...commonBinds(options.eatmydata), { from: shown, to: `${RUN}/debs` }],
    network: false
  };
}
function triggerStep(lock, eatmydata) {
  return {
    command: ["/bin/sh", "-c", `umask 022; ${DPKG} --configure -a`],
    env: imageEnvironment(lock.epoch),
    binds: commonBinds(eatmydata),
    network: false
  };
}
function shellStep(command) {
  return {
    command: command.length > 0 ? command : ["/bin/bash", "-i"],
    env: {
      PATH: "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
      HOME: "/root",
      LC_ALL: "C.UTF-8",
      TERM: process.env.TERM ?? "dumb"
    },
    binds: [],
    network: false
  };
}
function batches(debs, preDepends) {
  const all = [[]];
  for (const id of debs) {
    const batch = all.at(-1);
    const names = new Set(batch.map((one) => one.split(":")[0]));
    if (preDepends.get(id)?.some((name) => names.has(name))) all.push([id]);
    else batch.push(id);
  }
  return all;
}
function scriptletStep(scriptlet, options) {
  const { lock, folder } = options;
  const inputs = join2(folder, "inputs");
  mkdirSync(inputs, { mode: 493 });
  if (scriptlet.dataDir === void 0) mkdirSync(join2(inputs, "data"), { mode: 493 });
  else stageInput(scriptlet.dataDir, join2(inputs, "data"), lock.epoch);
  stageFiles(options.project, scriptlet.files, join2(inputs, "home"), lock.epoch);
  mkdirSync(join2(inputs, "sources"), { mode: 493 });
  for (const source of scriptlet.sources) {
    linkSync(join2(options.sourcesDir, source.sha256), join2(inputs, "sources", sourceFile(source)));
  }
  writeFileSync(join2(inputs, "scriptlet.sh"), scriptlet.text);
  writeFileSync(join2(inputs, "variables.sh"), scriptlet.variables);
  const bind = (name) => ({ from: join2(inputs, name), to: `${RUN}/${name}` });
  return {
    command: ["/bin/bash", `${RUN}/prelude.sh`],
    env: {
      ...imageEnvironment(lock.epoch),
      ARCH: lock.arch,
      SUITE: lock.suite,
      IMAGE_DIR: "/",
      DATA_DIR: `${RUN}/data`,
      RUN_HOME: `${RUN}/home`,
      SOURCES_DIR: `${RUN}/sources`
    },
    binds: [
      ...commonBinds(options.eatmydata),
      { from: PRELUDE, to: `${RUN}/prelude.sh` },
      ...["scriptlet.sh", "variables.sh", "data", "home", "sources"].map(bind),
      ...scriptlet.network ? [{ from: "/etc/resolv.conf", to: "/etc/resolv.conf" }] : []
    ],
    network: scriptlet.network
  };
}

// src/layers/round.ts
import { join as join5 } from "node:path";

// src/layers/base.ts
import { chmodSync, existsSync as existsSync2, linkSync as linkSync2, lstatSync, mkdirSync as mkdirSync2, symlinkSync, writeFileSync as writeFileSync2 } from "node:fs";
import { basename, join as join3 } from "node:path";
var ROOT = "/run/snap/root";
var MERGED_USR = "/usr/share/mmdebstrap/hooks/merged-usr";
var REPOSITORY = "/run/snap/repository";
async function runBase(workshop, inputs) {
  const { lock, store } = workshop;
  const pins = lock.base.map((id) => pinOf(lock, id));
  const index = await repositoryIndex(pins, store.layout.debs);
  return runLayer(workshop, {
    name: "base",
    kind: "base",
    inputs,
    view: mergeView(store, []),
    earlierDone: async () => {
    },
    prepare: (folder) => [mmdebstrapStep(folder, workshop, pins, index)],
    finish: makeDevices,
    what: `mmdebstrap, ${pins.length} packages`
  });
}
function mmdebstrapStep(folder, { lock, store }, pins, index) {
  const repository = join3(folder, "repository");
  mkdirSync2(repository, { mode: 493 });
  chmodSync(repository, 493);
  for (const pin of pins) {
    const file = debPath(store.layout.debs, pin);
    linkSync2(file, join3(repository, basename(file)));
  }
  writeFileSync2(join3(repository, "Packages"), index);
  const hook = `rm -f "$1/etc/resolv.conf" "$1/etc/hostname" "$1/etc/apt/sources.list" "$1/etc/apt/apt.conf.d/99mmdebstrap"`;
  return {
    command: [
      ...[
        "mmdebstrap",
        "--mode=root",
        "--format=directory",
        "--variant=custom",
        `--architectures=${lock.arch}`
      ],
      `--include=${pins.map(({ name }) => name).join(",")}`,
      ...[
        "--skip=check/empty,chroot/mount",
        '--aptopt=APT::Sandbox::User "root"',
        `--customize-hook=${hook}`
      ],
      ...pins.some(({ name }) => name === "usr-is-merged") ? [`--hook-directory=${MERGED_USR}`] : [],
      ...[lock.suite, ROOT, `deb [trusted=yes] copy:${REPOSITORY} ./`]
    ],
    env: {
      PATH: "/usr/sbin:/usr/bin:/sbin:/bin",
      LC_ALL: "C.UTF-8",
      TZ: "UTC",
      HOME: "/root",
      SOURCE_DATE_EPOCH: String(lock.epoch)
    },
    binds: [{ from: repository, to: REPOSITORY }],
    network: false,
    mounts: [
      ...["--ro-bind", "/", "/", "--dev", "/dev", "--tmpfs", "/run", "--perms", "1777", "--tmpfs", "/tmp"],
      ...[...readOnlyProc("/proc"), "--bind", "root", ROOT, "--proc", `${ROOT}/proc`],
      // tar sets owner and time of proc/ itself there.
      ...["sys", "sysrq-trigger", "irq", "bus", "fs", "acpi", "scsi"].flatMap((name) => [
        "--ro-bind-try",
        `/proc/${name}`,
        `${ROOT}/proc/${name}`
      ]),
      ...["--tmpfs", `${ROOT}/dev`],
      ...["null", "zero", "full", "random", "urandom"].flatMap((name) => [
        "--dev-bind",
        `/dev/${name}`,
        `${ROOT}/dev/${name}`
      ])
    ]
  };
}
async function repositoryIndex(pins, debsDir) {
  const files = pins.map((pin) => debPath(debsDir, pin));
  const controls = await controlsOf(files);
  return pins.map(({ size, sha256 }, index) => {
    const file = `./${basename(files[index])}`;
    return `${controls[index]}Filename: ${file}
Size: ${size}
SHA256: ${sha256}
`;
  }).join("\n");
}
var DEVICES = [
  ["console", 5, 1, 384],
  ["full", 1, 7, 438],
  ["null", 1, 3, 438],
  ["ptmx", 5, 2, 438],
  ["random", 1, 8, 438],
  ["tty", 5, 0, 438],
  ["urandom", 1, 9, 438],
  ["zero", 1, 5, 438]
];
var DEVICE_LINKS = [
  ["fd", "/proc/self/fd"],
  ["stdin", "/proc/self/fd/0"],
  ["stdout", "/proc/self/fd/1"],
  ["stderr", "/proc/self/fd/2"]
];
function makeDevices(upper) {
  const folder = join3(upper, "dev");
  if (lstatSync(folder, { throwIfNoEntry: false })?.isSymbolicLink()) return;
  for (const path of [folder, join3(folder, "pts"), join3(folder, "shm")])
    if (!existsSync2(path)) mkdirSync2(path);
  if (isFolder(join3(folder, "shm"))) chmodSync(join3(folder, "shm"), 1023);
  for (const [name, major, minor, mode] of DEVICES) {
    const file = join3(folder, name);
    if (existsSync2(file)) continue;
    makeNode(Buffer.from(file), "char", mode, major, minor);
    chmodSync(file, mode);
  }
  for (const [name, target] of DEVICE_LINKS) {
    if (!lstatSync(join3(folder, name), { throwIfNoEntry: false })) symlinkSync(target, join3(folder, name));
  }
}

// src/debian/triggers.ts
var FOLDER = "var/lib/dpkg/triggers/";
function interestsOf(files) {
  const interests = [];
  for (const [path, { records }] of files) {
    if (!path.startsWith(FOLDER)) continue;
    const name = path.slice(FOLDER.length);
    for (const line of records.keys()) {
      const words = line.split(" ");
      const [trigger, owner] = name === "File" ? [words.slice(0, -1).join(" "), words.at(-1)] : [name, line];
      if (owner && trigger) interests.push({ trigger, package: owner.replace(/\/noawait$/, "") });
    }
  }
  return interests;
}
function activationsOf(control) {
  return control.split("\n").map((line) => line.replace(/#.*/, "").trim().split(/\s+/)).filter(([directive]) => directive?.startsWith("activate")).flatMap(([, trigger]) => trigger ? [trigger] : []);
}
function statusKey(status, name) {
  if (status.has(name)) return name;
  const plain = name.split(":")[0];
  for (const key of status.keys()) if (!key.includes("\0") && key.split(":")[0] === plain) return key;
  return void 0;
}

// src/layers/contribution.ts
import { readFileSync } from "node:fs";
function questionId({ interest, prefix }) {
  return prefix === void 0 ? `${plainName(interest.package)} from` : `${interest.package} ${prefix}`;
}
function plainName(name) {
  return name.split(":")[0] ?? name;
}
function contributionsOf(store, rows, questions) {
  const asked = digestOf(
    JSON.stringify(questions.map((question) => [questionId(question), rulesOf(question)]))
  );
  return rows.map((row) => {
    const key = `contribution ${row.digest}`;
    const text = store.results.get(key);
    const known = text === void 0 ? void 0 : JSON.parse(text);
    if (known?.asked === asked) return known;
    const fresh = { asked, ...contribution(store, row, questions) };
    store.results.set(key, JSON.stringify(fresh));
    return fresh;
  });
}
function rulesOf({ interest }) {
  return derivedBy(plainName(interest.package)).map(({ paths, from }) => `${paths} ${from}`);
}
function contribution(store, row, questions) {
  const manifest = store.manifestOf(row.n);
  const asked = new Map(questions.map((question) => [questionId(question), openQuestion(question)]));
  for (const entry of manifest.values()) for (const question of asked.values()) question.look(entry);
  const answers = [];
  for (const [id, question] of asked) {
    const answer = question.answer();
    if (answer[0] || answer[1] !== "") answers.push([id, answer]);
  }
  return { answers: Object.fromEntries(answers), activations: activations(store, row, manifest) };
}
function openQuestion({ interest, prefix }) {
  const rules = derivedBy(plainName(interest.package));
  const lines = [];
  let brought = false;
  return {
    look(entry) {
      const { path } = entry;
      const made = rules.some(({ paths }) => paths.test(path));
      const seen = prefix === void 0 ? rules.some(({ from }) => from?.test(path)) : isUnder(path, prefix);
      const touched = seen || made && prefix === void 0;
      brought ||= touched && entry.type !== "whiteout";
      if (seen && !made && entry.type !== "dir") lines.push(`${path}
${identity(entry)}
`);
    },
    answer: () => [brought, lines.length > 0 ? digestLines(lines) : ""]
  };
}
function isUnder(path, prefix) {
  return path.startsWith(prefix) && (path.length === prefix.length || path[prefix.length] === "/");
}
function digestLines(lines) {
  const digest = startDigest();
  for (const line of lines) digest.update(Buffer.from(line, "latin1"));
  return digest.end();
}
var INFO = "var/lib/dpkg/info/";
function activations(store, row, manifest) {
  const found = [];
  for (const { path, type } of manifest.values()) {
    if (type !== "file" || !path.startsWith(INFO) || !path.endsWith(".triggers")) continue;
    const name = path.slice(INFO.length, -".triggers".length);
    for (const trigger of activationsOf(readFileSync(at(store.treeOf(row.n), path), "latin1"))) {
      found.push([name, trigger]);
    }
  }
  return found;
}

// src/layers/settle.ts
var STATUS = "var/lib/dpkg/status";
var INFO2 = "var/lib/dpkg/info/";
function settlements(store, view, lock) {
  const status = view.records.get(STATUS)?.records ?? /* @__PURE__ */ new Map();
  const questions = interestsOf(view.records).map((interest) => {
    const { trigger } = interest;
    return { interest, prefix: trigger.startsWith("/") ? throughAlias(view, trigger) : void 0 };
  });
  const rows = view.layers.map(({ row }) => row);
  const contributions = contributionsOf(store, rows, questions);
  const brought = contributions.slice(1);
  const activated = activatedNames(brought, status);
  const due = /* @__PURE__ */ new Map();
  for (const question of questions) {
    const { interest, prefix } = question;
    const isDue = prefix === void 0 && activated.has(interest.trigger) || (prefix !== void 0 || isMadeBy(interest)) && brought.some(({ answers }) => answers[questionId(question)]?.[0]);
    if (isDue) due.set(interest.package, [...due.get(interest.package) ?? [], question]);
  }
  return [...due].sort(([a], [b]) => a < b ? -1 : 1).map(([name, asked]) => {
    const triggers = [...new Set(asked.map(({ interest }) => interest.trigger))].sort();
    const script = view.get(`${INFO2}${name}.postinst`);
    return {
      package: name,
      triggers,
      inputs: {
        format: 2,
        kind: "settle",
        arch: lock.arch,
        epoch: lock.epoch,
        package: name,
        version: fieldOf(status.get(statusKey(status, name) ?? "") ?? "", "Version"),
        script: script ? digestOf(identity(script)) : "",
        triggers,
        activated: triggers.flatMap(
          (trigger) => [...new Set(activated.get(trigger))].filter(Boolean).sort()
        ),
        sees: seenOf(view.layers, contributions, name, asked)
      }
    };
  });
}
function throughAlias(view, trigger) {
  const [first = "", ...rest] = trigger.slice(1).split("/");
  const entry = view.get(first);
  const start = entry?.type === "symlink" ? entry.target.replace(/^\/+/, "") : first;
  return [start, ...rest].join("/");
}
function isMadeBy({ package: name, trigger }) {
  return derivedBy(plainName(name)).some(({ triggers }) => triggers.includes(trigger));
}
function activatedNames(brought, status) {
  const activated = /* @__PURE__ */ new Map();
  const add = (trigger, by) => {
    activated.set(trigger, [...activated.get(trigger) ?? [], by]);
  };
  for (const [, triggers] of pendingTriggers(status)) {
    for (const trigger of triggers) if (!trigger.startsWith("/")) add(trigger, "");
  }
  for (const [name, trigger] of brought.flatMap(({ activations: activations2 }) => activations2)) {
    const stanza = status.get(statusKey(status, name) ?? "") ?? "";
    add(trigger, `${name} ${fieldOf(stanza, "Version")}`);
  }
  return activated;
}
function seenOf(layers, contributions, name, asked) {
  const ids = [.../* @__PURE__ */ new Set([...asked.map(questionId), `${plainName(name)} from`])].sort();
  const parts = /* @__PURE__ */ new Map();
  for (const [index, layer] of layers.entries()) {
    const digests = ids.map((id) => contributions[index]?.answers[id]?.[1] ?? "");
    if (digests.some((digest) => digest !== "")) parts.set(layer.name, digests.join(" "));
  }
  const seen = layers.flatMap(({ name: layer, sees }) => {
    const own = parts.get(layer);
    if (own === void 0) return [];
    return [[own, ...[...sees].flatMap((other) => parts.get(other) ?? []).sort()]];
  });
  return digestOf(canonicalJson(seen.map((part) => JSON.stringify(part)).sort()));
}
function withTriggers(view, settlement) {
  const file = view.records.get(STATUS);
  if (!file) return view;
  const key = settlement && statusKey(file.records, settlement.package);
  const pending = new Map(settlement && key ? [[key, settlement.triggers]] : []);
  const records = new Map(view.records).set(STATUS, { ...file, records: withPending(file.records, pending) });
  return withRecords(view, records);
}
function unsettled(view) {
  return [...pendingTriggers(view.records.get(STATUS)?.records ?? /* @__PURE__ */ new Map()).keys()];
}
function settleStep(settlement, epoch, eatmydata) {
  return {
    command: ["/bin/sh", "-c", 'umask 022; dpkg --triggers-only "$1"', "dpkg", settlement.package],
    env: imageEnvironment(epoch),
    binds: commonBinds(eatmydata),
    network: false
  };
}

// src/layers/tops.ts
import { join as join4 } from "node:path";
function makeTops({ store, lock }) {
  const numbers = /* @__PURE__ */ new Map();
  const tops = /* @__PURE__ */ new Map();
  let idle;
  let ended = false;
  const keyOf2 = (view) => {
    for (const layer of view.layers) if (!numbers.has(layer)) numbers.set(layer, numbers.size);
    return view.layers.map((layer) => numbers.get(layer)).join();
  };
  const dropIdle = () => {
    if (!idle) return;
    tops.delete(idle.key);
    store.dropWorkDir(idle.folder);
    idle = void 0;
  };
  const make = (view, key) => {
    const folder = store.makeWorkDir();
    try {
      makeTop(store, view, join4(folder, "top"), lock.epoch, NO_SERVICES);
    } catch (error) {
      store.dropWorkDir(folder);
      throw error;
    }
    const made = { folder, key, users: 0 };
    tops.set(key, made);
    return made;
  };
  return {
    of(view) {
      const key = keyOf2(view);
      const top = tops.get(key) ?? make(view, key);
      if (top === idle) idle = void 0;
      top.users++;
      return {
        path: join4(top.folder, "top"),
        release() {
          if (--top.users > 0) return;
          dropIdle();
          idle = top;
          if (ended) dropIdle();
        }
      };
    },
    [Symbol.dispose]() {
      ended = true;
      dropIdle();
    }
  };
}

// src/layers/round.ts
function addedDebs(lock, name, sees) {
  const present = new Set(lock.base);
  for (const seen of sees) for (const id of lock.closures.get(seen)?.debs ?? []) present.add(id);
  return (lock.closures.get(name)?.debs ?? []).filter((id) => !present.has(id));
}
function layersSeen(base, layers, sequence, sees) {
  const seen = sequence.scriptlets.flatMap(({ name }) => sees.has(name) ? [layers.get(name)] : []);
  return [base, ...seen];
}
function findLayer(bench, inputs) {
  return bench.store.withKey(keyOf(inputs)).findLast((row) => fits(bench.ledger, JSON.parse(row.ids)));
}
async function runRound(bench, sequence) {
  var _stack = [];
  try {
    const results = [];
    const conflicts = [];
    const outcomes = /* @__PURE__ */ new Map();
    const tops = __using(_stack, makeTops(bench));
    bench.report({ kind: "planned", layers: sequence.scriptlets.length + 1 });
    const base = obtain(
      bench,
      results,
      "base",
      baseInputs(bench.lock),
      [],
      (own, inputs) => runBase(own, inputs)
    ).then(
      (row) => ({ kind: "done", layer: { name: "base", row, sees: /* @__PURE__ */ new Set() } }),
      (error) => ({ kind: "failed", error })
    );
    outcomes.set("base", base);
    const make = async (scriptlet, position2) => {
      const sees = sequence.sees.get(scriptlet.name) ?? /* @__PURE__ */ new Set();
      const seen = /* @__PURE__ */ new Map();
      for (const name of ["base", ...sees]) {
        const outcome = await outcomes.get(name);
        if (outcome?.kind !== "done") return { kind: "blocked" };
        seen.set(name, outcome.layer);
      }
      const layers2 = layersSeen(seen.get("base"), seen, sequence, sees);
      const debs = addedDebs(bench.lock, scriptlet.name, sees);
      const inputs = scriptletInputs(scriptlet, bench.conf.project, bench.lock, debs, layers2);
      const earlier = ["base", ...sequence.scriptlets.slice(0, position2).map(({ name }) => name)];
      const earlierDone = () => bench.relay.shared.slots.aside(
        async () => void await Promise.all(earlier.map((name) => outcomes.get(name)))
      );
      const row = await obtain(bench, results, scriptlet.name, inputs, layers2, async (own) => {
        const view = recallView(bench.store, `${bench.conf.name} ${scriptlet.name}`, layers2);
        if (view.conflicts.length > 0) {
          conflicts.push(...view.conflicts);
          return void 0;
        }
        const preDepends = await preDependsOf(bench, debs);
        const job = scriptletJob(bench, scriptlet, inputs, view, debs, preDepends, earlierDone);
        return runLayer(own, { ...job, top: () => tops.of(view) });
      });
      return row ? { kind: "done", layer: { name: scriptlet.name, row, sees } } : { kind: "blocked" };
    };
    sequence.scriptlets.forEach((scriptlet, position2) => {
      outcomes.set(
        scriptlet.name,
        make(scriptlet, position2).catch((error) => ({ kind: "failed", error }))
      );
    });
    const ended = await Promise.all(outcomes.values());
    const layers = ended.flatMap((outcome) => outcome.kind === "done" ? [outcome.layer] : []);
    const position = new Map([...outcomes.keys()].map((name, index) => [name, index]));
    return {
      layers,
      results: results.sort((a, b) => position.get(a.name) - position.get(b.name)),
      conflicts,
      errors: ended.flatMap((outcome) => outcome.kind === "failed" ? [outcome.error] : [])
    };
  } catch (_) {
    var _error = _, _hasError = true;
  } finally {
    __callDispose(_stack, _error, _hasError);
  }
}
function scriptletJob(bench, scriptlet, inputs, view, debs, preDepends, earlierDone) {
  const { lock, store, eatmydata, conf } = bench;
  const prepare = (folder) => {
    const steps = [];
    if (debs.length > 0) {
      steps.push(packageStep(lock, debs, preDepends, { debsDir: store.layout.debs, folder, eatmydata }));
    }
    if (scriptlet.hasRun) {
      const { sources: sourcesDir } = store.layout;
      steps.push(scriptletStep(scriptlet, { project: conf.project, lock, sourcesDir, folder, eatmydata }));
      checkStaged(inputs, scriptlet, join5(folder, "inputs"));
    }
    return steps;
  };
  return {
    name: scriptlet.name,
    kind: "scriptlet",
    inputs,
    view,
    scriptlet,
    prepare,
    earlierDone,
    what: whatRuns(scriptlet, debs)
  };
}
async function preDependsOf({ store, lock }, debs) {
  const keyOfDeb = (id) => `pre-depends ${pinOf(lock, id).sha256}`;
  const unknown = debs.filter((id) => store.results.get(keyOfDeb(id)) === void 0);
  const controls = await controlsOf(unknown.map((id) => debPath(store.layout.debs, pinOf(lock, id))));
  unknown.forEach((id, index) => {
    store.results.set(keyOfDeb(id), preDependsIn(controls[index]).join(" "));
  });
  return new Map(debs.map((id) => [id, (store.results.get(keyOfDeb(id)) ?? "").split(" ").filter(Boolean)]));
}
function preDependsIn(control) {
  return fieldOf(control, "Pre-Depends").split(/[,|]/).map((relation) => relation.trim().split(/[\s(:]/)[0] ?? "");
}
function whatRuns(scriptlet, debs) {
  const packages = debs.length === 1 ? "1 package" : `${debs.length} packages`;
  return [debs.length > 0 ? packages : "", scriptlet.hasRun ? "do_run" : ""].filter(Boolean).join(", ");
}
function hitReason(inputs) {
  return inputs.network === true ? wordsOf({ kind: "impure" }) : "";
}
async function obtain(bench, results, name, inputs, view, work) {
  const key = keyOf(inputs);
  const there = bench.rerun.has(name) ? void 0 : findLayer(bench, inputs);
  if (there) {
    adopt(bench.ledger, JSON.parse(there.ids));
    endLayer(bench, results, { name, key, state: "hit", seconds: 0, reason: hitReason(inputs) });
    return there;
  }
  bench.relay.halt.throwIfAborted();
  const joined = await joinRun(bench, results, name, key);
  if (joined) return joined;
  const why = bench.rerun.has(name) ? { kind: "asked" } : reasonOf(bench.store, bench.conf.name, name, inputs, view);
  const reason = wordsOf(why);
  const begun = beginRun(bench, name, key, reason, (own) => work(own, inputs));
  const run2 = await Promise.race([begun, bench.relay.halted]);
  return await endOfRun(bench, results, name, run2);
}
function beginRun(bench, name, key, reason, work) {
  const { shared, wants, halt } = bench.relay;
  const { promise, resolve, reject } = Promise.withResolvers();
  const whole = shared.slots.run(async () => {
    bench.signal.throwIfAborted();
    halt.throwIfAborted();
    bench.report({ kind: "layer-start", name, reason });
    const stop = new AbortController();
    const began = performance.now();
    const own = { ...bench, signal: AbortSignal.any([bench.signal, stop.signal]) };
    const done = work(own).finally(() => shared.runs.delete(name));
    const run2 = { key, want: wantFor(wants(), name), reason, began, stop, done };
    shared.runs.set(name, run2);
    resolve(run2);
    await done;
  });
  whole.catch(reject);
  return promise;
}
async function joinRun(bench, results, name, key) {
  const { shared } = bench.relay;
  const run2 = shared.runs.get(name);
  if (run2 === void 0) return void 0;
  if (run2.key !== key || run2.stop.signal.aborted) {
    await stopRuns(shared, [name]);
    return void 0;
  }
  bench.report({ kind: "layer-start", name, reason: run2.reason, seconds: secondsSince(run2.began) });
  const row = await endOfRun(bench, results, name, run2);
  if (!row || !fits(bench.ledger, JSON.parse(row.ids))) return void 0;
  adopt(bench.ledger, JSON.parse(row.ids));
  return row;
}
async function endOfRun(bench, results, name, { key, reason, began, done }) {
  const { halt, halted } = bench.relay;
  const end = (state, error) => endLayer(bench, results, { name, key, state, seconds: secondsSince(began), reason }, error);
  try {
    const row = await Promise.race([done, halted]);
    if (row) end("run");
    return row;
  } catch (error) {
    if (!halt.aborted) end("fail", error);
    throw error;
  }
}
function endLayer({ store, report }, results, result, error) {
  results.push(result);
  const told = error instanceof SnapError ? { lines: [error.message, ...error.lines], log: logFile(store, result.name) } : {};
  report({ kind: "layer-end", ...result, ...told });
}
function secondsSince(began) {
  return (performance.now() - began) / 1e3;
}
var FIRST_SETTLED = "libc-bin";
var SETTLE_ROUNDS = 4;
async function settleLayers(bench, layers) {
  const results = [];
  const orders = /* @__PURE__ */ new Map();
  let all = [...layers];
  for (let round = 1; round <= SETTLE_ROUNDS; round++) {
    const view = recallView(bench.store, `${bench.conf.name} settle#${round}`, all);
    const waiting = round === 1 ? void 0 : new Set(unsettled(view).map((key) => key.split(":")[0]));
    const due = settlements(bench.store, view, bench.lock).filter(
      (one) => waiting === void 0 || waiting.has(one.package.split(":")[0])
    );
    if (due.length === 0) return { layers: all, view: withTriggers(view, void 0), results };
    all = await settleRound(bench, results, all, due, round, orders);
  }
  throw new SnapError("RUN", `Cannot settle: triggers activate each other without end`, {
    hint: "the packages are named in the log: snap log settle/NAME"
  });
}
async function settleRound(bench, results, layers, due, round, orders) {
  const nameOf = (settlement) => `settle/${settlement.package}${round > 1 ? `#${round}` : ""}`;
  const settle = (below2, settlement, after = []) => settleOne(bench, results, nameOf(settlement), [...below2, ...after], settlement, after);
  const first = due.find((settlement) => settlement.package === FIRST_SETTLED);
  const below = first ? [...layers, await settle(layers, first)] : layers;
  const others = due.filter((settlement) => settlement !== first);
  for (; ; ) {
    const made = /* @__PURE__ */ new Map();
    for (const settlement of others) {
      const before = [...orders.get(nameOf(settlement)) ?? []].map((earlier) => made.get(earlier));
      const layer = Promise.all(before).then((after) => settle(below, settlement, after));
      made.set(nameOf(settlement), layer);
    }
    const all = [...below, ...await Promise.all(made.values())];
    const { conflicts } = recallView(bench.store, `${bench.conf.name} settle#${round + 1}`, all);
    if (conflicts.length === 0) return all;
    for (const { later, earlier } of conflicts) {
      const known = orders.get(later) ?? /* @__PURE__ */ new Set();
      if (known.has(earlier)) throw new Error(`Settle cannot order "${later}" and "${earlier}"`);
      orders.set(later, known.add(earlier));
    }
  }
}
async function settleOne(bench, results, name, below, settlement, after) {
  const inputs = { ...settlement.inputs, after: after.map(({ row: row2 }) => row2.digest) };
  const row = await obtain(
    bench,
    results,
    name,
    inputs,
    below,
    (own) => runLayer(own, {
      name,
      kind: "settle",
      inputs,
      view: withTriggers(recallView(bench.store, `${bench.conf.name} ${name}`, below), settlement),
      prepare: () => [settleStep(settlement, bench.lock.epoch, bench.eatmydata)],
      earlierDone: async () => {
      },
      what: settlement.triggers.join(" ")
    })
  );
  return { name, row, sees: new Set(below.map((layer) => layer.name)) };
}
function hitOf({ name, key }) {
  return { name, key, state: "hit", seconds: 0, reason: "" };
}
function ordersFrom(conflicts) {
  const orders = /* @__PURE__ */ new Map();
  for (const { later, earlier, path } of conflicts) {
    const key = `${later} ${earlier}`;
    if (!orders.has(key)) orders.set(key, { later, earlier, path });
  }
  return [...orders.values()];
}

export {
  shareRuns,
  joinRuns,
  haltedError,
  wantsOf,
  obsolete,
  stopRuns,
  holdForBuild,
  makeBench,
  ledgerOf,
  eatmydataOf,
  packageStep,
  triggerStep,
  shellStep,
  scriptletStep,
  settlements,
  addedDebs,
  layersSeen,
  findLayer,
  runRound,
  preDependsOf,
  settleLayers,
  hitOf,
  ordersFrom
};
