import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { before, test } from 'node:test';
import { quote } from '../../src/host/program.ts';
import { type Outcome, SNAP, snap } from '../commands/launcher.ts';
import { tinyKernel } from '../machine/tiny-kernel.ts';
import { build, makeFolder, makeProject } from './small-project.ts';

/** An image with what a filesystem has to keep, and a kernel that does nothing but talk. */
const SCRIPTLET = `do_run() {
  mkdir -p /boot /opt/kept
  copy_file vmlinuz boot/vmlinuz-6.1.9
  printf 'old' >/boot/vmlinuz-6.1.8-old
  cd /opt/kept
  printf text >plain; ln plain second; ln -s plain link; mkfifo fifo
  printf x >owned; chown 1234:4321 owned; chmod 4711 owned
  cp /bin/true able
  perl -e 'my @x = ("able", "security.capability", pack("H*", "0100000200200000000000000000000000000000")); syscall(188, @x, 20, 0) == 0 or die'
  mkdir closed; chmod 0700 closed; printf hidden >closed/file; chmod 0600 closed/file
}
`;

let project: string;

before(() => {
  project = makeProject(
    { kernel: SCRIPTLET, empty: 'do_run() { true; }\n' },
    { files: { 'conf/bare.toml': 'suite = "bookworm"\narch = "amd64"\nscriptlets = ["empty"]\n' } },
  );
  writeKernel(join(project, 'scriptlets', 'kernel', 'vmlinuz'));
  build(project);
});

function writeKernel(file: string): void {
  execFileSync('mkdir', ['-p', join(file, '..')]);
  writeFileSync(file, tinyKernel());
}

/** Without a trial of KVM. */
function run(...args: readonly string[]): Outcome {
  return snap(['-C', project, 'run', 'a', '--no-kvm', ...args]);
}

function disks(): string[] {
  return readdirSync(join(project, 'store', 'disks'));
}

test('what is expected is seen, what is sent is typed, and the machine is switched off', () => {
  const { status, stdout, stderr } = run(
    '--expect',
    'ready> ',
    '--send',
    'abc',
    '--expect',
    'abc',
    '--timeout',
    '60',
  );
  assert.deepEqual([status, stderr], [0, 'making a squashfs of the image\n']);
  assert.match(stdout, /^Linux version 0 tiny\nready> abc/m);
  assert.doesNotMatch(stdout, /[\x1b\r]/);
});

test('the second run uses the disk that the first one made', () => {
  const before = disks();
  const { status, stderr } = run('--expect', 'ready> ');
  assert.deepEqual([status, stderr, disks()], [0, '', before]);
});

test('what is not seen in time fails, with what the console showed last', () => {
  const { status, stderr } = run('--expect', 'ready> ', '--expect', 'login:', '--timeout', '4');
  assert.equal(status, 1);
  assert.match(
    stderr,
    /^snap: Cannot see "login:" on the console of "a": 4 seconds have passed\n {2}.*ready>/ms,
  );
});

test('a machine that goes off by itself is well, unless something was still expected', () => {
  assert.equal(run('--expect', 'ready> ', '--send', 'q').status, 0);
  const { status, stderr } = run('--expect', 'ready> ', '--send', 'q', '--expect', 'more');
  assert.deepEqual([status, /Cannot see "more".*: the machine went off$/m.test(stderr)], [1, true], stderr);
});

test('a panic of the kernel is a failure', () => {
  const { status, stderr } = run('--expect', 'ready> ', '--send', '!');
  assert.equal(status, 1);
  assert.match(
    stderr,
    /^snap: Stopped "a": its kernel panicked\n(?: {2}.*\n)* {2}Kernel panic - not syncing: told to$/m,
  );
});

test('standard input is the keyboard where nothing is sent', async () => {
  const child = spawn(SNAP, ['-C', project, 'run', 'a', '--no-kvm'], { stdio: ['pipe', 'pipe', 'inherit'] });
  let seen = '';
  child.stdout.on('data', (chunk: Buffer) => {
    seen += chunk.toString();
    if (seen.endsWith('ready> ')) child.stdin.write('xyq');
  });
  const [status] = await once(child, 'close');
  assert.deepEqual([status, /ready> xy/.test(seen)], [0, true]);
});

test('nothing that the console writes is lost while nobody reads it', async () => {
  const child = spawn(SNAP, ['-C', project, 'run', 'a', '--no-kvm'], { stdio: ['pipe', 'pipe', 'inherit'] });
  let seen = '';
  child.stdout.on('data', (chunk: Buffer) => {
    seen += chunk.toString();
    if (!seen.endsWith('ready> ')) return;
    child.kill('SIGSTOP');
    child.stdin.write('f');
    setTimeout(() => {
      child.kill('SIGCONT');
      child.stdin.write('q');
    }, 1500);
  });
  const [status] = await once(child, 'close');
  assert.deepEqual([status, /ready> (f*)/.exec(seen)?.[1]?.length], [0, 8192]);
});

test('on a terminal the console is that terminal, and Ctrl-A x switches the machine off', async () => {
  const command = `${quote([SNAP, '-C', project, 'run', 'a', '--no-kvm'])} && stty -a`;
  const child = spawn('script', ['-qec', command, '/dev/null'], { stdio: ['pipe', 'pipe', 'inherit'] });
  let seen = '';
  const keys = new Map([
    ['ready> ', '\x03y'],
    ['y', '\x01x'],
  ]);
  child.stdout.on('data', (chunk: Buffer) => {
    seen += chunk.toString();
    const [[after, text] = ['', '']] = keys;
    if (after === '' || !seen.endsWith(after)) return;
    keys.delete(after);
    child.stdin.write(text);
  });
  const [status] = await once(child, 'close');
  assert.match(seen, /^Ctrl-A x switches the machine off/);
  assert.match(seen, /\x1b\[1mtiny\x1b\[0m\r*\nready> \x03y/);
  assert.deepEqual([status, /[^-]icanon.*[^-]echo /s.test(seen)], [0, true]);
});

test('a machine that is stopped leaves the terminal as it was', async () => {
  const command = `${quote([SNAP, '-C', project, 'run', 'a', '--no-kvm', '--timeout', '2'])}; stty -a`;
  const child = spawn('script', ['-qec', command, '/dev/null'], { stdio: ['pipe', 'pipe', 'inherit'] });
  let seen = '';
  child.stdout.on('data', (chunk: Buffer) => {
    seen += chunk.toString();
  });
  await once(child, 'close');
  assert.match(seen, /snap: Stopped "a": 2 seconds have passed/);
  assert.match(seen, /[^-]icanon.*[^-]echo /s);
});

test('a signal ends the machine, and leaves no process', async () => {
  const child = spawn(
    SNAP,
    ['-C', project, 'run', 'a', '--no-kvm', '--expect', 'never', '--append', 'mark=signal'],
    {
      stdio: ['ignore', 'pipe', 'ignore'],
    },
  );
  child.stdout.on('data', (chunk: Buffer) => {
    if (chunk.includes('ready>')) child.kill('SIGTERM');
  });
  const [status] = await once(child, 'close');
  assert.equal(status, 143);
  assert.deepEqual(processesWith('mark=signal'), []);
});

test('qemu runs as nobody, without capabilities, and sees neither the project nor a network', async () => {
  const child = spawn(
    SNAP,
    ['-C', project, 'run', 'a', '--no-kvm', '--expect', 'never', '--append', 'mark=nobody'],
    {
      stdio: ['ignore', 'pipe', 'ignore'],
    },
  );
  await once(child.stdout, 'data');
  const [pid] = processesWith('mark=nobody').filter((one) =>
    /qemu/.test(readFileSync(`/proc/${one}/comm`, 'utf8')),
  );
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  const seen = [`/proc/${pid}/root${project}`, `/proc/${pid}/root/etc/shadow`].map((path) =>
    existsSync(path),
  );
  const devices = readFileSync(`/proc/${pid}/net/dev`, 'utf8').match(/^ *\w+:/gm);
  child.kill('SIGTERM');
  await once(child, 'close');
  assert.match(status, /^Uid:\t65534\t65534\t65534\t65534$/m);
  assert.match(status, /^CapBnd:\t0{16}$/m);
  assert.match(status, /^CapEff:\t0{16}$/m);
  assert.match(status, /^NoNewPrivs:\t1$/m);
  assert.deepEqual([seen, devices], [[false, false], ['    lo:']]);
});

function processesWith(word: string): string[] {
  return readdirSync('/proc').filter((name) => {
    try {
      return /^\d+$/.test(name) && readFileSync(`/proc/${name}/cmdline`, 'latin1').includes(word);
    } catch {
      return false; // it has ended
    }
  });
}

test('a squashfs holds the image as it is, and the first program beside it', () => {
  const disk = join(project, 'store', 'disks', disks().find((name) => name.endsWith('squashfs'))!);
  const root = join(makeFolder(), 'root');
  const image = join(project, 'images', 'a/');
  execFileSync('unsquashfs', ['-q', '-n', '-d', root, disk], { stdio: ['ignore', 'ignore', 'inherit'] });
  assert.match(readFileSync(join(root, '.snap-run', 'init'), 'utf8'), /^#!\/bin\/sh\n/);
  execFileSync('sh', ['-c', 'rm -r "$1/.snap-run" && touch -r "$2" "$1"', 'sh', root, image]);
  assert.deepEqual(listed(root), listed(image));
  assert.equal(contents(root), contents(image));
});

test('the same as an erofs', () => {
  assert.equal(run('--expect', 'ready> ', '--root', 'erofs').status, 0);
  const disk = join(project, 'store', 'disks', disks().find((name) => name.endsWith('erofs'))!);
  execFileSync('fsck.erofs', [disk], { stdio: 'ignore' });
});

/** Names, metadata, hard links, attributes. */
function listed(folder: string): string[] {
  const list =
    'tar --sort=name -cf - . | tar -tvf - --numeric-owner --full-time; getfattr -R -h -d -e hex -m "^security" .';
  const text = execFileSync('sh', ['-c', list], { cwd: folder, encoding: 'utf8', maxBuffer: 1 << 27 });
  return text.split('\n').map((line) => line.replace(/ +/g, ' ').replace(/(:\d\d)\.\d+ /, '$1 '));
}

function contents(folder: string): string {
  const sums = 'find . -type f -print0 | LC_ALL=C sort -z | xargs -0 b2sum | b2sum';
  return execFileSync('sh', ['-c', sums], { cwd: folder, encoding: 'utf8' });
}

test('what somebody changed in the image by hand is in the next disk, which takes the place of the one before', () => {
  const before = disks().filter((name) => name.endsWith('squashfs'));
  writeFileSync(join(project, 'images', 'a', 'etc', 'by-hand'), '');
  assert.match(run('--expect', 'ready> ').stderr, /^making a squashfs/);
  const now = disks().filter((name) => name.endsWith('squashfs'));
  assert.deepEqual([now.length, now[0] === before[0]], [1, false]);
});

test('a port that is forwarded leads into the machine, which has a network of its own', async () => {
  const port = await freePort();
  const child = spawn(
    SNAP,
    ['-C', project, 'run', 'a', '--no-kvm', '--expect', 'never', '--forward', `${port}:22`],
    { stdio: ['ignore', 'pipe', 'ignore'] },
  );
  await once(child.stdout, 'data');
  const listening = readFileSync('/proc/net/tcp', 'utf8').includes(
    `0100007F:${port.toString(16).toUpperCase().padStart(4, '0')}`,
  );
  child.kill('SIGTERM');
  await once(child, 'close');
  assert.ok(listening);
});

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  server.close();
  await once(server, 'close');
  return port;
}

test('a kernel that cannot start from such a root is refused, by the configuration beside it', () => {
  const config = 'CONFIG_SQUASHFS=y\nCONFIG_TMPFS=y\n# CONFIG_OVERLAY_FS is not set\n';
  writeFileSync(join(project, 'images', 'a', 'boot', 'config-6.1.9'), config);
  const { status, stderr } = run('--expect', 'ready> ');
  execFileSync('rm', [join(project, 'images', 'a', 'boot', 'config-6.1.9')]);
  assert.equal(status, 1);
  assert.match(
    stderr,
    /^snap: Cannot start the kernel "vmlinuz-6.1.9" from a squashfs: it has no CONFIG_OVERLAY_FS, /m,
  );
});

test('a kernel for another architecture than the image gets its own machine, or it is said that there is none', () => {
  const file = join(project, 'images', 'a', 'boot', 'config-6.1.9');
  const started = (symbol: string): string => {
    writeFileSync(file, `CONFIG_${symbol}=y\n`);
    return run('--expect', 'ready> ').stderr;
  };
  const told = [started('ARM64'), started('RISCV')];
  execFileSync('rm', [file]);
  // What a machine for arm64 asks of a kernel; or its package, where that is not there.
  assert.match(told[0] ?? '', /CONFIG_SERIAL_AMBA_PL011_CONSOLE|apt-get install qemu-system-arm$/m);
  assert.match(told[1] ?? '', /^snap: Cannot start a machine for riscv64: none is known$/m);
});

test('what is wrong on the command line is told before anything is made', () => {
  const wrong: readonly (readonly [args: readonly string[], message: RegExp])[] = [
    [['run', 'bare'], /There is no image of "bare"\nhint: build it first: snap build bare$/m],
    [['run', 'a', '--expect', '('], /Cannot read the expression "\("/],
    [['run', 'a', '--send', 'x'], /Cannot send anything before/],
    [['run', 'a', '--forward', '22'], /Cannot forward "22"/],
    [['run', 'a', '--kernel', '/nowhere'], /There is no kernel "\/nowhere"/],
  ];
  for (const [args, message] of wrong) {
    const { status, stderr } = snap(['-C', project, ...args]);
    assert.equal(status, 2, args.join(' '));
    assert.match(stderr, message);
  }
});

test('where there is no qemu, the package with it is named', () => {
  const programs = makeFolder();
  for (const name of readdirSync('/usr/bin').filter((one) => !one.startsWith('qemu')))
    symlinkSync(join('/usr/bin', name), join(programs, name));
  const { status, stderr } = snap(['-C', project, 'run', 'a'], { env: { PATH: programs } });
  assert.equal(status, 1);
  assert.match(stderr, /there is no "qemu-system-x86_64"\nhint: apt-get install qemu-system-x86$/m);
});

test('a file that is no kernel is told in the words of qemu', () => {
  const file = join(makeFolder(), 'none');
  writeFileSync(file, 'none');
  const { status, stderr } = run('--kernel', file, '--expect', 'x');
  assert.deepEqual(
    [status, /^snap: Cannot run a machine: "qemu-system-x86_64" failed\n {2}.*kernel/m.test(stderr)],
    [1, true],
    stderr,
  );
});

test('snap gc and snap clean know the disks', () => {
  assert.ok(disks().length > 0);
  const { kinds } = JSON.parse(snap(['-C', project, 'gc', '-n', '--json']).stdout) as {
    kinds: readonly { kind: string; count: number }[];
  };
  assert.equal(kinds.find(({ kind }) => kind === 'disk')?.count, disks().length);
  assert.equal(snap(['-C', project, 'clean', 'a']).status, 0);
  assert.deepEqual(disks(), []);
});
