import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { before, test } from 'node:test';
import { type CommandTree, completion } from '../../src/commands/completion.ts';
import { folder, makeDist, ROOT, snap, start } from './launcher.ts';

before(makeDist);

/** What bash offers at the end of a command line. */
function offered(place: string, ...words: string[]): string[] {
  const script = `
    source <(snap completion bash)
    COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1))
    _snap
    printf '%s\\n' "\${COMPREPLY[@]}"`;
  const env = { PATH: `${join(ROOT, 'bin')}:${process.env.PATH}` };
  const { stdout, stderr } = start(['bash', '-c', script, 'bash', ...words], { cwd: place, env });
  assert.equal(stderr, '');
  return stdout.split('\n').filter((line) => line !== '');
}

test('bash completes commands, options, confs and layers', (t) => {
  const place = folder(t);
  snap(['init', '--name', 'device'], { cwd: place });
  assert.deepEqual(offered(place, 'snap', 'bu'), ['build']);
  assert.ok(offered(place, 'snap', 'build', '--').includes('--keep-failed'));
  assert.ok(!offered(place, 'snap', 'completion', '--').includes('--names'));
  assert.deepEqual(offered(place, 'snap', 'build', ''), ['device']);
  assert.deepEqual(offered(place, 'snap', 'build', '-j', '2', 'd'), ['device']);
  assert.deepEqual(offered(place, 'snap', 'build', 'device', ''), []);
  assert.deepEqual(offered(place, 'snap', 'log', ''), ['ssh', 'system']);
  assert.deepEqual(offered(place, 'snap', 'build', '--rerun', 'ss'), ['ssh']);
  assert.deepEqual(offered(place, 'snap', 'shell', ''), ['device', 'ssh', 'system']);
  assert.deepEqual(offered(place, 'snap', 'completion', ''), ['bash', 'zsh', 'fish']);
});

test('the names are those of the project that -C names', (t) => {
  const place = folder(t);
  snap(['init', 'here'], { cwd: place });
  assert.deepEqual(offered(place, 'snap', '-C', 'here', 'build', ''), ['here']);
  assert.deepEqual(offered(place, 'snap', 'build', ''), []);
});

test('builds and tags are completed, also where bash takes one for three words', (t) => {
  const place = folder(t);
  snap(['init', '--name', 'device'], { cwd: place });
  const files = ['builds/device/1.json', 'builds/device/12.json', 'tags/shipped'];
  for (const file of files) {
    mkdirSync(join(place, 'store', dirname(file)), { recursive: true });
    writeFileSync(join(place, 'store', file), 'device@1\n');
  }
  assert.deepEqual(offered(place, 'snap', 'restore', ''), ['device', 'shipped', 'device@12', 'device@1']);
  assert.deepEqual(offered(place, 'snap', 'ls', 'device', '@'), ['12', '1']);
  assert.deepEqual(offered(place, 'snap', 'pin', 'device', '@', '12'), ['12']);
  assert.deepEqual(offered(place, 'snap', 'tag', '--delete', ''), ['shipped']);
  assert.deepEqual(offered(place, 'snap', 'blame', '/etc/passwd', 's'), ['shipped']);
});

test('each script is one that its shell reads', (t) => {
  const place = folder(t);
  for (const shell of ['bash', 'zsh', 'fish']) {
    const { stdout, status } = snap(['completion', shell]);
    assert.equal(status, 0);
    assert.ok(stdout.includes('keep-failed'));
    if (start(['sh', '-c', `command -v ${shell}`]).status !== 0) continue;
    writeFileSync(join(place, shell), stdout);
    assert.deepEqual(start([shell, '-n', join(place, shell)]), { status: 0, stdout: '', stderr: '' });
  }
});

test('descriptions with quotes and brackets break no script', (t) => {
  const tree: CommandTree = {
    options: [],
    commands: [
      {
        name: 'x',
        description: `it's "a" [b]: \\c $(false)`,
        options: [{ long: '--y', description: `it's "a" [b]: \\c $(false)`, value: { kind: 'free' } }],
        args: [{ kind: 'words', words: ['a', 'b'] }],
      },
    ],
  };
  const place = folder(t);
  for (const shell of ['bash', 'zsh', 'fish']) {
    if (start(['sh', '-c', `command -v ${shell}`]).status !== 0) continue;
    writeFileSync(join(place, shell), completion(shell, tree));
    assert.equal(start([shell, '-n', join(place, shell)]).stderr, '');
  }
});
