import { createRequire as requireFrom } from "node:module"; const require = requireFrom(import.meta.url);
import {
  list
} from "./chunk-HSNWGTLN.js";
import {
  table
} from "./chunk-S62MGVE5.js";
import {
  chooseProject
} from "./chunk-GEQQK4VD.js";
import "./chunk-PSNPRZSN.js";
import "./chunk-XYS7EDNB.js";
import "./chunk-JBN4M4ZG.js";
import "./chunk-CMH6CGA3.js";
import "./chunk-TH3CEDQX.js";
import "./chunk-AVJFFU3G.js";
import {
  count,
  localTime,
  size
} from "./chunk-PL7MILUG.js";
import "./chunk-UW3ZN2PS.js";
import {
  print,
  printJson,
  reporting
} from "./chunk-5MAKWUIE.js";
import "./chunk-PNTIWC4A.js";
import "./chunk-STE4WAD5.js";
import "./chunk-2JN5UEQO.js";
import "./chunk-LVCJS3W4.js";

// src/commands/list.ts
import { relative } from "node:path";
var LAYOUT = [
  { title: "conf" },
  { title: "built" },
  { title: "layers", align: "right" },
  { title: "paths", align: "right" },
  { title: "size", align: "right" },
  { title: "image" }
];
var listCommand = (session, _args, options) => reporting(options.json === true, async () => {
  const project = chooseProject(session);
  const confs = await list(project);
  if (options.json) printJson(confs);
  else
    for (const line of table(
      LAYOUT,
      confs.map((conf) => row(project, conf))
    ))
      print(line);
  return 0;
});
function row(project, conf) {
  const { name, built, layers, paths, bytes, image } = conf;
  return [
    name,
    built === void 0 ? "not yet" : localTime(built),
    layers === void 0 ? "" : count(layers),
    paths === void 0 ? "" : count(paths),
    bytes === void 0 ? "" : size(bytes),
    image === void 0 ? "" : inProject(project, image)
  ];
}
function inProject(project, path) {
  const short = relative(project, path);
  return short.startsWith("..") ? path : short;
}
export {
  listCommand
};
