import { createRequire as requireFrom } from "node:module"; const require = requireFrom(import.meta.url);
import {
  printable
} from "./chunk-STE4WAD5.js";
import {
  SnapError
} from "./chunk-LVCJS3W4.js";

// src/report/message.ts
function message(error) {
  if (!(error instanceof SnapError)) return bug(error);
  return [
    `snap: ${sentence(error.message)}`,
    ...error.lines.map((line) => `  ${printable(line)}`.trimEnd()),
    ...error.hint === void 0 ? [] : [`hint: ${sentence(error.hint)}`]
  ];
}
function messageValue(error) {
  if (!(error instanceof SnapError)) return { code: "BUG", message: String(error), lines: stack(error) };
  const { code, message: message2, lines, hint } = error;
  return { code, message: message2, lines, ...hint === void 0 ? {} : { hint } };
}
function bug(error) {
  return [
    "snap: This is a bug in snap, not a mistake of yours",
    ...stack(error).map((line) => `  ${printable(line)}`),
    "hint: report it with these lines and the command that you gave"
  ];
}
function stack(error) {
  if (!(error instanceof Error)) return [String(error)];
  const own = (error.stack ?? String(error)).split("\n");
  return error.cause === void 0 ? own : [...own, "because of:", ...stack(error.cause)];
}
function sentence(text) {
  return text.split("\n").map((line) => printable(line)).join("\n  ");
}

export {
  message,
  messageValue
};
