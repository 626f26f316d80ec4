import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, test } from 'node:test';
import { snap } from '../commands/launcher.ts';
import { build, edit, makeProject } from './small-project.ts';

const SCRIPTLETS = {
  one: 'do_run() { echo one >>/etc/both; }\n',
  two: 'need one\ndo_run() { echo two >/etc/two; }\n',
  three: 'need one two\ndo_run() { echo three >/etc/three; }\n',
  other: 'do_run() { echo other >>/etc/both; }\n',
  last: "need '*'\ndo_run() { :; }\n",
};

let project = '';
before(() => {
  project = makeProject(SCRIPTLETS);
  build(project);
});

type Graph = {
  readonly layers: readonly {
    readonly name: string;
    readonly kind: string;
    readonly state: string;
    readonly bytes: number;
    readonly seconds: number;
  }[];
  readonly arrows: readonly {
    readonly kind: string;
    readonly from: string;
    readonly to: string;
    readonly path?: string;
  }[];
};

function graph(): Graph {
  const { status, stdout, stderr } = snap(['-C', project, 'graph', '--format', 'json']);
  assert.equal(status, 0, stderr);
  return JSON.parse(stdout) as Graph;
}

test('arrows are the needs that no other need implies, and the learned orders', () => {
  assert.deepEqual(graph().arrows, [
    { kind: 'need', from: 'one', to: 'two' },
    { kind: 'need', from: 'two', to: 'three' },
    { kind: 'order', from: 'one', to: 'other', path: 'etc/both' },
  ]);
});

test('an order that a need brings about as well is no arrow of its own', () => {
  edit(project, 'conf/a.lock', (text) => text.replace(/^order /m, 'order three after one # etc/x\norder '));
  assert.equal(graph().arrows.length, 3);
});

test('every layer has its kind, state, time and size', () => {
  const kinds = (): string[] => graph().layers.map(({ name, kind, state }) => `${name} ${kind} ${state}`);
  assert.deepEqual(kinds().slice(0, 6), [
    'base base hit',
    'one scriptlet hit',
    'two scriptlet hit',
    'three scriptlet hit',
    'other scriptlet hit',
    'last all hit',
  ]);
  const [, , two] = graph().layers;
  assert.ok(two && two.seconds > 0 && two.bytes === 4, JSON.stringify(two));
  edit(project, 'scriptlets/two.sh', (text) => text.replace('two >', '2 >'));
  assert.deepEqual(kinds().slice(1, 6), [
    'one scriptlet hit',
    'two scriptlet run',
    'three scriptlet unknown',
    'other scriptlet hit',
    'last all unknown',
  ]);
});

test("the output's ending says which format; a file is written, and named on standard error", () => {
  for (const [name, start] of [
    ['a.svg', /^<\?xml/],
    ['a.dot', /^digraph /],
    ['a.json', /^\{\n/],
  ] as const) {
    const file = join(project, name);
    const { stdout, stderr } = snap(['-C', project, 'graph', '--output', file]);
    assert.deepEqual([stdout, stderr], ['', `${file}\n`]);
    assert.match(readFileSync(file, 'utf8'), start);
  }
  const { status, stderr } = snap(['-C', project, 'graph', '--output', join(project, 'no', 'such', 'a.svg')]);
  assert.equal(status, 2);
  assert.match(stderr, /^snap: Cannot write ".*a\.svg"/);
});

test('without an output the picture goes to standard output', () => {
  assert.match(snap(['-C', project, 'graph']).stdout, /^<\?xml[\s\S]*<\/svg>\n$/);
});
