import { createRequire as requireFrom } from "node:module"; const require = requireFrom(import.meta.url);
import {
  table
} from "./chunk-S62MGVE5.js";
import {
  chooseConf,
  chooseProject
} from "./chunk-GEQQK4VD.js";
import {
  openScreen
} from "./chunk-ZL6Y3NW3.js";
import {
  coverLock,
  movedPins,
  readInputs,
  writeLock
} from "./chunk-ISSTBTSC.js";
import "./chunk-JBN4M4ZG.js";
import {
  Store
} from "./chunk-CMH6CGA3.js";
import "./chunk-TH3CEDQX.js";
import "./chunk-AVJFFU3G.js";
import {
  counted
} from "./chunk-PL7MILUG.js";
import "./chunk-UW3ZN2PS.js";
import "./chunk-4HCLSOVL.js";
import {
  print,
  printJson,
  reporting,
  say
} from "./chunk-5MAKWUIE.js";
import "./chunk-PNTIWC4A.js";
import "./chunk-STE4WAD5.js";
import "./chunk-2JN5UEQO.js";
import {
  __callDispose,
  __using
} from "./chunk-LVCJS3W4.js";

// src/commands/lock.ts
import { relative } from "node:path";

// src/lock.ts
async function lock(request, report) {
  var _stack = [];
  try {
    const store = __using(_stack, new Store(request.project));
    const inputs = await readInputs(request.project, request.conf, store);
    const covered = await coverLock(inputs, store, { ...request, locked: false }, report);
    await writeLock(inputs.lockFile, covered);
    const moved = inputs.lock ? movedPins(inputs.lock, covered) : [...covered.pins.values()].map(arrived);
    return { file: inputs.lockFile, moved: moved.map(plain) };
  } catch (_) {
    var _error = _, _hasError = true;
  } finally {
    __callDispose(_stack, _error, _hasError);
  }
}
function arrived({ name, version }) {
  return { name, from: void 0, to: version };
}
function plain({ name, from, to }) {
  return { name, ...from === void 0 ? {} : { from }, ...to === void 0 ? {} : { to } };
}

// src/commands/lock.ts
var lockCommand = (session, [name], options) => reporting(options.json === true, async () => {
  const project = chooseProject(session);
  const conf = chooseConf(project, name);
  const screen = openScreen(conf, process.stderr, process.env);
  const request = { project, conf, offline: options.offline ?? false, signal: session.signal };
  let result;
  try {
    result = await lock({ ...request, ...moving(options.update) }, screen.report);
  } finally {
    screen.close();
  }
  if (options.json) printJson(result);
  else printMoved(project, result);
  return 0;
});
function moving(update) {
  if (update === void 0) return {};
  return { update: update === true ? "all" : update };
}
function printMoved(project, { file, moved }) {
  const rows = moved.map(({ name, from, to }) => [name, from ?? "-", to ?? "-"]);
  for (const line of table([{ title: "package" }, { title: "from" }, { title: "to" }], rows)) print(line);
  const path = relative(project, file);
  say(moved.length === 0 ? `${path}: no pin moved` : `${path}: ${counted(moved.length, "pin")} moved`);
}
export {
  lockCommand
};
