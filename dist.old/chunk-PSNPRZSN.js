import { createRequire as requireFrom } from "node:module"; const require = requireFrom(import.meta.url);
import {
  PROCESS_LIMIT,
  makeBounds,
  processBound
} from "./chunk-XYS7EDNB.js";
import {
  FILE_ITSELF,
  encodeFileItself,
  isRecordFile,
  keyOf,
  makeTop,
  mergeView,
  missingDeclaration,
  parseRecords,
  recordBytes
} from "./chunk-JBN4M4ZG.js";
import {
  SortedManifest,
  asDigest,
  at,
  canonicalJson,
  decodeManifest,
  digestOf,
  encodeManifest,
  handsDown,
  identity,
  linkEntry,
  makeEntry,
  parentOf,
  readEntry,
  removeTree,
  setMetadata,
  setTime,
  startManifest,
  walk,
  whiteout
} from "./chunk-CMH6CGA3.js";
import {
  readXattrs,
  removeXattr
} from "./chunk-TH3CEDQX.js";
import {
  syncFolder
} from "./chunk-AVJFFU3G.js";
import {
  ownFile
} from "./chunk-UW3ZN2PS.js";
import {
  attempt,
  lastLines
} from "./chunk-2JN5UEQO.js";
import {
  SnapError,
  errno
} from "./chunk-LVCJS3W4.js";

// src/layers/ids.ts
var FIRST = 100;
var FIRST_PERSON = 1e3;
var LAST = 65533;
function idsOf(records) {
  const ids = /* @__PURE__ */ new Map();
  for (const [key, line] of records) if (!key.includes("\0")) ids.set(key, Number(line.split(":")[2]));
  return ids;
}
function newNames(before, after) {
  const known2 = idsOf(before);
  return new Map([...idsOf(after)].filter(([name, id]) => !known2.has(name) && id >= FIRST && id < LAST));
}
function knows(ledger, created) {
  return [...created.uids.keys()].every((name) => ledger.uids.has(name)) && [...created.gids.keys()].every((name) => ledger.gids.has(name));
}
function giveIds(ledger, created) {
  const given = {};
  for (const [name, wish] of created) {
    const id = ledger.get(name) ?? nextFree(new Set(ledger.values()), wish);
    ledger.set(name, id);
    given[name] = id;
  }
  return given;
}
function nextFree(taken, wish) {
  if (!taken.has(wish)) return wish;
  let id = wish < FIRST_PERSON ? FIRST : FIRST_PERSON;
  while (taken.has(id)) id++;
  return id;
}
function renumbering(created, given) {
  const moves = /* @__PURE__ */ new Map();
  for (const [name, from] of created) {
    const to = given[name];
    if (to !== void 0 && to !== from) moves.set(from, to);
  }
  return moves;
}
function fits(ledger, ids) {
  return fitsOne(ledger.uids, ids.uids) && fitsOne(ledger.gids, ids.gids);
}
function fitsOne(ledger, ids) {
  const taken = new Map([...ledger].map(([name, id]) => [id, name]));
  return Object.entries(ids).every(
    ([name, id]) => (ledger.get(name) ?? id) === id && (taken.get(id) ?? name) === name
  );
}
function adopt(ledger, ids) {
  for (const [name, id] of Object.entries(ids.uids)) ledger.uids.set(name, id);
  for (const [name, id] of Object.entries(ids.gids)) ledger.gids.set(name, id);
}

// src/host/clock.ts
var PERIOD = 500;
function watchClock() {
  const began = performance.now();
  let [least, most] = [offset(), offset()];
  const look = () => {
    least = Math.min(least, offset());
    most = Math.max(most, offset());
  };
  const timer = setInterval(look, PERIOD).unref();
  return {
    end: () => {
      clearInterval(timer);
      look();
      return { from: wholeSeconds(began + least) - 1, to: wholeSeconds(performance.now() + most) + 1 };
    }
  };
}
function offset() {
  return Date.now() - performance.now();
}
function wholeSeconds(milliseconds) {
  return Math.floor(milliseconds / 1e3);
}

// src/layers/capture.ts
import { lchownSync, lstatSync, readFileSync, rmdirSync, truncateSync } from "node:fs";

// src/debian/fate.ts
var EMPTIED = /^(etc\/machine-id|var\/lib\/dbus\/machine-id|var\/lib\/dpkg\/triggers\/Unincorp)$/;
var CONTENT_DROPPED = /^(run|tmp|var\/tmp|proc|sys|var\/lib\/apt\/lists|var\/cache\/apt|var\/cache\/ldconfig|var\/lib\/dpkg\/(updates|parts|tmp\.ci))\//;
var DROPPED = new RegExp(
  `^(${[
    "etc/(passwd|group|shadow|gshadow|subuid|subgid)[-+]",
    "etc/(passwd|group|shadow|gshadow|subuid|subgid|\\.pwd)\\.lock",
    "etc/\\.updated|var/\\.updated",
    "var/lib/dpkg/[^/]+-old",
    "var/lib/dpkg/(lock|lock-frontend|cmethopt|methlock)",
    "var/lib/dpkg/triggers/Lock",
    "var/lib/ucf/(hashfile|registry)\\.[0-9]+",
    "var/cache/debconf/[^/]+-old",
    "var/lib/systemd/catalog/\\.#.*",
    "root/\\.(bash_history|wget-hsts|lesshst)"
  ].join("|")})$`
);
var LOG = /^var\/log\/.*[^/]$/;
function fateOf(path, isFile, size, settling = false) {
  if (path === "etc/ld.so.cache" && !settling) return "drop";
  if (path === "etc/resolv.conf" && isFile && size === 0) return "drop";
  if (CONTENT_DROPPED.test(path) || DROPPED.test(path)) return "drop";
  if (isRecordFile(path)) return isFile ? "record" : "keep";
  if (!isFile) return "keep";
  if (LOG.test(path) && size > 0) return "drop";
  return EMPTIED.test(path) && size > 0 ? "empty" : "keep";
}

// src/layers/capture.ts
function createdNames(upper, view) {
  const created = (path) => {
    const text = readIfThere(upper, path);
    return text === void 0 ? /* @__PURE__ */ new Map() : newNames(recordsOf(view, path), parseRecords(path, text));
  };
  return { uids: created("etc/passwd"), gids: created("etc/group") };
}
function recordsOf(view, path) {
  return view.records.get(path)?.records ?? /* @__PURE__ */ new Map();
}
function readIfThere(root, path) {
  const parts = path.split("/");
  for (let depth = 1; depth <= parts.length; depth++) {
    const stat = lstatSync(at(root, parts.slice(0, depth).join("/")), { throwIfNoEntry: false });
    if (!(depth < parts.length ? stat?.isDirectory() : stat?.isFile())) return void 0;
  }
  return readFileSync(at(root, path), "latin1");
}
function capture(upper, view, options) {
  const manifest = startManifest();
  const records = {};
  const links = /* @__PURE__ */ new Map();
  const folders = [];
  const opaque = /* @__PURE__ */ new Set();
  for (const path of goneRecords(upper, view)) records[path] = patchOf(path, void 0, view);
  for (const { path, stat: found } of walk(upper)) {
    const file = at(upper, path);
    const fate = fateOf(path, found.isFile(), Number(found.size), options.settling);
    const stat = fate === "empty" ? emptied(file, options.epoch) : found;
    if (fate === "drop") {
      removeTree(file);
      continue;
    }
    const isGone = isWhiteout(stat);
    if (fate === "record" || isGone && view.records.has(path)) {
      const patch = patchOf(path, isGone ? void 0 : readRecordFile(upper, path, stat, options), view);
      if (patch.length > 0) records[path] = patch;
      removeTree(file);
      continue;
    }
    const entry = settleEntry(upper, path, stat, links, options);
    const below = view.get(path);
    if (entry === void 0 || entry.type === "whiteout" && below === void 0) {
      removeTree(file);
    } else if (entry.type === "dir") {
      const isChanged = below === void 0 || identity(below) !== identity(entry);
      folders.push({ path, isChanged });
      if (isChanged) manifest.add(entry);
      if (opaque.has(parentOf(path)) || isOpaque(file)) {
        if (path !== "") opaque.add(path);
        if (below?.type === "dir") expandOpaque(upper, path, view);
      }
      stripOverlay(file);
    } else if (below !== void 0 && identity(below) === identity(entry)) {
      removeTree(file);
    } else {
      manifest.add(entry);
    }
  }
  settleFolders(upper, folders, options.epoch);
  return { manifest: new SortedManifest(manifest.end()), records: sortedRecords(records) };
}
function sortedRecords(records) {
  return Object.fromEntries(Object.entries(records).sort(([a], [b]) => a < b ? -1 : 1));
}
function goneRecords(upper, view) {
  return [...view.records.keys()].filter((path) => {
    const parts = path.split("/");
    let hidden = false;
    for (let depth = 1; depth <= parts.length; depth++) {
      const file = at(upper, parts.slice(0, depth).join("/"));
      const stat = lstatSync(file, { bigint: true, throwIfNoEntry: false });
      if (stat === void 0) return hidden;
      if (depth === parts.length) return !stat.isFile() && !isWhiteout(stat);
      if (!stat.isDirectory()) return true;
      hidden ||= isOpaque(file);
    }
    return false;
  });
}
function isWhiteout(stat) {
  return stat.isCharacterDevice() && stat.rdev === 0n;
}
function emptied(file, epoch) {
  truncateSync(file);
  setTime(file, epoch);
  return lstatSync(file, { bigint: true });
}
function settleEntry(upper, path, stat, links, options) {
  const mtime = stat.isDirectory() ? options.epoch : settledTime(stat, options);
  const found = readEntry(upper, path, stat, mtime, links);
  if (found === void 0 || found.type === "whiteout") return found;
  const uid = options.uids.get(found.uid) ?? found.uid;
  const gid = options.gids.get(found.gid) ?? found.gid;
  const entry = { ...found, uid, gid, xattrs: renumberAcls(found.xattrs, options) };
  const file = at(upper, path);
  if (entry.type === "symlink") {
    if (stat.nlink > 1n) separate(entry, file);
    else if (uid !== found.uid || gid !== found.gid) lchownSync(file, uid, gid);
  } else if (uid !== found.uid || gid !== found.gid || entry.xattrs !== found.xattrs) {
    setMetadata(entry, file);
  }
  if (entry.type !== "dir") {
    if (entry.type !== "symlink") stripOverlay(file);
    if (stat.mtimeNs !== BigInt(mtime) * 1000000000n) setTime(file, mtime);
  }
  return entry;
}
function separate(entry, file) {
  removeTree(file);
  makeEntry(entry, file, Buffer.alloc(0));
}
function settledTime(stat, { ran, epoch }) {
  const seconds = Number(stat.mtimeNs / 1000000000n);
  return seconds >= ran.from && seconds <= ran.to ? epoch : seconds;
}
var ACL_USER = 2;
var ACL_GROUP = 8;
function renumberAcls(xattrs, { uids, gids }) {
  if (!xattrs.includes("system.posix_acl_") || uids.size === 0 && gids.size === 0) return xattrs;
  return xattrs.split(",").map((pair) => {
    const [name = "", value = ""] = pair.split("=");
    if (!name.startsWith("system.posix_acl_")) return pair;
    const acl = Buffer.from(value, "hex");
    for (let offset2 = 4; offset2 + 8 <= acl.length; offset2 += 8) {
      const tag = acl.readUInt16LE(offset2);
      const id = acl.readUInt32LE(offset2 + 4);
      const moves = tag === ACL_USER ? uids : tag === ACL_GROUP ? gids : void 0;
      acl.writeUInt32LE(moves?.get(id) ?? id, offset2 + 4);
    }
    return `${name}=${acl.toString("hex")}`;
  }).join(",");
}
function isOpaque(folder) {
  return readXattrs(folder).some(
    ([name, value]) => name === "trusted.overlay.opaque" && value.toString() === "y"
  );
}
function stripOverlay(file) {
  for (const [name] of readXattrs(file)) if (name.startsWith("trusted.overlay.")) removeXattr(file, name);
}
function expandOpaque(upper, folder, view) {
  const prefix = `${folder}/`;
  const names = view.namesIn(folder);
  for (const name of names) {
    const path = `${prefix}${name}`;
    if (lstatSync(at(upper, path), { throwIfNoEntry: false })) continue;
    makeEntry(whiteout(path), at(upper, path), Buffer.alloc(0));
  }
}
function settleFolders(upper, folders, epoch) {
  for (const { path, isChanged } of folders.toReversed()) {
    const folder = at(upper, path);
    if (path !== "" && !isChanged && removeIfEmpty(folder)) continue;
    setTime(folder, epoch);
  }
}
function removeIfEmpty(folder) {
  try {
    rmdirSync(folder);
    return true;
  } catch (error) {
    if (errno(error) === "ENOTEMPTY") return false;
    throw error;
  }
}
function readRecordFile(upper, path, stat, options) {
  const records = parseRecords(path, readFileSync(at(upper, path), "latin1"));
  for (const [key, value] of records) records.set(key, settleRecord(path, value, options));
  return {
    mode: Number(stat.mode & 0o7777n),
    uid: options.uids.get(Number(stat.uid)) ?? Number(stat.uid),
    gid: options.gids.get(Number(stat.gid)) ?? Number(stat.gid),
    records
  };
}
function settleRecord(path, value, { uids, gids, epoch }) {
  const fields = value.split(":");
  const renumber = (index, moves) => {
    const to = moves.get(Number(fields[index]));
    if (to !== void 0) fields[index] = String(to);
  };
  if (path === "etc/passwd") {
    renumber(2, uids);
    renumber(3, gids);
  } else if (path === "etc/group" && fields.length > 1) {
    renumber(2, gids);
  } else if (path === "etc/shadow") {
    const today = Math.floor(epoch / 86400);
    if (Number(fields[2]) > today) fields[2] = String(today);
  } else {
    return value;
  }
  return fields.join(":");
}
function patchOf(path, file, view) {
  const before = view.records.get(path);
  const old = withItself(before);
  const now = withItself(file);
  const changes = [];
  for (const [key, value] of now) if (old.get(key) !== value) changes.push([key, value]);
  for (const key of old.keys()) if (!now.has(key)) changes.push([key, null]);
  return changes;
}
function withItself(file) {
  return file ? new Map([[FILE_ITSELF, encodeFileItself(file)], ...file.records]) : /* @__PURE__ */ new Map();
}

// src/layers/sandbox.ts
import {
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readFileSync as readFileSync2,
  readSync,
  symlinkSync,
  writeFileSync
} from "node:fs";
import { basename, join } from "node:path";

// src/layers/seccomp.ts
var EPERM = 1;
var ENOSYS = 38;
var CLONE_NEWUSER = 268435456;
var TIOCSTI = 21522;
var TIOCLINUX = 21532;
var COMMON = {
  io_uring_setup: 425,
  io_uring_enter: 426,
  io_uring_register: 427,
  open_tree: 428,
  move_mount: 429,
  fsopen: 430,
  fsconfig: 431,
  fsmount: 432,
  fspick: 433,
  mount_setattr: 442,
  open_tree_attr: 467
};
var CLONE3 = 435;
var X86_64 = {
  audit: 3221225534,
  foreign: 1073741824,
  clone: 56,
  unshare: 272,
  ioctl: 16,
  refused: {
    syslog: 103,
    pivot_root: 155,
    mount: 165,
    umount2: 166,
    swapon: 167,
    swapoff: 168,
    reboot: 169,
    init_module: 175,
    delete_module: 176,
    kexec_load: 246,
    add_key: 248,
    request_key: 249,
    keyctl: 250,
    perf_event_open: 298,
    open_by_handle_at: 304,
    setns: 308,
    finit_module: 313,
    kexec_file_load: 320,
    bpf: 321,
    userfaultfd: 323
  }
};
var I386 = {
  audit: 1073741827,
  clone: 120,
  unshare: 310,
  ioctl: 54,
  refused: {
    mount: 21,
    umount: 22,
    umount2: 52,
    swapon: 87,
    reboot: 88,
    syslog: 103,
    swapoff: 115,
    init_module: 128,
    delete_module: 129,
    pivot_root: 217,
    kexec_load: 283,
    add_key: 286,
    request_key: 287,
    keyctl: 288,
    perf_event_open: 336,
    open_by_handle_at: 342,
    setns: 346,
    finit_module: 350,
    bpf: 357,
    userfaultfd: 374
  }
};
var ARM64 = {
  audit: 3221225655,
  clone: 220,
  unshare: 97,
  ioctl: 29,
  refused: {
    umount2: 39,
    mount: 40,
    pivot_root: 41,
    kexec_load: 104,
    init_module: 105,
    delete_module: 106,
    syslog: 116,
    reboot: 142,
    add_key: 217,
    request_key: 218,
    keyctl: 219,
    swapon: 224,
    swapoff: 225,
    perf_event_open: 241,
    open_by_handle_at: 265,
    setns: 268,
    finit_module: 273,
    bpf: 280,
    userfaultfd: 282,
    kexec_file_load: 294
  }
};
var ARM = {
  audit: 1073741864,
  clone: 120,
  unshare: 337,
  ioctl: 54,
  refused: {
    mount: 21,
    umount2: 52,
    swapon: 87,
    reboot: 88,
    syslog: 103,
    swapoff: 115,
    init_module: 128,
    delete_module: 129,
    pivot_root: 218,
    add_key: 309,
    request_key: 310,
    keyctl: 311,
    kexec_load: 347,
    perf_event_open: 364,
    open_by_handle_at: 371,
    setns: 375,
    finit_module: 379,
    bpf: 386,
    userfaultfd: 388,
    kexec_file_load: 401
  }
};
var MACHINES = {
  x64: [X86_64, I386],
  arm64: [ARM64, ARM],
  riscv64: [{ ...ARM64, audit: 3221225715 }]
};
function seccompFilter(machine) {
  const tables = MACHINES[machine];
  if (!tables) return void 0;
  const blocks = tables.map(blockOf);
  const program = [
    load(ARCH),
    ...blocks.flatMap((block) => [...jumpOver(block.audit, block.code.length), ...block.code]),
    give(refuse(ENOSYS))
  ];
  return Buffer.concat(program);
}
var [LD, JMP_ALWAYS, JEQ, JGE, JSET, RET] = [32, 5, 21, 53, 69, 6];
var [NR, ARCH, ARG0, ARG1] = [0, 4, 16, 24];
var ALLOW = 2147418112;
function refuse(errno2) {
  return 327680 | errno2;
}
function instruction(code, value, yes = 0, no = 0) {
  const bytes = Buffer.alloc(8);
  bytes.writeUInt16LE(code, 0);
  bytes.writeUInt8(yes, 2);
  bytes.writeUInt8(no, 3);
  bytes.writeUInt32LE(value, 4);
  return bytes;
}
function load(offset2) {
  return instruction(LD, offset2);
}
function give(result) {
  return instruction(RET, result);
}
function jumpOver(audit, length) {
  return [instruction(JEQ, audit, 1, 0), instruction(JMP_ALWAYS, length)];
}
function blockOf(table) {
  const refused = [...Object.values(table.refused), ...Object.values(COMMON)];
  const code = [
    load(NR),
    ...table.foreign === void 0 ? [] : [instruction(JGE, table.foreign, 0, 1), give(refuse(ENOSYS))],
    ...refused.flatMap((number) => [instruction(JEQ, number, 0, 1), give(refuse(EPERM))]),
    instruction(JEQ, CLONE3, 0, 1),
    give(refuse(ENOSYS)),
    ...[table.clone, table.unshare].flatMap((number) => [
      instruction(JEQ, number, 0, 4),
      load(ARG0),
      instruction(JSET, CLONE_NEWUSER, 0, 1),
      give(refuse(EPERM)),
      give(ALLOW)
    ]),
    instruction(JEQ, table.ioctl, 0, 5),
    load(ARG1),
    instruction(JEQ, TIOCSTI, 1, 0),
    instruction(JEQ, TIOCLINUX, 0, 1),
    give(refuse(EPERM)),
    give(ALLOW),
    give(ALLOW)
  ];
  return { audit: table.audit, code };
}

// src/layers/sandbox.ts
var LOG_LIMIT = 16 * 1024 * 1024;
var REPORT_LIMIT = 65536;
var STACK_LIMIT = 500;
var CAPABILITIES = [
  "CHOWN",
  "DAC_OVERRIDE",
  "FOWNER",
  "FSETID",
  "SETFCAP",
  "SETUID",
  "SETGID",
  "SETPCAP",
  "KILL",
  "SYS_CHROOT",
  "AUDIT_WRITE"
];
async function runSandboxed(request) {
  const { folder, lower, steps, signal, timeout } = request;
  const stack = makeStack(folder, lower);
  writeFileSync(join(folder, "report"), "");
  const filtered = writeFilter(folder);
  const bounds = makeBounds(basename(folder));
  try {
    const entering = { stack, bounds, logBytes: LOG_LIMIT };
    const command = enter(
      entering,
      steps.map((step) => bubblewrap(step, filtered))
    );
    const outcome = await attempt(command, { cwd: folder, signal, timeout });
    refuseUnbegun(folder, outcome);
    return {
      exitCode: outcome.exitCode,
      timedOut: outcome.timedOut,
      shortOfMemory: bounds.wasShortOfMemory(),
      step: existsSync(join(folder, "step")) ? Number(readFileSync2(join(folder, "step"), "utf8")) : 0,
      report: headOf(join(folder, "report"), REPORT_LIMIT)
    };
  } finally {
    await bounds.release();
  }
}
async function enterSandbox({ folder, lower, step, signal }) {
  const stack = makeStack(folder, lower);
  const words = bubblewrap(step, writeFilter(folder)).filter((word) => word !== "--new-session");
  const outcome = await attempt(enter({ stack }, [words]), { cwd: folder, terminal: true, signal });
  refuseUnbegun(folder, outcome);
  return outcome.exitCode ?? 1;
}
var ENTER = ownFile("src/layers/enter.sh");
function enter({ stack, bounds, logBytes }, commands) {
  return [
    ...[
      "setpriv",
      "--pdeathsig",
      "KILL",
      "unshare",
      "--mount",
      "--propagation",
      "private",
      "/bin/bash",
      ENTER
    ],
    ...[String(process.pid), stack.lower, stack.below],
    ...[bounds?.join.join("\n") ?? "", bounds ? pidsOf(bounds.processes) : "", String(logBytes ?? "")],
    ...commands.flatMap((command) => [...command, ";;"])
  ];
}
function refuseUnbegun(folder, { exitCode, stderr }) {
  const failed = { 120: "Cannot join a control group for", 121: "Cannot mount an overlay in" }[exitCode ?? 0];
  if (failed === void 0 || existsSync(join(folder, "step"))) return;
  throw new SnapError("HOST", `${failed} "${folder}"`, {
    lines: stderr.trim().split("\n"),
    hint: "see what the host lacks: snap doctor"
  });
}
function writeFilter(folder) {
  const filter = seccompFilter(process.arch);
  writeFileSync(join(folder, "seccomp"), filter ?? "");
  return filter !== void 0;
}
function pidsOf(boundByGroup) {
  return !boundByGroup && processBound() === "namespace" ? String(PROCESS_LIMIT) : "";
}
function headOf(file, bytes) {
  const fd = openSync(file, "r");
  try {
    const head = Buffer.alloc(bytes);
    return head.toString("latin1", 0, readSync(fd, head));
  } finally {
    closeSync(fd);
  }
}
function makeStack(folder, trees) {
  if (trees.length > 2 * STACK_LIMIT - 1) {
    throw new SnapError(
      "RUN",
      `Cannot show ${trees.length} layers at once: the kernel takes ${2 * STACK_LIMIT - 1}`,
      {
        hint: "join scriptlets that belong together"
      }
    );
  }
  for (const name of ["lower", "below", "upper", "work", "root"])
    mkdirSync(join(folder, name), { recursive: true, mode: 493 });
  trees.forEach((tree, number) => {
    symlinkSync(tree, join(folder, "lower", String(number)));
  });
  const names = [...trees.keys()];
  const direct = trees.length > STACK_LIMIT ? STACK_LIMIT - 1 : trees.length;
  return { lower: names.slice(0, direct).join(":"), below: names.slice(direct).join(":") };
}
function readOnlyProc(path) {
  return ["--proc", path, "--remount-ro", path];
}
var VIEW_AS_ROOT = [
  ...["--bind", "root", "/", ...readOnlyProc("/proc"), "--dev", "/dev"],
  ...["--tmpfs", "/run", "--perms", "1777", "--tmpfs", "/tmp"]
];
function bubblewrap(step, filtered) {
  return [
    "bwrap",
    ...[
      "--die-with-parent",
      "--new-session",
      "--unshare-pid",
      "--unshare-ipc",
      "--unshare-uts",
      "--unshare-cgroup-try"
    ],
    ...step.network ? [] : ["--unshare-net"],
    ...["--hostname", "localhost"],
    ...step.mounts ?? VIEW_AS_ROOT,
    ...step.binds.flatMap(({ from, to }) => ["--ro-bind", from, to]),
    ...["--cap-drop", "ALL", ...CAPABILITIES.flatMap((name) => ["--cap-add", `CAP_${name}`])],
    ...filtered ? ["--seccomp", "5"] : [],
    "--clearenv",
    ...Object.entries(step.env).flatMap(([name, value]) => ["--setenv", name, value]),
    ...["--chdir", "/", "--", ...step.command]
  ];
}

// src/layers/run.ts
import { copyFileSync, existsSync as existsSync2, mkdirSync as mkdirSync2, readFileSync as readFileSync3, renameSync, writeFileSync as writeFileSync2 } from "node:fs";
import { constants } from "node:os";
import { join as join2 } from "node:path";
var NO_SERVICES = [
  { path: "usr/sbin/policy-rc.d", mode: 493, content: "#!/bin/sh\nexit 101\n" }
];
async function runLayer(workshop, job) {
  const { store, report } = workshop;
  const folder = store.makeWorkDir();
  const clock = watchClock();
  let keep = false;
  let top;
  try {
    top = job.top?.() ?? ownTop(workshop, job, folder);
    const steps = job.prepare(folder);
    report({ kind: "layer-step", name: job.name, step: job.what });
    const begun = performance.now();
    const ending = await runSandboxed({
      folder,
      lower: [top.path, ...stackOf(store, job.view)],
      steps,
      timeout: workshop.timeout,
      signal: workshop.signal
    });
    const log = keepLog(workshop, job, folder);
    if (ending.exitCode !== 0) {
      keep = workshop.keepFailed;
      const kept = keep ? join2(store.keepWorkDir(folder, job.name), "upper") : void 0;
      throw failure(workshop, job, ending, log, kept);
    }
    report({ kind: "layer-step", name: job.name, step: "capture" });
    return await captureLayer(workshop, job, folder, clock, begun);
  } finally {
    clock.end();
    top?.release();
    if (!keep) store.dropWorkDir(folder);
  }
}
function ownTop({ store, lock }, job, folder) {
  const path = join2(folder, "top");
  makeTop(store, job.view, path, lock.epoch, job.kind === "base" ? [] : NO_SERVICES);
  return { path, release: () => {
  } };
}
function stackOf(store, view) {
  return view.layers.map(({ row }) => store.treeOf(row.n)).reverse();
}
async function captureLayer(workshop, job, folder, clock, begun) {
  const { store, ledger, lock } = workshop;
  const upper = join2(folder, "upper");
  job.finish?.(upper);
  const created = createdNames(upper, job.view);
  if (!knows(ledger, created)) await job.earlierDone();
  const ids = { uids: giveIds(ledger.uids, created.uids), gids: giveIds(ledger.gids, created.gids) };
  const captured = captureTree(job, upper, {
    epoch: lock.epoch,
    ran: clock.end(),
    settling: job.kind === "settle",
    uids: renumbering(created.uids, ids.uids),
    gids: renumbering(created.gids, ids.gids)
  });
  store.shareFiles(upper, captured.manifest);
  return publishTree(workshop, job, upper, folder, {
    ...captured,
    ids,
    seconds: (performance.now() - begun) / 1e3
  });
}
function captureTree(job, upper, options) {
  try {
    return capture(upper, job.view, options);
  } catch (error) {
    if (errno(error) !== "ENAMETOOLONG") throw error;
    throw new SnapError(
      "RUN",
      `Cannot keep what "${job.name}" made: a path in it is longer than 4096 bytes`,
      {
        hint: "no program can reach such a path; mend what makes it",
        cause: error
      }
    );
  }
}
function publishTree(workshop, job, upper, folder, made) {
  const published = join2(folder, "layer");
  mkdirSync2(published, { mode: 448 });
  renameSync(upper, join2(published, "tree"));
  const layer = {
    name: job.name,
    kind: job.kind,
    key: keyOf(job.inputs),
    inputs: job.inputs,
    view: job.view.layers.map(({ name, row }) => [name, row.n]),
    ...made
  };
  return workshop.store.publish(published, layer, { again: workshop.rerun.has(job.name) });
}
function logFile(store, name) {
  return join2(store.layout.logs, `${name.replaceAll("/", "%")}.log`);
}
function keepLog(workshop, job, folder) {
  const file = logFile(workshop.store, job.name);
  if (existsSync2(join2(folder, "log"))) copyFileSync(join2(folder, "log"), file);
  else writeFileSync2(file, "");
  return file;
}
function failure(workshop, job, ending, log, kept) {
  const tail = endOf(readFileSync3(log, "utf8"));
  const [line, status, command] = ending.report.split("\n")[0]?.split("	") ?? [];
  const killed = ending.shortOfMemory ? ", killed for want of memory" : "";
  const inRun = job.scriptlet !== void 0 && command !== void 0;
  const what = inRun ? `"${command}" in line ${line} of ${job.scriptlet.file} exited with ${exitStatus(Number(status))}${killed}` : `${stepName(job, ending)} ${endingOf(ending)}${killed}`;
  const sentence = ending.timedOut ? `Cannot run scriptlet "${job.name}": it was still running after ${workshop.timeout} s` : `Cannot run scriptlet "${job.name}": ${what}`;
  const missing = job.scriptlet && missingIn(job.scriptlet, workshop.conf, tail);
  const further = [missing && `hint: ${missing}`, kept && `what it left: ${kept}`].filter(
    (line2) => line2 !== void 0
  );
  return new SnapError("RUN", sentence, {
    lines: [...tail, ...further],
    hint: `full log: snap log ${job.name}`
  });
}
function endOf(log) {
  const lines = log.trim() === "" ? [] : lastLines(log, 20);
  return lines.map((line) => line.length > LINE_LIMIT ? `${line.slice(0, LINE_LIMIT)}...` : line);
}
var LINE_LIMIT = 1e3;
function missingIn(scriptlet, conf, tail) {
  return missingDeclaration(scriptlet, conf, tail, (path) => existsSync2(join2(conf.project, path)));
}
function stepName(job, ending) {
  if (job.kind !== "scriptlet") return job.kind === "base" ? "mmdebstrap" : "dpkg";
  return ending.step === 1 && job.scriptlet?.packages.length ? "dpkg" : "do_run";
}
function endingOf({ exitCode }) {
  return exitCode === void 0 ? "was ended by a signal" : `exited with ${exitStatus(exitCode)}`;
}
function exitStatus(code) {
  const signal = Object.entries(constants.signals).find(([, number]) => number === code - 128);
  return signal ? `${code} (${signal[0]})` : String(code);
}

// src/layers/kept-view.ts
var MANY = 2e4;
function keepLayers(layers) {
  const positions = new Map(layers.map(({ name }, position) => [name, position]));
  return layers.map(({ name, row, sees }) => [
    name,
    row.n,
    [...sees].flatMap((other) => positions.get(other) ?? [])
  ]);
}
function reviveLayers(store, kept) {
  const layers = [];
  for (const [name, n, sees] of kept) {
    const row = store.layerNumbered(n);
    if (row === void 0) return void 0;
    layers.push({ name, row, sees: new Set(sees.map((position) => kept[position][0])) });
  }
  return layers;
}
function changedPaths(store, before, now) {
  const was = new Map(before.layers.map((layer) => [layer.name, layer]));
  const is = new Map(now.layers.map((layer) => [layer.name, layer]));
  if (!sameRelations(before.layers, is, was) || !sameRelations(now.layers, was, is)) return void 0;
  if (!sameOrder(before.layers, now.layers, was, is)) return void 0;
  const paths = /* @__PURE__ */ new Set();
  for (const { name, row } of before.layers) {
    const other = is.get(name)?.row;
    if (other === void 0) addAll(paths, store.manifestOf(row.n));
    else if (other.n !== row.n)
      addDifferent(paths, store.manifestOf(row.n).values(), store.manifestOf(other.n).values());
  }
  for (const { name, row } of now.layers) if (!was.has(name)) addAll(paths, store.manifestOf(row.n));
  if (paths.size > MANY) return void 0;
  for (const path of [...paths]) {
    if (!before.isReplaced(path) && !now.isReplaced(path)) continue;
    for (const below of store.pathsBelow(path)) paths.add(below);
  }
  return paths;
}
function sameOrder(before, now, was, is) {
  const kept = before.filter(({ name }) => is.has(name));
  const still = now.filter(({ name }) => was.has(name));
  return kept.every(({ name }, index) => still[index]?.name === name);
}
function sameRelations(layers, others, own) {
  return layers.every(({ name, sees }) => {
    const other = others.get(name);
    if (other === void 0 || other.sees === sees) return true;
    for (const seen of sees) if (own.has(seen) && others.has(seen) && !other.sees.has(seen)) return false;
    return true;
  });
}
function addAll(paths, manifest) {
  for (const { path } of manifest.values()) paths.add(path);
}
function addDifferent(paths, before, now) {
  const olds = before[Symbol.iterator]();
  const news = now[Symbol.iterator]();
  let [old, fresh] = [next(olds), next(news)];
  while (old || fresh) {
    const order = !old ? 1 : !fresh ? -1 : old.path < fresh.path ? -1 : old.path > fresh.path ? 1 : 0;
    if (order < 0) paths.add(old.path);
    else if (order > 0) paths.add(fresh.path);
    else if (!isEqual(old, fresh)) paths.add(old.path);
    if (order <= 0) old = next(olds);
    if (order >= 0) fresh = next(news);
  }
}
function next(entries) {
  const result = entries.next();
  return result.done ? void 0 : result.value;
}
function isEqual(a, b) {
  return a.mtime === b.mtime && identity(a) === identity(b);
}
function recallView(store, name, layers) {
  const key = `view ${name}`;
  const text = store.results.get(key);
  const kept = text === void 0 ? void 0 : JSON.parse(text);
  const before = kept && reviveLayers(store, kept.layers);
  const plain = mergeView(store, layers);
  const changed = before && changedPaths(store, mergeView(store, before), plain);
  const view = kept && changed ? mergeView(store, layers, { corrections: kept.corrections, changed }) : plain;
  if (view.conflicts.length > 0) return view;
  const corrections = view.corrections.map(({ entry }) => entry.path);
  const now = JSON.stringify({ layers: keepLayers(layers), corrections });
  if (now !== text) store.results.set(key, now);
  return view;
}

// src/layers/excludes.ts
import { matchesGlob } from "node:path";
function excluder(globs) {
  const patterns = globs.map((glob) => Buffer.from(glob).toString("latin1")).map((glob) => glob.replace(/^\/+/, "").replace(/\/+$/, ""));
  if (patterns.length === 0) return () => false;
  const simple = patterns.filter(isSimple);
  const others = patterns.filter((pattern) => !isSimple(pattern));
  const memo = /* @__PURE__ */ new Map();
  const top = simple.map((pattern) => ({
    parts: pattern.split("/").map((part) => partOf(part, memo)),
    from: 0
  }));
  const folders = /* @__PURE__ */ new Map([["", top]]);
  const exact = new Set(patterns);
  const isWhole = (path) => exact.has(path) || others.some((pattern) => matchesGlob(path, pattern));
  const below = (folder) => {
    if (folders.has(folder)) return folders.get(folder);
    const left = below(parentOf(folder));
    const rests = left && advance(left, nameOf(folder), () => isWhole(folder));
    folders.set(folder, rests);
    return rests;
  };
  return (path) => {
    if (path === "") return false;
    const left = below(parentOf(path));
    return left === void 0 || left.some((rest) => ends(rest, nameOf(path))) || isWhole(path);
  };
}
function advance(left, name, isWhole) {
  if (left.some((rest) => ends(rest, name)) || isWhole()) return void 0;
  return left.flatMap(
    ({ parts, from }) => from + 1 < parts.length && parts[from](name) ? [{ parts, from: from + 1 }] : []
  );
}
function ends({ parts, from }, name) {
  return from + 1 === parts.length && parts[from](name);
}
function nameOf(path) {
  return path.slice(path.lastIndexOf("/") + 1);
}
function isSimple(pattern) {
  return pattern !== "" && !/[\\{}()]|\*\*|(^|\/)\.{0,2}(\/|$)/.test(pattern);
}
function partOf(part, memo) {
  const known2 = memo.get(part);
  if (known2) return known2;
  const made = /[*?[\]!+@]/.test(part) ? remembered(part) : (name) => name === part;
  memo.set(part, made);
  return made;
}
function remembered(part) {
  const answers = /* @__PURE__ */ new Map();
  return (name) => {
    const before = answers.get(name);
    if (before !== void 0) return before;
    const answer = matchesGlob(name, part);
    if (answers.size < NAMES) answers.set(name, answer);
    return answer;
  };
}
var NAMES = 1e4;

// src/layers/plan.ts
var FORMAT = 2;
function planImage(store, view, excludes, epoch, records) {
  const isExcluded = excluder(excludes);
  const placedAt = (path) => isExcluded(path) ? void 0 : view.at(path);
  const linksIn = (layer) => linksOf(store, view.layers[layer].row);
  const recordEntries = once(() => records ?? recordFiles(view, isExcluded, epoch));
  const groupOf = (placed) => {
    if (placed?.entry.type !== "file") return [];
    const root = rootOf(placed.entry);
    const members = linksIn(placed.layer).get(root);
    if (members === void 0) return [];
    return members.filter((path) => isOf(root, placed.layer, placedAt(path)));
  };
  const partOf2 = (placed) => {
    const { entry, layer } = placed;
    if (entry.type === "symlink") return { entry, layer, isCopied: isOwn(entry.path) };
    if (entry.type !== "file") return { entry, layer, isCopied: false };
    const group = groupOf(placed);
    const link = group[0] === entry.path ? void 0 : group[0];
    const isCopied = entry.size === 0 || isOwn(entry.path) || group.some(isOwn);
    return { entry: link === entry.link ? entry : { ...entry, link }, layer, isCopied };
  };
  const recordPart = (entry) => ({ entry, layer: 0, isCopied: true });
  const trees = [];
  const manifest = once(() => {
    const all = /* @__PURE__ */ new Map();
    for (const { entry } of plan.parts()) all.set(entry.path, entry);
    return all;
  });
  const plan = {
    view,
    excludes,
    epoch,
    digest: planDigest(view, excludes, epoch),
    get records() {
      return recordEntries();
    },
    at: (path) => plan.partAt(path)?.entry,
    partAt(path) {
      const record = recordEntries().get(path);
      const placed = record ? void 0 : placedAt(path);
      return record ? recordPart(record) : placed && partOf2(placed);
    },
    *parts() {
      const records2 = [...recordEntries().values()];
      let next2 = records2.shift();
      for (const placed of view.entries()) {
        for (; next2 && next2.path < placed.entry.path; next2 = records2.shift()) yield recordPart(next2);
        if (!isExcluded(placed.entry.path)) yield partOf2(placed);
      }
      for (; next2; next2 = records2.shift()) yield recordPart(next2);
    },
    linksAt: (path) => groupOf(placedAt(path)),
    sourceOf({ entry, layer }) {
      trees[layer] ??= store.treeOf(view.layers[layer].row.n);
      return at(trees[layer], entry.path);
    },
    recordAt: (path) => {
      const file = recordEntries().has(path) ? view.records.get(path) : void 0;
      return file && recordBytes(path, file);
    },
    get manifest() {
      return manifest();
    }
  };
  return plan;
}
function once(make2) {
  let made;
  return () => {
    made ??= { value: make2() };
    return made.value;
  };
}
function planDigest(view, excludes, epoch) {
  const layers = keepLayers(view.layers).map(([, , sees], index) => [view.layers[index].row.digest, sees]);
  return digestOf(canonicalJson([FORMAT, epoch, excludes, layers]));
}
function isOwn(path) {
  return path.startsWith("etc/") || path.startsWith("var/");
}
function rootOf(entry) {
  return entry.link ?? entry.path;
}
function isOf(root, layer, placed) {
  return placed?.layer === layer && placed.entry.type === "file" && rootOf(placed.entry) === root;
}
function recordFiles(view, isExcluded, epoch) {
  const entries = /* @__PURE__ */ new Map();
  for (const [name, file] of [...view.records].sort(([a], [b]) => a < b ? -1 : 1)) {
    const path = name;
    if (isExcluded(path)) continue;
    const content = recordBytes(path, file);
    const { mode, uid, gid } = file;
    const size = content.length;
    const metadata = { path, mode, uid, gid, mtime: epoch, xattrs: "", link: void 0 };
    entries.set(path, { ...metadata, type: "file", size, digest: digestOf(content) });
  }
  return entries;
}
var known = /* @__PURE__ */ new WeakMap();
function linksOf(store, { n, digest }) {
  const links = known.get(store) ?? /* @__PURE__ */ new Map();
  known.set(store, links);
  const own = links.get(digest) ?? recallLinks(store, n, digest);
  links.set(digest, own);
  return own;
}
function recallLinks(store, n, digest) {
  const text = store.results.get(`links ${digest}`);
  if (text !== void 0) return ordered(JSON.parse(text));
  const links = /* @__PURE__ */ new Map();
  for (const entry of store.manifestOf(n).values()) {
    if (entry.type !== "file" || entry.link === void 0) continue;
    links.set(entry.link, [...links.get(entry.link) ?? [entry.link], entry.path]);
  }
  store.results.set(`links ${digest}`, JSON.stringify([...links]));
  return ordered(links);
}
function ordered(links) {
  return new Map([...links].map(([root, paths]) => [root, paths.toSorted()]));
}

// src/layers/image.ts
import {
  existsSync as existsSync3,
  linkSync,
  lstatSync as lstatSync2,
  readFileSync as readFileSync4,
  readlinkSync,
  renameSync as renameSync2,
  rmSync,
  symlinkSync as symlinkSync2,
  writeFileSync as writeFileSync3
} from "node:fs";
import { basename as basename2, dirname, join as join3 } from "node:path";
var FORMAT2 = 2;
function slotsOf(images, name) {
  return { link: join3(images, name), slots: [join3(images, `.${name}.a`), join3(images, `.${name}.b`)] };
}
function settleImage(store, slots, plan) {
  const current = currentSlot(slots);
  const shown = current === void 0 ? void 0 : readNote(noteFile(current));
  if (shown?.digest === plan.digest) return { paths: shown.paths, bytes: shown.bytes };
  const [target, other] = current === slots.slots[0] ? slots.slots.toReversed() : slots.slots;
  const spare = current === void 0 && store.hasFreshLayers() ? other : void 0;
  const extent = bring(store, target, noteFile(target), plan, spare);
  const beside = `${slots.link}.new`;
  rmSync(beside, { force: true });
  symlinkSync2(basename2(target), beside);
  renameSync2(beside, slots.link);
  syncFolder(dirname(slots.link));
  return extent;
}
function updateFolder(store, folder, note, plan) {
  return bring(store, folder, note, plan, void 0);
}
function bring(store, folder, note, plan, spare) {
  const before = existsSync3(folder) ? readNote(note) : void 0;
  rmSync(note, { force: true });
  const extent = (before && change(store, folder, before, plan)) ?? makeAll(folder, plan);
  const notes = spare !== void 0 && makeSpare(spare, plan) ? [noteFile(spare), note] : [note];
  store.settleFolder(folder);
  for (const file of notes) writeNote(file, plan, extent);
  return extent;
}
function makeSpare(slot, plan) {
  rmSync(noteFile(slot), { force: true });
  try {
    makeAll(slot, plan);
    return true;
  } catch (error) {
    if (!["ENOSPC", "EDQUOT"].includes(errno(error) ?? "")) throw error;
    removeTree(Buffer.from(slot));
    return false;
  }
}
function planOfSlot(store, slot) {
  const note = readNote(noteFile(slot));
  return note && planOfNote(store, note);
}
function planOfNote(store, { layers, excludes, epoch, records }) {
  const revived = reviveLayers(store, layers);
  const known2 = decodeManifest(Buffer.from(records, "latin1"));
  return revived && planImage(store, mergeView(store, revived), excludes, epoch, known2);
}
function change(store, folder, before, plan) {
  const old = planOfNote(store, before);
  if (old === void 0) return void 0;
  const changes = changesBetween(store, old, plan);
  try {
    applyChanges(folder, changes, plan);
  } catch (error) {
    if (["ENOENT", "EEXIST", "ENOTDIR", "ENOTEMPTY", "EISDIR"].includes(errno(error) ?? "")) return void 0;
    throw error;
  }
  let { paths, bytes } = before;
  for (const { old: gone, now } of changes) {
    paths += (now ? 1 : 0) - (gone ? 1 : 0);
    bytes += bytesOf(now?.entry) - bytesOf(gone);
  }
  return { paths, bytes };
}
function bytesOf(entry) {
  return entry?.type === "file" && entry.link === void 0 ? entry.size : 0;
}
function changesBetween(store, old, plan) {
  const paths = differingPaths(store, old, plan);
  for (const path of paths) {
    for (const other of [...old.linksAt(path), ...plan.linksAt(path)]) paths.add(other);
  }
  return [...paths].sort().flatMap((path) => {
    const [was, now] = [old.partAt(path), plan.partAt(path)];
    if (was && now ? isEqual(was.entry, now.entry) && was.isCopied === now.isCopied : was === now) return [];
    return [{ path, old: was?.entry, now }];
  });
}
function differingPaths(store, old, plan) {
  const isSame = old.epoch === plan.epoch && old.excludes.join("\0") === plan.excludes.join("\0");
  const paths = isSame ? changedPaths(store, old.view, plan.view) : void 0;
  if (paths) {
    addDifferent(paths, old.records.values(), plan.records.values());
    return paths;
  }
  const all = /* @__PURE__ */ new Set();
  addDifferent(all, entriesOf(old), entriesOf(plan));
  return all;
}
function* entriesOf(plan) {
  for (const { entry } of plan.parts()) yield entry;
}
function applyChanges(folder, changes, plan) {
  const touched = /* @__PURE__ */ new Set();
  const real = /* @__PURE__ */ new Set([""]);
  for (const { path, old, now } of changes.toReversed()) {
    if (!old || old.type === "dir" && now?.entry.type === "dir") continue;
    requireRealFolder(folder, parentOf(path), real);
    removeTree(at(folder, path));
    touched.add(parentOf(path));
  }
  for (const { path, old, now } of changes) {
    if (!now) continue;
    const { entry } = now;
    const parent = path === "" ? void 0 : plan.at(parentOf(path));
    if (path !== "" && parent?.type !== "dir") throw noFolder(path);
    const file = at(folder, path);
    const stays = old?.type === "dir" && entry.type === "dir";
    requireRealFolder(folder, stays ? path : parentOf(path), real);
    if (stays) setMetadata(entry, file);
    else make(folder, now, file, plan, parent);
    if (entry.type === "dir") real.add(path);
    touched.add(path).add(parentOf(path));
  }
  for (const path of [...touched].sort().reverse()) {
    const entry = plan.at(path);
    if (entry?.type === "dir") setTime(at(folder, path), entry.mtime);
  }
}
function makeAll(folder, plan) {
  removeTree(Buffer.from(folder));
  const folders = /* @__PURE__ */ new Map();
  let paths = 0;
  let bytes = 0;
  for (const part of plan.parts()) {
    const { entry } = part;
    const parent = entry.path === "" ? void 0 : folders.get(parentOf(entry.path));
    if (entry.path !== "" && parent === void 0) throw noFolder(entry.path);
    make(folder, part, at(folder, entry.path), plan, parent);
    if (entry.type === "dir") folders.set(entry.path, entry);
    paths++;
    bytes += bytesOf(entry);
  }
  for (const [path, { mtime }] of [...folders].reverse()) setTime(at(folder, path), mtime);
  return { paths, bytes };
}
function noFolder(path) {
  return new Error(`The image has "${path}" but no folder for it`);
}
function make(folder, part, file, plan, parent) {
  const { entry, isCopied } = part;
  const record = plan.recordAt(entry.path);
  const inherits = parent === void 0 || handsDown(parent);
  if (record) {
    writeFileSync3(file, record, { flag: "wx" });
    setMetadata(entry, file);
  } else if (entry.type === "file" && entry.link !== void 0) {
    linkSync(at(folder, entry.link), file);
  } else if ((entry.type === "file" || entry.type === "symlink") && !isCopied) {
    linkEntry(entry, file, plan.sourceOf(part), inherits);
  } else {
    makeEntry(entry, file, plan.sourceOf(part), inherits);
  }
}
function requireRealFolder(root, path, real) {
  if (real.has(path)) return;
  requireRealFolder(root, parentOf(path), real);
  if (!lstatSync2(at(root, path)).isDirectory()) {
    throw Object.assign(new Error(`ENOTDIR: "${path}" is no folder`), { code: "ENOTDIR" });
  }
  real.add(path);
}
function currentSlot({ link, slots }) {
  const stat = lstatSync2(link, { throwIfNoEntry: false });
  if (stat === void 0) return void 0;
  if (!stat.isSymbolicLink()) {
    throw new SnapError("STORE", `Cannot put the image at "${link}": something else lies there`, {
      hint: "move it away"
    });
  }
  const slot = join3(dirname(link), readlinkSync(link));
  return slots.includes(slot) && existsSync3(slot) ? slot : void 0;
}
function noteFile(slot) {
  return `${slot}.json`;
}
function writeNote(file, plan, { paths, bytes }) {
  const note = {
    format: FORMAT2,
    digest: plan.digest,
    paths,
    bytes,
    layers: keepLayers(plan.view.layers),
    excludes: plan.excludes,
    epoch: plan.epoch,
    records: encodeManifest(plan.records.values()).toString("latin1")
  };
  writeFileSync3(`${file}.new`, JSON.stringify(note), { mode: 384 });
  renameSync2(`${file}.new`, file);
}
function readNote(file) {
  if (!existsSync3(file)) return void 0;
  try {
    const note = JSON.parse(readFileSync4(file, "utf8"));
    return note.format === FORMAT2 && asDigest(note.digest) ? note : void 0;
  } catch {
    return void 0;
  }
}

export {
  giveIds,
  renumbering,
  fits,
  adopt,
  watchClock,
  createdNames,
  capture,
  runSandboxed,
  enterSandbox,
  readOnlyProc,
  NO_SERVICES,
  runLayer,
  stackOf,
  logFile,
  recallView,
  planImage,
  slotsOf,
  settleImage,
  updateFolder,
  planOfSlot,
  currentSlot
};
