import { createRequire as requireFrom } from "node:module"; const require = requireFrom(import.meta.url);
import {
  attempt
} from "./chunk-2JN5UEQO.js";
import {
  SnapError
} from "./chunk-LVCJS3W4.js";

// src/project/commit.ts
async function projectCommit(project) {
  const git = [
    "git",
    "-c",
    `safe.directory=*`,
    "-c",
    "core.fsmonitor=false",
    "--no-optional-locks",
    "-C",
    project
  ];
  const outcome = await attempt([...git, "describe", "--always", "--dirty", "--abbrev=40", "--exclude=*"]);
  if (outcome.exitCode === 0) return outcome.stdout.trim();
  throw new SnapError("CONF", `Cannot tell SNAP_COMMIT: "${project}" has no git commit`, {
    lines: outcome.stderr.trimEnd().split("\n"),
    hint: "make a first commit, or take SNAP_COMMIT out of the scriptlets"
  });
}
export {
  projectCommit
};
