import { createRequire as requireFrom } from "node:module"; const require = requireFrom(import.meta.url);

// src/host/path.ts
import { accessSync, constants } from "node:fs";
import { delimiter, join } from "node:path";
var ADMIN = ["/usr/local/sbin", "/usr/sbin", "/sbin"];
function findProgram(name) {
  return [...(process.env.PATH ?? "").split(delimiter), ...ADMIN].filter((folder) => folder.startsWith("/")).map((folder) => join(folder, name)).find(isExecutable);
}
function isExecutable(file) {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

export {
  findProgram
};
