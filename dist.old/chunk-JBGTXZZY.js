import { createRequire as requireFrom } from "node:module"; const require = requireFrom(import.meta.url);
import {
  chooseConf,
  chooseProject
} from "./chunk-GEQQK4VD.js";

// src/commands/request.ts
import { availableParallelism } from "node:os";
import { resolve } from "node:path";
function buildRequest(session, name, options) {
  const project = chooseProject(session);
  return {
    project,
    conf: chooseConf(project, name),
    jobs: options.jobs ?? availableParallelism(),
    locked: options.locked ?? false,
    offline: options.offline ?? false,
    keepFailed: options.keepFailed ?? false,
    rerun: options.rerun ?? [],
    signal: session.signal,
    ...options.timeout === void 0 ? {} : { timeout: options.timeout },
    ...options.output === void 0 ? {} : { output: resolve(options.output) }
  };
}

export {
  buildRequest
};
