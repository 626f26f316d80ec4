import { createRequire as requireFrom } from "node:module"; const require = requireFrom(import.meta.url);
import {
  openScreen
} from "./chunk-ZL6Y3NW3.js";

// src/commands/built.ts
function showBuild(request) {
  const screen = openScreen(request.conf, process.stderr, process.env);
  const ended = [];
  const learned = { orders: 0, ids: 0 };
  const report = (event) => {
    if (event.kind === "layer-end") ended.push(endedLayer(event));
    if (event.kind === "learned") learned.orders++;
    if (event.kind === "ids") learned.ids++;
    screen.report(event);
  };
  return { report, ended, close: screen.close, learned };
}
function endedLayer(event) {
  const { name, key = null, state, seconds, reason } = event;
  return { name, key, state, seconds, reason };
}

export {
  showBuild
};
