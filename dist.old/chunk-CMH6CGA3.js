import { createRequire as requireFrom } from "node:module"; const require = requireFrom(import.meta.url);
import {
  makeHeldFolder,
  makeNode,
  nextData,
  nextHole,
  readXattrs,
  removeXattr,
  splitDevice,
  sweepFolders,
  syncFilesystem,
  writeXattr
} from "./chunk-TH3CEDQX.js";
import {
  layoutOf,
  openIndex,
  prepareLayout,
  syncFolder,
  workDirName
} from "./chunk-AVJFFU3G.js";
import {
  SnapError,
  errno,
  nearest
} from "./chunk-LVCJS3W4.js";

// src/store/digest.ts
import { createRequire } from "node:module";
var loaded;
function blake3() {
  loaded ??= createRequire(import.meta.url)("blake3-wasm");
  return loaded;
}
function digestOf(content) {
  return blake3().hash(content).toString("hex");
}
function digestInParts(bytes) {
  const digest = startDigest();
  for (let at2 = 0; at2 < bytes.length; at2 += PART) digest.update(bytes.subarray(at2, at2 + PART));
  return digest.end();
}
var PART = 1 << 20;
function startDigest() {
  const hasher = blake3().createHash();
  return {
    update: (bytes) => void hasher.update(bytes),
    end: () => hasher.digest("hex")
  };
}
function asDigest(text) {
  return /^[0-9a-f]{64}$/.test(text) ? text : void 0;
}
function canonicalJson(value) {
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(",")}]`;
  if (value === null || typeof value !== "object") return JSON.stringify(value);
  const members = Object.entries(value).sort(([a], [b]) => a < b ? -1 : 1);
  return `{${members.map(([name, member]) => `${JSON.stringify(name)}:${canonicalJson(member)}`).join(",")}}`;
}

// src/store/manifest.ts
var LETTER = {
  file: "f",
  dir: "d",
  symlink: "l",
  char: "c",
  block: "b",
  fifo: "p",
  whiteout: "w"
};
function encodeManifest(manifest) {
  const writer = startManifest();
  for (const entry of manifest) writer.add(entry);
  return writer.end();
}
var GATHERED = 65536;
function startManifest() {
  const parts2 = [];
  let text = "";
  return {
    add(entry) {
      text += `${escapeField(entry.path)}	${encodeFields(entry)}	${entry.mtime}
`;
      if (text.length < GATHERED) return;
      parts2.push(Buffer.from(text, "latin1"));
      text = "";
    },
    end: () => Buffer.concat([...parts2, Buffer.from(text, "latin1")])
  };
}
function identity(entry) {
  return encodeFields(entry);
}
function encodeFields(entry) {
  const { mode, uid, gid, xattrs } = entry;
  const head = `${LETTER[entry.type]}	${mode.toString(8)}	${uid}	${gid}	${xattrs}`;
  switch (entry.type) {
    case "file":
      return `${head}	${entry.size}	${entry.digest}	${entry.link === void 0 ? "" : escapeField(entry.link)}`;
    case "symlink":
      return `${head}	${escapeField(entry.target)}`;
    case "char":
    case "block":
      return `${head}	${entry.major}:${entry.minor}`;
    case "dir":
    case "fifo":
    case "whiteout":
      return head;
    default:
      return entry;
  }
}
function decodeManifest(bytes) {
  const manifest = /* @__PURE__ */ new Map();
  const text = bytes.toString("latin1");
  for (let start = 0; start < text.length; ) {
    const end = text.indexOf("\n", start);
    if (end < 0) throw new Error("Manifest ends within a line");
    const entry = decodeLine(text.slice(start, end));
    manifest.set(entry.path, entry);
    start = end + 1;
  }
  return manifest;
}
function pathOfLine(line) {
  const end = line.indexOf("	");
  return unescapeField(end < 0 ? line : line.slice(0, end));
}
function decodeLine(line) {
  const fields = line.split("	");
  const [path, letter, mode, uid, gid, xattrs] = fields;
  const common = {
    path: unescapeField(path ?? ""),
    mode: Number.parseInt(mode ?? "", 8),
    uid: Number(uid),
    gid: Number(gid),
    xattrs: xattrs ?? "",
    mtime: Number(fields.at(-1))
  };
  const [first = "", digest = "", link = ""] = fields.slice(6, -1);
  switch (letter) {
    case "f":
      return {
        ...common,
        type: "file",
        size: Number(first),
        digest,
        link: link === "" ? void 0 : unescapeField(link)
      };
    case "d":
      return { ...common, type: "dir" };
    case "l":
      return { ...common, type: "symlink", target: unescapeField(first) };
    case "c":
    case "b": {
      const [major = "", minor = ""] = first.split(":");
      return {
        ...common,
        type: letter === "c" ? "char" : "block",
        major: Number(major),
        minor: Number(minor)
      };
    }
    case "p":
      return { ...common, type: "fifo" };
    case "w":
      return { ...common, type: "whiteout" };
    default:
      throw new Error(`Manifest has a line of unknown type: ${JSON.stringify(line)}`);
  }
}
function escapeField(bytes) {
  return /[\\\t\n]/.test(bytes) ? bytes.replace(/[\\\t\n]/g, (char) => char === "\\" ? "\\\\" : char === "	" ? "\\t" : "\\n") : bytes;
}
function unescapeField(field) {
  return field.includes("\\") ? field.replace(/\\(.)/g, (_, char) => char === "t" ? "	" : char === "n" ? "\n" : char) : field;
}
function parentOf(path) {
  return path.slice(0, Math.max(0, path.lastIndexOf("/")));
}
function printable(path) {
  const text = Buffer.from(path, "latin1").toString("utf8");
  const shown = (char) => char === "\\" ? "\\\\" : hex(char);
  return text.includes("\uFFFD") ? path.replace(/[\x00-\x1f\x7f-\xff\\]/g, shown) : text.replace(/[\x00-\x1f\x7f\\]/g, shown);
}
function hex(char) {
  return `\\x${char.charCodeAt(0).toString(16).padStart(2, "0")}`;
}

// src/store/tree.ts
import { randomBytes } from "node:crypto";
import {
  chmodSync,
  closeSync,
  constants,
  copyFileSync,
  fchmodSync,
  fchownSync,
  fstatSync,
  ftruncateSync,
  futimesSync,
  lchownSync,
  linkSync,
  lstatSync,
  lutimesSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  readSync,
  renameSync,
  rmdirSync,
  symlinkSync,
  unlinkSync,
  writeSync
} from "node:fs";
function at(root, path) {
  return path === "" ? Buffer.from(root) : Buffer.concat([Buffer.from(`${root}/`), Buffer.from(path, "latin1")]);
}
function* walk(root, skip = () => false) {
  const pending = [""];
  for (let path = pending.pop(); path !== void 0; path = pending.pop()) {
    const stat = lstatSync(at(root, path), { bigint: true });
    yield { path, stat };
    if (!stat.isDirectory()) continue;
    const start = path === "" ? "" : `${path}/`;
    const before = [];
    while (pending.length > 0 && pending.at(-1) < start) before.push(pending.pop());
    for (const name of namesIn(at(root, path)).sort().reverse()) {
      const child = `${start}${name}`;
      if (!skip(child)) pending.push(child);
    }
    for (const sibling of before.reverse()) pending.push(sibling);
  }
}
function namesIn(folder) {
  try {
    return readdirSync(folder, { encoding: "latin1" });
  } catch (error) {
    if (errno(error) === "ENOENT") return [];
    throw error;
  }
}
var wholeFile = 1 << 20;
var chunk = Buffer.alloc(1 << 20);
var zeros = Buffer.alloc(1 << 20);
function digestFile(file, size) {
  const fd = openSync(file, constants.O_RDONLY | constants.O_NOFOLLOW);
  try {
    if (size <= wholeFile) return digestOf(readFileSync(fd));
    const digest = startDigest();
    for (const part of contentOf(fd, Number(size))) digest.update(part ?? zeros);
    return digest.end();
  } finally {
    closeSync(fd);
  }
}
function* contentOf(fd, size) {
  let data = nextData(fd, 0) ?? size;
  for (let position = 0; ; ) {
    if (data - position >= zeros.length) {
      yield void 0;
      position += zeros.length;
      continue;
    }
    const length = readSync(fd, chunk, 0, chunk.length, position);
    if (length === 0) return;
    yield chunk.subarray(0, length);
    position += length;
    if (position > data) data = nextData(fd, position) ?? size;
  }
}
function xattrsOf(file) {
  return readXattrs(file).filter(([name]) => !name.startsWith("trusted.overlay.")).map(([name, value]) => `${encodeURIComponent(name)}=${value.toString("hex")}`).join(",");
}
function decodeXattrs(xattrs) {
  if (xattrs === "") return [];
  return xattrs.split(",").map((pair) => {
    const [name = "", value = ""] = pair.split("=");
    return [decodeURIComponent(name), Buffer.from(value, "hex")];
  });
}
function scanTree(root, options) {
  const entries = /* @__PURE__ */ new Map();
  const links = /* @__PURE__ */ new Map();
  for (const { path, stat } of walk(root, options.skip)) {
    const entry = readEntry(root, path, stat, options.mtime(stat), links);
    if (entry) entries.set(path, entry);
  }
  return entries;
}
function readEntry(root, path, stat, mtime, links) {
  const file = at(root, path);
  const isLink = stat.isSymbolicLink();
  const common = {
    path,
    mode: Number(stat.mode & 0o7777n),
    uid: Number(stat.uid),
    gid: Number(stat.gid),
    mtime,
    xattrs: isLink ? "" : xattrsOf(file)
  };
  if (stat.isFile()) {
    const first = stat.nlink > 1n ? links.get(stat.ino) : void 0;
    if (stat.nlink > 1n && first === void 0) links.set(stat.ino, path);
    return {
      ...common,
      type: "file",
      size: Number(stat.size),
      digest: digestFile(file, stat.size),
      link: first
    };
  }
  if (stat.isDirectory()) return { ...common, type: "dir" };
  if (isLink) {
    return { ...common, type: "symlink", target: readlinkSync(file, { encoding: "latin1" }) };
  }
  if (stat.isFIFO()) return { ...common, type: "fifo" };
  if (!stat.isCharacterDevice() && !stat.isBlockDevice()) return void 0;
  const device = splitDevice(stat.rdev);
  if (stat.isCharacterDevice() && stat.rdev === 0n) return whiteout(path);
  return { ...common, type: stat.isCharacterDevice() ? "char" : "block", ...device };
}
function whiteout(path) {
  return { path, type: "whiteout", mode: 0, uid: 0, gid: 0, mtime: 0, xattrs: "" };
}
var LONG_PATH = 3500;
function removeTree(file, top = file) {
  try {
    unlinkSync(file);
  } catch (error) {
    const code = errno(error);
    if (code === "ENOENT" || code === "ENOTDIR") return;
    if (code !== "EISDIR" && code !== "EPERM") throw error;
    for (const name of readdirSync(file, { encoding: "buffer" })) {
      const child = Buffer.concat([file, Buffer.from("/"), name]);
      if (child.length > LONG_PATH && file !== top) removeFarAway(child, top);
      else removeTree(child, top);
    }
    rmdirSync(file);
  }
}
function removeFarAway(file, top) {
  const near = Buffer.concat([top, Buffer.from(`/.${randomBytes(8).toString("hex")}`)]);
  renameSync(file, near);
  removeTree(near);
}
function makeEntry(entry, file, from, inherits = true) {
  const isPlain = !inherits && entry.xattrs === "";
  switch (entry.type) {
    case "file":
      if (isPlain && entry.size <= SMALL && copySmall(entry, file, from)) return;
      copyFile(from, file);
      break;
    case "dir":
      mkdirSync(file, { mode: isPlain ? entry.mode & 493 : 448 });
      if (isPlain) settleFolder(entry, file);
      else settleAttributes(entry, file);
      return;
    case "symlink":
      symlinkSync(Buffer.from(entry.target, "latin1"), file);
      lchownSync(file, entry.uid, entry.gid);
      setTime(file, entry.mtime);
      return;
    case "char":
    case "block":
      makeNode(file, entry.type, 384, entry.major, entry.minor);
      break;
    case "fifo":
      makeNode(file, "fifo", 384);
      break;
    case "whiteout":
      makeNode(file, "char", 0);
      return;
    default:
      entry;
  }
  setMetadata(entry, file);
}
function handsDown(folder) {
  return folder.xattrs.includes("system.posix_acl_default");
}
function settleFolder({ mode, uid, gid }, file) {
  const made = lstatSync(file);
  const isOwned = made.uid === uid && made.gid === gid;
  if (!isOwned) lchownSync(file, uid, gid);
  if (!isOwned || (made.mode & 4095) !== mode) chmodSync(file, mode);
}
var SMALL = 16384;
function copySmall({ size, mode, uid, gid, mtime }, file, from) {
  const source = openSync(from, constants.O_RDONLY | constants.O_NOFOLLOW);
  try {
    const found = fstatSync(source);
    if (found.size !== size || found.blocks * 512 < size) return false;
    if (size > 0 && readSync(source, chunk, 0, size, 0) !== size) return false;
  } finally {
    closeSync(source);
  }
  const target = openSync(file, "wx", mode & 493);
  try {
    if (size > 0) writeAll(target, chunk.subarray(0, size));
    const made = fstatSync(target);
    const isOwned = made.uid === uid && made.gid === gid;
    if (!isOwned) fchownSync(target, uid, gid);
    if (!isOwned || (made.mode & 4095) !== mode) fchmodSync(target, mode);
    futimesSync(target, mtime, mtime);
  } finally {
    closeSync(target);
  }
  return true;
}
function writeAll(fd, bytes) {
  for (let written = 0; written < bytes.length; ) written += writeSync(fd, bytes, written);
}
function copyFile(from, to) {
  const { size, blocks } = lstatSync(from);
  if (blocks * 512 >= size) copyFileSync(from, to, constants.COPYFILE_EXCL | constants.COPYFILE_FICLONE);
  else copySparse(from, to, size);
}
function copySparse(from, to, size) {
  const source = openSync(from, constants.O_RDONLY | constants.O_NOFOLLOW);
  const target = openSync(to, "wx", 384);
  try {
    for (let start = nextData(source, 0); start !== void 0; ) {
      const end = nextHole(source, start);
      for (let position = start; position < end; ) {
        const length = readSync(source, chunk, 0, Math.min(chunk.length, end - position), position);
        if (length === 0) break;
        position += writeSync(target, chunk, 0, length, position);
      }
      start = nextData(source, end);
    }
    ftruncateSync(target, size);
  } finally {
    closeSync(source);
    closeSync(target);
  }
}
var FOREIGN = /^(trusted\.overlay\.|security\.(?!capability$))/;
function setMetadata(entry, file) {
  settleAttributes(entry, file);
  setTime(file, entry.mtime);
}
function settleAttributes(entry, file) {
  lchownSync(file, entry.uid, entry.gid);
  const attributes = new Map(decodeXattrs(entry.xattrs));
  for (const [name] of readXattrs(file)) {
    if (!attributes.has(name) && !FOREIGN.test(name)) removeXattr(file, name);
  }
  chmodSync(file, entry.mode);
  for (const [name, value] of attributes) writeXattr(file, name, value);
}
function setTime(file, seconds) {
  lutimesSync(file, seconds, seconds);
}
function linkEntry(entry, file, from, inherits = true) {
  try {
    linkSync(from, file);
  } catch (error) {
    if (!["EXDEV", "EMLINK", "EPERM"].includes(errno(error) ?? "")) throw error;
    makeEntry(entry, file, from, inherits);
  }
}

// src/project/conf.ts
import { existsSync as existsSync2, readdirSync as readdirSync2, readFileSync as readFileSync2, statSync } from "node:fs";
import { dirname, join, relative as relative2, resolve as resolve2 } from "node:path";

// src/project/mirror.ts
import { existsSync } from "node:fs";
import { basename, resolve } from "node:path";

// src/project/name.ts
var NAME = /^[a-z0-9][a-z0-9._+-]*$/;
var NAME_RULE = "a name is made of a-z 0-9 . _ + - and begins with a letter or a digit";
var OWN_VARIABLES = ["SNAP_CONF", "SNAP_COMMIT"];
var IDENTIFIER = /^[A-Za-z_][A-Za-z0-9_]*$/;
var RESERVED_PREFIX = /^(?:BASH|COMP_|COMPREPLY|COPROC|DEBCONF_|DEBIAN_|DPKG_|EPOCH|HIST|LC_|LD_|MALLOC_|READLINE_|SNAP_|__snap)/;
var RESERVED = new Set(
  `_ ARCH auto_resume CDPATH CHILD_MAX COLUMNS DATA_DIR DIRSTACK EMACS ENV EUID EXECIGNORE FCEDIT FIGNORE FUNCNAME FUNCNEST
  GLOBIGNORE GROUPS histchars HOME HOSTFILE HOSTNAME HOSTTYPE IFS IGNOREEOF IMAGE_DIR INPUTRC INSIDE_EMACS LANG LANGUAGE LINENO
  LINES MACHTYPE MAIL MAILCHECK MAILPATH MAPFILE OLDPWD OPTARG OPTERR OPTIND OSTYPE PATH PIPESTATUS POSIXLY_CORRECT PPID
  PROMPT_COMMAND PROMPT_DIRTRIM PS0 PS1 PS2 PS3 PS4 PWD RANDOM REPLY RUN_HOME SECONDS SHELL SHELLOPTS SHLVL SOURCES_DIR
  SOURCE_DATE_EPOCH SRANDOM SUITE TERM TIMEFORMAT TMOUT TMPDIR TZ UID`.split(/\s+/)
);
function variableFault(name) {
  if (!IDENTIFIER.test(name)) return "is not a shell variable name (letters, digits and _)";
  if (RESERVED_PREFIX.test(name) || RESERVED.has(name)) return "belongs to bash or to snap";
  return void 0;
}
function didYouMean(name, names, kind) {
  const near = nearest(name, names);
  if (near.length > 0) return `did you mean ${near.map((one) => `"${one}"`).join(" or ")}?`;
  if (names.length === 0) return `there are no ${kind}`;
  return names.length <= 12 ? `${kind}: ${names.join(" ")}` : `there are ${names.length} ${kind}`;
}

// src/project/toml-table.ts
import { relative } from "node:path";

// node_modules/smol-toml/dist/error.js
function getLineColFromPtr(string2, ptr) {
  let lines = string2.slice(0, ptr).split(/\r?\n/);
  return [lines.length, lines.pop().length + 1];
}
function makeCodeBlock(string2, line, column) {
  let lines = string2.split(/\r?\n/);
  let codeblock = "";
  let numberLen = (Math.log10(line + 1) | 0) + 1;
  for (let i = line - 1; i <= line + 1; i++) {
    let l = lines[i - 1];
    if (!l)
      continue;
    codeblock += i.toString().padEnd(numberLen, " ");
    codeblock += ":  ";
    codeblock += l;
    codeblock += "\n";
    if (i === line) {
      codeblock += " ".repeat(numberLen + column + 2);
      codeblock += "^\n";
    }
  }
  return codeblock;
}
var TomlError = class _TomlError extends Error {
  line;
  column;
  codeblock;
  constructor(message, options) {
    const [line, column] = getLineColFromPtr(options.toml, options.ptr);
    const codeblock = makeCodeBlock(options.toml, line, column);
    super(`Invalid TOML document: ${message}

${codeblock}`, options);
    this.line = line;
    this.column = column;
    this.codeblock = codeblock;
  }
  /** @internal */
  static x(message, ctx, ptr) {
    throw new _TomlError(message, { toml: ctx.s, ptr: ptr ?? ctx.p });
  }
};

// node_modules/smol-toml/dist/primitive.js
function parseString(ctx) {
  let startPtr = ctx.p;
  let c = ctx.s.charCodeAt(ctx.p++);
  let first = c;
  let isLiteral = c === 39;
  let isMultiline = c === ctx.s.charCodeAt(ctx.p) && c === ctx.s.charCodeAt(ctx.p + 1);
  if (isMultiline) {
    if ((c = ctx.s.charCodeAt(ctx.p += 2)) === 10)
      ctx.p++;
    else if (c === 13 && ctx.s.charCodeAt(ctx.p + 1) === 10)
      ctx.p += 2;
  }
  let parsed = "";
  let sliceStart = ctx.p;
  let state = 0;
  for (; ctx.p < ctx.s.length; ctx.p++) {
    c = ctx.s.charCodeAt(ctx.p);
    if (isMultiline && (c === 10 || c === 13 && ctx.s.charCodeAt(ctx.p + 1) === 10)) {
      state = state && 3;
    } else if (c < 32 && c !== 9 || c === 127) {
      TomlError.x("control characters are not allowed in strings", ctx);
    } else if ((!state || state === 3) && c === first && (!isMultiline || ctx.s.charCodeAt(ctx.p + 1) === first && ctx.s.charCodeAt(ctx.p + 2) === first)) {
      if (isMultiline) {
        if (ctx.s.charCodeAt(ctx.p + 3) === first)
          ctx.p++;
        if (ctx.s.charCodeAt(ctx.p + 3) === first)
          ctx.p++;
      }
      if (!state) {
        let s = ctx.s.slice(sliceStart, ctx.p);
        parsed = parsed ? parsed + s : s;
      }
      ctx.p += isMultiline ? 3 : 1;
      return parsed;
    } else if (!state) {
      if (!isLiteral && c === 92) {
        parsed += ctx.s.slice(sliceStart, sliceStart = ctx.p);
        state = 1;
      }
    } else if (state === 1) {
      if (c === 120 || c === 117 || c === 85) {
        let errPtr = ctx.p++ - 1;
        let value = 0;
        let len = c === 120 ? 2 : c === 117 ? 4 : 8;
        for (let j = 0; j < len; j++, ctx.p++) {
          let hex2 = ctx.s.charCodeAt(ctx.p);
          let digit = (
            /* 0-9 */
            hex2 >= 48 && hex2 <= 57 ? hex2 - 48 : (
              /* A-F */
              hex2 >= 65 && hex2 <= 70 ? hex2 - 65 + 10 : (
                /* a-f */
                hex2 >= 97 && hex2 <= 102 ? hex2 - 97 + 10 : -1
              )
            )
          );
          if (digit < 0)
            TomlError.x("invalid non-hex character in unicode escape", ctx);
          value = value << 4 | digit;
        }
        if (value < 0 || value > 1114111 || value >= 55296 && value <= 57343) {
          TomlError.x("invalid unicode escape", ctx, errPtr);
        }
        parsed += String.fromCodePoint(value);
        sliceStart = ctx.p--;
        state = 0;
      } else if (isMultiline && (c === 32 || c === 9)) {
        state = 2;
      } else {
        if (c === 98)
          parsed += "\b";
        else if (c === 116)
          parsed += "	";
        else if (c === 110)
          parsed += "\n";
        else if (c === 102)
          parsed += "\f";
        else if (c === 114)
          parsed += "\r";
        else if (c === 101)
          parsed += "\x1B";
        else if (c === 34)
          parsed += '"';
        else if (c === 92)
          parsed += "\\";
        else
          TomlError.x("unrecognised escape sequence", ctx);
        sliceStart = ctx.p + 1;
        state = 0;
      }
    } else if (c !== 32 && c !== 9) {
      if (state === 2)
        TomlError.x("invalid escape: only line-ending whitespace may be escaped", ctx, sliceStart);
      state = !isLiteral && c === 92 ? 1 : 0;
      sliceStart = ctx.p;
    }
  }
  TomlError.x("unfinished string", ctx, startPtr);
}

// node_modules/smol-toml/dist/date.js
var DATE_TIME_RE = /^(\d{4}-\d{2}-\d{2})?[Tt ]?(?:(\d{2}):\d{2}(?::\d{2}(?:\.\d+)?)?)?(Z|z|[-+]\d{2}:\d{2})?$/i;
var TomlDate = class _TomlDate extends Date {
  #hasDate = false;
  #hasTime = false;
  #offset = null;
  constructor(date, fasttype, unsafeDelim) {
    let hasDate = true;
    let hasTime = true;
    let offset = "Z";
    let c;
    if (typeof date === "string") {
      if (fasttype)
        prep: {
          if (fasttype < 3) {
            if (+date.slice(11, 13) > 23) {
              date = "";
              break prep;
            }
            if (fasttype === 2) {
              offset = null;
              date += "Z";
            } else if ((c = date.charCodeAt(date.length - 1)) !== 90 && c !== 122) {
              offset = date.slice(date.length - 6);
            }
            if (unsafeDelim)
              date = date.slice(0, 10) + "T" + date.slice(11);
          } else if (fasttype === 4) {
            date = +date.slice(0, 2) > 23 ? "" : `0000-01-01T${date}Z`;
          }
          hasDate = fasttype !== 4;
          hasTime = fasttype !== 3;
        }
      else {
        let match = date.match(DATE_TIME_RE);
        if (match) {
          if (!match[1]) {
            hasDate = false;
            date = `0000-01-01T${date}`;
          }
          hasTime = !!match[2];
          hasTime && date[10] === " " && (date = date.replace(" ", "T"));
          if (match[2] && +match[2] > 23) {
            date = "";
          } else {
            offset = match[3] || null;
            if (!offset && hasTime)
              date += "Z";
          }
        } else {
          date = "";
        }
      }
    }
    super(date);
    if (!isNaN(this.getTime())) {
      this.#hasDate = hasDate;
      this.#hasTime = hasTime;
      this.#offset = offset;
    }
  }
  isDateTime() {
    return this.#hasDate && this.#hasTime;
  }
  isLocal() {
    return !this.#hasDate || !this.#hasTime || !this.#offset;
  }
  isDate() {
    return this.#hasDate && !this.#hasTime;
  }
  isTime() {
    return this.#hasTime && !this.#hasDate;
  }
  isValid() {
    return this.#hasDate || this.#hasTime;
  }
  toISOString() {
    let iso = super.toISOString();
    if (this.isDate())
      return iso.slice(0, 10);
    if (this.isTime())
      return iso.slice(11, 23);
    if (this.#offset === null)
      return iso.slice(0, -1);
    if (this.#offset === "Z" || this.#offset === "z")
      return iso;
    let offset = +this.#offset.slice(1, 3) * 60 + +this.#offset.slice(4, 6);
    offset = this.#offset[0] === "-" ? offset : -offset;
    let offsetDate = new Date(this.getTime() - offset * 6e4);
    return offsetDate.toISOString().slice(0, -1) + this.#offset;
  }
  static wrapAsOffsetDateTime(jsDate, offset = "Z") {
    let date = new _TomlDate(jsDate);
    date.#offset = offset;
    return date;
  }
  static wrapAsLocalDateTime(jsDate) {
    let date = new _TomlDate(jsDate);
    date.#offset = null;
    return date;
  }
  static wrapAsLocalDate(jsDate) {
    let date = new _TomlDate(jsDate);
    date.#hasTime = false;
    date.#offset = null;
    return date;
  }
  static wrapAsLocalTime(jsDate) {
    let date = new _TomlDate(jsDate);
    date.#hasDate = false;
    date.#offset = null;
    return date;
  }
};

// node_modules/smol-toml/dist/extract.js
function isDigit(char, base = 10) {
  return base === 16 ? char > 47 && char < 58 || char > 64 && char < 71 || char > 96 && char < 103 : char > 47 && char < 48 + base;
}
function isEndOfValue(char, delim) {
  return char === 32 || char === 9 || char === 10 || char === 13 || // Structure end or next value delimiter
  delim && (char === delim || char === 44) || // Comment
  char === 35;
}
function extractValue(ctx, end) {
  let errPtr = ctx.p;
  let c = ctx.s.charCodeAt(ctx.p);
  if (c === 91 || c === 123) {
    ctx.d-- || TomlError.x("document contains excessively nested structures. aborting.", ctx);
    let value = c === 91 ? parseArray(ctx) : parseInlineTable(ctx);
    ctx.d++;
    return value;
  }
  if (c === 34 || c === 39) {
    return parseString(ctx);
  }
  if (c === 116) {
    if (ctx.s.charCodeAt(++ctx.p) !== 114 || ctx.s.charCodeAt(++ctx.p) !== 117 || ctx.s.charCodeAt(++ctx.p) !== 101)
      TomlError.x("invalid value", ctx, errPtr);
    return ctx.p++, true;
  }
  if (c === 102) {
    if (ctx.s.charCodeAt(++ctx.p) !== 97 || ctx.s.charCodeAt(++ctx.p) !== 108 || ctx.s.charCodeAt(++ctx.p) !== 115 || ctx.s.charCodeAt(++ctx.p) !== 101)
      TomlError.x("invalid value", ctx, errPtr);
    return ctx.p++, false;
  }
  if (c === 43 || c === 45) {
    return parseNumber(ctx, ctx.p, ctx.s.charCodeAt(++ctx.p), 44 - c, end);
  }
  if (ctx.s.charCodeAt(ctx.p + 4) === 45 && ctx.s.charCodeAt(ctx.p + 7) === 45) {
    return parseDate(ctx, c, end);
  }
  if (ctx.s.charCodeAt(ctx.p + 2) === 58) {
    return parseTime(ctx, c, end);
  }
  return parseNumber(ctx, ctx.p, c, 0, end);
}
function parseNumber(ctx, startPtr, startChr, sign, endChr) {
  let c = startChr;
  let state = 0;
  let hasUnderscores = false;
  if (c === 105) {
    if (ctx.s.charCodeAt(++ctx.p) !== 110 || ctx.s.charCodeAt(++ctx.p) !== 102)
      TomlError.x("invalid value", ctx, startPtr);
    return ctx.p++, (sign || 1) / 0;
  }
  if (c === 110) {
    if (ctx.s.charCodeAt(++ctx.p) !== 97 || ctx.s.charCodeAt(++ctx.p) !== 110)
      TomlError.x("invalid value", ctx, startPtr);
    return ctx.p++, NaN;
  }
  if (c === 48) {
    if (++ctx.p >= ctx.s.length || isEndOfValue(c = ctx.s.charCodeAt(ctx.p), endChr))
      return ctx.bi === true ? 0n : 0;
    if (!sign) {
      if (c === 120)
        return parseIntegerBaseN(ctx, startPtr, 16, endChr);
      else if (c === 98)
        return parseIntegerBaseN(ctx, startPtr, 2, endChr);
      else if (c === 111)
        return parseIntegerBaseN(ctx, startPtr, 8, endChr);
    }
    if (c === 46)
      state = 2;
    else if (c === 101 || c === 69)
      state = 4;
    else
      TomlError.x("illegal leading zero", ctx, startPtr);
  } else if (!isDigit(c))
    TomlError.x("invalid value", ctx, startPtr);
  while (++ctx.p < ctx.s.length && (c = ctx.s.charCodeAt(ctx.p), !isEndOfValue(c, endChr))) {
    if (!state)
      state = 1;
    if (c === 95) {
      if (!(state & 1))
        TomlError.x("illegal underscore", ctx);
      state += 11;
      hasUnderscores = true;
    } else if (state === 1 && c === 46)
      state = 2;
    else if ((state === 1 || state === 3) && (c === 101 || c === 69))
      state = 4;
    else if (state === 4 && (c === 43 || c === 45)) {
      state = 6;
    } else if (!isDigit(c))
      TomlError.x(`illegal character in numeric literal`, ctx);
    else if (state > 9)
      state -= 11;
    else if (!(state & 1))
      state++;
  }
  if (!state) {
    let val = (startChr - 48) * (sign || 1);
    return ctx.bi === true ? BigInt(val) : val;
  }
  if (!(state & 1))
    TomlError.x("unfinished numeric value", ctx, startPtr);
  let str = ctx.s.slice(startPtr, ctx.p);
  if (hasUnderscores)
    str = str.replaceAll("_", "");
  return state > 1 ? parseFloat(str) : parseInteger(ctx, str, 10, startPtr);
}
function parseIntegerBaseN(ctx, startPtr, base, endChr) {
  let c, underscore = 1;
  while (++ctx.p < ctx.s.length && (c = ctx.s.charCodeAt(ctx.p), !isEndOfValue(c, endChr))) {
    if (c === 95) {
      if (underscore & 1)
        TomlError.x("illegal underscore", ctx);
      underscore = 3;
    } else if (!isDigit(c, base))
      TomlError.x(`illegal character in numeric literal`, ctx);
    else if (underscore & 1)
      underscore--;
  }
  if (underscore & 1)
    TomlError.x("unfinished numeric value", ctx);
  let str = ctx.s.slice(startPtr + 2, ctx.p);
  if (underscore)
    str = str.replaceAll("_", "");
  return parseInteger(ctx, str, base, startPtr);
}
function parseInteger(ctx, str, base, startPtr) {
  if (ctx.bi !== true)
    int: {
      let val = parseInt(str, base);
      if (!Number.isSafeInteger(val)) {
        if (ctx.bi)
          break int;
        TomlError.x("integer value cannot be represented losslessly", ctx, startPtr);
      }
      return val;
    }
  return base === 10 ? BigInt(str) : BigInt((base === 2 ? "0b" : base === 8 ? "0o" : "0x") + str);
}
function parseDate(ctx, c, endChr) {
  let startPtr = ctx.p++, unsafeSeparator;
  if (!isDigit(c) || !isDigit(ctx.s.charCodeAt(ctx.p++)) || !isDigit(ctx.s.charCodeAt(ctx.p++)) || !isDigit(ctx.s.charCodeAt(ctx.p++))) {
    return parseNumber(ctx, ctx.p = startPtr, c, 0, endChr);
  }
  ctx.p += 5;
  if (!isDigit(ctx.s.charCodeAt(ctx.p++)))
    TomlError.x("invalid date-time: date part is malformed", ctx, startPtr);
  if (ctx.p >= ctx.s.length || ((c = ctx.s.charCodeAt(ctx.p)) !== 32 || (unsafeSeparator = true, !isDigit(ctx.s.charCodeAt(ctx.p + 1)))) && c !== 84 && c !== 116) {
    let t2 = ctx.s.slice(startPtr, ctx.p);
    return readDate(ctx, t2, 3, false, startPtr);
  }
  if (ctx.s.charCodeAt(ctx.p += 3) !== 58)
    TomlError.x("invalid date-time: time part is malformed", ctx, startPtr);
  if (ctx.s.charCodeAt(ctx.p += 3) === 58)
    ctx.p += 3;
  if (ctx.s.charCodeAt(ctx.p) === 46)
    while (isDigit(ctx.s.charCodeAt(++ctx.p)))
      ;
  if (c = ctx.s.charCodeAt(ctx.p)) {
    if (c === 90 || c === 122) {
      let t2 = ctx.s.slice(startPtr, ++ctx.p);
      return readDate(ctx, t2, 1, unsafeSeparator, startPtr, "[+00:00]");
    }
    if (c === 43 || c === 45) {
      let t2 = ctx.s.slice(startPtr, ctx.p += 6);
      return readDate(ctx, t2, 1, unsafeSeparator, startPtr, !ctx.ld && "[" + ctx.s.slice(ctx.p - 6, ctx.p) + "]");
    }
  }
  let t = ctx.s.slice(startPtr, ctx.p);
  return readDate(ctx, t, 2, unsafeSeparator, startPtr);
}
function parseTime(ctx, c, endChr) {
  let start = ctx.p;
  if (!isDigit(c) || !isDigit(ctx.s.charCodeAt(++ctx.p))) {
    return parseNumber(ctx, --ctx.p, c, 0, endChr);
  }
  if (ctx.s.charCodeAt(ctx.p += 4) === 58)
    ctx.p += 3;
  if (ctx.s.charCodeAt(ctx.p) === 46)
    while (isDigit(ctx.s.charCodeAt(++ctx.p)))
      ;
  let t = ctx.s.slice(start, ctx.p);
  return readDate(ctx, t, 4, false, start);
}
function readDate(ctx, str, type, unsafeDelim, errPtr, temporalSuffix) {
  if (ctx.ld) {
    let date = new TomlDate(str, type, unsafeDelim);
    if (!date.isValid())
      TomlError.x("invalid date", ctx, errPtr);
    return date;
  }
  try {
    if (temporalSuffix)
      str += temporalSuffix;
    switch (type) {
      case 1:
        return Temporal.ZonedDateTime.from(str);
      case 2:
        return Temporal.PlainDateTime.from(str);
      case 3:
        return Temporal.PlainDate.from(str);
      case 4:
        return Temporal.PlainTime.from(str);
    }
  } catch (e) {
    TomlError.x(e instanceof Error ? e.message : "" + e, ctx, errPtr);
  }
}

// node_modules/smol-toml/dist/util.js
function skipComment(ctx) {
  for (; ctx.p < ctx.s.length; ctx.p++) {
    let c = ctx.s.charCodeAt(ctx.p);
    if (c === 10)
      break;
    if (c === 13 && ctx.s.charCodeAt(ctx.p + 1) === 10) {
      ctx.p++;
      break;
    }
    if (c < 32 && c !== 9 || c === 127) {
      TomlError.x("control characters are not allowed in comments", ctx);
    }
  }
}
function skipVoid(ctx, banNewLines, banComments) {
  let c;
  while (ctx.p < ctx.s.length) {
    while (ctx.p < ctx.s.length && ((c = ctx.s.charCodeAt(ctx.p)) === 32 || c === 9 || !banNewLines && (c === 10 || c === 13 && ctx.s.charCodeAt(ctx.p + 1) === 10)))
      ctx.p++;
    if (banComments || c !== 35)
      break;
    skipComment(ctx);
  }
}

// node_modules/smol-toml/dist/struct.js
function parseKey(ctx, end = 61) {
  let startPtr;
  let state = 0;
  let parsed = [];
  let sliceStart;
  let c = ctx.s.charCodeAt(startPtr = ctx.p);
  do {
    if (c === end) {
      if (!state)
        TomlError.x("unexpected end of key", ctx);
      if (state === 1)
        parsed.push(ctx.s.slice(sliceStart, ctx.p));
      return ctx.p++, parsed;
    } else if (c === 46) {
      if (!state)
        TomlError.x("illegal empty bare key", ctx);
      if (state === 1)
        parsed.push(ctx.s.slice(sliceStart, ctx.p));
      state = 0;
    } else if (!state && (c === 34 || c === 39)) {
      if (c === ctx.s.charCodeAt(ctx.p + 1) && c === ctx.s.charCodeAt(ctx.p + 2))
        TomlError.x("illegal quoted key: multiline strings are not allowed", ctx);
      parsed.push(parseString(ctx));
      state = 2;
      ctx.p--;
    } else if (c === 32 || c === 9) {
      if (state === 1) {
        parsed.push(ctx.s.slice(sliceStart, ctx.p));
        state = 2;
      }
    } else if (state === 2 || c < 48 && c !== 45 || c > 57 && c < 65 || c > 90 && c < 97 && c !== 95 || c > 122) {
      TomlError.x("illegal character in key", ctx);
    } else if (!state) {
      state = 1;
      sliceStart = ctx.p;
    }
  } while (c = ctx.s.charCodeAt(++ctx.p));
  TomlError.x("incomplete key-value: cannot find end of key", ctx, startPtr);
}
function parseInlineTable(ctx) {
  let startPtr = ctx.p++;
  let res = /* @__PURE__ */ Object.create(null);
  let seen = /* @__PURE__ */ new Set();
  let c;
  while (ctx.p < ctx.s.length) {
    skipVoid(ctx);
    if ((c = ctx.s.charCodeAt(ctx.p)) === 125) {
      ctx.p++;
      return res;
    }
    let k;
    let t = res;
    let hasOwn = false;
    let errPtr = ctx.p;
    let key = parseKey(ctx);
    for (let i = 0; i < key.length; i++) {
      if (i)
        t = hasOwn ? t[k] : t[k] = /* @__PURE__ */ Object.create(null);
      k = key[i];
      if ((hasOwn = Object.hasOwn(t, k)) && (typeof t[k] !== "object" || seen.has(t[k]))) {
        TomlError.x("trying to redefine an already defined value", ctx, errPtr);
      }
      let unsafe = k === "__proto__";
      if (ctx.uk && (unsafe || k === "constructor")) {
        t = ctx.uk !== 1 && TomlError.x("document contains an unsafe property", ctx, errPtr);
        break;
      }
      if (!hasOwn && unsafe) {
        Object.defineProperty(t, k, { enumerable: true, configurable: true, writable: true });
      }
    }
    if (hasOwn) {
      TomlError.x("trying to redefine an already defined value", ctx, errPtr);
    }
    skipVoid(ctx, true, true);
    let value = extractValue(
      ctx,
      125
      /* } */
    );
    if (t && typeof (t[k] = value) === "object")
      seen.add(value);
    skipVoid(ctx);
    if ((c = ctx.s.charCodeAt(ctx.p++)) === 125) {
      return res;
    }
    if (c !== 44)
      TomlError.x("expected comma or end of structure", ctx, ctx.p - 1);
  }
  TomlError.x("unfinished table", ctx, startPtr);
}
function parseArray(ctx) {
  let startPtr = ctx.p++;
  let res = [];
  let c;
  while (ctx.p < ctx.s.length) {
    skipVoid(ctx);
    if ((c = ctx.s.charCodeAt(ctx.p)) === 93) {
      ctx.p++;
      return res;
    }
    res.push(extractValue(
      ctx,
      93
      /* ] */
    ));
    skipVoid(ctx);
    if ((c = ctx.s.charCodeAt(ctx.p++)) === 93) {
      return res;
    }
    if (c !== 44)
      TomlError.x("expected comma or end of structure", ctx, ctx.p - 1);
  }
  TomlError.x("unfinished array", ctx, startPtr);
}

// node_modules/smol-toml/dist/parse.js
function peekTable(ctx, key, table2, meta, type) {
  let t = table2;
  let m = meta;
  let k;
  let hasOwn = false;
  let state;
  for (let i = 0; i < key.length; i++) {
    if (i) {
      t = hasOwn ? t[k] : t[k] = /* @__PURE__ */ Object.create(null);
      m = (state = m[k]).c;
      if (type === 0 && (state.t === 1 || state.t === 2)) {
        return null;
      }
      if (state.t === 2) {
        let l = t.length - 1;
        t = t[l];
        m = m[l].c;
      }
    }
    k = key[i];
    if ((hasOwn = Object.hasOwn(t, k)) && m[k]?.t === 0 && m[k]?.d) {
      return null;
    }
    if (!hasOwn) {
      let unsafe = k === "__proto__";
      if (ctx.uk && (unsafe || k === "constructor"))
        return false;
      if (unsafe) {
        Object.defineProperty(t, k, { enumerable: true, configurable: true, writable: true });
        Object.defineProperty(m, k, { enumerable: true, configurable: true, writable: true });
      }
      m[k] = {
        t: i < key.length - 1 && type === 2 ? 3 : type,
        d: false,
        i: 0,
        c: /* @__PURE__ */ Object.create(null)
      };
    }
  }
  state = m[k];
  if (state.t !== type && !(type === 1 && state.t === 3)) {
    return null;
  }
  if (type === 2) {
    if (!state.d) {
      state.d = true;
      t[k] = [];
    }
    t[k].push(t = /* @__PURE__ */ Object.create(null));
    state.c[state.i++] = state = { t: 1, d: false, i: 0, c: /* @__PURE__ */ Object.create(null) };
  }
  if (state.d) {
    return null;
  }
  state.d = true;
  if (type === 1) {
    t = hasOwn ? t[k] : t[k] = /* @__PURE__ */ Object.create(null);
  } else if (type === 0 && hasOwn) {
    return null;
  }
  return [k, t, state.c];
}
function validateTablePeek(ctx, peek, ptr) {
  if (peek === null || ctx.uk === 2)
    TomlError.x(peek === null ? "trying to redefine an already defined table or value" : "document contains an unsafe property", ctx, ptr);
}
function parse(toml, options = {}) {
  let ctx = {
    s: toml,
    p: 0,
    d: options.maxDepth ?? 1e3,
    bi: options.integersAsBigInt ?? false,
    ld: options.useLegacyDate ?? true,
    uk: options.unsafeKeyBehaviour === "throw" ? 2 : options.unsafeKeyBehaviour === "drop" ? 1 : 0
  };
  let res = /* @__PURE__ */ Object.create(null);
  let meta = /* @__PURE__ */ Object.create(null);
  let tmp;
  let skipping = false;
  let tbl = res;
  let m = meta;
  if (toml.charCodeAt(0) === 65279)
    ctx.p++;
  skipVoid(ctx);
  while (ctx.p < toml.length) {
    if (toml.charCodeAt(ctx.p) === 91) {
      let isTableArray = toml.charCodeAt(++ctx.p) === 91;
      tmp = ctx.p += +isTableArray;
      skipping = false;
      let k = parseKey(
        ctx,
        93
        /* ] */
      );
      if (isTableArray) {
        if (toml.charCodeAt(ctx.p) !== 93) {
          TomlError.x("expected end of table array declaration", ctx);
        }
        ctx.p++;
      }
      let p = peekTable(
        ctx,
        k,
        res,
        meta,
        isTableArray ? 2 : 1
        /* Type.EXPLICIT */
      );
      if (!p) {
        validateTablePeek(ctx, p, tmp);
        skipping = true;
      } else {
        m = p[2];
        tbl = p[1];
      }
    } else {
      tmp = ctx.p;
      let k = parseKey(ctx);
      let p = peekTable(
        ctx,
        k,
        tbl,
        m,
        0
        /* Type.DOTTED */
      );
      if (!p && !skipping)
        validateTablePeek(ctx, p, tmp);
      skipVoid(ctx, true, true);
      let v = extractValue(ctx, void 0);
      if (p && !skipping)
        p[1][p[0]] = v;
    }
    skipVoid(ctx, true);
    if (ctx.p < toml.length && (tmp = toml.charCodeAt(ctx.p)) !== 10 && (tmp !== 13 || toml.charCodeAt(ctx.p + 1) !== 10)) {
      TomlError.x("each key-value declaration must be followed by an end-of-line", ctx);
    }
    skipVoid(ctx);
  }
  return res;
}

// node_modules/smol-toml/dist/stringify.js
var HAS_WELLFORMED = !!"".isWellFormed;

// src/project/toml-line.ts
function lineOf(text, path) {
  const places = keyLines(text);
  for (let length = path.length; length > 0; length--) {
    const line = places.get(spell(path.slice(0, length)));
    if (line === void 0) continue;
    const index = path[length];
    return typeof index === "number" ? elementLine(text, line, index) : line;
  }
  return 1;
}
function decimalAt(text, line) {
  return /=\s*(-?\d+(?:\.\d+)?)\s*(?:#.*)?$/.exec(text.split("\n")[line - 1]?.trimEnd() ?? "")?.[1];
}
function keyLines(text) {
  const places = /* @__PURE__ */ new Map();
  const counts = /* @__PURE__ */ new Map();
  let table2 = [];
  for (const [index, line] of text.split("\n").entries()) {
    const array = /^\s*\[\[(.+?)\]\]/.exec(line)?.[1];
    const header = array ?? /^\s*\[([^[\]]+)\]\s*(?:#.*)?$/.exec(line)?.[1];
    const key = /^\s*((?:"[^"]*"|'[^']*'|[A-Za-z0-9_-]+|\s*\.\s*)+?)\s*=/.exec(line)?.[1];
    if (array !== void 0) table2 = nextOf(parts(array), counts);
    else if (header !== void 0) table2 = parts(header);
    const place2 = spell(header === void 0 && key !== void 0 ? [...table2, ...parts(key)] : table2);
    if ((header ?? key) !== void 0 && !places.has(place2)) places.set(place2, index + 1);
  }
  return places;
}
function nextOf(name, counts) {
  const count = counts.get(spell(name)) ?? 0;
  counts.set(spell(name), count + 1);
  return [...name, count];
}
function elementLine(text, line, index) {
  const rest = text.split("\n").slice(line - 1).join("\n");
  const begin = rest.indexOf("[", rest.indexOf("=")) + 1;
  let seen = 0;
  for (const token of rest.slice(begin).matchAll(/"(?:\\.|[^"\\\n])*"|'[^'\n]*'|#[^\n]*|\]/g)) {
    if (token[0] === "]") break;
    if (token[0].startsWith("#") || seen++ < index) continue;
    return line + rest.slice(0, begin + token.index).split("\n").length - 1;
  }
  return line;
}
function parts(dotted) {
  return [...dotted.matchAll(/"([^"]*)"|'([^']*)'|([A-Za-z0-9_-]+)/g)].map((m) => m[1] ?? m[2] ?? m[3] ?? "");
}
function spell(path) {
  return JSON.stringify(path);
}

// src/project/toml-table.ts
function parseToml(page) {
  try {
    return parse(page.text, { integersAsBigInt: "asNeeded" });
  } catch (error) {
    if (!(error instanceof TomlError)) throw error;
    const [what = ""] = error.message.replace(/^Invalid TOML document: /, "").split("\n");
    throw new SnapError("CONF", `Cannot read ${place(page, error.line)}: ${what}`, {
      lines: error.codeblock.trimEnd().split("\n"),
      hint: "the format is TOML, see docs/conf.md",
      cause: error
    });
  }
}
function checkKeys(page, given, path, known) {
  const stranger = Object.keys(given).find((key) => !known.includes(key));
  if (stranger === void 0) return;
  const shown = [...path.filter((part) => typeof part === "string"), stranger].join(".");
  throw fault(page, [...path, stranger], `unknown key "${shown}"`, didYouMean(stranger, known, "keys"));
}
function string(page, value, path) {
  if (value === void 0) return void 0;
  if (typeof value !== "string") throw wrongType(page, value, path, "a string");
  if (value === "") throw fault(page, path, `${label(path)} is empty`, "write a value, or take the line out");
  return value;
}
function word(page, value, path) {
  const given = string(page, value, path);
  if (given === void 0 || /^[!-Z\\^-~]+$/.test(given)) return given;
  throw fault(
    page,
    path,
    `"${given}" is not one plain word`,
    "expected no spaces, brackets or control characters"
  );
}
function strings(page, value, path) {
  if (value === void 0) return void 0;
  if (!Array.isArray(value)) throw wrongType(page, value, path, 'an array of strings, as in ["a", "b"]');
  return value.map((item, index) => string(page, item, [...path, index]));
}
function words(page, value, path) {
  const given = strings(page, value, path);
  if (given?.length === 0)
    throw fault(page, path, `${label(path)} is empty`, "write at least one, or take it out");
  return given?.map((item, index) => word(page, item, [...path, index]));
}
function table(page, value, path) {
  if (value === void 0) return void 0;
  if (kindOf(value) !== "a table") throw wrongType(page, value, path, `a table: [${String(path[0])}]`);
  return value;
}
function kindOf(value) {
  if (Array.isArray(value)) return "an array";
  if (value instanceof Date) return "a date";
  if (typeof value === "object") return "a table";
  return typeof value === "bigint" ? "a number" : `a ${typeof value}`;
}
function wrongType(page, value, path, expected) {
  return fault(page, path, `${label(path)} is ${kindOf(value)}`, `expected ${expected}`);
}
function fault(page, path, what, hint) {
  return new SnapError("CONF", `Cannot read ${place(page, lineOf(page.text, path))}: ${what}`, { hint });
}
function place(page, line) {
  return `${relative(page.project, page.file)}:${line}`;
}
function label(path) {
  const shown = path.map((part) => typeof part === "number" ? `[${part + 1}]` : `.${part}`).join("");
  return `"${shown.slice(1)}"`;
}

// src/project/mirror.ts
var MIRROR_KEYS = ["name", "uri", "suites", "components", "signed_by"];
function readMirrors(page, value) {
  if (value === void 0) return [];
  if (!Array.isArray(value))
    throw wrongType(page, value, ["mirror"], "a table of its own for each: [[mirror]]");
  return value.map((item, index) => readMirror(page, item, index));
}
function readMirror(page, value, index) {
  const path = ["mirror", index];
  const given = table(page, value, path) ?? {};
  checkKeys(page, given, path, MIRROR_KEYS);
  const uri = word(page, given.uri, [...path, "uri"]);
  if (uri === void 0) throw fault(page, path, 'this mirror has no "uri"', 'add uri = "http://..."');
  if (!/^(?:https?:\/\/.|file:\/)/.test(uri)) {
    throw fault(
      page,
      [...path, "uri"],
      `unknown kind of address "${uri}"`,
      "expected http://, https:// or file:/"
    );
  }
  const name = string(page, given.name, [...path, "name"]);
  if (name !== void 0 && !NAME.test(name)) {
    throw fault(page, [...path, "name"], `"${name}" is not a name for a mirror`, NAME_RULE);
  }
  return {
    name,
    uri: uri.replace(/\/+$/, ""),
    suites: words(page, given.suites, [...path, "suites"]),
    components: words(page, given.components, [...path, "components"]) ?? ["main"],
    signedBy: keyring(page, given.signed_by, [...path, "signed_by"]),
    page,
    index
  };
}
function keyring(page, value, path) {
  const given = string(page, value, path);
  if (given === void 0) return void 0;
  const file = resolve(page.project, given);
  if (existsSync(file)) return file;
  throw fault(
    page,
    path,
    `there is no keyring "${file}"`,
    "expected a file, absolute or relative to the project"
  );
}
function nameMirrors(mirrors, suite) {
  const taken = /* @__PURE__ */ new Set();
  for (const { name, page, index } of mirrors) {
    if (name === void 0) continue;
    if (taken.has(name)) {
      throw fault(
        page,
        ["mirror", index, "name"],
        `two mirrors are called "${name}"`,
        "give each its own name"
      );
    }
    taken.add(name);
  }
  return mirrors.map(({ name, uri, suites, components, signedBy }) => ({
    name: name ?? freeName(uri, taken),
    uri,
    suites: suites ?? [suite],
    components,
    signedBy
  }));
}
function freeName(uri, taken) {
  const last = basename(uri).toLowerCase();
  const stem = NAME.test(last) ? last : "mirror";
  let name = stem;
  for (let count = 2; taken.has(name); count++) name = `${stem}-${count}`;
  taken.add(name);
  return name;
}

// src/project/conf.ts
var ARCHITECTURES = [
  "amd64",
  "arm64",
  "armel",
  "armhf",
  "i386",
  "mips64el",
  "ppc64el",
  "riscv64",
  "s390x"
];
var KEYS = ["suite", "arch", "extends", "scriptlets", "without", "vars", "mirror", "store"];
var STORE_KEYS = ["max_size"];
function loadConf(project, name) {
  const chain = readChain(resolve2(project), name);
  const merged = chain.reduceRight(merge, void 0);
  const { suite, arch } = merged;
  if (suite === void 0) throw missing(merged.page, "suite", 'suite = "bookworm"');
  if (arch === void 0) throw missing(merged.page, "arch", 'arch = "amd64"');
  return {
    name,
    file: merged.page.file,
    project: resolve2(project),
    suite,
    arch,
    mirrors: nameMirrors(merged.mirrors, suite),
    scriptlets: merged.scriptlets,
    vars: merged.vars,
    parents: chain.slice(1).map((sheet) => sheet.page.name),
    ...merged.maxStoreSize === void 0 ? {} : { maxStoreSize: merged.maxStoreSize }
  };
}
function listConfs(project) {
  return namesIn2(join(project, "conf"), ".toml");
}
function namesIn2(folder, ending) {
  if (!existsSync2(folder)) return [];
  return readdirSync2(folder).filter((file) => file.endsWith(ending)).map((file) => file.slice(0, -ending.length)).filter((name) => NAME.test(name)).sort();
}
function readChain(project, name) {
  const chain = [];
  for (let next = name; next !== void 0; next = chain.at(-1)?.parent) {
    const child = chain.at(-1);
    const cycle = chain.findIndex((sheet) => sheet.page.name === next);
    if (child !== void 0 && cycle >= 0) {
      const way = [...chain.slice(cycle).map((sheet) => sheet.page.name), next].join(" -> ");
      throw fault(
        child.page,
        ["extends"],
        `it extends itself: ${way}`,
        'take one "extends" out of the circle'
      );
    }
    chain.push(readSheet(readPage(project, next, child?.page)));
  }
  return chain;
}
function readPage(project, name, child) {
  if (!NAME.test(name)) {
    if (child) throw fault(child, ["extends"], `"${name}" is not the name of a conf`, NAME_RULE);
    throw new SnapError("CONF", `Cannot read conf "${name}": this is not the name of a conf`, {
      hint: NAME_RULE
    });
  }
  const file = join(project, "conf", `${name}.toml`);
  try {
    return { name, file, project, text: readFileSync2(file, "utf8") };
  } catch (error) {
    if (errno(error) !== "ENOENT") {
      throw new SnapError("CONF", `Cannot read conf "${name}": ${file}: ${errno(error) ?? error}`, {
        cause: error
      });
    }
    const hint = didYouMean(name, listConfs(project), "confs");
    if (child) throw fault(child, ["extends"], `there is no conf "${name}"`, hint);
    throw new SnapError("CONF", `Cannot read conf "${name}": there is no file "${file}"`, { hint });
  }
}
function readSheet(page) {
  const table2 = parseToml(page);
  checkKeys(page, table2, [], KEYS);
  const scriptlets = strings(page, table2.scriptlets, ["scriptlets"]) ?? [];
  checkList(page, scriptlets, "scriptlets");
  const without = strings(page, table2.without, ["without"]) ?? [];
  checkList(page, without, "without");
  const arch = string(page, table2.arch, ["arch"]);
  if (arch !== void 0 && !ARCHITECTURES.includes(arch)) {
    throw fault(page, ["arch"], `unknown arch "${arch}"`, `expected one of ${ARCHITECTURES.join(" ")}`);
  }
  const parent = string(page, table2.extends, ["extends"]);
  if (parent === void 0 && without.length > 0) {
    throw fault(
      page,
      ["without"],
      '"without" needs "extends"',
      "name the conf whose scriptlets to leave out"
    );
  }
  return {
    page,
    suite: word(page, table2.suite, ["suite"]),
    arch,
    parent,
    scriptlets,
    without,
    vars: readVars(page, table2.vars),
    mirrors: readMirrors(page, table2.mirror),
    maxStoreSize: readStore(page, table2.store)
  };
}
function merge(parent, child) {
  if (parent === void 0) return child;
  for (const [index, name] of child.without.entries()) {
    if (parent.scriptlets.includes(name)) continue;
    const hint = didYouMean(name, parent.scriptlets, `scriptlets of "${child.parent}"`);
    throw fault(child.page, ["without", index], `"${child.parent}" has no scriptlet "${name}"`, hint);
  }
  const kept = parent.scriptlets.filter((name) => !child.without.includes(name));
  for (const [index, name] of child.scriptlets.entries()) {
    if (!kept.includes(name)) continue;
    const hint = `take it out here, or add "${name}" to "without" to move it to the end`;
    throw fault(
      child.page,
      ["scriptlets", index],
      `scriptlet "${name}" is in "${child.parent}" already`,
      hint
    );
  }
  return {
    ...child,
    suite: child.suite ?? parent.suite,
    arch: child.arch ?? parent.arch,
    scriptlets: [...kept, ...child.scriptlets],
    vars: { ...parent.vars, ...child.vars },
    mirrors: child.mirrors.length > 0 ? child.mirrors : parent.mirrors,
    maxStoreSize: child.maxStoreSize ?? parent.maxStoreSize
  };
}
function readVars(page, value) {
  const vars = [];
  for (const [name, given] of Object.entries(table(page, value, ["vars"]) ?? {})) {
    const path = ["vars", name];
    const wrong = variableFault(name);
    if (wrong) throw fault(page, path, `variable "${name}" ${wrong}`, "choose another name");
    vars.push([name, variable(page, given, path)]);
  }
  return Object.fromEntries(vars);
}
function variable(page, value, path) {
  switch (typeof value) {
    case "string":
      if (value.includes("\0"))
        throw fault(page, path, `${label(path)} holds a NUL`, "no shell can keep one");
      return value;
    case "number":
    case "bigint":
      return decimalAt(page.text, lineOf(page.text, path)) ?? String(value);
    case "boolean":
      return String(value);
    default:
      throw wrongType(page, value, path, "a string, a number or a boolean");
  }
}
function readStore(page, value) {
  const given = table(page, value, ["store"]) ?? {};
  checkKeys(page, given, ["store"], STORE_KEYS);
  const size = string(page, given.max_size, ["store", "max_size"]);
  if (size === void 0 || /^\d+(?:\.\d+)?\s*[KMGT]?i?B?$/i.test(size)) return size;
  throw fault(
    page,
    ["store", "max_size"],
    `"${size}" is not a size`,
    'expected a number with a unit, as in "20G"'
  );
}
function checkList(page, names, key) {
  for (const [index, name] of names.entries()) {
    const path = [key, index];
    if (!NAME.test(name)) throw fault(page, path, `"${name}" is not the name of a scriptlet`, NAME_RULE);
    if (names.indexOf(name) === index) continue;
    const first = lineOf(page.text, [key, names.indexOf(name)]);
    throw fault(
      page,
      path,
      `scriptlet "${name}" stands here twice`,
      `take one out; the first is in line ${first}`
    );
  }
}
function missing(page, key, example) {
  return new SnapError("CONF", `Cannot read ${relative2(page.project, page.file)}: "${key}" is missing`, {
    hint: `add ${example}`
  });
}

// src/store/layers.ts
import {
  closeSync as closeSync2,
  existsSync as existsSync3,
  linkSync as linkSync2,
  lstatSync as lstatSync2,
  openSync as openSync2,
  readFileSync as readFileSync3,
  renameSync as renameSync2,
  statSync as statSync2,
  writeFileSync
} from "node:fs";
import { join as join2 } from "node:path";

// src/store/sorted-manifest.ts
var OFTEN = 1 / 8;
var MANY = 3e4;
function bytesOf(manifest) {
  return manifest instanceof SortedManifest ? manifest.bytes : encodeManifest(manifest.values());
}
var SortedManifest = class {
  /** As `encodeManifest` writes them. */
  bytes;
  #known = /* @__PURE__ */ new Map();
  #lookups = 0;
  #size;
  #all;
  constructor(bytes) {
    if (bytes.length > 0 && bytes.at(-1) !== 10) throw new Error("Manifest ends within a line");
    this.bytes = bytes;
  }
  get size() {
    if (this.#size !== void 0) return this.#size;
    let lines = 0;
    for (let at2 = this.bytes.indexOf(10); at2 >= 0; at2 = this.bytes.indexOf(10, at2 + 1)) lines++;
    this.#size = lines;
    return lines;
  }
  get(path) {
    if (this.#all) return this.#all.get(path);
    if (this.#known.has(path)) return this.#known.get(path);
    if (++this.#lookups > this.size * OFTEN && this.size <= MANY) {
      this.#all = /* @__PURE__ */ new Map();
      for (const entry2 of this.values()) this.#all.set(entry2.path, entry2);
      return this.#all.get(path);
    }
    const entry = this.#find(path);
    this.#known.set(path, entry);
    return entry;
  }
  *values() {
    for (let start = 0; start < this.bytes.length; ) {
      const end = this.bytes.indexOf(10, start);
      yield decodeLine(this.bytes.toString("latin1", start, end));
      start = end + 1;
    }
  }
  /** The entries whose paths begin with `prefix`, in byte order. */
  *startingWith(prefix) {
    for (let start = this.#firstFrom(prefix); start < this.bytes.length; ) {
      const end = this.bytes.indexOf(10, start);
      const line = this.bytes.toString("latin1", start, end);
      if (!pathOfLine(line).startsWith(prefix)) return;
      yield decodeLine(line);
      start = end + 1;
    }
  }
  #find(path) {
    const start = this.#firstFrom(path);
    if (start >= this.bytes.length) return void 0;
    const line = this.bytes.toString("latin1", start, this.bytes.indexOf(10, start));
    return pathOfLine(line) === path ? decodeLine(line) : void 0;
  }
  /** Where the first line begins whose path is `path` or comes after it. */
  #firstFrom(path) {
    let low = 0;
    let high = this.bytes.length;
    while (low < high) {
      const middle = low + high >>> 1;
      const start = middle === 0 ? 0 : this.bytes.lastIndexOf(10, middle - 1) + 1;
      const end = this.bytes.indexOf(10, start);
      if (pathOfLine(this.bytes.toString("latin1", start, end)) < path) low = end + 1;
      else high = start;
    }
    return low;
  }
};

// src/store/layers.ts
function contentDigest(manifest, records) {
  return contentDigestOf(bytesOf(manifest), records);
}
function contentDigestOf(bytes, records) {
  return digestOf(`${digestInParts(bytes)}${canonicalJson(records)}`);
}
var SCHEMA = 2;
var WORK_DIR = /^[0-9a-f]{16}$/;
var Store = class {
  layout;
  #database;
  #boot;
  #manifests = /* @__PURE__ */ new Map();
  #notes = /* @__PURE__ */ new Map();
  #work = /* @__PURE__ */ new Map();
  #statements;
  constructor(project) {
    this.layout = layoutOf(project);
    prepareLayout(this.layout);
    this.#database = openIndex(this.layout.index);
    this.#boot = readFileSync3("/proc/sys/kernel/random/boot_id", "utf8").trim();
    this.#transaction(() => {
      this.#database.prepare("DELETE FROM layers WHERE boot IS NOT NULL AND boot <> ?").run(this.#boot);
    });
    this.#statements = prepare(this.#database);
    this.#transaction(() => this.#migrate());
  }
  [Symbol.dispose]() {
    this.#database.close();
  }
  /** Brings an index that an earlier snap made up to date. */
  #migrate() {
    if (this.#database.pragma("user_version", { simple: true }) >= SCHEMA) return;
    this.#database.exec("DROP TABLE IF EXISTS files");
    const layers = this.#database.prepare("SELECT n FROM layers").all();
    for (const { n } of layers) this.#addPaths(n, this.manifestOf(n));
    this.#database.pragma(`user_version = ${SCHEMA}`);
  }
  #addPaths(n, manifest) {
    const linked = linkedPaths(manifest);
    for (const entry of manifest.values()) {
      this.#statements.addPath.run(entry.path, n, isShareable(entry, linked) ? fileId(entry) : null);
    }
  }
  /** The numbers of the layers that may hold something at a path; in no order. No lock. */
  holdersOf(path) {
    return this.#statements.holders.all(path).map(({ layer }) => layer);
  }
  /** The paths beneath a folder, however deep, at which some layer may hold something; in byte order. No lock. */
  pathsBelow(folder) {
    const rows = folder === "" ? this.#statements.allPaths.all() : this.#statements.below.all(`${folder}/`, `${folder}0`);
    return rows.map(({ path }) => path);
  }
  /** All layers of a key, the oldest first; they differ in the ids that they gave, or one was run again. No lock. */
  withKey(key) {
    return this.#statements.byKey.all(key);
  }
  /** The layer of a name in the last build of a conf; where that has none, the newest one of that name. No lock. */
  lastOf(name, conf) {
    const build = this.lastBuild(conf);
    const layers = build ? JSON.parse(build.layers) : [];
    const n = layers.find(([one]) => one === name)?.[1];
    return (n === void 0 ? void 0 : this.layerNumbered(n)) ?? this.#statements.byName.get(name);
  }
  treeOf(n) {
    return join2(this.layout.layers, String(n), "tree");
  }
  manifestOf(n) {
    const known = this.#manifests.get(n);
    if (known) return known;
    const manifest = new SortedManifest(readFileSync3(join2(this.layout.layers, String(n), "manifest")));
    this.#manifests.set(n, manifest);
    return manifest;
  }
  noteOf(n) {
    const known = this.#notes.get(n);
    if (known) return known;
    const note = JSON.parse(
      readFileSync3(join2(this.layout.layers, String(n), "layer.json"), "utf8")
    );
    this.#notes.set(n, note);
    return note;
  }
  recordsOf(n) {
    return this.noteOf(n).records;
  }
  /** A new folder for work in progress, held until it is dropped or this process ends. What dead processes left is removed first. */
  makeWorkDir() {
    const { tmp } = this.layout;
    if (this.#work.size === 0) sweepFolders(tmp, WORK_DIR, (left) => removeTree(Buffer.from(left)));
    const held = makeHeldFolder(tmp, workDirName);
    this.#work.set(held.path, held);
    return held.path;
  }
  /** Removes a work folder; what cannot be removed now goes when another one is made. */
  dropWorkDir(folder) {
    try {
      removeTree(Buffer.from(folder));
    } catch (error) {
      if (errno(error) === void 0) throw error;
    }
    this.#release(folder);
  }
  /** Keeps a work folder for a person to look at, in the place of the one kept before by that name; returns where it lies. */
  keepWorkDir(folder, name) {
    const kept = join2(this.layout.tmp, `failed.${name.replaceAll("/", "%")}`);
    removeTree(Buffer.from(kept));
    renameSync2(folder, kept);
    this.#release(folder);
    return kept;
  }
  #release(folder) {
    this.#work.get(folder)?.release();
    this.#work.delete(folder);
  }
  /**
   * Gives every file of the tree that an earlier layer holds too, with the same path, content and metadata, that layer's inode.
   * The folders keep their times. Success promises nothing: a file that cannot be shared stays as it is. Needs the store's lock,
   * shared.
   */
  shareFiles(tree, manifest) {
    const times = /* @__PURE__ */ new Map();
    const linked = linkedPaths(manifest);
    for (const entry of manifest.values()) {
      if (!isShareable(entry, linked)) continue;
      const row = this.#statements.sharedFile.get(entry.path, fileId(entry));
      if (!row) continue;
      const parent = parentOf(entry.path);
      if (!times.has(parent)) times.set(parent, lstatSync2(at(tree, parent)).mtimeMs / 1e3);
      replaceByLink(at(tree, entry.path), at(this.treeOf(row.layer), entry.path));
    }
    for (const [folder, seconds] of times) setTime(at(tree, folder), seconds);
  }
  /**
   * Publishes `folder`, which holds the layer's `tree`, as a new layer. On success it is whole under its number for everybody;
   * it outlives a power cut once `settleDisk` has returned. An equal layer that another process published first is success too.
   * With `again` a layer of the same inputs and another content is published beside it, and counts from then on.
   * Needs the store's lock, shared.
   */
  publish(folder, layer, { again = false } = {}) {
    const { manifest, ...rest } = layer;
    const bytes = bytesOf(manifest);
    const digest = contentDigestOf(bytes, layer.records);
    const note = { ...rest, format: 1, digest, made: Math.floor(Date.now() / 1e3) };
    writeFileSync(join2(folder, "manifest"), bytes);
    writeFileSync(join2(folder, "layer.json"), JSON.stringify(note));
    const row = this.#transaction(() => this.#publishNow(folder, note, manifest, again));
    if (row.digest === digest) {
      this.#manifests.set(row.n, new SortedManifest(bytes));
      this.#notes.set(row.n, note);
    }
    return row;
  }
  #publishNow(folder, note, manifest, again) {
    const ids = canonicalJson(note.ids);
    const existing = this.withKey(note.key).findLast((row2) => row2.ids === ids);
    if (existing && (!again || existing.digest === note.digest)) return existing;
    let n = (this.#statements.highest.get()?.n ?? 0) + 1;
    while (existsSync3(join2(this.layout.layers, String(n)))) n++;
    renameSync2(folder, join2(this.layout.layers, String(n)));
    let bytes = 0;
    for (const entry of manifest.values()) if (entry.type === "file") bytes += entry.size;
    const row = {
      n,
      key: note.key,
      ids,
      name: note.name,
      kind: note.kind,
      digest: note.digest,
      paths: manifest.size,
      bytes,
      seconds: note.seconds,
      made: note.made
    };
    this.#statements.addLayer.run({ ...row, boot: this.#boot });
    this.#addPaths(n, manifest);
    return row;
  }
  #transaction(work) {
    return this.#database.transaction(work).immediate();
  }
  /** Whether there are layers that a power cut would take: builds made some since one was on the disk. No lock. */
  hasFreshLayers() {
    return this.#statements.unsettled.all().length > 0;
  }
  /** When it returns, every layer published before is on the disk. One call a build: it costs what was written. */
  settleDisk() {
    if (this.hasFreshLayers()) this.#sync();
  }
  /**
   * The same, and all in this folder is on the disk as well. Where it lies on the store's own filesystem, that is one and the same
   * wait.
   */
  settleFolder(folder) {
    if (statSync2(folder).dev === statSync2(this.layout.layers).dev) this.#sync();
    else syncFilesystemOf(folder);
  }
  #sync() {
    const fresh = this.#statements.unsettled.all();
    syncFilesystemOf(this.layout.layers);
    if (fresh.length === 0) return;
    syncFolder(this.layout.layers);
    this.#transaction(() => {
      for (const { n } of fresh) this.#statements.settle.run(n);
    });
  }
  /** The cache of results of pure functions. No lock. */
  results = {
    get: (key) => this.#statements.result.get(key)?.value,
    set: (key, value) => void this.#statements.setResult.run(key, value),
    forget: (key) => void this.#statements.forgetResult.run(key)
  };
  addBuild(build) {
    return this.#transaction(() => {
      const number = (this.#statements.lastBuild.get(build.conf)?.number ?? 0) + 1;
      this.#statements.addBuild.run({ ...build, number });
      return number;
    });
  }
  lastBuild(conf) {
    return this.#statements.lastBuild.get(conf);
  }
  /** All builds of a conf that had another image than the one before, the newest first. No lock. */
  buildsOf(conf) {
    return this.#statements.builds.all(conf);
  }
  layerNumbered(n) {
    return this.#statements.byNumber.get(n);
  }
};
function prepare(database) {
  return {
    byKey: database.prepare("SELECT * FROM layers WHERE key = ? ORDER BY n"),
    byName: database.prepare("SELECT * FROM layers WHERE name = ? ORDER BY n DESC LIMIT 1"),
    byNumber: database.prepare("SELECT * FROM layers WHERE n = ?"),
    highest: database.prepare("SELECT max(n) AS n FROM layers"),
    addLayer: database.prepare(
      `INSERT INTO layers (n, key, ids, name, kind, digest, paths, bytes, seconds, made, boot)
       VALUES (@n, @key, @ids, @name, @kind, @digest, @paths, @bytes, @seconds, @made, @boot)`
    ),
    addPath: database.prepare("INSERT OR REPLACE INTO paths (path, layer, entry) VALUES (?, ?, ?)"),
    sharedFile: database.prepare(
      "SELECT layer FROM paths WHERE path = ? AND entry = ? AND layer IN (SELECT n FROM layers) LIMIT 1"
    ),
    holders: database.prepare("SELECT layer FROM paths WHERE path = ?"),
    below: database.prepare("SELECT DISTINCT path FROM paths WHERE path >= ? AND path < ?"),
    allPaths: database.prepare("SELECT DISTINCT path FROM paths WHERE path <> ''"),
    result: database.prepare("SELECT value FROM results WHERE key = ?"),
    unsettled: database.prepare("SELECT n FROM layers WHERE boot IS NOT NULL"),
    settle: database.prepare("UPDATE layers SET boot = NULL WHERE n = ?"),
    setResult: database.prepare("INSERT OR REPLACE INTO results (key, value) VALUES (?, ?)"),
    forgetResult: database.prepare("DELETE FROM results WHERE key = ?"),
    addBuild: database.prepare(
      `INSERT INTO builds (conf, number, made, seconds, digest, paths, bytes, layers)
       VALUES (@conf, @number, @made, @seconds, @digest, @paths, @bytes, @layers)`
    ),
    builds: database.prepare("SELECT * FROM builds WHERE conf = ? ORDER BY number DESC"),
    lastBuild: database.prepare(
      "SELECT * FROM builds WHERE conf = ? ORDER BY number DESC LIMIT 1"
    )
  };
}
function linkedPaths(manifest) {
  const linked = /* @__PURE__ */ new Set();
  for (const entry of manifest.values()) if (entry.type === "file" && entry.link) linked.add(entry.link);
  return linked;
}
function isShareable(entry, linked) {
  return entry.type === "file" && entry.size > 0 && entry.link === void 0 && !linked.has(entry.path);
}
function fileId(entry) {
  return Buffer.from(digestOf(encodeManifest([entry])).slice(0, 32), "hex");
}
function replaceByLink(file, from) {
  const beside = Buffer.concat([file, Buffer.from(".snap-shared")]);
  try {
    linkSync2(from, beside);
    renameSync2(beside, file);
  } catch (error) {
    if (!["EMLINK", "EPERM", "ENOENT", "ENAMETOOLONG", "EEXIST", "EXDEV"].includes(errno(error) ?? ""))
      throw error;
  }
}
function syncFilesystemOf(folder) {
  const fd = openSync2(folder, "r");
  try {
    syncFilesystem(fd);
  } finally {
    closeSync2(fd);
  }
}

// src/debian/derived.ts
var DERIVED = [
  {
    package: "libc-bin",
    triggers: ["ldconfig"],
    paths: /^etc\/ld\.so\.cache$/,
    from: /^etc\/ld\.so\.conf($|\.d\/)|^(usr\/|usr\/local\/)?lib[^/]*\/(.*\/)?[^/]+\.so(\.[^/]*)?$/
  },
  {
    package: "ca-certificates",
    triggers: ["update-ca-certificates"],
    paths: /^etc\/ssl\/certs\//,
    from: /^(usr\/(local\/)?share\/ca-certificates\/|etc\/ca-certificates)/
  },
  {
    package: "libglib2.0-0",
    triggers: ["/usr/share/glib-2.0/schemas"],
    paths: /^usr\/share\/glib-2\.0\/schemas\/gschemas\.compiled$/
  },
  { package: "libglib2.0-0", triggers: [], paths: /\/gio\/modules\/giomodule\.cache$/ },
  { package: "libgdk-pixbuf-2.0-0", triggers: [], paths: /\/gdk-pixbuf-2\.0\/[^/]+\/loaders\.cache$/ },
  { package: "libgtk-3-0", triggers: [], paths: /\/gtk-3\.0\/[^/]+\/immodules\.cache$/ },
  { package: "hicolor-icon-theme", triggers: [], paths: /^usr\/share\/icons\/[^/]+\/icon-theme\.cache$/ },
  { package: "fontconfig", triggers: [], paths: /^var\/cache\/fontconfig\// },
  { package: "shared-mime-info", triggers: [], paths: /^usr\/share\/mime\/(?!packages\/)/ },
  { package: "desktop-file-utils", triggers: [], paths: /^usr\/share\/applications\/mimeinfo\.cache$/ },
  { package: "man-db", triggers: [], paths: /^var\/cache\/man\// },
  { package: "install-info", triggers: [], paths: /^usr\/share\/info\/dir$/ },
  { package: "systemd", triggers: [], paths: /^var\/lib\/systemd\/catalog\/database$/ },
  { package: "udev", triggers: [], paths: /^(usr\/)?lib\/udev\/hwdb\.bin$/ }
];
function isDerived(path) {
  return DERIVED.some(({ paths }) => paths.test(path));
}
function derivedBy(name) {
  return DERIVED.filter((rule) => rule.package === name);
}

export {
  NAME,
  NAME_RULE,
  OWN_VARIABLES,
  didYouMean,
  digestOf,
  startDigest,
  asDigest,
  canonicalJson,
  encodeManifest,
  startManifest,
  identity,
  decodeManifest,
  parentOf,
  printable,
  at,
  walk,
  scanTree,
  readEntry,
  whiteout,
  removeTree,
  makeEntry,
  handsDown,
  copyFile,
  setMetadata,
  setTime,
  linkEntry,
  isDerived,
  derivedBy,
  loadConf,
  listConfs,
  namesIn2 as namesIn,
  SortedManifest,
  contentDigest,
  Store
};
/*! Bundled license information:

smol-toml/dist/error.js:
smol-toml/dist/primitive.js:
smol-toml/dist/date.js:
smol-toml/dist/extract.js:
smol-toml/dist/util.js:
smol-toml/dist/struct.js:
smol-toml/dist/parse.js:
smol-toml/dist/stringify.js:
smol-toml/dist/index.js:
  (*!
   * Copyright (c) Squirrel Chat et al., All rights reserved.
   * SPDX-License-Identifier: BSD-3-Clause
   *
   * Redistribution and use in source and binary forms, with or without
   * modification, are permitted provided that the following conditions are met:
   *
   * 1. Redistributions of source code must retain the above copyright notice, this
   *    list of conditions and the following disclaimer.
   * 2. Redistributions in binary form must reproduce the above copyright notice,
   *    this list of conditions and the following disclaimer in the
   *    documentation and/or other materials provided with the distribution.
   * 3. Neither the name of the copyright holder nor the names of its contributors
   *    may be used to endorse or promote products derived from this software without
   *    specific prior written permission.
   *
   * THIS SOFTWARE IS PROVIDED BY THE COPYRIGHT HOLDERS AND CONTRIBUTORS "AS IS" AND
   * ANY EXPRESS OR IMPLIED WARRANTIES, INCLUDING, BUT NOT LIMITED TO, THE IMPLIED
   * WARRANTIES OF MERCHANTABILITY AND FITNESS FOR A PARTICULAR PURPOSE ARE
   * DISCLAIMED. IN NO EVENT SHALL THE COPYRIGHT HOLDER OR CONTRIBUTORS BE LIABLE
   * FOR ANY DIRECT, INDIRECT, INCIDENTAL, SPECIAL, EXEMPLARY, OR CONSEQUENTIAL
   * DAMAGES (INCLUDING, BUT NOT LIMITED TO, PROCUREMENT OF SUBSTITUTE GOODS OR
   * SERVICES; LOSS OF USE, DATA, OR PROFITS; OR BUSINESS INTERRUPTION) HOWEVER
   * CAUSED AND ON ANY THEORY OF LIABILITY, WHETHER IN CONTRACT, STRICT LIABILITY,
   * OR TORT (INCLUDING NEGLIGENCE OR OTHERWISE) ARISING IN ANY WAY OUT OF THE USE
   * OF THIS SOFTWARE, EVEN IF ADVISED OF THE POSSIBILITY OF SUCH DAMAGE.
   *)
*/
