import { createRequire } from 'node:module';

/**
 * koffi, which calls functions of C libraries. Most of what it costs to load is JavaScript that looks for the program that is right here:
 * on Debian it is known where that lies (2 ms of processor time instead of 11). Where it lies elsewhere, koffi looks for it.
 */
export function loadKoffi() {
  const requireFrom = createRequire(import.meta.filename);
  try {
    return requireFrom(`@koromix/koffi-linux-${process.arch}/linux_${process.arch}/koffi.node`);
  } catch {
    return requireFrom('koffi');
  }
}
