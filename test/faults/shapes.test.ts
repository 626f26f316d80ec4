import assert from 'node:assert/strict';
import { existsSync, lstatSync, readdirSync, readFileSync, readlinkSync, statSync } from 'node:fs';
import { test } from 'node:test';
import { readXattrs } from '../../src/host/syscall.ts';
import { digestOf } from '../../src/store/digest.ts';
import { layersIn } from './fixture/layers.ts';
import { type Project, project } from './fixture/project.ts';

/** Bytes as characters. */
const NAMES = [
  ...['-n', ' ', '*', 'a b', "it's", 'new\nline', 'tab\there', 'back\\slash', '\xff\xfe', 'caf\xc3\xa9'],
  ...['x'.repeat(255), 'a', 'a.snap-shared', '.wh.a', 'col:on', '#hash', 'wh\x01te'],
];

/** In opt/ the image links files, in var/ it copies them. */
const PLACES = ['opt/t', 'var/lib/t'];

/** Sets scriptlets whose do_run is a Perl program: Perl speaks bytes. */
function setPrograms(
  made: Project,
  programs: Readonly<Record<string, { text: string; need?: string }>>,
): void {
  const run = 'do_run() {\n  perl "$DATA_DIR/run.pl"\n}\n';
  const head = (need?: string): string => (need === undefined ? '' : `need ${need}\n`);
  const texts = Object.entries(programs).map(([name, { need }]) => [name, head(need) + run] as const);
  made.scriptlets(Object.fromEntries(texts));
  const prelude = `use strict; sub put { open(my $f, ">", $_[0]) or die "$_[0]: $!"; print $f $_[1]; close($f) or die }\n`;
  const each = `for my $d (${PLACES.map((place) => `"/${place}"`).join(', ')}) {`;
  for (const [name, { text }] of Object.entries(programs))
    made.write(`scriptlets/${name}/run.pl`, `${prelude}${each}\n${text}\n}\n`);
}

function perlText(bytes: string): string {
  const escaped = bytes.replace(/[^A-Za-z0-9]/g, (char) => `\\x{${char.charCodeAt(0).toString(16)}}`);
  return `"${escaped}"`;
}

function build(made: Project): void {
  const { status, stderr } = made.snap('build');
  assert.equal(status, 0, stderr);
}

function bytesIn(folder: string): string[] {
  return readdirSync(folder, { encoding: 'latin1' }).sort();
}

test('names are kept byte for byte, linked and copied, and changed by the layers above', (t) => {
  const made = project(t);
  const puts = NAMES.map((name) => `put("$d/" . ${perlText(name)}, ${perlText(name)});`);
  setPrograms(made, {
    names: {
      text: `mkdir $d or die; ${puts.join('\n')} mkdir("$d/dir\\xff\\n") or die; put("$d/dir\\xff\\n/in", "in");
symlink("to\\xff\\n\\t\\\\", "$d/link\\xff") or die;`,
    },
    above: {
      need: 'names',
      text: `unlink("$d/new\\nline") or die; system("mv", "$d/dir\\xff\\n", "$d/moved\\xff") == 0 or die; put("$d/tab\\there", "changed");`,
    },
  });
  build(made);
  for (const place of PLACES) {
    const folder = made.image(place);
    const kept = NAMES.filter((name) => name !== 'new\nline');
    assert.deepEqual(bytesIn(folder), [...kept, 'link\xff', 'moved\xff'].sort());
    for (const name of kept) {
      const content = readFileSync(Buffer.from(`${folder}/${name}`, 'latin1'), 'latin1');
      assert.equal(content, name === 'tab\there' ? 'changed' : name);
    }
    assert.equal(readFileSync(Buffer.from(`${folder}/moved\xff/in`, 'latin1'), 'latin1'), 'in');
    assert.equal(
      readlinkSync(Buffer.from(`${folder}/link\xff`, 'latin1'), { encoding: 'latin1' }),
      'to\xff\n\t\\',
    );
  }
});

const ACL = Buffer.from(
  [
    ...['02000000', '01000600ffffffff', '02000400d2040000', '04000400ffffffff'],
    ...['10000400ffffffff', '20000000ffffffff'],
  ].join(''),
  'hex',
);
const CAPABILITY = Buffer.from('0100000200200000000000000000000000000000', 'hex');
const NOTE = Buffer.from('a=b,c\n\0\xff', 'latin1');

const SHAPES = `mkdir $d or die; my $x = sub { my ($f, $n, $v) = @_; my $s = length $v; syscall(188, $f, $n, $v, $s, 0) == 0 or die "$n: $!" };
put("$d/$_", $_) for ("suid", "cap", "acl", "note", "one", "same", "locked");
chown(5, 6, "$d/suid") or die; chmod(06755, "$d/suid") or die; chmod(0, "$d/locked") or die;
mkdir("$d/sticky") or die; chmod(01777, "$d/sticky") or die; mkdir("$d/sgid") or die; chown(0, 6, "$d/sgid") or die; chmod(02775, "$d/sgid") or die;
&$x("$d/cap", "security.capability", pack("H*", "${CAPABILITY.toString('hex')}"));
&$x("$d/acl", "system.posix_acl_access", pack("H*", "${ACL.toString('hex')}"));
&$x("$d/note", "user.a,b=c", pack("H*", "${NOTE.toString('hex')}"));
&$x("$d/sticky", "user.folder", "yes");
link("$d/one", "$d/two") or die; link("$d/one", "$d/sgid/three") or die; put("$d/same", "one");
syscall(133, my $p = "$d/fifo", 0010640, 0) == 0 or die "fifo: $!"; chmod(0640, "$d/fifo");
use Socket; socket(my $s, AF_UNIX, SOCK_STREAM, 0) or die; bind($s, sockaddr_un("$d/socket")) or die;
utime(1000000000, 1000000000, "$d/cap") or die; utime(2100000000, 2100000000, "$d/note") or die;`;

function stat(made: Project, path: string): string {
  const { mode, uid, gid } = lstatSync(made.image(path));
  return `${mode.toString(8)} ${uid}:${gid}`;
}

function xattr(made: Project, path: string, name: string): string | undefined {
  const found = readXattrs(Buffer.from(made.image(path))).find(([one]) => one === name);
  return found?.[1].toString('hex');
}

test('modes, owners, capabilities, ACLs, attributes, fifos and hard links are kept, linked and copied', (t) => {
  const made = project(t);
  setPrograms(made, { shapes: { text: SHAPES }, above: { need: 'shapes', text: 'put("$d/above", "x");' } });
  build(made);
  const epoch = Number(/^epoch (\d+)$/m.exec(made.read('conf/fault.lock'))?.[1]);
  for (const place of PLACES) {
    const at = (name: string): string => `${place}/${name}`;
    assert.equal(stat(made, at('suid')), '106755 5:6');
    assert.equal(stat(made, at('locked')), '100000 0:0');
    assert.equal(stat(made, at('sticky')), '41777 0:0');
    assert.equal(stat(made, at('sgid')), '42775 0:6');
    assert.equal(stat(made, at('fifo')), '10640 0:0');
    assert.equal(xattr(made, at('cap'), 'security.capability'), CAPABILITY.toString('hex'));
    assert.equal(xattr(made, at('acl'), 'system.posix_acl_access'), ACL.toString('hex'));
    assert.equal(xattr(made, at('note'), 'user.a,b=c'), NOTE.toString('hex'));
    assert.equal(xattr(made, at('sticky'), 'user.folder'), Buffer.from('yes').toString('hex'));
    const inode = (name: string): number => lstatSync(made.image(at(name))).ino;
    assert.deepEqual([inode('two'), inode('sgid/three')], [inode('one'), inode('one')]);
    assert.notEqual(inode('same'), inode('one'), 'what was not linked is not tied together');
    assert.equal(existsSync(made.image(at('socket'))), false);
    const time = (name: string): number => lstatSync(made.image(at(name))).mtimeMs / 1000;
    assert.deepEqual(['one', 'cap', 'note', 'fifo', 'sgid'].map(time), [
      epoch,
      1_000_000_000,
      2_100_000_000,
      epoch,
      epoch,
    ]);
    for (const name of bytesIn(made.image(place)))
      assert.deepEqual(
        readXattrs(Buffer.from(made.image(at(name)))).filter(([one]) => one.startsWith('trusted.')),
        [],
      );
  }
  assert.equal(stat(made, 'dev/null'), '20666 0:0');
  assert.equal(lstatSync(made.image('dev/null')).rdev, 0x103);
});

const GiB = 1024 ** 3;

test('sparse files stay sparse, also where they are copied, and one over 4 GiB is whole', (t) => {
  const made = project(t);
  setPrograms(made, {
    holes: {
      text: `mkdir $d or die; open(my $f, ">", "$d/holes") or die; seek($f, 100 << 20, 0); print $f "x" x 5000; truncate($f, 300 << 20) or die; close($f);
open($f, ">", "$d/empty") or die; truncate($f, 50 << 20) or die; close($f);
if ($d =~ /opt/) { open($f, ">", "$d/huge") or die; seek($f, 4 << 30, 0); print $f "end"; close($f) }`,
    },
  });
  build(made);
  for (const place of PLACES) {
    const holes = statSync(made.image(`${place}/holes`));
    assert.equal(holes.size, 300 * 1024 ** 2);
    assert.ok(holes.blocks * 512 < 1024 ** 2, `${holes.blocks * 512} bytes on the disk`);
    const bytes = readFileSync(made.image(`${place}/holes`));
    assert.equal(bytes.indexOf('x'), 100 * 1024 ** 2);
    const manifest = layersIn(made.folder).get('holes');
    assert.ok(manifest?.includes(digestOf(bytes)), 'the digest is that of the bytes');
    assert.equal(bytes.lastIndexOf('x'), 100 * 1024 ** 2 + 4999);
    const empty = statSync(made.image(`${place}/empty`));
    assert.deepEqual([empty.size, empty.blocks], [50 * 1024 ** 2, 0]);
  }
  const huge = statSync(made.image('opt/t/huge'));
  assert.equal(huge.size, 4 * GiB + 3);
  assert.ok(huge.blocks * 512 < 1024 ** 2);
});

test('a tree deeper than the longest path is refused in a sentence, and removed', (t) => {
  const made = project(t);
  const deep =
    'do_run() {\n  cd /opt\n  for i in $(seq 200); do mkdir 0123456789012345678901234567890; cd 0123456789012345678901234567890; done\n}\n';
  made.scriptlets({ deep });
  const { status, stderr } = made.snap('build');
  assert.equal(status, 1);
  assert.match(stderr, /Cannot keep what "deep" made: a path in it is longer than 4096 bytes/);
  assert.doesNotMatch(stderr, /bug in snap/);
  assert.deepEqual(readdirSync(`${made.folder}/store/tmp`), []);
  made.scriptlets({ deep: deep.replace('200', '20') });
  build(made);
});
