import { join } from 'node:path';
import { NOT_BOOTED, type Workshop } from './run.ts';
import { makeTop, type View, type ViewLayer } from './view.ts';

/** The folder on top of a view's layers, until it is released. */
export type Top = { readonly path: string; release(): void };

/** The tops of a round: layers that run on the same view one after the other, or at once, share one. */
export type Tops = Disposable & { of(view: View): Top };

type Made = { readonly folder: string; readonly key: string; users: number };

export function makeTops({ store, lock }: Pick<Workshop, 'store' | 'lock'>): Tops {
  const numbers = new Map<ViewLayer, number>();
  const tops = new Map<string, Made>();
  /** The one that nobody uses now; there is at most one, as each holds whole databases. */
  let idle: Made | undefined;
  let ended = false;

  const keyOf = (view: View): string => {
    for (const layer of view.layers) if (!numbers.has(layer)) numbers.set(layer, numbers.size);
    return view.layers.map((layer) => numbers.get(layer)).join();
  };
  const dropIdle = (): void => {
    if (!idle) return;
    tops.delete(idle.key);
    store.dropWorkDir(idle.folder);
    idle = undefined;
  };
  const make = (view: View, key: string): Made => {
    const folder = store.makeWorkDir();
    try {
      makeTop(store, view, join(folder, 'top'), lock.epoch, NOT_BOOTED);
    } catch (error) {
      store.dropWorkDir(folder);
      throw error;
    }
    const made = { folder, key, users: 0 };
    tops.set(key, made);
    return made;
  };
  return {
    of(view) {
      const key = keyOf(view);
      const top = tops.get(key) ?? make(view, key);
      if (top === idle) idle = undefined;
      top.users++;
      return {
        path: join(top.folder, 'top'),
        release() {
          if (--top.users > 0) return;
          dropIdle();
          idle = top;
          if (ended) dropIdle();
        },
      };
    },
    [Symbol.dispose]() {
      ended = true;
      dropIdle();
    },
  };
}
