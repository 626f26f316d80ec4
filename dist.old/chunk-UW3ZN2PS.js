import { createRequire as requireFrom } from "node:module"; const require = requireFrom(import.meta.url);

// src/host/own.ts
import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
var ROOT = rootAbove(dirname(fileURLToPath(import.meta.url)));
function rootAbove(folder) {
  return existsSync(join(folder, "package.json")) ? folder : rootAbove(dirname(folder));
}
function ownFile(path) {
  return join(ROOT, path);
}

export {
  ownFile
};
