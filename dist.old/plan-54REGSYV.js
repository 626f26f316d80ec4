import { createRequire as requireFrom } from "node:module"; const require = requireFrom(import.meta.url);
import {
  planCommand,
  printPlan
} from "./chunk-U7GCK2S2.js";
import "./chunk-YZI2LTXF.js";
import "./chunk-JBGTXZZY.js";
import "./chunk-S62MGVE5.js";
import "./chunk-GEQQK4VD.js";
import "./chunk-23DNWGKP.js";
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
import "./chunk-5MAKWUIE.js";
import "./chunk-PNTIWC4A.js";
import "./chunk-STE4WAD5.js";
import "./chunk-2JN5UEQO.js";
import "./chunk-LVCJS3W4.js";
export {
  planCommand,
  printPlan
};
