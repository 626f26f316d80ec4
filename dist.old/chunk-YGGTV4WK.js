import { createRequire as requireFrom } from "node:module"; const require = requireFrom(import.meta.url);
import {
  layoutOf,
  openIndexToRead
} from "./chunk-AVJFFU3G.js";

// src/store/witness.ts
import { lstatSync, statSync } from "node:fs";
var TICK = 20;
function witness(path, read) {
  const [state, changed] = look(path);
  return [path, state, changed, read];
}
function isUntouched([path, state, changed, read]) {
  return changed + TICK < read && look(path)[0] === state;
}
function look(path) {
  const stat = lstatSync(path, { bigint: true, throwIfNoEntry: false });
  if (stat === void 0) return [null, 0];
  const target = stat.isSymbolicLink() ? statOf(path) : void 0;
  const states = [stat, ...target ? [target] : []].map(
    ({ dev, ino, mode, size, mtimeNs, ctimeNs }) => `${dev} ${ino} ${mode} ${size} ${mtimeNs} ${ctimeNs}`
  );
  return [states.join("; "), Math.max(Number(stat.ctimeMs), Number(target?.ctimeMs ?? 0))];
}
function statOf(path) {
  try {
    return statSync(path, { bigint: true, throwIfNoEntry: false });
  } catch {
    return void 0;
  }
}

// src/unchanged.ts
import { readlinkSync, statSync as statSync2 } from "node:fs";
import { join } from "node:path";
function keyOf(conf) {
  return `unchanged ${conf}`;
}
function recallUnchanged(project, conf) {
  const { index, images } = layoutOf(project);
  const text = readResult(index, keyOf(conf));
  if (text === void 0) return void 0;
  const { witnesses, slot, result } = JSON.parse(text);
  return linkOf(join(images, conf)) === slot && witnesses.every(isUntouched) ? result : void 0;
}
function readResult(index, key) {
  const database = openIndexToRead(index);
  try {
    const statement = database?.prepare(
      "SELECT value FROM results WHERE key = ?"
    );
    return statement?.get(key)?.value;
  } finally {
    database?.close();
  }
}
function linkOf(image) {
  try {
    const target = readlinkSync(image);
    return statSync2(image).isDirectory() ? target : void 0;
  } catch {
    return void 0;
  }
}
function rememberUnchanged(store, conf, result, witnesses) {
  const slot = linkOf(join(store.layout.images, conf));
  if (slot === void 0 || witnesses === void 0) {
    forgetUnchanged(store, conf);
    return;
  }
  const layers = result.layers.map((layer) => ({ ...layer, state: "hit", seconds: 0, reason: "" }));
  const unchanged = { witnesses, slot, result: { ...result, layers } };
  store.results.set(keyOf(conf), JSON.stringify(unchanged));
}
function forgetUnchanged(store, conf) {
  store.results.forget(keyOf(conf));
}

export {
  witness,
  recallUnchanged,
  rememberUnchanged,
  forgetUnchanged
};
