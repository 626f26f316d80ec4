import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { project } from './fixture/project.ts';

type Test = { after(then: () => void): void };

/** Attempts of a scriptlet at the host, in Perl: name, and a statement that is true, with $! set otherwise. */
const SYSTEM_CALLS: Readonly<Record<string, string>> = {
  'mount a tmpfs': 'call(165, "none", "/mnt", "tmpfs", 0, 0)',
  'mount the data folder writable': 'call(165, "none", "/run/snap/data", 0, 32 | 4096, 0)',
  'unmount /proc': 'call(166, "/proc", 2)',
  'make a mount as kernels from 5.2 on do': 'call(430, "tmpfs", 0)',
  'pivot the root': 'call(155, "/", "/mnt")',
  'make a disk node': 'call(133, "/opt/disk", 0060600, 65024)',
  'make a memory node': 'call(133, "/opt/mem", 0020600, 257)',
  'set the host name': 'call(170, "taken", 5)',
  'set the clock': 'call(164, pack("qq", time, 0), 0)',
  'load a module': 'call(175, "", 0, "")',
  'load a module from a file': 'call(313, 0, "", 0)',
  'load another kernel': 'call(246, 0, 0, 0, 0)',
  'swap on': 'call(167, "/opt/swap", 0)',
  reboot: 'call(169, 0, 0, 0, 0)',
  'enter a user namespace': 'call(272, 0x10000000)',
  'enter a mount namespace': 'call(272, 0x20000)',
  'fork into a user namespace': 'call(56, 0x10000000 | 17, 0, 0, 0, 0)',
  'fork with flags that nobody sees': 'call(435, pack("Q8", 0x10000000, 0, 0, 0, 17, 0, 0, 0), 64)',
  'enter the namespace of another': 'open($n, "/proc/1/ns/net") && call(308, fileno($n), 0)',
  'add a key': 'call(248, "user", "snap-fault", "x", 1, -4)',
  'look at keys': 'call(250, 0, -4, 0)',
  'open by handle': 'call(304, 0, pack("II", 8, 1) . "\\0" x 8, 0)',
  'load a program into the kernel': 'call(321, 0, 0, 0)',
  'count events': 'call(298, 0, 0, 0, -1, 0)',
  'take page faults': 'call(323, 0)',
  'use io_uring': 'call(425, 1, 0)',
  'read the log of the kernel': 'call(103, 3, "x" x 100, 100)',
  'type into the terminal': 'open($t, "<", "/dev/null") && ioctl($t, 0x5412, $b = "x")',
  'open a raw socket': 'call(41, 2, 3, 1)',
  'open a packet socket': 'call(41, 17, 3, 0x300)',
};

const FILES: Readonly<Record<string, string>> = {
  'write to sysctl':
    'open(p, "/proc/sys/kernel/core_pattern") && ($is = <p>) && put("/proc/sys/kernel/core_pattern", $is)',
  'press sysrq': 'put("/proc/sysrq-trigger", "h")',
  'write to sysfs': 'put("/sys/power/state", "x")',
  'write into the data': 'put("/run/snap/data/new", "x")',
  'write to the data': 'put("/run/snap/data/given", "x")',
  'chmod the data': 'chmod(0777, "/run/snap/data/given")',
  'touch the data': 'utime(1, 1, "/run/snap/data/given")',
  'remove the data': 'unlink("/run/snap/data/given")',
  'link to the data': 'link("/run/snap/data/given", "/opt/linked")',
  'write to snap itself': 'put("/run/snap/prelude.sh", "x")',
  'write to the scriptlet': 'put("/run/snap/scriptlet.sh", "x")',
  'write to the library': 'put("/run/snap/libeatmydata.so", "x")',
  'open a disk': 'open($d, "<", "/dev/vda") || open($d, "<", "/dev/sda") || open($d, "<", "/dev/nvme0n1")',
  'open the memory': 'open($m, "<", "/dev/mem")',
  'open the terminal': 'open($t, "<", "/dev/tty")',
};

function perl(canary: string, port: number, abstract: string, pid: number): string {
  const attempts = Object.entries({ ...SYSTEM_CALLS, ...FILES }).map(
    ([name, statement]) => `attempt(q(${name}), sub { ${statement} });`,
  );
  return `use Socket; use Errno;
open($out, ">", "/opt/attempts") or die;
sub call { my $n = shift; my @a = @_; my $r = syscall($n, @a); return $r >= 0 || $r == -1 && 0; }
sub put { open(my $f, ">", $_[0]) or return 0; syswrite($f, $_[1]) && close($f) }
sub attempt { my ($name, $try) = @_; $! = 0; my $done = $try->(); print $out "$name: ", ($done ? "done" : "refused " . (grep { $!{$_} } keys %!)[0]), "\\n"; }
${attempts.join('\n')}
attempt("reach a port of the host", sub { socket($s, AF_INET, SOCK_STREAM, 0) && connect($s, sockaddr_in(${port}, inet_aton("127.0.0.1"))) });
attempt("reach a socket of the host", sub { socket($s, AF_UNIX, SOCK_STREAM, 0) && connect($s, pack("Sa*", AF_UNIX, "\\0${abstract}")) });
attempt("kill a process of the host", sub { kill("KILL", ${pid}) });
attempt("see a process of the host", sub { open($c, "<", "/proc/${pid}/cmdline") && <$c> =~ /snap-canary/ });
attempt("find the host below process 1", sub { -e "/proc/1/root${canary}" });
attempt("find the host from its folder", sub { -e "${canary}" });
mkdir("/opt/jail"); chdir("/"); 
attempt("climb out of the root", sub { chroot("/opt/jail"); chdir("../" x 64); chroot("."); -e ".${canary}" });
`;
}

function listen(t: Test, path: string | number): Promise<Server> {
  const server = createServer((socket) => socket.end()).unref();
  t.after(() => server.close());
  const { promise, resolve } = Promise.withResolvers<Server>();
  server.listen(typeof path === 'number' ? { port: path, host: '127.0.0.1' } : { path }, () =>
    resolve(server),
  );
  return promise;
}

function bystander(t: Test): ChildProcess {
  const child = spawn('bash', ['-c', 'exec -a snap-canary sleep 1000'], { stdio: 'ignore' });
  t.after(() => child.kill('SIGKILL'));
  return child;
}

const HOST_FILES = ['/proc/sys/kernel/core_pattern', '/proc/sys/kernel/hostname', '/proc/sys/kernel/pid_max'];

function hostState(): string[] {
  return [
    ...HOST_FILES.map((file) => readFileSync(file, 'utf8')),
    hostname(),
    readFileSync('/proc/self/mountinfo', 'utf8'),
  ];
}

test('whatever a scriptlet tries, the host is as it was, and every attempt is refused', async (t) => {
  const { start, scriptlets, write, folder, image } = project(t);
  const outside = mkdtempSync(join(tmpdir(), 'snap-canary-'));
  t.after(() => rmSync(outside, { recursive: true, force: true }));
  const canary = join(outside, 'canary');
  writeFileSync(canary, 'untouched');
  const abstract = `snap-fault-${process.pid}`;
  const server = await listen(t, 0);
  await listen(t, `\0${abstract}`);
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  const host = bystander(t);
  scriptlets({
    attacker:
      'do_run() {\n  cp $DATA_DIR/given /opt/given\n  ls -l /proc/[0-9]*/fd >/opt/descriptors 2>&1 || true\n  ls -l /dev /sys >/opt/devices 2>&1 || true\n  ( setsid --wait perl $DATA_DIR/attack.pl ) || true\n}\n',
  });
  write('scriptlets/attacker/given', 'given');
  write('scriptlets/attacker/attack.pl', perl(canary, port, abstract, host.pid ?? 0));
  const before = hostState();
  const given = statSync(join(folder, 'scriptlets/attacker/given'));

  const { status, stderr } = await start(['build']).ended;
  assert.equal(status, 0, stderr);
  const lines = readFileSync(image('opt/attempts'), 'utf8').trim().split('\n');
  assert.equal(lines.length, Object.keys(SYSTEM_CALLS).length + Object.keys(FILES).length + 7);
  assert.deepEqual(
    lines.filter(
      (line) => !/: refused (EPERM|ENOSYS|EROFS|EACCES|ENOENT|ENXIO|EXDEV|ESRCH|ECONNREFUSED)$/.test(line),
    ),
    [],
  );
  const calls = lines.slice(0, Object.keys(SYSTEM_CALLS).length);
  assert.deepEqual(
    calls.filter((line) => !/ (EPERM|ENOSYS)$/.test(line)),
    [],
  );
  assert.deepEqual(hostState(), before);
  assert.equal(readFileSync(canary, 'utf8'), 'untouched');
  assert.deepEqual([host.exitCode, host.signalCode], [null, null], 'a process of the host was killed');
  const now = statSync(join(folder, 'scriptlets/attacker/given'));
  assert.deepEqual([now.mode, now.mtimeMs, now.nlink], [given.mode, given.mtimeMs, given.nlink]);
  assert.doesNotMatch(readFileSync('/proc/keys', 'utf8'), /snap-fault/);
  assert.doesNotMatch(readFileSync(image('opt/devices'), 'utf8'), /^b/m);
  // Nothing that is open leads to a folder of the host: the log is a pipe, the report of failures the one file.
  const targets = [...readFileSync(image('opt/descriptors'), 'utf8').matchAll(/ -> (\/.*)$/gm)].map(
    ([, to]) => to,
  );
  const strange = targets.filter(
    (to) => !/^\/(dev\/null|proc\/.*|opt\/descriptors|run\/snap\/prelude\.sh)$|\/report$/.test(to ?? ''),
  );
  assert.deepEqual(strange, []);
  assert.equal(existsSync(image('opt/disk')), false);
});

test('a scriptlet that kills all that it sees reaches nothing of the host', (t) => {
  const { snap, scriptlets } = project(t);
  const host = bystander(t);
  scriptlets({ killer: 'do_run() {\n  setsid sleep 1000 &\n  kill -KILL -1\n}\n' });
  const { status, stderr } = snap('build');
  assert.equal(status, 0, stderr);
  assert.deepEqual([host.exitCode, host.signalCode], [null, null]);
});
