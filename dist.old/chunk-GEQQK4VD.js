import { createRequire as requireFrom } from "node:module"; const require = requireFrom(import.meta.url);
import {
  SnapError,
  nearest
} from "./chunk-LVCJS3W4.js";

// src/commands/choose.ts
import { existsSync, readdirSync, statSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
function chooseProject(session) {
  const start = resolve(session.folder ?? ".");
  const found = session.folder === void 0 ? findProject(start) : isProject(start) && start;
  if (found) return found;
  throw new SnapError("USAGE", `Cannot find a project in "${start}": no "conf/*.toml"`, {
    hint: "make one: snap init DIR, or name one: snap -C DIR ..."
  });
}
function findProject(folder) {
  if (isProject(folder)) return folder;
  const parent = dirname(folder);
  return parent === folder ? void 0 : findProject(parent);
}
function chooseConf(project, given) {
  const names = confNames(project);
  if (given !== void 0) return knownConf(names, given.replace(/^.*\//, "").replace(/\.toml$/, ""));
  if (names.length === 1) return names[0];
  throw new SnapError("USAGE", `Several confs, none named: ${quoted(names)}`, {
    hint: `name one: snap build ${names[0]}`
  });
}
function confNames(project) {
  return namesIn(join(project, "conf"), ".toml");
}
function scriptletNames(project) {
  return namesIn(join(project, "scriptlets"), ".sh");
}
function knownConf(names, name) {
  if (names.includes(name)) return name;
  const near = nearest(name, names);
  throw new SnapError("USAGE", `Unknown conf "${name}"`, {
    hint: near.length > 0 ? `did you mean ${quoted(near)}?` : `there are: ${quoted(names)}`
  });
}
function isProject(folder) {
  return statSync(join(folder, "conf"), { throwIfNoEntry: false })?.isDirectory() === true ? confNames(folder).length > 0 : false;
}
function namesIn(folder, ending) {
  if (!existsSync(folder)) return [];
  return readdirSync(folder).filter((file) => file.endsWith(ending) && !file.startsWith(".")).map((file) => file.slice(0, -ending.length)).sort();
}
function quoted(names) {
  return names.map((name) => `"${name}"`).join(", ");
}

export {
  chooseProject,
  findProject,
  chooseConf,
  confNames,
  scriptletNames
};
