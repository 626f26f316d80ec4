import { createRequire as requireFrom } from "node:module"; const require = requireFrom(import.meta.url);
import {
  count,
  counted,
  duration,
  size
} from "./chunk-PL7MILUG.js";
import {
  print,
  say
} from "./chunk-5MAKWUIE.js";
import {
  printable
} from "./chunk-STE4WAD5.js";

// src/commands/tell-build.ts
import { join } from "node:path";
function tellBuild(conf, result, learned, printValue) {
  for (const line of summary(conf, result, learned)) say(line);
  if (printValue) printValue(result);
  else print(result.image);
}
function summary(conf, result, learned) {
  const ran = result.layers.filter((layer) => layer.state === "run").length;
  const layers = ran === 0 ? `nothing changed in ${counted(result.layers.length, "layer")}` : `${counted(ran, "layer")} run, ${count(result.layers.length - ran)} unchanged`;
  const image = `${counted(result.paths, "path")}, ${size(result.bytes)}`;
  const news = [
    ...learned.orders > 0 ? [counted(learned.orders, "order")] : [],
    ...learned.ids > 0 ? [counted(learned.ids, "id")] : []
  ];
  return [
    `${printable(conf)}: ${layers}, ${duration(result.seconds)}; image: ${image}`,
    ...news.length > 0 ? [`${news.join(" and ")} learned, kept in ${join("conf", `${conf}.lock`)}: commit it`] : []
  ];
}

export {
  tellBuild
};
