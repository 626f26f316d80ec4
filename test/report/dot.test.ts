import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Box, dotOf, type Picture } from '../../src/report/dot.ts';
import { svgOf } from '../../src/report/graphviz.ts';

const box = (name: string, more: Partial<Box> = {}): Box => ({
  name,
  kind: 'scriptlet',
  state: 'hit',
  reason: '',
  seconds: 1.2,
  bytes: 2048,
  ...more,
});
const PICTURE: Picture = {
  title: 'demo: 7 layers',
  boxes: [
    box('base', { kind: 'base' }),
    box('user'),
    box('ssh', { state: 'run', reason: 'do_run changed' }),
    box('avahi', { state: 'unknown', reason: 'known when ssh has run' }),
    box('alone'),
    box('rm', { kind: 'all' }),
    box('settle/udev', { kind: 'settle' }),
  ],
  arrows: [
    { kind: 'need', from: 'user', to: 'ssh' },
    { kind: 'order', from: 'user', to: 'avahi', path: 'etc/both' },
  ],
};

/** The texts of a picture and the titles of its links, unescaped. */
function textsOf(svg: string): string[] {
  const unescaped = (text: string) =>
    text
      .replace(/&#(\d+);/g, (_, code) => String.fromCharCode(code))
      .replace(/&(lt|gt|quot|amp);/g, (_, name) => ({ lt: '<', gt: '>', quot: '"', amp: '&' })[name as 'lt']);
  return [...svg.matchAll(/<text[^>]*>([^<]*)<\/text>|xlink:title="([^"]*)"/g)].map((match) =>
    unescaped(match[1] ?? match[2] ?? ''),
  );
}

test('a box says name, state, time and size; one that runs the reason too', async () => {
  const texts = textsOf(await svgOf(dotOf(PICTURE)));
  for (const text of [
    'base',
    'user',
    'hit · 1.2 s · 2.0 KiB',
    'run · 1.2 s · 2.0 KiB',
    'do_run changed',
    'unknown · 1.2 s · 2.0 KiB',
    'avahi: known when ssh has run',
  ])
    assert.ok(texts.includes(text), text);
  assert.ok(texts.includes('settle') && texts.includes('udev'), 'the frame says it for all');
});

test('the states differ in colour and in line', () => {
  const looks = ['user', 'ssh', 'avahi'].map((name) =>
    new RegExp(`label="${name}.*style="([^"]*)", color="([^"]*)"`).exec(dotOf(PICTURE)),
  );
  assert.equal(new Set(looks.map((look) => look?.[1])).size, 3);
  assert.equal(new Set(looks.map((look) => look?.[2])).size, 3);
});

test('a learned order is drawn apart, with its path', () => {
  const dot = dotOf(PICTURE);
  assert.match(dot, /layer1 -> layer3 \[style=dashed.*label=" etc\/both "\]/);
  assert.match(dot, /layer1 -> layer2;/);
});

test('what is below or above everything has one arrow that is seen', async () => {
  const seen = dotOf(PICTURE)
    .split('\n')
    .filter((line) => line.includes('->') && !line.includes('invis'));
  assert.equal(seen.length, PICTURE.arrows.length + 3, seen.join('\n'));
  assert.match(seen.join('\n'), /layer0 -> layer1 \[lhead=cluster_scriptlets\]/);
  assert.match(seen.join('\n'), /-> layer5 \[ltail=cluster_scriptlets\]/);
  assert.match(seen.join('\n'), /layer5 -> layer6 \[lhead=cluster_settle\]/);
});

test('names, reasons and paths stay what they are, whatever is in them', async () => {
  const hostile = [
    'a"b',
    'a\\',
    '\\N\\G\\l',
    '<b>&amp;</b>',
    '-->',
    '</svg><script>',
    'x];y->z',
    '$(id)',
    'ä→名',
    '"; }',
  ];
  const boxes = hostile.map((name) => box(name, { state: 'run', reason: `${name}: is it` }));
  const arrows = hostile
    .slice(1)
    .map((to, at) => ({ kind: 'order' as const, from: hostile[at]!, to, path: to }));
  const svg = await svgOf(dotOf({ title: hostile.join(' '), boxes, arrows }));
  const texts = textsOf(svg).map((text) => text.trim());
  for (const name of hostile) {
    assert.ok(texts.filter((text) => text === name).length >= 1, name);
    assert.ok(texts.includes(`${name}: is it`), name);
  }
  assert.ok(texts.includes(hostile.join(' ')));
  assert.doesNotMatch(svg, /<script/);
  const control = await svgOf(dotOf({ ...PICTURE, title: 'a\x1b[31m\x00\x07b\nc', boxes: [], arrows: [] }));
  assert.doesNotMatch(control, /[\x00-\x09\x0b-\x1f]/);
});

test('a picture of a base alone, and of nothing, can be drawn', async () => {
  assert.match(
    await svgOf(dotOf({ title: 't', boxes: [box('base', { kind: 'base' })], arrows: [] })),
    /<svg/,
  );
  assert.match(await svgOf(dotOf({ title: 't', boxes: [], arrows: [] })), /<svg/);
});
