export type Source = { readonly url: string; readonly sha256: string };

/** One scriptlet as its file declares it. */
export type Scriptlet = {
  readonly name: string;
  /** Absolute path of the shell file. */
  readonly file: string;
  /** Absolute path of the data folder, undefined where there is none. */
  readonly dataDir: string | undefined;
  /** Names in the order declared, without '*'. */
  readonly needs: readonly string[];
  /** `need '*'`: runs last and sees everything. */
  readonly needsAll: boolean;
  /** Arguments of `install_debian_deb`. */
  readonly packages: readonly string[];
  /** Arguments of `use_var` with their values. */
  readonly vars: Readonly<Record<string, string>>;
  /** Arguments of `use_file`, relative to the project. */
  readonly files: readonly string[];
  readonly sources: readonly Source[];
  readonly network: boolean;
  readonly excludes: readonly string[];
  /** All functions that the file defines, as `declare -f` prints them. */
  readonly functions: string;
  /** All variables that the file defines, as `declare -p` prints them. */
  readonly variables: string;
  readonly hasRun: boolean;
  readonly hasCheck: boolean;
  /** Line of each declaration in the file, by its text: `install_debian_deb bluez` -> 4. */
  readonly lines: Readonly<Record<string, number>>;
};
