import { createRequire as requireFrom } from "node:module"; const require = requireFrom(import.meta.url);
import {
  currentSlot,
  logFile,
  slotsOf
} from "./chunk-PSNPRZSN.js";
import {
  Store,
  listConfs
} from "./chunk-CMH6CGA3.js";
import {
  SnapError,
  __callDispose,
  __using
} from "./chunk-LVCJS3W4.js";

// src/list.ts
import { existsSync, readFileSync } from "node:fs";
async function list(project) {
  var _stack = [];
  try {
    const store = __using(_stack, new Store(project));
    return listConfs(project).map((name) => {
      const build = store.lastBuild(name);
      const slots = slotsOf(store.layout.images, name);
      const image = currentSlot(slots) === void 0 ? {} : { image: slots.link };
      if (!build) return { name, ...image };
      const { paths, bytes, made, layers } = build;
      return {
        name,
        ...image,
        built: new Date(made * 1e3).toISOString(),
        paths,
        bytes,
        layers: JSON.parse(layers).length
      };
    });
  } catch (_) {
    var _error = _, _hasError = true;
  } finally {
    __callDispose(_stack, _error, _hasError);
  }
}
async function logOf(project, layer) {
  var _stack = [];
  try {
    const store = __using(_stack, new Store(project));
    const file = logFile(store, layer);
    if (existsSync(file)) return readFileSync(file, "utf8");
    throw new SnapError("USAGE", `There is no log of a layer "${layer}"`, {
      hint: "layers that ran have one: snap plan"
    });
  } catch (_) {
    var _error = _, _hasError = true;
  } finally {
    __callDispose(_stack, _error, _hasError);
  }
}

export {
  list,
  logOf
};
