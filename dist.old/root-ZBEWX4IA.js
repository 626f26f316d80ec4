import { createRequire as requireFrom } from "node:module"; const require = requireFrom(import.meta.url);
import {
  findProgram
} from "./chunk-O77OWW7N.js";
import {
  ownFile
} from "./chunk-UW3ZN2PS.js";
import {
  say
} from "./chunk-5MAKWUIE.js";
import "./chunk-PNTIWC4A.js";
import "./chunk-STE4WAD5.js";
import {
  SnapError
} from "./chunk-LVCJS3W4.js";

// src/commands/root.ts
var KEPT = [
  "NO_COLOR",
  "TERM",
  "http_proxy",
  "https_proxy",
  "no_proxy",
  "HTTP_PROXY",
  "HTTPS_PROXY",
  "NO_PROXY"
];
var LAUNCHER = ownFile("bin/snap");
function becomeRoot(argv) {
  if (process.getuid?.() === 0) return;
  const sudo = findProgram("sudo");
  if (sudo === void 0) {
    throw new SnapError("HOST", 'Cannot become root: "sudo" is not installed', {
      hint: "give the same command as root, or: apt-get install sudo"
    });
  }
  say("snap: this needs root, going on under sudo");
  const kept = KEPT.filter((name) => process.env[name] !== void 0);
  const words = kept.length > 0 ? [`--preserve-env=${kept.join(",")}`] : [];
  const environment = Object.entries(process.env).filter(([, value]) => value !== void 0);
  process.execve(sudo, [sudo, ...words, "--", LAUNCHER, ...argv], Object.fromEntries(environment));
}
export {
  becomeRoot
};
