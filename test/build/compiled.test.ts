import assert from 'node:assert/strict';
import { existsSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { SNAP, start } from '../commands/launcher.ts';
import { build, makeProject, write } from './small-project.ts';

test('commands that look take what Node made of their modules, where builds keep it, and make no place for it', () => {
  const project = makeProject({ one: 'do_run() { echo x >etc/one; }\n' });
  const compiled = join(project, 'store/compiled');
  const kept = (): number => readdirSync(compiled, { recursive: true }).length;
  const list = (): void => assert.equal(start([SNAP, '-C', project, 'history']).status, 0);
  build(project);
  rmSync(compiled, { recursive: true, force: true });
  list();
  assert.equal(existsSync(compiled), false);

  write(project, { 'scriptlets/one.sh': 'do_run() { echo y >etc/one; }\n' });
  build(project);
  const before = kept();
  assert.ok(before > 0);
  list();
  const after = kept();
  assert.ok(after > before, 'those of history, which no build loads');
  list();
  assert.equal(kept(), after);
});
