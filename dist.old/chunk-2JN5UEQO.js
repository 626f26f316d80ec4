import { createRequire as requireFrom } from "node:module"; const require = requireFrom(import.meta.url);
import {
  SnapError
} from "./chunk-LVCJS3W4.js";

// src/host/program.ts
import { spawn } from "node:child_process";
import { once } from "node:events";
var HOST_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
async function attempt(command, options = {}) {
  const [file = ""] = command;
  const { signal } = options;
  if (signal?.aborted) throw stopped(file);
  const child = start(command, options);
  const stdout = collect(child.stdout);
  const stderr = collect(child.stderr);
  const stop = () => void child.kill("SIGKILL");
  signal?.addEventListener("abort", stop);
  try {
    const [exitCode, endedBy] = await once(child, "close").catch((error) => {
      throw child.pid === void 0 ? notStarted(file, error) : error;
    });
    if (signal?.aborted) throw stopped(file);
    return {
      exitCode: exitCode ?? void 0,
      signal: endedBy ?? void 0,
      timedOut: endedBy !== null && child.killed,
      stdout: stdout(),
      stderr: stderr()
    };
  } finally {
    signal?.removeEventListener("abort", stop);
  }
}
var LONGEST = 2 ** 31 - 1;
function start([file = "", ...args], options) {
  const { cwd, env, inherit, input, timeout, terminal } = options;
  try {
    const child = spawn(file, args, {
      cwd,
      env: { ...inherit ? process.env : {}, PATH: HOST_PATH, LC_ALL: "C.UTF-8", ...env },
      stdio: terminal ? "inherit" : [input === void 0 ? "ignore" : "pipe", "pipe", "pipe"],
      timeout: timeout === void 0 ? void 0 : Math.min(Math.ceil(timeout * 1e3), LONGEST),
      killSignal: "SIGKILL"
    });
    child.stdin?.on("error", () => {
    });
    child.stdin?.end(input);
    return child;
  } catch (error) {
    throw notStarted(file, error);
  }
}
function collect(stream) {
  const chunks = [];
  stream?.on("data", (chunk) => chunks.push(chunk));
  return () => Buffer.concat(chunks).toString();
}
function notStarted(file, cause) {
  const reason = cause instanceof Error ? cause.message : "unknown reason";
  return new SnapError("HOST", `Cannot start "${file}": ${reason}`, {
    hint: "see what is missing: snap doctor",
    cause
  });
}
function stopped(file) {
  return new SnapError("INTERRUPTED", `Stopped while "${file}" was running`);
}
async function run(command, options = {}) {
  const outcome = await attempt(command, options);
  if (outcome.exitCode === 0) return outcome.stdout;
  const ending = outcome.signal ? `was ended by ${outcome.signal}` : `exited with ${outcome.exitCode}`;
  throw new SnapError("HOST", `Cannot go on: "${command[0]}" ${ending}`, {
    lines: [`$ ${quote(command)}`, ...lastLines(outcome.stderr || outcome.stdout, 20)]
  });
}
function quote(command) {
  return command.map((word) => /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`).join(" ");
}
function lastLines(text, count) {
  const trimmed = text.replace(/\n+$/, "");
  return trimmed === "" ? [] : trimmed.split("\n").slice(-count);
}

export {
  attempt,
  run,
  quote,
  lastLines
};
