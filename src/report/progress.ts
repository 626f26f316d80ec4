import type { BuildEvent } from './event.ts';
import { columns, cut, printable, printablePath } from './printable.ts';
import { counted, duration, size } from './quantity.ts';

type Running = { readonly name: string; readonly step: string; readonly began: number };

/** How far a build is: a fold over its events. Times are milliseconds of a clock that only goes forward. */
export type Progress = {
  readonly title: string;
  readonly began: number;
  readonly stage: string;
  readonly planned: number;
  readonly hits: number;
  readonly ran: number;
  readonly failed: number;
  readonly running: readonly Running[];
  readonly download: Extract<BuildEvent, { kind: 'download' }> | undefined;
};

export type Shape = { readonly columns: number; readonly rows: number; readonly colour: boolean };

export function beginProgress(title: string, now: number): Progress {
  return {
    title,
    began: now,
    stage: '',
    planned: 0,
    hits: 0,
    ran: 0,
    failed: 0,
    running: [],
    download: undefined,
  };
}

export function advance(progress: Progress, event: BuildEvent, now: number): Progress {
  switch (event.kind) {
    case 'stage':
      return { ...progress, stage: event.name, download: undefined };
    case 'download':
      return { ...progress, download: event.done < event.total ? event : undefined };
    case 'planned':
      return { ...progress, planned: event.layers };
    case 'layer-start':
      return {
        ...progress,
        running: [
          ...progress.running,
          { name: event.name, step: event.reason, began: now - (event.seconds ?? 0) * 1000 },
        ],
      };
    case 'layer-stop':
      return { ...progress, running: progress.running.filter((layer) => layer.name !== event.name) };
    case 'layer-step':
      return {
        ...progress,
        running: progress.running.map((layer) =>
          layer.name === event.name ? { ...layer, step: event.step } : layer,
        ),
      };
    case 'layer-end':
      return ended(progress, event);
    case 'lock':
    case 'learned':
    case 'ids':
    case 'detail':
    case 'note':
    case 'image':
      return progress;
    default:
      return event satisfies never;
  }
}

/** The lines that change in place: one a running layer, and the total below them; never more than the terminal is high. */
export function liveLines(progress: Progress, now: number, shape: Shape): string[] {
  const room = Math.max(1, shape.rows - 2);
  const shown = progress.running.slice(0, progress.running.length > room ? room - 1 : room);
  const names = Math.max(0, ...shown.map((layer) => columns(printable(layer.name))));
  const lines = shown.map((layer) => {
    const name = printable(layer.name);
    const text = `${name}${' '.repeat(names - columns(name))}  ${printable(layer.step)}`;
    return timed(now - layer.began, text, shape);
  });
  const hidden = progress.running.length - shown.length;
  if (hidden > 0) lines.push(cut(`${' '.repeat(TIME_WIDTH)}  and ${hidden} more`, shape.columns - 1));
  return [...lines, timed(now - progress.began, total(progress), shape, 'bold')];
}

/** The lines of an event that stay on a terminal, above those that change. Hits leave none. */
export function keptLines(event: BuildEvent, shape: Shape): string[] {
  if (event.kind !== 'layer-end') return commonLines(event);
  if (event.state === 'hit') return [];
  if (event.state === 'fail') return failedLines(event, shape);
  return [
    timed(event.seconds * 1000, `${printable(event.name)}  ${printable(event.reason)}`.trimEnd(), shape),
  ];
}

/** The lines of an event where nothing can change in place: a file, a pipe. */
export function plainLines(event: BuildEvent): string[] {
  switch (event.kind) {
    case 'layer-start':
      if (event.seconds !== undefined) return [`${printable(event.name)}: goes on`];
      return [`${printable(event.name)}: started, ${printable(event.reason)}`];
    case 'layer-end':
      if (event.state === 'hit') return [];
      if (event.state === 'fail') return failedLines(event, { columns: 0, rows: 0, colour: false });
      return [`${printable(event.name)}: done in ${duration(event.seconds)}`];
    case 'download':
      if (event.done > 0 || event.bytes > 0) return [];
      return [`downloading ${counted(event.total, 'file')}, ${size(event.totalBytes)}`];
    default:
      return commonLines(event);
  }
}

const TIME_WIDTH = 11;
const STYLES = { bold: '1', dim: '2', red: '31' } as const;

function ended(progress: Progress, event: Extract<BuildEvent, { kind: 'layer-end' }>): Progress {
  return {
    ...progress,
    running: progress.running.filter((layer) => layer.name !== event.name),
    hits: progress.hits + (event.state === 'hit' ? 1 : 0),
    ran: progress.ran + (event.state === 'run' ? 1 : 0),
    failed: progress.failed + (event.state === 'fail' ? 1 : 0),
  };
}

function total(progress: Progress): string {
  const { title, planned, hits, ran, failed, download } = progress;
  const parts: string[] = [];
  if (planned > 0) parts.push(`${hits + ran + failed} of ${counted(planned, 'layer')}`);
  if (hits > 0) parts.push(`${hits} unchanged`);
  if (failed > 0) parts.push(`${failed} failed`);
  if (download !== undefined) parts.push(fetched(download));
  else if (progress.stage !== '' && progress.running.length === 0) parts.push(printable(progress.stage));
  return `${title}: ${parts.join(', ') || 'starting'}`;
}

function fetched(download: Extract<BuildEvent, { kind: 'download' }>): string {
  const files = `downloading ${download.done} of ${counted(download.total, 'file')}`;
  return `${files}, ${size(download.bytes)} of ${size(download.totalBytes)}`;
}

function commonLines(event: BuildEvent): string[] {
  switch (event.kind) {
    case 'learned':
      return [
        `learned: ${printable(event.later)} after ${printable(event.earlier)}, since both write ${printablePath(event.path)}`,
      ];
    case 'layer-stop':
      return [`${printable(event.name)}: stopped`];
    case 'note':
      return event.text.split('\n').map((line) => printable(line));
    default:
      return [];
  }
}

function failedLines(event: Extract<BuildEvent, { kind: 'layer-end' }>, shape: Shape): string[] {
  const head = `${printable(event.name)}: failed after ${duration(event.seconds)}`;
  return [
    shape.colour ? paint(head, 'red') : head,
    ...(event.lines ?? []).map((line) => `  ${printable(line)}`.trimEnd()),
    ...(event.log === undefined ? [] : [`  full log: ${event.log}`]),
  ];
}

/** A line that begins with its elapsed time, cut to one less than the terminal's width, so that it never wraps. */
function timed(milliseconds: number, text: string, shape: Shape, style?: keyof typeof STYLES): string {
  const time = duration(milliseconds / 1000).padStart(TIME_WIDTH);
  const line = cut(`${time}  ${text}`, shape.columns - 1);
  if (!shape.colour) return line;
  const head = line.slice(0, TIME_WIDTH);
  const rest = line.slice(TIME_WIDTH);
  return `${paint(head, 'dim')}${style === undefined ? rest : paint(rest, style)}`;
}

function paint(text: string, style: keyof typeof STYLES): string {
  return `\x1b[${STYLES[style]}m${text}\x1b[0m`;
}
