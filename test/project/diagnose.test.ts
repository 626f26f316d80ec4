// biome-ignore-all lint/suspicious/noTemplateCurlyInString: these are texts of bash
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { missingDeclaration } from '../../src/project/diagnose.ts';

const PROJECT = ['files', 'files/a.txt', 'files/a b', 'shared', 'shared/x'];
const conf = { vars: { HOST: 'device', OTHER: 'x' } };
const declared = { vars: { OTHER: 'x' }, files: ['shared'], network: false };

function hint(...log: string[]): string | undefined {
  return missingDeclaration(declared, conf, log, (path) => PROJECT.includes(path));
}

test('a variable of the conf that was not declared is named', () => {
  assert.equal(hint('/run/snap/scriptlet.sh: line 3: HOST: unbound variable'), 'declare it: use_var HOST');
  assert.equal(
    hint('/run/snap/scriptlet.sh: line 3: SNAP_COMMIT: unbound variable'),
    'declare it: use_var SNAP_COMMIT',
  );
  assert.equal(hint('/run/snap/scriptlet.sh: line 3: NOPE: unbound variable'), undefined);
  assert.equal(hint('/run/snap/scriptlet.sh: line 3: OTHER: unbound variable'), undefined);
  assert.equal(hint('/run/snap/scriptlet.sh: line 3: constructor: unbound variable'), undefined);
});

test('a file of the project that was not declared is named', () => {
  const hints: Record<string, string | undefined> = {
    'copy_file: no "/run/snap/home/files/a.txt"': 'declare it: use_file files/a.txt',
    "ls: cannot access '/run/snap/home/files/a b': No such file or directory":
      "declare it: use_file 'files/a b'",
    'cat: /run/snap/home/files/a.txt: No such file or directory': 'declare it: use_file files/a.txt',
    'copy_file: no "files/a.txt" in the data folder':
      'declare it: use_file files/a.txt (it is then "$RUN_HOME/files/a.txt")',
    'cat: files/a.txt: No such file or directory':
      'declare it: use_file files/a.txt (it is then "$RUN_HOME/files/a.txt")',
    "cp: cannot stat './files/a.txt': No such file or directory":
      'declare it: use_file files/a.txt (it is then "$RUN_HOME/files/a.txt")',
    "cp: cannot stat '/run/snap/data/files/': No such file or directory":
      'declare it: use_file files (it is then "$RUN_HOME/files")',
    "FileNotFoundError: [Errno 2] No such file or directory: 'files/a.txt'":
      'declare it: use_file files/a.txt (it is then "$RUN_HOME/files/a.txt")',
    'cat: shared/x: No such file or directory': 'it lies in "$RUN_HOME/shared/x"',
    'cat: /run/snap/home/shared/x: Permission denied': undefined,
    'cat: /etc/files: No such file or directory': undefined,
    'cat: nope: No such file or directory': undefined,
    'copy_file: no "nope" in the data folder': undefined,
    'cat: ../files: No such file or directory': undefined,
  };
  for (const [line, expected] of Object.entries(hints)) assert.equal(hint(line), expected, line);
});

test('a network that was not declared is named', () => {
  const lines = [
    'curl: (6) Could not resolve host: example.org',
    'ping: example.org: Temporary failure in name resolution',
    'connect: Network is unreachable',
    'npm ERR! code EAI_AGAIN',
  ];
  for (const line of lines) {
    assert.equal(hint(line), 'declare it: use_network');
    assert.equal(
      missingDeclaration({ ...declared, network: true }, conf, [line], () => true),
      undefined,
    );
  }
});

test('the last line that tells something counts', () => {
  assert.equal(
    hint('x: HOST: unbound variable', 'curl: (6) Could not resolve host: x', 'bye'),
    'declare it: use_network',
  );
  assert.equal(hint(), undefined);
});
