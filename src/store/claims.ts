import type { Digest } from './digest.ts';

/** Who looks at what, among several threads: each thing is claimed once. */
export type Claims = SharedArrayBuffer;

/** Room for so many claims. */
export function makeClaims(count: number): Claims {
  const slots = 2 ** Math.ceil(Math.log2(Math.max(1024, count * 2)));
  return new SharedArrayBuffer(slots * BigUint64Array.BYTES_PER_ELEMENT);
}

/**
 * Claims a file by its inode and the content that it should have, so that one which is there under many names is read once. False
 * when it was claimed before.
 */
export function claim(claims: Claims, inode: number, digest: Digest): boolean {
  const table = new BigUint64Array(claims);
  const mask = table.length - 1;
  const mixed = BigInt(`0x${digest.slice(0, 16)}`) ^ BigInt.asUintN(64, BigInt(inode) * 0x9e3779b97f4a7c15n);
  const key = mixed === 0n ? 1n : mixed;
  const start = Number(BigInt.asUintN(30, key)) & mask;
  for (let tries = 0; tries < table.length; tries++) {
    const found = Atomics.compareExchange(table, (start + tries) & mask, 0n, key);
    if (found === 0n) return true;
    if (found === key) return false;
  }
  return true; // no room: then it is read again
}
