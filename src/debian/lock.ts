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
