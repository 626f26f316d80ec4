/** The sets of packages that scriptlets of these tests may ask for: small, and each for something that it brings. */
export const CATALOGUE: readonly (readonly string[])[] = [
  /** Three files. */
  ['netbase'],
  /** A user, and a setuid program of its group. */
  ['dbus'],
  /** A group, and a setgid program. */
  ['cron'],
  /** A library, for the linker's cache. */
  ['libyaml-0-2'],
  ['netbase', 'libyaml-0-2'],
  /** Compiled files that hold the times of their sources. */
  ['python3-minimal'],
];

/** SOURCE_DATE_EPOCH of all small projects, years before any build of them. */
export const EPOCH = 1_700_000_000;
