/** What every command gets from the command line, beside its own arguments and options. */
export type Session = {
  /** The project's folder as given by `-C`. */
  readonly folder: string | undefined;
  /** Aborted by Ctrl-C, SIGTERM and SIGHUP. */
  readonly signal: AbortSignal;
};

/** A command: prints its result and returns the exit code. */
export type Command<Arguments extends readonly unknown[], Options> = (
  session: Session,
  args: Arguments,
  options: Options,
) => Promise<number>;
