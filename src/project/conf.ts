/** An archive to take packages from; `name` stands for it in the lock. */
export type Mirror = {
  readonly name: string;
  readonly uri: string;
  readonly suites: readonly string[];
  readonly components: readonly string[];
  /** A keyring file on the host, or undefined for apt's own trusted keys. */
  readonly signedBy: string | undefined;
};

/** What a person asks for: `conf/NAME.toml` with all that it extends already merged in. */
export type Conf = {
  readonly name: string;
  /** Absolute path of the conf file. */
  readonly file: string;
  /** Absolute path of the project's folder. */
  readonly project: string;
  readonly suite: string;
  readonly arch: string;
  /** Empty: the host's own apt sources. */
  readonly mirrors: readonly Mirror[];
  /** In the order in which the person listed them. */
  readonly scriptlets: readonly string[];
  readonly vars: Readonly<Record<string, string>>;
  /** Names of the confs that this one extends, nearest first. */
  readonly parents: readonly string[];
};
