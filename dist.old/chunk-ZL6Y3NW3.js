import { createRequire as requireFrom } from "node:module"; const require = requireFrom(import.meta.url);
import {
  counted,
  duration,
  size
} from "./chunk-PL7MILUG.js";
import {
  columns,
  cut,
  printable,
  printablePath
} from "./chunk-STE4WAD5.js";

// src/report/terminal.ts
import { performance } from "node:perf_hooks";

// src/report/progress.ts
function beginProgress(title, now) {
  return {
    title,
    began: now,
    stage: "",
    planned: 0,
    hits: 0,
    ran: 0,
    failed: 0,
    running: [],
    download: void 0
  };
}
function advance(progress, event, now) {
  switch (event.kind) {
    case "stage":
      return { ...progress, stage: event.name, download: void 0 };
    case "download":
      return { ...progress, download: event.done < event.total ? event : void 0 };
    case "planned":
      return { ...progress, planned: event.layers };
    case "layer-start":
      return {
        ...progress,
        running: [
          ...progress.running,
          { name: event.name, step: event.reason, began: now - (event.seconds ?? 0) * 1e3 }
        ]
      };
    case "layer-stop":
      return { ...progress, running: progress.running.filter((layer) => layer.name !== event.name) };
    case "layer-step":
      return {
        ...progress,
        running: progress.running.map(
          (layer) => layer.name === event.name ? { ...layer, step: event.step } : layer
        )
      };
    case "layer-end":
      return ended(progress, event);
    case "lock":
    case "learned":
    case "ids":
    case "note":
    case "image":
      return progress;
    default:
      return event;
  }
}
function liveLines(progress, now, shape) {
  const room = Math.max(1, shape.rows - 2);
  const shown = progress.running.slice(0, progress.running.length > room ? room - 1 : room);
  const names = Math.max(0, ...shown.map((layer) => columns(printable(layer.name))));
  const lines = shown.map((layer) => {
    const name = printable(layer.name);
    const text = `${name}${" ".repeat(names - columns(name))}  ${printable(layer.step)}`;
    return timed(now - layer.began, text, shape);
  });
  const hidden = progress.running.length - shown.length;
  if (hidden > 0) lines.push(cut(`${" ".repeat(TIME_WIDTH)}  and ${hidden} more`, shape.columns - 1));
  return [...lines, timed(now - progress.began, total(progress), shape, "bold")];
}
function keptLines(event, shape) {
  if (event.kind !== "layer-end") return commonLines(event);
  if (event.state === "hit") return [];
  if (event.state === "fail") return failedLines(event, shape);
  return [
    timed(event.seconds * 1e3, `${printable(event.name)}  ${printable(event.reason)}`.trimEnd(), shape)
  ];
}
function plainLines(event) {
  switch (event.kind) {
    case "layer-start":
      if (event.seconds !== void 0) return [`${printable(event.name)}: goes on`];
      return [`${printable(event.name)}: started, ${printable(event.reason)}`];
    case "layer-end":
      if (event.state === "hit") return [];
      if (event.state === "fail") return failedLines(event, { columns: 0, rows: 0, colour: false });
      return [`${printable(event.name)}: done in ${duration(event.seconds)}`];
    case "download":
      if (event.done > 0 || event.bytes > 0) return [];
      return [`downloading ${counted(event.total, "file")}, ${size(event.totalBytes)}`];
    default:
      return commonLines(event);
  }
}
var TIME_WIDTH = 11;
var STYLES = { bold: "1", dim: "2", red: "31" };
function ended(progress, event) {
  return {
    ...progress,
    running: progress.running.filter((layer) => layer.name !== event.name),
    hits: progress.hits + (event.state === "hit" ? 1 : 0),
    ran: progress.ran + (event.state === "run" ? 1 : 0),
    failed: progress.failed + (event.state === "fail" ? 1 : 0)
  };
}
function total(progress) {
  const { title, planned, hits, ran, failed, download } = progress;
  const parts = [];
  if (planned > 0) parts.push(`${hits + ran + failed} of ${counted(planned, "layer")}`);
  if (hits > 0) parts.push(`${hits} unchanged`);
  if (failed > 0) parts.push(`${failed} failed`);
  if (download !== void 0) parts.push(fetched(download));
  else if (progress.stage !== "" && progress.running.length === 0) parts.push(printable(progress.stage));
  return `${title}: ${parts.join(", ") || "starting"}`;
}
function fetched(download) {
  const files = `downloading ${download.done} of ${counted(download.total, "file")}`;
  return `${files}, ${size(download.bytes)} of ${size(download.totalBytes)}`;
}
function commonLines(event) {
  switch (event.kind) {
    case "learned":
      return [
        `learned: ${printable(event.later)} after ${printable(event.earlier)}, since both write ${printablePath(event.path)}`
      ];
    case "layer-stop":
      return [`${printable(event.name)}: stopped`];
    case "note":
      return event.text.split("\n").map((line) => printable(line));
    default:
      return [];
  }
}
function failedLines(event, shape) {
  const head = `${printable(event.name)}: failed after ${duration(event.seconds)}`;
  return [
    shape.colour ? paint(head, "red") : head,
    ...(event.lines ?? []).map((line) => `  ${printable(line)}`.trimEnd()),
    ...event.log === void 0 ? [] : [`  full log: ${event.log}`]
  ];
}
function timed(milliseconds, text, shape, style) {
  const time = duration(milliseconds / 1e3).padStart(TIME_WIDTH);
  const line = cut(`${time}  ${text}`, shape.columns - 1);
  if (!shape.colour) return line;
  const head = line.slice(0, TIME_WIDTH);
  const rest = line.slice(TIME_WIDTH);
  return `${paint(head, "dim")}${style === void 0 ? rest : paint(rest, style)}`;
}
function paint(text, style) {
  return `\x1B[${STYLES[style]}m${text}\x1B[0m`;
}

// src/report/terminal.ts
var PERIOD = 100;
function openScreen(title, stream, environment) {
  const live = stream.isTTY === true && environment.TERM !== "dumb";
  return live ? openLive(title, stream, coloured(environment)) : openPlain(stream);
}
function coloured(environment) {
  return (environment.NO_COLOR ?? "") === "";
}
function openPlain(stream) {
  const report = (event) => {
    for (const line of plainLines(event)) stream.write(`${line}
`);
  };
  return { report, close: () => {
  } };
}
function openLive(title, stream, colour) {
  let progress = beginProgress(title, performance.now());
  let drawn = [];
  let last = performance.now();
  let kept = [];
  const shape = () => ({ columns: stream.columns || 80, rows: stream.rows || 24, colour });
  const paint2 = (lines) => {
    const above = kept.map((line) => `${line}\x1B[K
`).join("");
    const picture = lines.map((line) => `${line}\x1B[K`).join("\n");
    stream.write(`${erase(drawn, shape().columns)}${above}${picture}`);
    kept = [];
    drawn = lines;
  };
  const draw = () => {
    last = performance.now();
    paint2(liveLines(progress, last, shape()));
  };
  const close = () => {
    clearInterval(timer);
    process.off("exit", close);
    paint2([]);
  };
  const timer = setInterval(draw, PERIOD).unref();
  process.on("exit", close);
  return {
    report: (event) => {
      progress = advance(progress, event, performance.now());
      kept.push(...keptLines(event, shape()));
      if (performance.now() - last >= PERIOD) draw();
    },
    close
  };
}
function erase(drawn, width) {
  if (drawn.length === 0) return "\r";
  const rows = drawn.reduce((sum, line) => sum + Math.max(1, Math.ceil(visible(line) / width)), 0);
  return `${rows > 1 ? `\x1B[${rows - 1}A` : ""}\r\x1B[J`;
}
function visible(line) {
  return columns(line.replace(/\x1b\[\d+m/g, ""));
}

export {
  openScreen
};
