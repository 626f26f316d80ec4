import { createRequire as requireFrom } from "node:module"; const require = requireFrom(import.meta.url);
import {
  logOf
} from "./chunk-HSNWGTLN.js";
import {
  chooseProject
} from "./chunk-GEQQK4VD.js";
import "./chunk-PSNPRZSN.js";
import "./chunk-XYS7EDNB.js";
import "./chunk-JBN4M4ZG.js";
import "./chunk-CMH6CGA3.js";
import "./chunk-TH3CEDQX.js";
import "./chunk-AVJFFU3G.js";
import "./chunk-UW3ZN2PS.js";
import {
  printable
} from "./chunk-STE4WAD5.js";
import "./chunk-2JN5UEQO.js";
import "./chunk-LVCJS3W4.js";

// src/commands/log.ts
var logCommand = async (session, [layer]) => {
  const text = await logOf(chooseProject(session), layer);
  const shown = process.stdout.isTTY ? text.split("\n").map(printable).join("\n") : text;
  process.stdout.write(shown.endsWith("\n") || shown === "" ? shown : `${shown}
`);
  return 0;
};
export {
  logCommand
};
