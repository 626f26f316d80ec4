import { createRequire as requireFrom } from "node:module"; const require = requireFrom(import.meta.url);
import {
  messageValue
} from "./chunk-PNTIWC4A.js";
import {
  printable
} from "./chunk-STE4WAD5.js";

// src/commands/print.ts
function print(line) {
  process.stdout.write(`${line}
`);
}
function indented(line) {
  return `    ${printable(line)}`;
}
function say(line) {
  process.stderr.write(`${line}
`);
}
function printJson(value) {
  print(safeJson(JSON.stringify(value, void 0, 2)));
}
function printJsonLine(value) {
  print(safeJson(JSON.stringify(value)));
}
function safeJson(text) {
  return text.replace(/[\u007f-\u009f]/g, (character) => `\\u00${character.charCodeAt(0).toString(16)}`);
}
async function reporting(json, work, known = () => ({}), show = printJson) {
  try {
    return await work();
  } catch (error) {
    if (json) show({ ...known(), error: messageValue(error) });
    throw error;
  }
}

export {
  print,
  indented,
  say,
  printJson,
  printJsonLine,
  reporting
};
