import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import type { Lock } from '../../src/debian/lock.ts';
import { makeTops } from '../../src/layers/tops.ts';
import { mergeView } from '../../src/layers/view.ts';
import type { Store } from '../../src/store/layers.ts';
import { addLayer, EPOCH, someStore } from './some-layers.ts';

function twoViews(store: Store) {
  const base = addLayer(store, [], 'mkdir etc; echo root:x:0:0:root:/root:/bin/sh >etc/passwd', {
    kind: 'base',
  });
  const user = addLayer(
    store,
    [base],
    'mkdir etc; printf "root:x:0:0:root:/root:/bin/sh\nme:x:7:7::/:/bin/sh\n" >etc/passwd',
  );
  const lock = { epoch: EPOCH } as Lock;
  return { low: () => mergeView(store, [base]), high: () => mergeView(store, [base, user]), lock };
}

function tmpOf(store: Store): string[] {
  return readdirSync(store.layout.tmp);
}

test('layers on the same view share the folder on top of it, one after the other and at once', () => {
  const store = someStore();
  const { low, high, lock } = twoViews(store);
  using tops = makeTops({ store, lock });
  const [first, second] = [tops.of(low()), tops.of(low())];
  assert.equal(first.path, second.path);
  first.release();
  second.release();
  const third = tops.of(low());
  assert.equal(third.path, first.path);
  const other = tops.of(high());
  assert.notEqual(other.path, third.path);
  assert.match(readFileSync(join(other.path, 'etc/passwd'), 'utf8'), /^me:/m);
  assert.doesNotMatch(readFileSync(join(third.path, 'etc/passwd'), 'utf8'), /^me:/m);
});

test('a top stays while a layer uses it, and of those that none uses one at most', () => {
  const store = someStore();
  const { low, high, lock } = twoViews(store);
  const before = tmpOf(store);
  {
    using tops = makeTops({ store, lock });
    const [used, other] = [tops.of(low()), tops.of(high())];
    other.release();
    assert.ok(existsSync(used.path) && existsSync(other.path));
    used.release();
    assert.ok(existsSync(used.path) && !existsSync(other.path));
    const again = tops.of(high());
    assert.match(readFileSync(join(again.path, 'etc/passwd'), 'utf8'), /^me:/m);
    again.release();
    assert.ok(!existsSync(used.path));
  }
  assert.deepEqual(tmpOf(store), before);
});
