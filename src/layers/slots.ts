/** How many layers may run at once. */
export type Slots = {
  /** Runs the work when a slot is free. */
  run<T>(work: () => Promise<T>): Promise<T>;
  /** Gives the caller's slot away while it waits for something that may need one, and takes one again. */
  aside<T>(wait: () => Promise<T>): Promise<T>;
};

export function makeSlots(count: number): Slots {
  let free = Math.max(1, count);
  const queue: (() => void)[] = [];
  const take = async (): Promise<void> => {
    if (free > 0) free--;
    else await new Promise<void>((resolve) => queue.push(resolve));
  };
  const give = (): void => {
    const next = queue.shift();
    if (next) next();
    else free++;
  };
  return {
    async run(work) {
      await take();
      try {
        return await work();
      } finally {
        give();
      }
    },
    async aside(wait) {
      give();
      try {
        return await wait();
      } finally {
        await take();
      }
    },
  };
}
