import { lstatSync, readdirSync } from 'node:fs';
import { basename } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { errno, SnapError } from './host/error.ts';
import { type FolderWatch, watchFolders } from './host/folder-watch.ts';
import { contentOf } from './layers/content.ts';
import { concerns, foldersAbove, isEditors } from './project/watched.ts';

/** Milliseconds without an event after which what was saved counts as saved. */
const QUIET = 50;
/** Milliseconds after which it counts even if events go on. */
const PATIENCE = 1000;

/** What lies at an input path: the names below it ('' is the path itself) and what each holds. */
type Content = Readonly<Record<string, string>>;

/** Watches files and folders, and tells which of them hold something else than before. */
export class Changes {
  readonly #top: string;
  readonly #folders: FolderWatch;
  /** What is watched, as paths and as the byte strings that events come with. */
  #inputs: ReadonlyMap<string, string> = new Map();
  readonly #known = new Map<string, Content>();
  /** The inputs at which something has happened since they were last read. */
  readonly #dirty = new Set<string>();
  /** What snap itself writes. */
  #own: string | undefined;
  #last = 0;
  #event = Promise.withResolvers<void>();
  #next: Promise<'saved'> | undefined;
  /** What was found to have changed and nobody has taken yet; undefined when nobody has looked since. */
  #found: readonly string[] | undefined;
  #touched = false;

  /** `top`: the folder that paths are told relative to. */
  constructor(top: string) {
    this.#top = top;
    this.#folders = watchFolders((path) => this.#noticed(path));
  }

  [Symbol.dispose](): void {
    this.#folders.close();
  }

  /**
   * From now on these are watched, and changes are told against what they hold now. `own` is the one that snap itself writes.
   * @throws SnapError HOST when the host allows no more.
   */
  watch(inputs: readonly string[], own: string): void {
    this.#own = own;
    this.#inputs = new Map(inputs.map((path) => [path, Buffer.from(path).toString('latin1')]));
    for (const path of [...this.#known.keys(), ...this.#dirty])
      if (!this.#inputs.has(path)) this.#forget(path);
    this.#setFolders();
    for (const path of inputs) {
      if (this.#known.has(path) && !this.#dirty.has(path)) continue;
      const content = this.#read(path);
      this.#known.set(path, content ?? {});
      if (content) this.#dirty.delete(path);
      else this.#dirty.add(path);
    }
    this.#touched = false;
    this.#found = undefined;
  }

  /** Takes what lies at this path now as known: snap itself has written it. */
  absorb(path: string): void {
    if (this.#known.has(path)) this.#known.set(path, this.#read(path) ?? {});
  }

  /** Whether anything has happened to an input since `watch`, be it that it holds the same as before again. */
  get touched(): boolean {
    return this.#touched;
  }

  /** What lies at an input as it was read last, without files of editors. */
  content(path: string): Content {
    return Object.fromEntries(
      Object.entries(this.#known.get(path) ?? {}).filter(([name]) => !isEditors(basename(name))),
    );
  }

  /** Whether something has happened that nobody has taken yet. */
  get pending(): boolean {
    return this.#dirty.size > 0 || this.#found !== undefined;
  }

  /** How many files are watched. */
  get files(): number {
    const counts = [...this.#known.values()].map(
      (content) => Object.values(content).filter((what) => what !== 'd').length,
    );
    return counts.reduce((sum, count) => sum + count, 0);
  }

  /** Waits until something has happened to an input, and a moment has passed without more of it. */
  next(): Promise<'saved'> {
    if (this.#found !== undefined) return Promise.resolve('saved');
    this.#next ??= this.#settled().finally(() => {
      this.#next = undefined;
    });
    return this.#next;
  }

  /** The paths, relative to the top, that hold something else than before; none where all is as it was. Each is given once. */
  take(): readonly string[] {
    const found = this.#found ?? [];
    this.#found = undefined;
    return found;
  }

  #forget(path: string): void {
    this.#known.delete(path);
    this.#dirty.delete(path);
  }

  #noticed(path: string): void {
    const found = [...this.#inputs].filter(([, bytes]) => concerns(path, [bytes]));
    if (found.length === 0) return;
    for (const [input] of found) this.#dirty.add(input);
    this.#touched ||= found.some(([input]) => input !== this.#own);
    this.#last = performance.now();
    this.#event.resolve();
  }

  async #settled(): Promise<'saved'> {
    while (this.#dirty.size === 0) {
      this.#event = Promise.withResolvers();
      await this.#event.promise;
    }
    const begun = performance.now();
    for (let rest = QUIET; rest > 0 && performance.now() - begun < PATIENCE; ) {
      await wait(rest);
      rest = this.#last + QUIET - performance.now();
    }
    // A folder may have been replaced by a new one; whatever is written from here on is noticed.
    this.#setFolders();
    this.#found = [...new Set([...(this.#found ?? []), ...this.#compare()])];
    return 'saved';
  }

  #compare(): string[] {
    const changed: string[] = [];
    for (const path of [...this.#dirty]) {
      const now = this.#read(path);
      if (now === undefined) continue; // it is being written: an event follows
      this.#dirty.delete(path);
      changed.push(...differences(this.#known.get(path) ?? {}, now).map((name) => this.#told(path, name)));
      this.#known.set(path, now);
    }
    return changed;
  }

  #told(input: string, name: string): string {
    const path = input.startsWith(`${this.#top}/`) ? input.slice(this.#top.length + 1) : input;
    return name === '' ? path : `${path}/${name}`;
  }

  /** Undefined: it changed while it was read. */
  #read(path: string): Content | undefined {
    try {
      return contentOf(path);
    } catch (error) {
      if (error instanceof SnapError && error.code === 'CHANGED') return undefined;
      if (errno(error) === undefined) throw error;
      return { '': `cannot be read: ${errno(error)}` };
    }
  }

  #setFolders(): void {
    const top = Buffer.from(this.#top).toString('latin1');
    const paths = [...this.#inputs.values()];
    this.#folders.set(paths.flatMap((path) => [...foldersAbove(path, top), ...foldersIn(path)]));
  }
}

/** A folder and all folders in it. Byte strings. */
function foldersIn(path: string): string[] {
  const bytes = Buffer.from(path, 'latin1');
  try {
    if (!lstatSync(bytes).isDirectory()) return [];
    const inside = readdirSync(bytes, { encoding: 'latin1' });
    return [path, ...inside.flatMap((name) => foldersIn(`${path}/${name}`))];
  } catch (error) {
    if (errno(error) === undefined) throw error;
    return [];
  }
}

/** The names that hold something else, without those of editors; folders only where nothing else differs. */
function differences(before: Content, now: Content): string[] {
  const names = new Set([...Object.keys(before), ...Object.keys(now)]);
  const different = [...names].filter((name) => before[name] !== now[name] && !isEditors(basename(name)));
  const files = different.filter((name) => [before[name], now[name]].some((what) => what && what !== 'd'));
  return (files.length > 0 ? files : different).sort();
}
