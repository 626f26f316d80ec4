import { createRequire as requireFrom } from "node:module"; const require = requireFrom(import.meta.url);
import {
  changedLines
} from "./chunk-YZI2LTXF.js";
import {
  buildRequest
} from "./chunk-JBGTXZZY.js";
import {
  table
} from "./chunk-S62MGVE5.js";
import {
  plan
} from "./chunk-23DNWGKP.js";
import {
  counted,
  duration
} from "./chunk-PL7MILUG.js";
import {
  indented,
  print,
  printJson,
  reporting,
  say
} from "./chunk-5MAKWUIE.js";

// src/commands/plan.ts
var planCommand = (session, [name], options) => reporting(
  options.json === true,
  async () => printPlan(await plan(buildRequest(session, name, options)), options.json === true)
);
var LAYOUT = [
  { title: "layer" },
  { title: "state" },
  { title: "about", align: "right" },
  { title: "why" }
];
async function printPlan(result, json) {
  const layers = await Promise.all(
    result.layers.map(async (layer) => ({ ...layer, lines: await changedLines(layer.why) }))
  );
  if (json) {
    printJson({ ...result, layers });
    return 0;
  }
  const rowCells = layers.map(row);
  const shown = LAYOUT.flatMap((_, at) => rowCells.some((cells) => cells[at] !== "") ? [at] : []);
  const [titles = "", ...rows] = table(
    shown.map((at) => LAYOUT[at]),
    rowCells.map((cells) => shown.map((at) => cells[at]))
  );
  print(titles);
  for (const [at, line] of rows.entries()) {
    print(line);
    for (const changed of layers[at]?.lines ?? []) print(indented(changed));
  }
  say(total(result));
  return 0;
}
function row({ name, state, seconds, reason }) {
  const about = state === "hit" || seconds === void 0 ? "" : duration(seconds);
  return [name, state, about, reason];
}
function total({ layers, seconds, atMost }) {
  const running = layers.filter(({ state }) => state === "run");
  const unknown = layers.filter(({ state }) => state === "unknown").length;
  const fresh = running.filter((layer) => layer.seconds === void 0).length;
  const parts = [
    `${counted(layers.length, "layer")}: ${running.length} to run`,
    ...fresh > 0 ? [`${fresh} of them for the first time`] : [],
    ...seconds > 0 ? [`about ${duration(seconds)}`] : []
  ];
  if (unknown === 0) return parts.join(", ");
  const then = atMost > seconds ? `, then about ${duration(atMost)}` : "";
  return `${parts.join(", ")}; ${unknown} may run too${then}`;
}

export {
  planCommand,
  printPlan
};
