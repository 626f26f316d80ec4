import { createRequire as requireFrom } from "node:module"; const require = requireFrom(import.meta.url);
import {
  makeHeldFolder,
  sweepFolders
} from "./chunk-TH3CEDQX.js";
import {
  errno
} from "./chunk-LVCJS3W4.js";

// src/layers/cgroup.ts
import { existsSync, readFileSync, rmdirSync, writeFileSync } from "node:fs";
import { release, totalmem } from "node:os";
import { dirname, join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
var PROCESS_LIMIT = 4096;
var MEMORY_SHARE = 0.8;
var GROUP = /^snap-[0-9a-f]{16}(-\d+)?$/;
var swept = /* @__PURE__ */ new Set();
function makeBounds(name) {
  const groups = /* @__PURE__ */ new Map();
  const made = CONTROLLERS.flatMap((controller) => {
    const parent = parentOf(controller);
    if (parent === void 0) return [];
    const group = groups.get(parent) ?? makeGroup(parent, name);
    if (group === void 0) return [];
    groups.set(parent, group);
    return bound(controller, group.path) ? [{ controller, group }] : [];
  });
  const memory = made.find(({ controller }) => controller.name === "memory");
  return {
    join: [...new Set(made.map(({ group }) => entranceOf(group.path)))],
    processes: made.some(({ controller }) => controller.name === "pids"),
    wasShortOfMemory: () => memory !== void 0 && hasKilled(memory.group.path),
    release: async () => {
      for (const group of groups.values()) await removeGroup(group);
    }
  };
}
function entranceOf(group) {
  const threads = join(group, "tasks");
  return existsSync(threads) ? threads : join(group, "cgroup.procs");
}
function processBound() {
  if (parentOf(PIDS) !== void 0) return "cgroup";
  return hasOwnPidMax(release()) ? "namespace" : void 0;
}
function hasOwnPidMax(version) {
  const [major = 0, minor = 0] = version.split(/[.-]/).map(Number);
  return major > 6 || major === 6 && minor >= 14;
}
var PIDS = { name: "pids", files: ["pids.max"], limit: () => PROCESS_LIMIT };
var MEMORY = {
  name: "memory",
  files: ["memory.max", "memory.limit_in_bytes"],
  limit: () => Math.floor(Math.min(totalmem(), process.constrainedMemory() || totalmem()) * MEMORY_SHARE)
};
var CONTROLLERS = [PIDS, MEMORY];
var ROOT = "/sys/fs/cgroup";
function parentOf({ name }) {
  const own = ownGroups();
  const legacy = join(ROOT, name);
  if (existsSync(join(legacy, "cgroup.procs"))) {
    const folder = join(legacy, own.get(name) ?? "/");
    return existsSync(join(folder, "cgroup.procs")) ? folder : legacy;
  }
  for (let folder = join(ROOT, own.get("") ?? "/"); folder.startsWith(ROOT); folder = dirname(folder)) {
    if (words(join(folder, "cgroup.subtree_control")).includes(name)) return folder;
  }
  return void 0;
}
function ownGroups() {
  const groups = /* @__PURE__ */ new Map();
  for (const line of readOr("/proc/self/cgroup").split("\n")) {
    const [, controllers = "", path] = /^\d+:([^:]*):(.*)$/.exec(line) ?? [];
    if (path !== void 0) for (const name of controllers.split(",")) groups.set(name, path);
  }
  return groups;
}
function makeGroup(parent, name) {
  try {
    if (!swept.has(parent)) sweepFolders(parent, GROUP, (group) => rmdirSync(group));
    swept.add(parent);
    let tries = 0;
    return makeHeldFolder(parent, () => `snap-${name}${tries++ === 0 ? "" : `-${tries}`}`);
  } catch (error) {
    if (["EACCES", "EPERM", "EROFS", "ENOENT", "ENOSPC", "EAGAIN"].includes(errno(error) ?? ""))
      return void 0;
    throw error;
  }
}
function bound({ files, limit }, group) {
  const file = files.map((name) => join(group, name)).find((path) => existsSync(path));
  if (file === void 0) return false;
  try {
    writeFileSync(file, String(limit()));
    return true;
  } catch {
    return false;
  }
}
function hasKilled(group) {
  const counts = readOr(join(group, "memory.events")) || readOr(join(group, "memory.oom_control"));
  return /^oom_kill [1-9]/m.test(counts);
}
async function removeGroup(group) {
  for (let attempts = 0; attempts < 250; attempts++) {
    try {
      rmdirSync(group.path);
      break;
    } catch (error) {
      if (errno(error) !== "EBUSY") break;
      await wait(Math.min(2 ** attempts, 20));
    }
  }
  group.release();
}
function words(file) {
  return readOr(file).trim().split(/\s+/);
}
function readOr(file) {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return "";
  }
}

export {
  PROCESS_LIMIT,
  makeBounds,
  processBound
};
