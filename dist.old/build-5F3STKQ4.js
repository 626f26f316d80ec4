import { createRequire as requireFrom } from "node:module"; const require = requireFrom(import.meta.url);
import {
  printPlan
} from "./chunk-U7GCK2S2.js";
import "./chunk-YZI2LTXF.js";
import {
  buildRequest
} from "./chunk-JBGTXZZY.js";
import "./chunk-S62MGVE5.js";
import "./chunk-GEQQK4VD.js";
import {
  showBuild
} from "./chunk-LXAFZY2M.js";
import {
  tellBuild
} from "./chunk-K5PJNG2W.js";
import "./chunk-ZL6Y3NW3.js";
import {
  build,
  plan
} from "./chunk-23DNWGKP.js";
import "./chunk-Y644624U.js";
import "./chunk-4ROARDOM.js";
import "./chunk-PSNPRZSN.js";
import "./chunk-XYS7EDNB.js";
import "./chunk-YGGTV4WK.js";
import "./chunk-ISSTBTSC.js";
import "./chunk-JBN4M4ZG.js";
import "./chunk-CMH6CGA3.js";
import "./chunk-TH3CEDQX.js";
import "./chunk-AVJFFU3G.js";
import "./chunk-PL7MILUG.js";
import "./chunk-UW3ZN2PS.js";
import "./chunk-4HCLSOVL.js";
import {
  printJson,
  printJsonLine,
  reporting
} from "./chunk-5MAKWUIE.js";
import "./chunk-PNTIWC4A.js";
import "./chunk-STE4WAD5.js";
import "./chunk-2JN5UEQO.js";
import {
  SnapError
} from "./chunk-LVCJS3W4.js";

// src/commands/build.ts
var buildCommand = (session, [name], options) => {
  let shown;
  const work = async () => {
    const request = buildRequest(session, name, options);
    if (options.watch) return watched(request, options);
    if (options.dryRun) return printPlan(await plan(request), options.json === true);
    shown = showBuild(request);
    return runBuild(request, options, shown);
  };
  const known = () => options.dryRun ? {} : { image: null, layers: shown?.ended ?? [] };
  return reporting(options.json === true, work, known, options.watch ? printJsonLine : printJson);
};
async function watched(request, { dryRun, json = false }) {
  if (dryRun) {
    throw new SnapError("USAGE", "Cannot watch with --dry-run: it builds nothing", {
      hint: "take one of them out; snap plan tells what would run"
    });
  }
  const { watchBuilds } = await import("./watch-R3OLM2NK.js");
  return watchBuilds(request, json);
}
async function runBuild(request, options, shown) {
  let result;
  try {
    result = await build(request, shown.report);
  } finally {
    shown.close();
  }
  tellBuild(request.conf, result, shown.learned, options.json ? printJson : void 0);
  return 0;
}
export {
  buildCommand
};
