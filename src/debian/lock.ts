/** `name:arch`, as dpkg writes a package that may stand beside the same one of another architecture. */
export type PackageId = string & { readonly brand: 'PackageId' };

/** One deb, pinned. */
export type Pin = {
  readonly name: string;
  /** The deb's own architecture: amd64, all, ... */
  readonly arch: string;
  readonly version: string;
  /** Bytes. */
  readonly size: number;
  /** 64 hex digits. */
  readonly sha256: string;
  /** The archive's name: that of a `Mirror`. */
  readonly archive: string;
  /** Relative to the archive's URI: `pool/main/b/bluez/bluez_5.66-1_amd64.deb`. */
  readonly path: string;
};

/** A learned order: `later` runs on top of `earlier`, since both write `path`. */
export type Order = { readonly later: string; readonly earlier: string; readonly path: string };

/** Every input that is not in the project's own files, and what builds have learned. `conf/NAME.lock`. */
export type Lock = {
  readonly suite: string;
  readonly arch: string;
  /** SOURCE_DATE_EPOCH, seconds; fixed when the lock is made. */
  readonly epoch: number;
  /** The `Date` of each Release file that the pins came from, seconds; an older one is refused later. */
  readonly releases: readonly { readonly archive: string; readonly suite: string; readonly date: number }[];
  readonly pins: ReadonlyMap<PackageId, Pin>;
  /** The base's packages, in apt's order. */
  readonly base: readonly PackageId[];
  /** Debs that the build uses and the image does not get (libeatmydata1). */
  readonly tools: readonly PackageId[];
  /**
   * Per scriptlet that installs packages: what it asked for, and all that this brings over the bare base, in apt's order. What its
   * view has already is left out when it runs, so neither needs nor learned orders touch the pins.
   */
  readonly closures: ReadonlyMap<
    string,
    { readonly wants: readonly string[]; readonly debs: readonly PackageId[] }
  >;
  readonly orders: readonly Order[];
  /** The id ledger: name -> id. An id, once here, never moves. */
  readonly uids: ReadonlyMap<string, number>;
  readonly gids: ReadonlyMap<string, number>;
};

/** What a lock must be for: the conf's suite and architecture. */
export type LockTarget = { readonly suite: string; readonly arch: string };

/** A scriptlet whose packages the lock does not answer for. */
export type Uncovered = { readonly name: string; readonly reason: 'new' | 'changed' | 'gone' };

/** A package whose pin is not the same in two locks; `from` is undefined for one that came, `to` for one that went. */
export type MovedPin = {
  readonly name: string;
  readonly from: string | undefined;
  readonly to: string | undefined;
};

export function packageId(deb: { readonly name: string; readonly arch: string }): PackageId {
  return `${deb.name}:${deb.arch}` as PackageId;
}

/** A package as apt calls it on a system of the architecture `native`: with its own where that is a foreign one. */
export function aptName(deb: { readonly name: string; readonly arch: string }, native: string): string {
  return deb.arch === native || deb.arch === 'all' ? deb.name : packageId(deb);
}

/** The scriptlets whose wants differ from the lock's closures, in the order of `wants`, then those that are gone. */
export function uncovered(lock: Lock, wants: ReadonlyMap<string, readonly string[]>): Uncovered[] {
  const asked = [...wants].filter(([, packages]) => packages.length > 0);
  const open = asked.flatMap(([name, packages]): Uncovered[] => {
    const closure = lock.closures.get(name);
    if (closure === undefined) return [{ name, reason: 'new' }];
    return sameSet(closure.wants, packages) ? [] : [{ name, reason: 'changed' }];
  });
  const names = new Set(asked.map(([name]) => name));
  const gone = [...lock.closures.keys()].filter((name) => !names.has(name));
  return [...open, ...gone.map((name): Uncovered => ({ name, reason: 'gone' }))];
}

/** What moved between two locks, by package name in byte order; bytes that changed under one version count as moved. */
export function movedPins(from: Lock, to: Lock): MovedPin[] {
  const before = pinsByName(from, from.arch);
  const after = pinsByName(to, to.arch);
  return [...new Set([...before.keys(), ...after.keys()])]
    .sort()
    .filter((name) => before.get(name)?.sha256 !== after.get(name)?.sha256)
    .map((name) => ({ name, from: before.get(name)?.version, to: after.get(name)?.version }));
}

/** The lock with these learned orders added; one that it has already is not added again. */
export function withOrders(lock: Lock, orders: readonly Order[]): Lock {
  const known = new Map(
    [...lock.orders, ...orders].map((order) => [JSON.stringify(orderWords(order)), order]),
  );
  return { ...lock, orders: [...known.values()] };
}

/**
 * The lock with these ids appended to its ledger.
 * @throws Error when a name of the ledger would move: that is a bug of the caller.
 */
export function withIds(
  lock: Lock,
  ids: { readonly uids?: ReadonlyMap<string, number>; readonly gids?: ReadonlyMap<string, number> },
): Lock {
  return {
    ...lock,
    uids: appended(lock.uids, ids.uids ?? new Map()),
    gids: appended(lock.gids, ids.gids ?? new Map()),
  };
}

function appended(
  ledger: ReadonlyMap<string, number>,
  more: ReadonlyMap<string, number>,
): Map<string, number> {
  for (const [name, id] of more) {
    const known = ledger.get(name);
    if (known !== undefined && known !== id)
      throw new Error(`The id of "${name}" would move from ${known} to ${id}`);
  }
  return new Map([...ledger, ...more]);
}

export function sameSet(a: readonly string[], b: readonly string[]): boolean {
  const set = new Set(a);
  return set.size === new Set(b).size && b.every((item) => set.has(item));
}

/** By package as apt calls it on a system of the architecture `native`; none where there is no lock. */
export function pinsByName(lock: Pick<Lock, 'pins'> | undefined, native: string): Map<string, Pin> {
  return new Map([...(lock?.pins.values() ?? [])].map((pin) => [aptName(pin, native), pin]));
}

function orderWords(order: Order): readonly string[] {
  return [order.later, order.earlier, order.path];
}
