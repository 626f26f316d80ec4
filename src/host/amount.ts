/** How much a person wrote: bytes, or a share of the filesystem. */
export type Amount = { readonly bytes: number } | { readonly percent: number };

const UNITS = ['', 'K', 'M', 'G', 'T', 'P'];

/**
 * `20GB`, `20GiB`, `1.5T`, `30%`: as GNU's tools have it, `GB` is a power of 1000, `G` and `GiB` are powers of 1024. Undefined where it is
 * none of these, or more than the whole.
 */
export function parseAmount(text: string): Amount | undefined {
  const [, number, percent, letter = '', iB = ''] =
    /^(\d+(?:\.\d+)?)\s*(?:(%)|([KMGTP]?)(iB|B)?)$/i.exec(text.trim()) ?? [];
  if (number === undefined) return undefined;
  const value = Number(number);
  if (percent !== undefined) return value <= 100 ? { percent: value } : undefined;
  const power = UNITS.indexOf(letter.toUpperCase());
  if (power === 0 && iB.toLowerCase() === 'ib') return undefined;
  const base = iB.toUpperCase() === 'B' ? 1000 : 1024;
  const bytes = Math.floor(value * base ** power);
  return Number.isSafeInteger(bytes) ? { bytes } : undefined;
}

export function bytesOf(amount: Amount, whole: number): number {
  return 'bytes' in amount ? amount.bytes : Math.floor((whole * amount.percent) / 100);
}

const SECONDS: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600, d: 86_400, w: 604_800 };

/** Seconds of `90s`, `30m`, `12h`, `14d`, `2w`; undefined where it is none of these. */
export function parseAge(text: string): number | undefined {
  const [, number, unit = ''] = /^(\d{1,9})\s*([smhdw])$/.exec(text.trim()) ?? [];
  return number === undefined ? undefined : Number(number) * SECONDS[unit]!;
}
