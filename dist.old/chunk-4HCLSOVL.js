import { createRequire as requireFrom } from "node:module"; const require = requireFrom(import.meta.url);

// src/host/caller.ts
import { lchownSync } from "node:fs";
function giveToCaller(path) {
  const uid = id(process.env.SUDO_UID);
  const gid = id(process.env.SUDO_GID);
  if (process.getuid?.() !== 0 || uid === void 0 || gid === void 0) return;
  lchownSync(path, uid, gid);
}
function id(text) {
  return text !== void 0 && /^\d+$/.test(text) ? Number(text) : void 0;
}

export {
  giveToCaller
};
