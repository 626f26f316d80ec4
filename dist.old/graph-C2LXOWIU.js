import { createRequire as requireFrom } from "node:module"; const require = requireFrom(import.meta.url);
import {
  buildRequest
} from "./chunk-JBGTXZZY.js";
import "./chunk-GEQQK4VD.js";
import {
  plan
} from "./chunk-23DNWGKP.js";
import "./chunk-Y644624U.js";
import "./chunk-4ROARDOM.js";
import "./chunk-PSNPRZSN.js";
import "./chunk-XYS7EDNB.js";
import "./chunk-YGGTV4WK.js";
import {
  closures,
  readInputs
} from "./chunk-ISSTBTSC.js";
import "./chunk-JBN4M4ZG.js";
import {
  Store
} from "./chunk-CMH6CGA3.js";
import "./chunk-TH3CEDQX.js";
import "./chunk-AVJFFU3G.js";
import {
  counted,
  duration,
  size
} from "./chunk-PL7MILUG.js";
import "./chunk-UW3ZN2PS.js";
import {
  giveToCaller
} from "./chunk-4HCLSOVL.js";
import {
  reporting,
  say
} from "./chunk-5MAKWUIE.js";
import "./chunk-PNTIWC4A.js";
import {
  columns,
  cut,
  printable
} from "./chunk-STE4WAD5.js";
import "./chunk-2JN5UEQO.js";
import {
  SnapError,
  __callDispose,
  __using
} from "./chunk-LVCJS3W4.js";

// src/commands/graph.ts
import { writeFileSync } from "node:fs";
import { extname, resolve } from "node:path";

// src/report/dot.ts
var LOOKS = {
  hit: 'style="rounded,filled", color="#4c8c5a", fillcolor="#eaf5ec"',
  run: 'style="filled,bold", color="#c25700", fillcolor="#ffe6cc"',
  unknown: 'style="rounded,filled,dashed", color="#6b7280", fillcolor="#f3f4f6"'
};
var FONT = 'fontname="Helvetica,Arial,sans-serif"';
var REASON = 32;
function dotOf({ title, boxes: boxes2, arrows }) {
  const ids = new Map(boxes2.map(({ name }, at) => [name, `layer${at}`]));
  const groups = groupsOf(boxes2, ids);
  const { base, scriptlets, all, settle } = groups;
  return [
    `digraph ${quoted(title)} {`,
    `  graph [rankdir=LR, compound=true, newrank=true, nodesep=0.1, ranksep=0.75, ${FONT}, fontsize=14];`,
    `  graph [labelloc=t, label=${quoted(title)}];`,
    `  node [shape=box, height=0.45, margin="0.05,0.03", ${FONT}, fontsize=12];`,
    `  edge [color="#8a919c", arrowsize=0.6, ${FONT}, fontsize=10, tailport=e, headport=w];`,
    ...boxLines(base, ids),
    ...frame("cluster_scriptlets", "", boxLines(scriptlets, ids)),
    ...boxLines(all, ids),
    ...frame("cluster_settle", "settle", boxLines(settle, ids)),
    ...arrows.map((arrow) => `  ${ids.get(arrow.from)} -> ${ids.get(arrow.to)}${arrowAttributes(arrow)};`),
    ...placing(groups, arrows, ids),
    "}",
    ""
  ].join("\n");
}
function groupsOf(boxes2, ids) {
  const ofKind = (kind) => boxes2.filter((box) => box.kind === kind && ids.has(box.name));
  return {
    base: ofKind("base"),
    scriptlets: ofKind("scriptlet"),
    all: ofKind("all"),
    settle: ofKind("settle")
  };
}
function boxLines(boxes2, ids) {
  const width = Math.max(...boxes2.map(boxWidth)).toFixed(2);
  return boxes2.map((box) => `    ${ids.get(box.name)} [width=${width}, ${boxAttributes(box)}];`);
}
function boxWidth(box) {
  const small = Math.max(columns(factsOf(box)), columns(shownReason(box)));
  return Math.max(columns(nameOf(box)) * 8.4, small * 6.2) / 72 + 0.2;
}
function boxAttributes(box) {
  const { name, state, reason } = box;
  const lines = [nameOf(box), factsOf(box), shownReason(box)].filter((line) => line !== "");
  const label = `"${lines.map(escaped).join("\\n")}"`;
  return `label=${label}, tooltip=${quoted(reason === "" ? name : `${name}: ${reason}`)}, ${LOOKS[state]}`;
}
function nameOf({ name, kind }) {
  return printable(kind === "settle" ? name.replace(/^settle\//, "") : name);
}
function factsOf({ state, seconds, bytes }) {
  const took = seconds === void 0 ? "" : duration(seconds);
  return [state, took, bytes === void 0 ? "" : size(bytes)].filter((fact) => fact !== "").join(" \xB7 ");
}
function shownReason({ state, reason }) {
  return state === "run" ? cut(printable(reason), REASON) : "";
}
function arrowAttributes(arrow) {
  if (arrow.kind === "need") return "";
  return ` [style=dashed, color="#7a3fa0", fontcolor="#7a3fa0", label=${quoted(` ${arrow.path} `)}]`;
}
function frame(name, label, lines) {
  if (lines.length === 0) return [];
  const look = `label=${quoted(label)}, style=rounded, color="#c9ced6", margin=12, fontsize=12`;
  return [`  subgraph ${name} {`, `    graph [${look}];`, ...lines, "  }"];
}
function placing({ base, scriptlets, all, settle }, arrows, ids) {
  const way = longestWay(scriptlets, arrows);
  const frame2 = scriptlets.length > 0 ? "cluster_scriptlets" : void 0;
  const firsts = scriptlets.filter(({ name }) => !arrows.some(({ to }) => to === name));
  const before = all.at(-1) ?? way.at(-1) ?? base[0];
  return [
    ...columnArrows(scriptlets, arrows, way.length, ids),
    ...step({ box: base[0] }, { box: way[0], frame: frame2 }, firsts, ids),
    ...step({ box: way.at(-1), frame: frame2 }, { box: all[0] }, [], ids),
    ...all.slice(1).flatMap((box, at) => step({ box: all[at] }, { box }, [], ids)),
    ...step(
      { box: before, frame: all.length > 0 ? void 0 : frame2 },
      { box: settle[Math.floor(settle.length / 2)], frame: "cluster_settle" },
      settle,
      ids
    )
  ];
}
function step(from, to, column, ids) {
  if (!from.box || !to.box) return [];
  const start = ids.get(from.box.name);
  const ends = [
    ...from.frame === void 0 ? [] : [`ltail=${from.frame}`],
    ...to.frame === void 0 ? [] : [`lhead=${to.frame}`]
  ];
  const unseen = column.filter((box) => box !== to.box);
  return [
    `  ${start} -> ${ids.get(to.box.name)} [${ends.join(", ")}];`,
    ...unseen.map(({ name }) => `  ${start} -> ${ids.get(name)} [style=invis, weight=0];`)
  ];
}
function longestWay(scriptlets, arrows) {
  const depths = depthsOf(scriptlets, arrows);
  const deepest = Math.max(...depths.values());
  const boxes2 = new Map(scriptlets.map((box) => [box.name, box]));
  const way = scriptlets.filter(({ name }) => depths.get(name) === deepest).slice(0, 1);
  for (let depth = deepest - 1; depth >= 0; depth--) {
    const arrow = arrows.find(({ from, to }) => to === way[0]?.name && depths.get(from) === depth);
    way.unshift(boxes2.get(arrow?.from ?? ""));
  }
  return way;
}
function depthsOf(scriptlets, arrows) {
  const depths = /* @__PURE__ */ new Map();
  const below = Map.groupBy(arrows, ({ to }) => to);
  const depthOf = (name) => {
    const known = depths.get(name);
    if (known !== void 0) return known;
    depths.set(name, 0);
    const depth = Math.max(0, ...(below.get(name) ?? []).map(({ from }) => depthOf(from) + 1));
    depths.set(name, depth);
    return depth;
  };
  for (const { name } of scriptlets) depthOf(name);
  return depths;
}
function columnArrows(scriptlets, arrows, count, ids) {
  const touched = new Set(arrows.flatMap(({ from, to }) => [from, to]));
  const alone = scriptlets.filter(({ name }) => !touched.has(name)).map(({ name }) => ids.get(name));
  const rows = Math.ceil(alone.length / count);
  return alone.slice(rows).map((id, at) => `  ${alone[at]} -> ${id} [style=invis];`);
}
function quoted(text) {
  return `"${escaped(text)}"`;
}
function escaped(text) {
  return printable(text).replaceAll("&", "&amp;").replaceAll("\\", "\\\\").replaceAll('"', '\\"');
}

// src/report/graphviz.ts
var STYLE = "<style>.node text { font-size: 10px } .node text:first-of-type { font-size: 12px; font-weight: bold }</style>";
async function svgOf(dot) {
  const { instance } = await import("@viz-js/viz");
  const svg = (await instance()).renderString(dot, { format: "svg" });
  return svg.replace(/<g id="graph0"/, (start) => `${STYLE}
${start}`);
}

// src/graph.ts
async function graph(request) {
  var _stack = [];
  try {
    const planned = await plan(request);
    const store = __using(_stack, new Store(request.project));
    const inputs = await readInputs(request.project, request.conf, store);
    return {
      conf: request.conf,
      layers: boxes(store, inputs, planned),
      arrows: [...needArrows(inputs), ...orderArrows(inputs)]
    };
  } catch (_) {
    var _error = _, _hasError = true;
  } finally {
    __callDispose(_stack, _error, _hasError);
  }
}
async function drawn(graph2, format) {
  if (format === "json") return `${JSON.stringify(graph2, void 0, 2)}
`;
  const runs = graph2.layers.filter(({ state }) => state === "run").length;
  const unknown = graph2.layers.filter(({ state }) => state === "unknown").length;
  const states = runs + unknown === 0 ? "nothing to run" : `${runs} to run, ${unknown} unknown`;
  const title = `${graph2.conf}: ${counted(graph2.layers.length, "layer")}, ${states}`;
  const dot = dotOf({ title, boxes: graph2.layers, arrows: graph2.arrows });
  return format === "dot" ? dot : svgOf(dot);
}
function boxes(store, { conf, scriptlets }, { layers }) {
  const all = new Set(scriptlets.filter(({ needsAll }) => needsAll).map(({ name }) => name));
  const known = new Set(scriptlets.map(({ name }) => name));
  return layers.map(({ name, state, reason, layer, seconds }) => {
    const row = layer === void 0 ? store.lastOf(name, conf.name) : store.layerNumbered(layer);
    const kind = name === "base" ? "base" : all.has(name) ? "all" : known.has(name) ? "scriptlet" : "settle";
    return {
      name,
      kind,
      state,
      reason,
      ...seconds === void 0 ? {} : { seconds },
      ...row ? { bytes: row.bytes, paths: row.paths } : {}
    };
  });
}
function needArrows({ scriptlets }) {
  const sees = closures(scriptlets, []);
  const ordinary = scriptlets.filter(({ needsAll }) => !needsAll);
  return ordinary.flatMap(
    ({ name, needs }) => needs.filter((need) => !needs.some((other) => other !== need && sees.get(other)?.has(need))).map((need) => ({ kind: "need", from: need, to: name }))
  );
}
function orderArrows({ scriptlets, lock, parent }) {
  const sees = closures(scriptlets, []);
  const orders = [...lock?.orders ?? [], ...parent?.orders ?? []];
  const known = new Map(orders.map((order) => [`${order.later} ${order.earlier}`, order]));
  return [...known.values()].filter(({ later, earlier }) => sees.has(earlier) && sees.get(later)?.has(earlier) === false).map(({ later, earlier, path }) => ({ kind: "order", from: earlier, to: later, path }));
}

// src/commands/graph.ts
var graphCommand = (session, [name], options) => {
  const { output, format = formatOf(output) } = options;
  return reporting(format === "json" && output === void 0, async () => {
    const request = buildRequest(session, name, {});
    const text = await drawn(await graph(request), format);
    if (output === void 0) process.stdout.write(text);
    else writeOut(resolve(output), text);
    return 0;
  });
};
function writeOut(file, text) {
  try {
    writeFileSync(file, text);
  } catch (error) {
    throw new SnapError("USAGE", `Cannot write "${file}": ${error.message}`, { cause: error });
  }
  giveToCaller(file);
  say(file);
}
function formatOf(file = "") {
  const ending = extname(file);
  return ending === ".dot" || ending === ".gv" ? "dot" : ending === ".json" ? "json" : "svg";
}
export {
  graphCommand
};
