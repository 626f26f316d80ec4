import { createRequire as requireFrom } from "node:module"; const require = requireFrom(import.meta.url);
import {
  ownFile
} from "./chunk-UW3ZN2PS.js";
import {
  SnapError,
  errno
} from "./chunk-LVCJS3W4.js";

// src/store/database.ts
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
function openIndex(file) {
  const database = new (sqlite())(file, { timeout: 6e4 });
  database.pragma("journal_mode = WAL");
  database.pragma("synchronous = NORMAL");
  database.pragma("foreign_keys = ON");
  database.exec(readFileSync(ownFile("src/store/schema.sql"), "utf8"));
  return database;
}
function openIndexToRead(file) {
  try {
    return new (sqlite())(file, { timeout: 6e4, fileMustExist: true });
  } catch {
    return void 0;
  }
}
function sqlite() {
  return createRequire(import.meta.url)("better-sqlite3");
}

// src/store/layout.ts
import { randomBytes } from "node:crypto";
import { chmodSync, closeSync, fsyncSync, mkdirSync, openSync, readFileSync as readFileSync2, writeFileSync } from "node:fs";
import { join } from "node:path";
var FORMAT = 1;
function layoutOf(project) {
  const root = join(project, "store");
  return {
    root,
    index: join(root, "index.db"),
    layers: join(root, "layers"),
    debs: join(root, "debs"),
    sources: join(root, "sources"),
    tools: join(root, "tools"),
    apt: join(root, "apt"),
    logs: join(root, "logs"),
    tmp: join(root, "tmp"),
    trash: join(root, "trash"),
    lock: join(root, "lock"),
    images: join(project, "images")
  };
}
function prepareLayout(layout) {
  const { layers, debs, sources, tools, apt, logs, tmp, trash, images } = layout;
  const folders = [layers, debs, sources, tools, apt, logs, tmp, trash, images];
  for (const folder of folders) mkdirSync(folder, { recursive: true, mode: 448 });
  for (const folder of [layout.root, layout.images]) chmodSync(folder, 448);
  const file = join(layout.root, "format");
  const format = readFormat(file);
  if (format === void 0) writeFileSync(file, `${FORMAT}
`);
  else if (format > FORMAT) {
    throw new SnapError(
      "STORE",
      `Cannot use the store "${layout.root}": it has format ${format}, this snap knows ${FORMAT}`,
      {
        hint: "use the newer snap, or another store"
      }
    );
  }
}
function readFormat(file) {
  try {
    return Number.parseInt(readFileSync2(file, "utf8"), 10);
  } catch (error) {
    if (errno(error) === "ENOENT") return void 0;
    throw error;
  }
}
function workDirName() {
  return randomBytes(8).toString("hex");
}
function syncFolder(folder) {
  const fd = openSync(folder, "r");
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}

export {
  openIndex,
  openIndexToRead,
  layoutOf,
  prepareLayout,
  workDirName,
  syncFolder
};
