import { createHash } from 'node:crypto';
import { createReadStream, lstatSync, readdirSync } from 'node:fs';
import { basename, join } from 'node:path';
import type { Pin } from './lock.ts';

/** A deb of the store that is not what its name says. */
export type DebDamage = { readonly sha256: string; readonly what: string; readonly pin: Pin | undefined };

/** Compares the debs of the store with the sizes that locks pin, and with `deep` their contents with their names. */
export async function checkDebs(
  debsDir: string,
  pins: ReadonlyMap<string, Pin>,
  { deep, signal }: { readonly deep: boolean; readonly signal: AbortSignal },
): Promise<DebDamage[]> {
  const names = readdirSync(debsDir).filter((name) => /^[0-9a-f]{64}\.deb$/.test(name));
  const damages: DebDamage[] = [];
  for (const name of names.sort()) {
    signal.throwIfAborted();
    const sha256 = basename(name, '.deb');
    const pin = pins.get(sha256);
    const what = await faultOf(join(debsDir, name), sha256, pin, deep);
    if (what !== undefined) damages.push({ sha256, what, pin });
  }
  return damages;
}

async function faultOf(
  file: string,
  sha256: string,
  pin: Pin | undefined,
  deep: boolean,
): Promise<string | undefined> {
  const stat = lstatSync(file);
  if (!stat.isFile()) return 'is no file';
  if (pin && stat.size !== pin.size) return `has ${stat.size} bytes instead of ${pin.size}`;
  if (!deep) return undefined;
  try {
    return (await digestOfFile(file)) === sha256 ? undefined : 'has other content than its name says';
  } catch (error) {
    return `cannot be read: ${error instanceof Error ? error.message : String(error)}`;
  }
}

async function digestOfFile(file: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const part of createReadStream(file)) hash.update(part as Buffer);
  return hash.digest('hex');
}
