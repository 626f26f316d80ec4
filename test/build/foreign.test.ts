import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { type PackageId, type Pin, packageId } from '../../src/debian/lock.ts';
import { formatLock, parseLock } from '../../src/debian/lock-text.ts';
import { SNAP, start } from '../commands/launcher.ts';
import { debOf } from '../debian/fixture/deb-file.ts';
import { build, edit, layersOf, lockText, makeProject } from './small-project.ts';

const ARCHS = ['amd64', 'arm64'];

/** A library that may be there for several architectures at once; its copyright is the same for all. */
function library(name: string, arch: string): Buffer {
  const control = `Package: ${name}\nVersion: 1\nArchitecture: ${arch}\nMulti-Arch: same\nMaintainer: x\nDescription: x\n`;
  const count =
    'echo "$DPKG_MAINTSCRIPT_PACKAGE_REFCOUNT" >"/var/lib/$DPKG_MAINTSCRIPT_PACKAGE-$DPKG_MAINTSCRIPT_ARCH"';
  const folders = [
    '',
    'usr/',
    'usr/lib/',
    `usr/lib/${name}-${arch}/`,
    'usr/share/',
    'usr/share/doc/',
    `usr/share/doc/${name}/`,
  ];
  const members = [
    ...folders.map((path) => ({ name: `./${path}`, type: '5' as const, content: '' })),
    { name: `./usr/lib/${name}-${arch}/plugin`, type: '0' as const, content: arch },
    { name: `./usr/share/doc/${name}/copyright`, type: '0' as const, content: name },
  ];
  return debOf(control, members, [
    ...(name === 'two' ? [{ name: 'preinst', content: `#!/bin/sh\n${count}\n`, mode: 0o755 }] : []),
  ]);
}

/** Puts the debs of libraries into a project's store and lock, and lets scriptlets ask for them. */
function addLibraries(project: string, wants: Readonly<Record<string, readonly string[]>>): void {
  const pins = new Map<PackageId, Pin>();
  for (const name of ['one', 'two']) {
    for (const arch of ARCHS) {
      const deb = library(name, arch);
      const sha256 = createHash('sha256').update(deb).digest('hex');
      writeFileSync(join(project, 'store/debs', `${sha256}.deb`), deb);
      const pin = {
        name,
        arch,
        version: '1',
        size: deb.length,
        sha256,
        archive: 'debian',
        path: `${name}_${arch}.deb`,
      };
      pins.set(packageId(pin), pin);
    }
  }
  const lock = parseLock(lockText(project), 'a.lock');
  const closures = new Map(
    Object.entries(wants).map(([scriptlet, names]) => {
      const debs = names.map((name) =>
        packageId({ name: name.split(':')[0]!, arch: name.split(':')[1] ?? 'amd64' }),
      );
      return [scriptlet, { wants: names, debs }] as const;
    }),
  );
  const text = formatLock({ ...lock, pins: new Map([...lock.pins, ...pins]), closures });
  writeFileSync(join(project, 'conf/a.lock'), text);
  for (const [scriptlet, names] of Object.entries(wants))
    edit(
      project,
      `scriptlets/${scriptlet}.sh`,
      (script) => `install_debian_deb ${names.join(' ')}\n${script}`,
    );
}

test('a package is installed for two architectures at once, in one layer and in layers that do not see each other', () => {
  const project = makeProject({ native: 'do_run() { :; }\n', foreign: '# arm64\n', both: '# both\n' });
  edit(project, 'conf/a.toml', (text) =>
    text.replace('arch = "amd64"\n', 'arch = "amd64"\nforeign_archs = ["arm64"]\n'),
  );
  addLibraries(project, { native: ['one'], foreign: ['one:arm64'], both: ['two', 'two:arm64'] });
  const { json } = build(project);
  const image = (path: string): string => readFileSync(join(json.image, path), 'utf8');
  assert.equal(image('var/lib/dpkg/arch'), 'amd64\narm64\n');
  for (const name of ['one', 'two']) {
    for (const arch of ARCHS) {
      assert.equal(image(`usr/lib/${name}-${arch}/plugin`), arch);
      assert.match(
        image(`var/lib/dpkg/info/${name}:${arch}.list`),
        /\n\/usr\/share\/doc\/[a-z]+\/copyright\n/,
      );
    }
    assert.equal(image(`usr/share/doc/${name}/copyright`), name);
  }
  for (const name of ['native', 'foreign', 'both'])
    assert.doesNotMatch(
      readFileSync(join(project, 'store/logs', `${name}.log`), 'utf8'),
      /^Unpacking/m,
      'no dpkg had to',
    );
  assert.deepEqual(
    [image('var/lib/two-amd64'), image('var/lib/two-arm64')].map(Number).sort(),
    [1, 2],
    'as dpkg counts them',
  );
  assert.match(JSON.stringify(layersOf(project).get('base')?.inputs), /"foreign_archs":\["arm64"\]/);
  const checked = start([SNAP, '-C', project, 'check', 'a']);
  assert.equal(checked.status, 0, checked.stdout + checked.stderr);
});

test('without foreign architectures nothing of them is in a key, a lock or the image', () => {
  const project = makeProject({ only: 'do_run() { :; }\n' });
  const before = lockText(project);
  const { ran } = build(project);
  assert.ok(!ran.includes('base'), 'the one of the store');
  assert.equal(lockText(project), before);
  edit(project, 'scriptlets/only.sh', () => 'install_debian_deb netbase:arm64\n');
  const refused = start([SNAP, '-C', project, 'build', 'a', '--offline']);
  assert.match(refused.stderr, /only\.sh:1.*"netbase:arm64".*architecture[\s\S]*foreign_archs = \["arm64"\]/);
});
