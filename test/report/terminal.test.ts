import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

const EVENTS = fileURLToPath(new URL('fixtures/events.ts', import.meta.url));
const NODE = [process.execPath, '--disable-warning=ExperimentalWarning', EVENTS];

/** What the program of events writes on a pseudo terminal. */
function onTerminal(environment: Record<string, string>, factor = '0.4'): string {
  const command = [...NODE, factor].map((word) => `'${word}'`).join(' ');
  const { stdout } = spawnSync('script', ['-qefc', command, '/dev/null'], {
    env: { PATH: process.env.PATH, TERM: 'xterm', ...environment },
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  return stdout;
}

/** The screen's lines in the end, as far as snap's own few sequences go. */
function screen(output: string): string[] {
  const lines = [''];
  let row = 0;
  for (const [part] of output.matchAll(/\x1b\[(\d*)([A-Za-z])|\r|\n|[^\x1b\r\n]+/g)) {
    const [, number, letter] = /^\x1b\[(\d*)([A-Za-z])$/.exec(part) ?? [];
    if (letter === 'A') row -= Number(number);
    else if (letter === 'J') lines.splice(row, lines.length, '');
    else if (part === '\n') lines[++row] ??= '';
    else if (letter === undefined && part !== '\r') lines[row] = part;
  }
  return lines;
}

test('on a terminal the changing lines are gone in the end, and what ran and failed stays', () => {
  const output = onTerminal({ NO_COLOR: '1' });
  assert.match(output, /bluez {5}do_run/);
  assert.match(output, /demo: 2 of 6 layers, 2 unchanged/);
  assert.deepEqual(screen(output), [
    '      1.1 s  bluez  data changed: less-services.conf',
    'learned: wireless after bluez, since both write etc/café \\x0a.conf',
    'wireless: failed after 1.4 s',
    '  scriptlets/wireless.sh:7: wpa_supplicant: not found',
    '  full log: store/logs/wireless',
    'wireless failed, what does not need it goes on',
    '',
  ]);
});

test('on a terminal no escape sequence comes but those that move, clear and colour', () => {
  const output = onTerminal({});
  assert.ok(!/\x1b(?!\[(\d*A|K|J|[0-9]+m))/.test(output));
  assert.match(output, /\x1b\[1m/);
});

test('NO_COLOR takes the colours away', () => {
  assert.ok(!/\x1b\[\d+m/.test(onTerminal({ NO_COLOR: '1' })));
});

test('without a terminal, or on a dumb one, there are plain lines alone', () => {
  const [node = '', ...args] = NODE;
  const { stderr } = spawnSync(node, [...args, '0'], { encoding: 'utf8', env: { TERM: 'xterm' } });
  assert.ok(!/[\x1b\r]/.test(stderr));
  assert.match(stderr, /^bluez: started, data changed: less-services\.conf$/m);
  assert.ok(!/[\x1b]/.test(onTerminal({ TERM: 'dumb' }, '0')));
});
