import { notice } from '../host/notice.ts';
import { Store } from './layers.ts';

/** A store to look into, from which nothing is taken away until it is closed. Waits for gc, and says so. */
export type HeldStore = Disposable & { readonly store: Store };

/** @throws SnapError STORE as the store does. */
export function openHeld(project: string): HeldStore {
  using opened = new DisposableStack();
  const store = opened.use(new Store(project));
  const onWait = (): void => notice('waiting for "snap gc" to end');
  opened.use(store.holdNow(store.layout.lock, 'shared', onWait));
  const all = opened.move();
  return { store, [Symbol.dispose]: () => all.dispose() };
}
