const UNITS = ['KiB', 'MiB', 'GiB', 'TiB'] as const;

/** Bytes with a binary unit and three digits at most before the point: `612 MiB`, `1.4 GiB`, `17 B`. */
export function size(bytes: number): string {
  if (bytes < 1024) return `${bytes} B`;
  let value = bytes / 1024;
  let unit = 0;
  while (value >= 999.5 && unit < UNITS.length - 1) {
    value /= 1024;
    unit++;
  }
  return `${value < 9.95 ? value.toFixed(1) : value.toFixed(0)} ${UNITS[unit]}`;
}

/** By how many bytes something grew or shrank: `+13.9 KiB`, `-3 B`; `0 B` for neither. */
export function sizeChange(bytes: number): string {
  const most = Math.abs(bytes);
  let value = most / 1024;
  let unit = 0;
  while (value >= 999.95 && unit < UNITS.length - 1) {
    value /= 1024;
    unit++;
  }
  const text = most < 1024 ? `${most} B` : `${value.toFixed(1)} ${UNITS[unit]}`;
  return bytes === 0 ? text : `${bytes < 0 ? '-' : '+'}${text}`;
}

/** Seconds as a person reads them: `0.4 s`, `12.4 s`, `3 min 05 s`, `2 h 03 min`. */
export function duration(seconds: number): string {
  const tenths = Math.round(Math.max(0, seconds) * 10);
  if (tenths < 600) return `${(tenths / 10).toFixed(1)} s`;
  const whole = Math.round(tenths / 10);
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${two(whole % 60)} s`;
  const minutes = Math.round(whole / 60);
  return `${Math.floor(minutes / 60)} h ${two(minutes % 60)} min`;
}

/** A point in time (ISO 8601) in the reader's zone, to the minute: `2025-06-01 14:05`. */
export function localTime(iso: string): string {
  const date = new Date(iso);
  if (Number.isNaN(date.getTime())) return iso;
  const day = `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
  return `${day} ${two(date.getHours())}:${two(date.getMinutes())}`;
}

/** A whole number with its thousands apart: `22,827`. */
export function count(number: number): string {
  return String(number).replace(/\B(?=(\d{3})+$)/g, ',');
}

/** `1 layer`, `3 layers`, `12,997 paths`. */
export function counted(number: number, noun: string): string {
  return `${count(number)} ${noun}${number === 1 ? '' : 's'}`;
}

function two(number: number): string {
  return String(number).padStart(2, '0');
}
