import { createRequire as requireFrom } from "node:module"; const require = requireFrom(import.meta.url);
import {
  chooseConf,
  chooseProject
} from "./chunk-GEQQK4VD.js";
import {
  tellBuild
} from "./chunk-K5PJNG2W.js";
import {
  recallUnchanged
} from "./chunk-YGGTV4WK.js";
import "./chunk-AVJFFU3G.js";
import "./chunk-PL7MILUG.js";
import "./chunk-UW3ZN2PS.js";
import {
  printJson
} from "./chunk-5MAKWUIE.js";
import "./chunk-PNTIWC4A.js";
import "./chunk-STE4WAD5.js";
import {
  SnapError
} from "./chunk-LVCJS3W4.js";

// src/commands/unchanged.ts
var IDLE = /* @__PURE__ */ new Set(["--locked", "--offline"]);
function answerUnchanged(argv) {
  const [folder, [command, ...rest]] = argv[0] === "-C" ? [argv[1], argv.slice(2)] : [void 0, argv];
  if (command !== "build" || process.getuid?.() !== 0) return false;
  const [name, ...more] = rest.filter((word) => !IDLE.has(word) && word !== "--json");
  if (name?.startsWith("-") || more.length > 0) return false;
  try {
    const project = chooseProject({ folder });
    const conf = chooseConf(project, name);
    const result = recallUnchanged(project, conf);
    if (result === void 0) return false;
    const seconds = performance.now() / 1e3;
    const printValue = rest.includes("--json") ? printJson : void 0;
    tellBuild(conf, { ...result, seconds }, { orders: 0, ids: 0 }, printValue);
    return true;
  } catch (error) {
    if (error instanceof SnapError) return false;
    throw error;
  }
}

// src/snap.ts
if (!answerUnchanged(process.argv.slice(2))) await import("./commandline-CSQD5OII.js");
