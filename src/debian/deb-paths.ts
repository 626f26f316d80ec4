import type { TreePath } from '../store/manifest.ts';
import type { TarMember } from './tar.ts';

/** Links of a merged /usr, which base-files brings as symlinks while other packages may ship paths below them. */
const ALIAS = /^(bin|sbin|lib|lib32|lib64|libx32|libo32)(?=\/|$)/;

/** Where a path of a deb, or one that dpkg's databases name, lies when /usr is merged. */
export function treePath(plain: string): TreePath {
  return plain.replace(ALIAS, 'usr/$1') as TreePath;
}

/** A symlink that leads to itself. */
const MOST_LINKS = 40;

/** The paths of one deb, which must all stay below the folder that it is unpacked into. */
export class DebPaths {
  readonly #links = new Map<string, string>();
  readonly #members = new Set<string>();
  readonly #files = new Set<string>();
  readonly #hardLinks: { readonly path: string; readonly target: string }[] = [];

  /** Returns the member's path without `./`. @throws Error with the path and the reason. */
  add(member: TarMember): string {
    const path = plain(member.name);
    this.#members.add(path);
    if (member.type === 'symlink') this.#links.set(path, member.target);
    if (member.type === 'hard link') this.#addHardLink(path, plain(member.target));
    if (member.type === 'file') this.#files.add(path);
    return path;
  }

  /** Once all members are there: whatever their order is, none lies beneath a link that leads outside. @throws Error as `add`. */
  check(): void {
    if (this.#links.size === 0) return;
    for (const path of this.#members) {
      const parents = parentsOf(path);
      const through = parents.find((parent) => this.#links.has(parent));
      if (through !== undefined && !this.#staysInside(parents.at(-1)!)) {
        throw new Error(
          `it has "${path}" beneath the symlink "${through}", which leads outside to "${this.#links.get(through)}"`,
        );
      }
    }
    for (const { path, target } of this.#hardLinks) {
      const through = [...parentsOf(target), target].find((parent) => this.#links.has(parent));
      if (through !== undefined)
        throw new Error(`its hard link "${path}" goes through the symlink "${through}"`);
    }
  }

  #addHardLink(path: string, target: string): void {
    if (!this.#files.has(target))
      throw new Error(`its hard link "${path}" is to "${target}", which is no file of it`);
    this.#hardLinks.push({ path, target });
    this.#files.add(path);
  }

  /** Follows a folder's path through the deb's own links. */
  #staysInside(folder: string): boolean {
    const open = folder.split('/');
    const walked: string[] = [];
    for (let links = 0; open.length > 0; ) {
      const part = open.shift()!;
      if (part === '' || part === '.') continue;
      if (part === '..') {
        if (walked.pop() === undefined) return false;
        continue;
      }
      walked.push(part);
      const target = this.#links.get(walked.join('/'));
      if (target === undefined) continue;
      if (++links > MOST_LINKS) return false;
      const alias = walked.length === 1 && ALIAS.test(part) && target === `/usr/${part}`;
      if (target.startsWith('/') && !alias) return false;
      walked.pop();
      open.unshift(...target.split('/'));
    }
    return true;
  }
}

/** A member's name, or what a hard link names, without `./`. @throws Error for one that is absolute or climbs. */
export function plain(name: string): string {
  if (name.startsWith('/')) throw new Error(`it has the absolute path "${name}"`);
  const parts = name.split('/').filter((part) => part !== '' && part !== '.');
  if (parts.includes('..')) throw new Error(`it has the path "${name}" with ".."`);
  return parts.join('/');
}

function parentsOf(path: string): string[] {
  const parts = path.split('/');
  return parts.slice(1).map((_, index) => parts.slice(0, index + 1).join('/'));
}
