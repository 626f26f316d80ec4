import type { PageData, PageFile } from '../report/page.ts';
import { count, size, sizeChange } from '../report/quantity.ts';
import type { Branch } from './tree.ts';

/** The size of a file or a folder, and where trees differ how it changed. */
export function sizeWords(kind: PageData['kind'], before: number, after: number): string {
  return kind === 'sizes' ? size(after) : sizeChange(after - before);
}

export function shareWords(part: number, whole: number): string {
  const share = whole === 0 ? 0 : (part / whole) * 100;
  return `${share >= 9.95 ? share.toFixed(0) : share.toFixed(1)} %`;
}

export function filesWords({ files }: Branch): string {
  return `${count(files)} ${files === 1 ? 'path' : 'paths'}`;
}

/** How a modifier looks. */
export function toneOf(modifier: string): string {
  return modifier === '+' ? 'more' : modifier === '-' ? 'less' : modifier === '' ? 'plain' : 'changed';
}

export function ownerWords({ layers, packages }: PageData, [, , , layer, owner]: PageFile): string {
  return [packages[owner], layers[layer]].filter((name) => name !== undefined).join(' · ');
}
