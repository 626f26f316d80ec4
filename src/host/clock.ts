import { readFileSync } from 'node:fs';

/** Whole seconds of Unix time between which the host's clock stood while something ran. */
export type Span = { readonly from: number; readonly to: number };

export type Clock = { end(): Span };

/** Milliseconds between two looks at the clock. */
const PERIOD = 500;

/**
 * Watches the host's clock until `end` is called. Whoever sets it meanwhile, in either direction, widens the span: every time that the
 * kernel gave to a file in between lies in it. How long it took is measured by the clock that nobody can set.
 */
export function watchClock(): Clock {
  const began = performance.now();
  let [least, most] = [offset(), offset()];
  const look = (): void => {
    least = Math.min(least, offset());
    most = Math.max(most, offset());
  };
  const timer = setInterval(look, PERIOD).unref();
  return {
    end: () => {
      clearInterval(timer);
      look();
      // The kernel stamps files with a clock that is some milliseconds behind.
      return { from: wholeSeconds(began + least) - 1, to: wholeSeconds(performance.now() + most) + 1 };
    },
  };
}

/** Milliseconds by which the clock on the wall is ahead of the one that only counts. */
function offset(): number {
  return Date.now() - performance.now();
}

function wholeSeconds(milliseconds: number): number {
  return Math.floor(milliseconds / 1000);
}

let boot: string | undefined;

/** Another one after each start of the machine. */
export function bootId(): string {
  boot ??= readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
  return boot;
}
