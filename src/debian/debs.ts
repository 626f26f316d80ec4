import type { Pin } from './lock.ts';

/**
 * Where a pinned deb lies in the store: `<sha256>.deb`. The name is the content's, so that verify needs the file alone, gc compares names,
 * and two archives may have different bytes under one version; dpkg wants no more than the ending.
 */
export function debPath(debsDir: string, pin: Pick<Pin, 'sha256'>): string {
  return `${debsDir}/${pin.sha256}.deb`;
}
