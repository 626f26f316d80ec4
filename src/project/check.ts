import type { Conf } from './conf.ts';
import type { EvaluationCache } from './evaluation-cache.ts';
import type { Scriptlet } from './scriptlet.ts';

/** Runs a scriptlet's do_check. */
export async function check(
  _scriptlet: Scriptlet,
  _conf: Conf,
  _options: { readonly cache: EvaluationCache },
): Promise<void> {
  throw new Error('do_check is not there yet');
}
