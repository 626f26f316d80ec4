import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { copyFileSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { SNAP, start } from '../commands/launcher.ts';
import { type Built, build, edit, makeFolder, makeProject } from './small-project.ts';

const own = (run: string): string => `need lib\ninstall_debian_deb libyaml-0-2\ndo_run() { ${run}; }\n`;

/** On "lib", which brings netbase, each looks at something else. */
const SCRIPTLETS = {
  lib: 'install_debian_deb netbase\n',
  plain: own('in_image dpkg-query -W libyaml-0-2 >etc/plain'),
  reads: own('grep -c tcp etc/protocols >etc/reads'),
  links: own('cp -p etc/services etc/links'),
  names: own('in_image dpkg-query -W netbase >etc/names'),
  counts: own('in_image dpkg-query -W | grep -c netbase >etc/counts'),
  about: own('cat var/lib/dpkg/info/netbase.list >etc/about'),
};

/** Puts a package into the lock as the mirror may have it tomorrow: the next version, and whatever a script changes in its files. */
function release(project: string, name: string, change: string): void {
  const folder = makeFolder();
  const [made, content] = [join(folder, 'made.deb'), join(folder, 'content')];
  edit(project, 'conf/a.lock', (text) => {
    const line = new RegExp(`^deb ${name} .*$`, 'm').exec(text)![0];
    const [, , arch, version, , sha256, archive, path] = line.split(' ');
    const old = join(project, 'store/debs', `${sha256}.deb`);
    execFileSync('dpkg-deb', ['-R', old, content]);
    const aged = "find . -type f -newermt '2023-01-01' -exec touch -d @1600000000 {} +";
    const next = `sed -i 's/^Version: .*/&.1/' DEBIAN/control; ${change}; ${aged}`;
    execFileSync('sh', ['-euc', next], { cwd: content });
    execFileSync('dpkg-deb', ['--root-owner-group', '-b', content, made], { stdio: 'ignore' });
    const bytes = readFileSync(made);
    const digest = createHash('sha256').update(bytes).digest('hex');
    copyFileSync(made, join(project, 'store/debs', `${digest}.deb`));
    return text.replace(
      line,
      ['deb', name, arch, `${version}.1`, bytes.length, digest, archive, path].join(' '),
    );
  });
}

function ranIn({ ran }: Built): string[] {
  return ran.filter((name) => !name.startsWith('settle/'));
}

function holds(project: string): void {
  const { status, stdout, stderr } = start([SNAP, '-C', project, 'check', 'a']);
  assert.equal(status, 0, stdout + stderr);
}

test('another version of a package runs what brings it and what looked for something of it, and nothing else', () => {
  const project = makeProject(SCRIPTLETS);
  build(project);
  release(project, 'netbase', 'echo "# one more" >>etc/protocols; echo >usr/share/doc/netbase/news');
  const { stderr } = start([SNAP, '-C', project, 'plan', 'a']);
  assert.match(stderr, /1 to run, .*; 7 may run too, 6 of them only if what they looked for changes/);
  assert.deepEqual(ranIn(build(project)), ['lib', 'reads', 'names', 'counts', 'about']);
  assert.equal(readFileSync(join(project, 'images/a/etc/names'), 'utf8').trim().split('\t')[1], '6.4.1');
  holds(project);
  // What is gone, and what only its maker knows of.
  release(project, 'netbase', 'rm usr/share/doc/netbase/news; touch -d @1500000000 etc/services');
  assert.deepEqual(ranIn(build(project)), ['lib', 'links', 'names', 'counts', 'about']);
  holds(project);
});

test('another version of a package of the base runs the base, and what looked for something of it', () => {
  const { lib, plain } = SCRIPTLETS;
  const awk = own("in_image awk 'BEGIN { print 1 }' >etc/awk");
  const project = makeProject({ lib, plain, awk }, { store: 'empty' });
  build(project);
  release(project, 'mawk', 'chmod 755 usr/bin/mawk; touch -d @1500000000 usr/bin/mawk');
  assert.deepEqual(ranIn(build(project)), ['base', 'awk']);
  holds(project);
});
