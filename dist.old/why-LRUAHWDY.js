import { createRequire as requireFrom } from "node:module"; const require = requireFrom(import.meta.url);
import {
  changedLines
} from "./chunk-YZI2LTXF.js";
import {
  table
} from "./chunk-S62MGVE5.js";
import {
  chooseConf,
  chooseProject
} from "./chunk-GEQQK4VD.js";
import {
  decidedOf,
  differences,
  wordsOf
} from "./chunk-4ROARDOM.js";
import {
  Store,
  listConfs
} from "./chunk-CMH6CGA3.js";
import "./chunk-TH3CEDQX.js";
import "./chunk-AVJFFU3G.js";
import {
  duration,
  localTime
} from "./chunk-PL7MILUG.js";
import "./chunk-UW3ZN2PS.js";
import {
  indented,
  print,
  printJson,
  reporting
} from "./chunk-5MAKWUIE.js";
import "./chunk-PNTIWC4A.js";
import "./chunk-STE4WAD5.js";
import {
  SnapError,
  __callDispose,
  __using,
  nearest
} from "./chunk-LVCJS3W4.js";

// src/why.ts
function why(request) {
  var _stack = [];
  try {
    const store = __using(_stack, new Store(request.project));
    const { layer: name } = request;
    const conf = request.conf ?? builtLast(store, request.project, name);
    const builds = store.buildsOf(conf);
    const having = builds.flatMap((build) => occurrence(store, build, name));
    const [last] = having;
    if (!last) throw noLayer(store, [conf], name, builds.length > 0 ? `Conf "${conf}" has` : "There is");
    const other = having.find(({ key }) => key !== last.key);
    const before = request.against === void 0 ? other : against(builds, having, request.against, name);
    const now = before === other ? having.findLast(({ build }) => build > (other?.build ?? 0)) : last;
    const found = before ? [...differences(store, decidedOf(store, before.layer), decidedOf(store, now.layer))] : [];
    return { conf, name, now, before, differences: found };
  } catch (_) {
    var _error = _, _hasError = true;
  } finally {
    __callDispose(_stack, _error, _hasError);
  }
}
function layersIn(build) {
  return JSON.parse(build.layers);
}
function occurrence(store, build, name) {
  const n = layersIn(build).find(([one]) => one === name)?.[1];
  const row2 = n === void 0 ? void 0 : store.layerNumbered(n);
  return row2 ? [occurred(build, row2)] : [];
}
function occurred({ number, made }, { n, key, seconds }) {
  return { build: number, built: new Date(made * 1e3).toISOString(), layer: n, key, seconds };
}
function against(builds, having, given, name) {
  const back = /^~(\d*)$/.exec(given);
  const number = back ? builds[back[1] === "" ? 1 : Number(back[1])]?.number : Number(given);
  const build = builds.find((one) => one.number === number);
  const range = `builds: ${builds.at(-1)?.number} to ${builds[0]?.number}`;
  if (!build) throw new SnapError("USAGE", `There is no build "${given}"`, { hint: range });
  const found = having.find((one) => one.build === number);
  if (found) return found;
  const there = layersIn(build).some(([one]) => one === name);
  if (!there) throw new SnapError("USAGE", `Build ${number} had no layer "${name}"`, { hint: range });
  throw new SnapError("STORE", `Cannot compare: "${name}" of build ${number} is not in the store any more`, {
    hint: "name another build: --against"
  });
}
function builtLast(store, project, name) {
  const confs = listConfs(project);
  const last = confs.flatMap((conf) => store.lastBuild(conf) ?? []).filter((build) => layersIn(build).some(([one]) => one === name)).sort((a, b) => b.made - a.made)[0];
  if (last) return last.conf;
  throw noLayer(store, confs, name, "There is");
}
function noLayer(store, confs, name, where) {
  const names = confs.flatMap(
    (conf) => store.buildsOf(conf).flatMap((build) => layersIn(build).map(([one]) => one))
  );
  const near = nearest(name, new Set(names)).map((found) => `"${found}"`);
  return new SnapError("USAGE", `${where} no layer "${name}" in any build`, {
    hint: near.length > 0 ? `did you mean ${near.join(" or ")}?` : "layers that a build would run: snap plan"
  });
}

// src/commands/why.ts
var whyCommand = (session, [first, second], options) => reporting(options.json === true, async () => {
  const project = chooseProject(session);
  const confOf = (given) => given === void 0 ? {} : { conf: chooseConf(project, given) };
  if (options.path !== void 0) {
    if (second !== void 0 || options.against !== void 0)
      throw new SnapError("USAGE", 'With "--path" nothing but a conf may be named', {
        hint: "snap why --help"
      });
    const { tellOrigin } = await import("./origin-GTBFZKVM.js");
    return tellOrigin(project, confOf(first), options.path, options.json === true);
  }
  if (first === void 0)
    throw new SnapError("USAGE", "Neither a layer nor a path is named", {
      hint: "snap why LAYER, or snap why --path PATH"
    });
  const { against: against2 } = options;
  const request = {
    project,
    layer: first,
    ...confOf(second),
    ...against2 === void 0 ? {} : { against: against2 }
  };
  return tell(why(request), options.json === true);
});
async function tell(result, json) {
  const told = await Promise.all(
    result.differences.map(
      async (one) => ({ ...one, words: wordsOf(one), lines: await changedLines(one) })
    )
  );
  if (json) printJson({ ...result, before: result.before ?? null, differences: told });
  else for (const line of lines(result, told)) print(line);
  return 0;
}
var LAYOUT = [
  { title: "" },
  { title: "build", align: "right" },
  { title: "when" },
  { title: "layer", align: "right" },
  { title: "key" },
  { title: "took", align: "right" }
];
function lines({ conf, name, now, before }, told) {
  const rows = [row("now", now), ...before ? [row("before", before)] : []];
  const reasons = told.flatMap((one) => [one.words, ...[...pathsOf(one), ...one.lines].map(indented)]);
  return [
    `${name} of ${conf}`,
    ...table(LAYOUT, rows),
    "",
    ...reasons.length > 0 ? reasons : [same(before)]
  ];
}
function row(title, { build, built, layer, key, seconds }) {
  return [title, String(build), localTime(built), String(layer), key.slice(0, 12), duration(seconds)];
}
function same(before) {
  return before ? "nothing differs" : "first build: no other key in any build";
}
function pathsOf(one) {
  if (one.kind !== "need" && one.kind !== "seen" || one.count < 2) return [];
  const more = one.count - one.paths.length;
  return more > 0 ? [...one.paths, `and ${more} more`] : one.paths;
}
export {
  whyCommand
};
