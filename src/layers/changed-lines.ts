import { lineDiff } from '../report/line-diff.ts';
import type { Reason } from './reason.ts';

/**
 * The lines that changed in a function or a variable of a scriptlet, for the eye, as `-` and `+` lines. Nothing for any other reason:
 * of a file the store holds the digest alone.
 */
export async function changedLines(reason: Reason | undefined): Promise<readonly string[]> {
  if (reason?.kind !== 'function' && reason?.kind !== 'own-variable') return [];
  return reason.change === 'changed' ? lineDiff(reason.before, reason.now) : [];
}
