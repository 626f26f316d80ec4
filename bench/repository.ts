/** The debs of a lock as a Debian archive in a folder, for tools that ask apt or debootstrap: no network plays a part then. */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { linkSync, mkdirSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { debPath } from '../src/debian/debs.ts';
import { type Lock, type Pin, packageId } from '../src/debian/lock.ts';

/** Makes the archive in a new folder: `pool/` with links to the debs, unsigned indexes of one component `main`. */
export function makeRepository(folder: string, lock: Lock, debsDir: string): void {
  mkdirSync(join(folder, 'pool'), { recursive: true });
  const base = new Set(lock.base);
  const stanzas = [...lock.pins.values()].map((pin) => {
    const file = `pool/${basename(pin.path)}`;
    linkSync(debPath(debsDir, pin), join(folder, file));
    return stanzaOf(pin, file, debsDir, base.has(packageId(pin)));
  });
  writeIndexes(folder, lock, stanzas.map((stanza) => `${stanza}\n`).join(''));
}

/** In the archive the base is what is `required`; here too, as debootstrap asks for that. */
function stanzaOf(pin: Pin, file: string, debsDir: string, required: boolean): string {
  const control = execFileSync('dpkg-deb', ['--field', debPath(debsDir, pin)], { encoding: 'utf8' });
  const fields = control
    .split(/\n(?! )/)
    .filter((field) => field !== '' && !/^Priority:/i.test(field))
    .join('\n');
  const priority = required ? 'required' : 'optional';
  return `${fields}\nPriority: ${priority}\nFilename: ${file}\nSize: ${pin.size}\nSHA256: ${pin.sha256}\n`;
}

function writeIndexes(folder: string, { suite, arch, epoch }: Lock, packages: string): void {
  const name = `main/binary-${arch}/Packages`;
  const dist = join(folder, 'dists', suite);
  mkdirSync(join(dist, `main/binary-${arch}`), { recursive: true });
  writeFileSync(join(dist, name), packages);
  const digest = createHash('sha256').update(packages).digest('hex');
  const release = [
    `Suite: ${suite}`,
    `Codename: ${suite}`,
    `Date: ${new Date(epoch * 1000).toUTCString()}`,
    `Architectures: ${arch}`,
    'Components: main',
    'SHA256:',
    ` ${digest} ${Buffer.byteLength(packages)} ${name}`,
  ];
  writeFileSync(join(dist, 'Release'), `${release.join('\n')}\n`);
}
