import { createRequire as requireFrom } from "node:module"; const require = requireFrom(import.meta.url);

// src/report/line-diff.ts
var CONTEXT = 2;
async function lineDiff(before, now) {
  const { structuredPatch } = await import("diff");
  const { hunks } = structuredPatch("", "", before, now, "", "", { context: CONTEXT });
  return hunks.flatMap(({ lines }, at) => [
    ...at > 0 ? ["..."] : [],
    ...lines.filter((line) => !line.startsWith("\\")).map((line) => line.trimEnd())
  ]);
}

// src/layers/changed-lines.ts
async function changedLines(reason) {
  if (reason?.kind !== "function" && reason?.kind !== "own-variable") return [];
  return reason.change === "changed" ? lineDiff(reason.before, reason.now) : [];
}

export {
  changedLines
};
