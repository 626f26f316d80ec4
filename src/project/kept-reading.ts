import { stateOf, statOf, wasOld } from '../host/witness.ts';

/** Where readings are kept; it may forget. */
export type Keeper = { get(key: string): string | undefined; set(key: string, value: string): void };

/** What was made of a text: it, and more. `given` stands for all beside the text, and beside snap itself, that decides it. */
type Line<R> = readonly [name: string, state: string, given: string, reading: R];

type Kept<R> = { readonly maker: string; readonly lines: readonly Line<R>[] };

/** What lies there now; `line` where that is what was kept. `changed` in milliseconds since 1970. */
type Looked<R> = { readonly state: string; readonly changed: number; readonly line: Line<R> | undefined };

/**
 * What the scriptlets of a conf held when they were last read, and what was made of it: those that are what they were then, as far as their stat can
 * tell, are neither opened nor looked for one at a time. `keep` in the end keeps what was asked for or added since, and nothing else.
 */
export class KeptReadings<R> {
  readonly #keeper: Keeper;
  readonly #key: string;
  readonly #maker: string;
  readonly #read = Date.now();
  readonly #before: ReadonlyMap<string, Line<R>>;
  readonly #looked = new Map<string, Looked<R>>();
  readonly #now: Line<R>[] = [];

  /** `maker` stands for the very snap: what another one kept counts for nothing. */
  constructor(keeper: Keeper, conf: string, maker: string) {
    this.#keeper = keeper;
    this.#key = `scriptlets ${conf}`;
    this.#maker = maker;
    const text = keeper.get(this.#key);
    const kept = text === undefined ? undefined : (JSON.parse(text) as Kept<R>);
    this.#before = new Map((kept?.maker === maker ? kept.lines : []).map((line) => [line[0], line]));
  }

  /** What was made of a scriptlet whose file is what it was, whatever was given then. */
  lookAt(name: string, file: string): R | undefined {
    const stat = statOf(file);
    if (stat === undefined) return undefined;
    const known = this.#before.get(name);
    const state = stateOf(stat);
    const line = known?.[1] === state ? known : undefined;
    this.#looked.set(name, { state, changed: Number(stat.ctimeMs), line });
    return line?.[3];
  }

  /** What holds still of one that was looked at. */
  of(name: string, given: string): R | undefined {
    const line = this.#looked.get(name)?.line;
    if (line?.[2] !== given) return undefined;
    this.#now.push(line);
    return line[3];
  }

  /** Of one that was looked at first, and then read. */
  add(name: string, given: string, reading: R): void {
    const looked = this.#looked.get(name);
    if (looked && wasOld(looked.changed, this.#read)) this.#now.push([name, looked.state, given, reading]);
  }

  keep(): void {
    const isSame =
      this.#now.length === this.#before.size && this.#now.every((line) => this.#before.get(line[0]) === line);
    if (isSame) return;
    const kept: Kept<R> = { maker: this.#maker, lines: this.#now };
    this.#keeper.set(this.#key, JSON.stringify(kept));
  }
}
