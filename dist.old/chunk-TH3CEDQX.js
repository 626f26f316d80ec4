import { createRequire as requireFrom } from "node:module"; const require = requireFrom(import.meta.url);
import {
  errno
} from "./chunk-LVCJS3W4.js";

// src/store/locks.ts
import { closeSync, fstatSync, mkdirSync, openSync, readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";

// src/host/syscall.ts
import { createRequire } from "node:module";
import { getSystemErrorName } from "node:util";
var loaded;
function libc() {
  if (loaded) return loaded;
  const koffi = createRequire(import.meta.url)("koffi");
  const library = koffi.load("libc.so.6");
  loaded = {
    flock: library.func("int flock(int, int)"),
    syncfs: library.func("int syncfs(int)"),
    llistxattr: library.func("int64_t llistxattr(const void *, void *, size_t)"),
    lgetxattr: library.func("int64_t lgetxattr(const void *, const void *, void *, size_t)"),
    lsetxattr: library.func("int lsetxattr(const void *, const void *, const void *, size_t, int)"),
    lremovexattr: library.func("int lremovexattr(const void *, const void *)"),
    mknod: library.func("int mknod(const void *, uint32_t, uint64_t)"),
    lseek: library.func("int64_t lseek(int, int64_t, int)"),
    errno: () => koffi.errno()
  };
  return loaded;
}
function fail(call, subject) {
  const number = libc().errno();
  const code = getSystemErrorName(-number);
  throw Object.assign(new Error(`${code}: ${call} '${subject}'`), { code, errno: -number, syscall: call });
}
function terminated(bytes) {
  return Buffer.concat([bytes, Buffer.from([0])]);
}
var LOCK_SH = 1;
var LOCK_EX = 2;
var LOCK_NB = 4;
function tryLock(fd, exclusive) {
  const result = libc().flock(fd, (exclusive ? LOCK_EX : LOCK_SH) | LOCK_NB);
  if (result === 0) return true;
  if (getSystemErrorName(-libc().errno()) === "EAGAIN") return false;
  return fail("flock", String(fd));
}
function syncFilesystem(fd) {
  if (libc().syncfs(fd) !== 0) fail("syncfs", String(fd));
}
var SEEK_DATA = 3;
var SEEK_HOLE = 4;
function nextData(fd, offset) {
  const found = libc().lseek(fd, offset, SEEK_DATA);
  if (found >= 0) return found;
  return getSystemErrorName(-libc().errno()) === "ENXIO" ? void 0 : fail("lseek", String(fd));
}
function nextHole(fd, offset) {
  const found = libc().lseek(fd, offset, SEEK_HOLE);
  return found >= 0 ? found : fail("lseek", String(fd));
}
var listBuffer = Buffer.alloc(65536);
function readXattrs(path) {
  const file = terminated(path);
  const size = libc().llistxattr(file, listBuffer, listBuffer.length);
  if (size === 0) return [];
  if (size < 0) return unsupported() ? [] : fail("llistxattr", path.toString());
  const names = listBuffer.subarray(0, size).toString("latin1").split("\0").slice(0, -1).sort();
  return names.map((name) => [name, readXattr(file, name, path)]);
}
function readXattr(file, name, path) {
  const value = Buffer.alloc(65536);
  const size = libc().lgetxattr(file, Buffer.from(`${name}\0`, "latin1"), value, value.length);
  if (size < 0) fail("lgetxattr", path.toString());
  return value.subarray(0, size);
}
function unsupported() {
  return getSystemErrorName(-libc().errno()) === "EOPNOTSUPP";
}
function writeXattr(path, name, value) {
  const result = libc().lsetxattr(
    terminated(path),
    Buffer.from(`${name}\0`, "latin1"),
    value,
    value.length,
    0
  );
  if (result !== 0) fail("lsetxattr", path.toString());
}
function removeXattr(path, name) {
  if (libc().lremovexattr(terminated(path), Buffer.from(`${name}\0`, "latin1")) !== 0) {
    fail("lremovexattr", path.toString());
  }
}
var TYPE_BITS = { char: 8192, block: 24576, fifo: 4096 };
function makeNode(path, type, mode, major = 0, minor = 0) {
  if (libc().mknod(terminated(path), TYPE_BITS[type] | mode, deviceNumber(major, minor)) !== 0) {
    fail("mknod", path.toString());
  }
}
function deviceNumber(major, minor) {
  return (minor & 255) + (major & 4095) * 256 + (minor >>> 8) * 1048576;
}
function splitDevice(dev) {
  return {
    major: Number(dev >> 8n & 0xfffn),
    minor: Number(dev & 0xffn | dev >> 12n & 0xfff00n)
  };
}

// src/store/locks.ts
async function holdLock(file, mode, onWait = () => {
}, signal) {
  const fd = openSync(file, "a", 384);
  try {
    for (let told = false; !tryLock(fd, mode === "exclusive"); told = true) {
      if (!told) onWait();
      await wait(50, void 0, signal ? { signal } : {});
    }
  } catch (error) {
    closeSync(fd);
    throw error;
  }
  return { release: () => closeSync(fd) };
}
function makeHeldFolder(parent, name) {
  for (; ; ) {
    const path = join(parent, name());
    mkdirSync(path, { mode: 448 });
    const held = holdFolder(path);
    if (held) return { path, ...held };
  }
}
function sweepFolders(parent, name, remove) {
  for (const found of readdirSync(parent).filter((one) => name.test(one))) {
    const folder = join(parent, found);
    const held = holdFolder(folder);
    if (!held) continue;
    try {
      remove(folder);
    } catch (error) {
      if (errno(error) === void 0) throw error;
    } finally {
      held.release();
    }
  }
}
function holdFolder(path) {
  let fd;
  try {
    fd = openSync(path, "r");
  } catch (error) {
    if (errno(error) === "ENOENT" || errno(error) === "ENOTDIR") return void 0;
    throw error;
  }
  const there = tryLock(fd, true) && statSync(path, { throwIfNoEntry: false })?.ino === fstatSync(fd).ino;
  if (there) return { release: () => closeSync(fd) };
  closeSync(fd);
  return void 0;
}

export {
  syncFilesystem,
  nextData,
  nextHole,
  readXattrs,
  writeXattr,
  removeXattr,
  makeNode,
  splitDevice,
  holdLock,
  makeHeldFolder,
  sweepFolders
};
