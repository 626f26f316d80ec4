import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  type Disk,
  type Extent,
  type GcPlan,
  type Holding,
  keepersOf,
  keptIds,
  type Limits,
  planGc,
  type Request,
  type Root,
} from '../../src/store/gc.ts';
import { Inodes } from '../../src/store/inodes.ts';

const MIB = 1024 * 1024;

function holding(id: string, more: Partial<Holding> = {}): Holding {
  const about = { seconds: 1, above: 0, used: 0, floor: 0, waste: false, needs: [] };
  return { id, kind: 'layer', name: id, path: id, ...about, ...more };
}

function root(...keeps: readonly string[]): Root {
  return { kind: 'tag', name: 'some', because: 'it is one', keeps };
}

function diskOf(
  own: Readonly<Record<string, number>>,
  shared: Readonly<Record<number, readonly string[]>> = {},
): Disk {
  const paths = (id: string) =>
    Uint32Array.from(
      Object.entries(shared).flatMap(([inode, ids]) =>
        ids.filter((one) => one === id).map(() => Number(inode)),
      ),
    );
  const extents = new Map(
    Object.keys(own).map((id): [string, Extent] => [id, { own: own[id]!, shared: paths(id) }]),
  );
  const most = Math.max(0, ...Object.keys(shared).map(Number));
  const inodes = Array.from({ length: most + 1 }, (_, number) => ({
    bytes: MIB,
    links: shared[number]?.length ?? 0,
  }));
  return { extents, inodes: inodesOf(inodes) };
}

function inodesOf(all: readonly { readonly bytes: number; readonly links: number }[]): Inodes {
  const inodes = new Inodes();
  for (const [number, { bytes, links }] of all.entries()) inodes.add(number, bytes, links);
  return inodes;
}

function plan(holdings: readonly Holding[], roots: readonly Root[], disk: Disk, limits: Limits = {}): GcPlan {
  return planGc({ holdings, roots, disk, limits, size: 100 * MIB, free: 0 });
}

function idsOf({ going }: GcPlan): string[] {
  return going.map(({ holding: { id } }) => id);
}

test('without a limit all goes that no root keeps', () => {
  const made = plan([holding('a'), holding('b'), holding('c')], [root('b')], diskOf({ a: 1, b: 2, c: 4 }));
  assert.deepEqual([idsOf(made).sort(), made.frees, made.missing, made.seconds], [['a', 'c'], 5, 0, 2]);
});

test('within a limit what is cheapest to make again for its size goes first, and no more than is needed', () => {
  const holdings = [holding('dear', { seconds: 100 }), holding('cheap'), holding('small', { seconds: 1 })];
  const disk = diskOf({ dear: 10 * MIB, cheap: 10 * MIB, small: MIB });
  assert.deepEqual(idsOf(plan(holdings, [], disk, { maxSize: 95 * MIB })), ['cheap']);
  assert.deepEqual(idsOf(plan(holdings, [], disk, { minFree: 11 * MIB })), ['cheap', 'small']);
  assert.deepEqual(idsOf(plan(holdings, [], disk, { maxSize: 100 * MIB, minFree: 0 })), []);
});

test('what others stand on goes after them, and what was used since others went goes later', () => {
  const disk = diskOf({ base: MIB, leaf: MIB, old: MIB });
  const base = holding('base', { above: 30 });
  assert.deepEqual(idsOf(plan([base, holding('leaf')], [], disk, { maxSize: 98.5 * MIB })), ['leaf', 'base']);
  const fresh = holding('leaf', { floor: 5 });
  const made = plan([fresh, holding('old', { seconds: 4 })], [], disk, { maxSize: 99 * MIB });
  assert.deepEqual([idsOf(made), made.floor], [['old'], 4]);
});

test('an inode is freed when the last of its links goes, and not at all when one is elsewhere', () => {
  const shared = { 1: ['a', 'b'], 2: ['a', 'kept'], 3: ['a', 'somewhere in an image'], 4: ['b', 'b'] };
  const disk = diskOf({ a: 0, b: 0, kept: 0 }, shared);
  const made = plan([holding('a'), holding('b'), holding('kept')], [root('kept')], disk);
  assert.equal(made.frees, 2 * MIB);
  assert.deepEqual(
    new Map(made.going.map(({ holding: { id }, frees }) => [id, frees])),
    new Map([
      ['a', 0],
      ['b', 2 * MIB],
    ]),
  );
});

test('what nobody can use goes whatever the limit is, unless a root names it', () => {
  const waste = [holding('trash', { waste: true }), holding('lost', { waste: true })];
  const made = plan([...waste, holding('a')], [root('lost')], diskOf({ trash: 1, lost: 1, a: 1 }), {
    maxSize: 1000 * MIB,
  });
  assert.deepEqual(idsOf(made), ['trash']);
});

test('within a limit a build goes with the first of its layers, and stays as long as all are there', () => {
  const builds = [
    holding('x@1', { kind: 'build', needs: ['a'] }),
    holding('x@2', { kind: 'build', needs: ['b'] }),
  ];
  const disk = diskOf({ a: MIB, b: MIB, 'x@1': 0, 'x@2': 0 });
  const made = plan([...builds, holding('a'), holding('b', { seconds: 9 })], [], disk, { maxSize: 99 * MIB });
  assert.deepEqual(idsOf(made), ['a', 'x@1']);
});

test('all roots that keep something are told', () => {
  const roots = [root('a', 'b'), root('b')];
  assert.deepEqual(
    [keepersOf(roots, 'b').length, keepersOf(roots, 'a').length, keepersOf(roots, 'c')],
    [2, 1, []],
  );
});

const IDS = ['a', 'b', 'c', 'd', 'e', 'f', 'g'];

const someRequest: fc.Arbitrary<Request> = fc
  .record({
    abouts: fc.array(
      fc.record({
        seconds: fc.nat(50),
        above: fc.nat(20),
        floor: fc.nat(5),
        used: fc.nat(9),
        waste: fc.boolean(),
        own: fc.nat(20),
        kind: fc.constantFrom('layer', 'build', 'deb'),
      }),
      { minLength: 1, maxLength: IDS.length },
    ),
    keeps: fc.array(fc.subarray(IDS), { maxLength: 3 }),
    shared: fc.array(
      fc.tuple(fc.array(fc.constantFrom(...IDS), { minLength: 1, maxLength: 4 }), fc.nat(2), fc.nat(9)),
      { maxLength: 6 },
    ),
    maxSize: fc.option(fc.nat(150), { nil: undefined }),
    minFree: fc.option(fc.nat(50), { nil: undefined }),
  })
  .map(({ abouts, keeps, shared, maxSize, minFree }) => {
    const holdings = abouts.map((about, at) => {
      const needs = about.kind === 'build' ? IDS.slice(0, 2) : [];
      return holding(IDS[at]!, { ...about, kind: about.kind as Holding['kind'], needs });
    });
    const ids = holdings.map(({ id }) => id);
    const inodes = shared.map(([links, outside, bytes]) => {
      return { bytes, links: links.filter((id) => ids.includes(id)).length + outside };
    });
    const extents = new Map(
      ids.map((id, at) => [
        id,
        {
          own: abouts[at]!.own,
          shared: Uint32Array.from(
            shared.flatMap(([links], inode) => links.filter((one) => one === id).map(() => inode)),
          ),
        },
      ]),
    );
    const limits = {
      ...(maxSize === undefined ? {} : { maxSize }),
      ...(minFree === undefined ? {} : { minFree }),
    };
    return {
      holdings,
      roots: keeps.map((some) => root(...some)),
      disk: { extents, inodes: inodesOf(inodes) },
      limits,
      size: 100,
      free: 20,
    };
  });

/** What is free when these are gone, counted anew. */
function freedBy(request: Request, going: readonly Holding[]): number {
  const gone = going.flatMap(({ id }) => request.disk.extents.get(id) ?? []);
  const links = Map.groupBy(
    gone.flatMap(({ shared }) => [...shared]),
    (inode) => inode,
  );
  const { inodes } = request.disk;
  const free = [...links].filter(([inode, all]) => all.length === inodes.linksOf(inode));
  return (
    gone.reduce((sum, { own }) => sum + own, 0) +
    free.reduce((sum, [inode]) => sum + inodes.bytesOf(inode), 0)
  );
}

test('no root ever goes, nothing goes twice, and what is freed is counted once', () => {
  fc.assert(
    fc.property(someRequest, (request) => {
      const { going, frees } = planGc(request);
      const kept = keptIds(request.roots);
      assert.deepEqual(
        going.filter(({ holding: { id } }) => kept.has(id)),
        [],
      );
      assert.equal(new Set(going.map(({ holding }) => holding)).size, going.length);
      assert.equal(
        frees,
        freedBy(
          request,
          going.map((one) => one.holding),
        ),
      );
      assert.equal(
        frees,
        going.reduce((sum, one) => sum + one.frees, 0),
      );
    }),
  );
});

test('a limit is kept, or all has gone that may; and nothing goes beyond what is needed', () => {
  fc.assert(
    fc.property(someRequest, (request) => {
      const { limits, size, free, holdings, roots } = request;
      const { going, frees, missing } = planGc(request);
      if (limits.maxSize === undefined && limits.minFree === undefined) return;
      const need = Math.max(0, size - (limits.maxSize ?? size), (limits.minFree ?? free) - free);
      assert.equal(missing, Math.max(0, need - frees));
      const kept = keptIds(roots);
      const gone = new Set(going.map(({ holding }) => holding));
      const left = holdings.filter((one) => !kept.has(one.id) && !gone.has(one) && one.kind !== 'build');
      if (missing > 0) assert.deepEqual(left, []);
      const useful = going.filter(({ holding: { waste, kind } }) => !waste && kind !== 'build');
      const before = going.slice(0, going.indexOf(useful.at(-1)!)).map(({ holding }) => holding);
      if (useful.length > 0) assert.ok(freedBy(request, before) < need, 'the last one was needed');
    }),
  );
});

test('a second gc removes nothing', () => {
  fc.assert(
    fc.property(someRequest, (request) => {
      const { going, frees } = planGc(request);
      const gone = new Set(going.map(({ holding }) => holding));
      const holdings = request.holdings.filter((one) => !gone.has(one));
      const { extents, inodes } = request.disk;
      const lost = going.flatMap(({ holding: { id } }) => [...(extents.get(id)?.shared ?? [])]);
      const left = Array.from({ length: inodes.size }, (_, inode) => ({
        bytes: inodes.bytesOf(inode),
        links: inodes.linksOf(inode) - lost.filter((one) => one === inode).length,
      }));
      const disk = { extents, inodes: inodesOf(left) };
      const again = planGc({
        ...request,
        holdings,
        disk,
        size: request.size - frees,
        free: request.free + frees,
      });
      assert.deepEqual(idsOf(again), []);
    }),
  );
});
