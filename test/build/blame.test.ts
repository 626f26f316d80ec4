import assert from 'node:assert/strict';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { before, test } from 'node:test';
import { snap } from '../commands/launcher.ts';
import { build, edit, makeProject, write } from './small-project.ts';

const SCRIPTLETS = {
  text: `do_run() {
  copy_file note etc/note
  echo kept >/etc/kept
  echo 1 >/etc/turns
  echo new >$'/etc/new\\nline'
  echo latin >$'/etc/caf\\xe9'
}
`,
  user: 'do_run() { adduser --quiet --system --group keeper; }\n',
  yes: `do_run() {
  in_image dpkg-divert --quiet --package other --rename --divert /usr/bin/yes.real --add /usr/bin/yes
  echo yes >/usr/bin/yes
}
`,
};
const NOTE = 'scriptlets/text/note';

let project = '';
/** Builds: 1 as above, 2 another note, 3 a mode and a member more and etc/turns a folder, 4 without etc/turns. */
before(() => {
  project = makeProject(SCRIPTLETS, { files: { [NOTE]: 'one\n' } });
  build(project);
  write(project, { [NOTE]: 'two\n' });
  build(project);
  edit(project, 'scriptlets/text.sh', (text) =>
    text.replace('echo 1 >/etc/turns', 'mkdir /etc/turns; chmod 600 /etc/kept'),
  );
  edit(project, 'scriptlets/user.sh', (text) =>
    text.replace('keeper;', 'keeper; adduser --quiet games audio;'),
  );
  build(project);
  edit(project, 'scriptlets/text.sh', (text) => text.replace('mkdir /etc/turns;', ''));
  build(project);
});

type Origin = {
  readonly image: string;
  readonly path: string;
  readonly removed: boolean;
  readonly parts: readonly {
    readonly layer: string;
    readonly by: string;
    readonly wins: boolean;
    readonly package?: { readonly name: string };
    readonly copied?: string;
    readonly declared?: { readonly line: number; readonly isOther?: true };
    readonly diverted?: { readonly by: string | null; readonly from: string; readonly to: string };
  }[];
  readonly lines?: readonly { readonly record: string; readonly line?: string; readonly layer: string }[];
  readonly history: {
    readonly changes: readonly {
      readonly build: string;
      readonly change: string;
      readonly against: string;
    }[];
    readonly oldest: string;
    readonly isComplete: boolean;
  };
  readonly unread?: string;
};

function blame(...args: readonly string[]): Origin {
  const { status, stdout, stderr } = snap(['-C', project, 'blame', '--json', ...args]);
  assert.equal(status, 0, stderr);
  return JSON.parse(stdout) as Origin;
}

function text(...args: readonly string[]): string {
  const { status, stdout, stderr } = snap(['-C', project, 'blame', ...args]);
  assert.equal(status, 0, stderr);
  return stdout;
}

/** The builds in which a path changed, the newest first. */
function changes(...args: readonly string[]): string[] {
  return blame(...args).history.changes.map(({ build: name, change }) => `${name} ${change}`);
}

test('the builds in which a path changed, by that path alone', () => {
  assert.deepEqual(changes('/etc/note'), ['a@2 content']);
  assert.deepEqual(changes('/etc/kept'), ['a@3 metadata']);
  assert.deepEqual(changes('/etc/group'), ['a@3 content']);
  assert.deepEqual(changes('/usr/bin/ls'), []);
  assert.deepEqual(changes('/etc/kept', 'a@2'), []);
  assert.match(
    text('/etc/note'),
    /\na@2 +\d{4}-\d\d-\d\d \d\d:\d\d +content changed since a@1, from text\n$/,
  );
  assert.match(text('/usr/bin/ls'), /\nunchanged since a@1, the first build\n$/);
});

test('a path that went with what wrote it is known from earlier builds', () => {
  const { removed, parts, history } = blame('/etc/turns');
  assert.deepEqual([removed, parts], [true, []]);
  assert.deepEqual(
    history.changes.map(({ build: name, change, against }) => [name, change, against]),
    [
      ['a@4', 'removed', 'a@3'],
      ['a@3', 'type', 'a@2'],
    ],
  );
  assert.match(text('/etc/turns'), /^\/etc\/turns of a@4, removed\n\na@4 +.* removed since a@3\n/);
  assert.equal(snap(['-C', project, 'blame', '/etc/never']).status, 2);
});

test('an earlier build is looked into as it was; lines that say something else by now are told to', () => {
  const [now] = blame('/etc/note').parts;
  assert.deepEqual([now?.copied, now?.declared?.line, now?.declared?.isOther], [NOTE, 1, undefined]);
  const { image, parts } = blame('/etc/kept', 'a@1');
  assert.deepEqual([image, parts[0]?.layer, parts[0]?.declared?.isOther], ['a@1', 'text', true]);
  assert.match(text('/etc/kept', 'a~3'), /declared +scriptlets\/text\.sh:1 +do_run, changed since\n/);
  assert.equal(blame('a@1', '/etc/kept').image, 'a@1', 'in the other order too');
});

test('names with any bytes are found as they are written, and as they are shown', () => {
  assert.equal(blame('/etc/new\nline').path, 'etc/new\\x0aline');
  assert.equal(blame('/etc/new\\x0aline').parts[0]?.layer, 'text');
  assert.equal(blame('/etc/caf\\xe9').path, 'etc/caf\\xe9');
});

test('of a database file each record has its layer', () => {
  const from = (path: string, name: string): string | undefined =>
    blame(path).lines?.find(({ record }) => record === name)?.layer;
  assert.deepEqual([from('/etc/passwd', 'root'), from('/etc/passwd', 'keeper')], ['base', 'user']);
  assert.deepEqual(
    [from('/etc/group', 'audio'), from('/etc/group', 'audio (member games)')],
    ['base', 'user'],
  );
  assert.equal(from('/var/lib/dpkg/status', 'coreutils:amd64'), 'base');
  assert.match(text('/etc/passwd'), /\nuser +\d+ +keeper:x:\d+:/);
});

test('every line of passwd is blamed, and none besides', () => {
  const lines = blame('/etc/passwd').lines?.map(({ line }) => `${line}\n`);
  assert.equal(lines?.join(''), snap(['-C', project, 'cat', '/etc/passwd']).stdout);
});

test('what dpkg diverts is told, and the package whose file it is', () => {
  const diverted = { by: 'other', from: 'usr/bin/yes', to: 'usr/bin/yes.real' };
  const real = blame('/usr/bin/yes.real').parts[0];
  assert.deepEqual([real?.layer, real?.package?.name, real?.diverted], ['yes', 'coreutils', diverted]);
  const [below, own] = blame('/usr/bin/yes').parts;
  assert.deepEqual([below?.by, below?.package?.name, below?.diverted], ['package', 'coreutils', undefined]);
  assert.deepEqual([own?.layer, own?.wins, own?.package, own?.diverted], ['yes', true, undefined, diverted]);
  assert.match(
    text('/usr/bin/yes'),
    /\ndiverted +by other: \/usr\/bin\/yes of other packages lies at \/usr\/bin\/yes\.real\n/,
  );
  assert.equal(blame('/bin/sh').parts[0]?.package?.name, 'dash');
});

test('why --path says the same, and takes the file of a conf too', () => {
  assert.match(
    snap(['-C', project, 'why', '--path', '/etc/note', 'conf/a.toml']).stdout,
    /^\/etc\/note of a@4\n/,
  );
  const args = ['/etc/note', 'a@2', '--json'];
  assert.equal(
    snap(['-C', project, 'why', '--path', ...args]).stdout,
    snap(['-C', project, 'blame', ...args]).stdout,
  );
});

test('without the conf and its scriptlets, and with builds gone, what is left is told', () => {
  rmSync(join(project, 'conf/a.toml'));
  write(project, { 'conf/b.toml': 'suite = "bookworm"\narch = "amd64"\nscriptlets = []\n' });
  rmSync(join(project, 'store/builds/a/1.json'));
  const { parts, history, unread } = blame('/etc/note', 'a');
  assert.deepEqual([parts[0]?.layer, parts[0]?.declared], ['text', undefined]);
  assert.match(unread ?? '', /"a"/);
  assert.deepEqual([history.changes, history.oldest, history.isComplete], [[], 'a@2', false]);
  assert.match(text('/etc/note', 'a'), /\nunchanged since a@2; older builds are gone\n$/);
  rmSync(join(project, 'store/builds/a/3.json'));
  assert.deepEqual(blame('/etc/kept', 'a').history.changes[0]?.against, 'a@2');
  assert.match(text('/etc/kept', 'a'), /\nbuilds before a@2 are gone\n$/);
});
