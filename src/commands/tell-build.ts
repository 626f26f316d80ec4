import { join } from 'node:path';
import { printable } from '../report/printable.ts';
import { count, counted, duration, size } from '../report/quantity.ts';
import type { BuildResult } from '../request.ts';
import { print, say } from './print.ts';

export type Learned = { readonly orders: number; readonly ids: number };

/** Tells what a build came to: a line for the reader, and as data the image, or all of the result by `printValue`. */
export function tellBuild(
  conf: string,
  result: BuildResult,
  learned: Learned,
  printValue?: (value: object) => void,
): void {
  for (const line of summary(conf, result, learned)) say(line);
  if (printValue) printValue(result);
  else print(result.image);
}

function summary(conf: string, result: BuildResult, learned: Learned): string[] {
  const ran = result.layers.filter((layer) => layer.state === 'run').length;
  const layers =
    ran === 0
      ? `nothing changed in ${counted(result.layers.length, 'layer')}`
      : `${counted(ran, 'layer')} run, ${count(result.layers.length - ran)} unchanged`;
  const image = `${counted(result.paths, 'path')}, ${size(result.bytes)}`;
  const news = [
    ...(learned.orders > 0 ? [counted(learned.orders, 'order')] : []),
    ...(learned.ids > 0 ? [counted(learned.ids, 'id')] : []),
  ];
  return [
    `${printable(conf)}: ${layers}, ${duration(result.seconds)}; image: ${image}`,
    ...(news.length > 0
      ? [`${news.join(' and ')} learned, kept in ${join('conf', `${conf}.lock`)}: commit it`]
      : []),
  ];
}
