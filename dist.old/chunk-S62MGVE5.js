import { createRequire as requireFrom } from "node:module"; const require = requireFrom(import.meta.url);
import {
  columns,
  printable
} from "./chunk-STE4WAD5.js";

// src/report/table.ts
function table(layout, rows) {
  if (rows.length === 0) return [];
  const cells = [layout.map((column) => column.title), ...rows.map((row) => row.map(printable))];
  const widths = layout.map((_, at) => Math.max(...cells.map((row) => columns(row[at] ?? ""))));
  return cells.map(
    (row) => layout.map((column, at) => pad(row[at] ?? "", widths[at], column.align ?? "left")).join("  ").trimEnd()
  );
}
function pad(text, width, align) {
  const space = " ".repeat(Math.max(0, width - columns(text)));
  return align === "right" ? space + text : text + space;
}

export {
  table
};
