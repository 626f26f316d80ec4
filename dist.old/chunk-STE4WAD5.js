import { createRequire as requireFrom } from "node:module"; const require = requireFrom(import.meta.url);

// src/report/printable.ts
var ESCAPES = /(?:\x1b[P\]X^_]|[\x90\x98\x9d-\x9f]).*?(?:\x07|\x9c|\x1b\\|$)|(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]?|\x1b[ -/]*[0-~]?/gs;
var UNSAFE = /[\p{Cc}\u200e\u200f\u2028-\u202e\u2066-\u2069]/gu;
var WIDE = new RegExp("[\\u1100-\\u115f\\u2e80-\\ua4cf\\uac00-\\ud7a3\\uf900-\\ufaff\\ufe30-\\ufe6f\\uff00-\\uff60\\uffe0-\\uffe6]|\\p{Emoji_Presentation}", "u");
function printable(line) {
  const plain = line.replace(ESCAPES, "").replace(/[\r\n]+$/, "");
  return plain.replace(/^.*[\r\n]/s, "").replaceAll("	", " ").replace(UNSAFE, "");
}
function printablePath(path) {
  const bytes = Buffer.from(path, "latin1");
  const text = bytes.toString("utf8");
  const valid = Buffer.from(text, "utf8").equals(bytes);
  const unsafe = valid ? UNSAFE : /[^\x20-\x7e]/g;
  return (valid ? text : path).replace(
    unsafe,
    (character) => [...Buffer.from(character, valid ? "utf8" : "latin1")].map((byte) => `\\x${byte.toString(16).padStart(2, "0")}`).join("")
  );
}
function columns(text) {
  let sum = 0;
  for (const character of text) sum += width(character);
  return sum;
}
function cut(text, most) {
  if (columns(text) <= most) return text;
  let kept = "";
  let sum = 0;
  for (const character of text) {
    sum += width(character);
    if (sum > most - 1) break;
    kept += character;
  }
  return most < 1 ? "" : `${kept}\u2026`;
}
function width(character) {
  if (new RegExp("\\p{M}", "u").test(character)) return 0;
  return WIDE.test(character) ? 2 : 1;
}

export {
  printable,
  printablePath,
  columns,
  cut
};
