import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Inodes } from '../../src/store/inodes.ts';

/** As ext4 gives them, and as filesystems with numbers of 64 bits do. */
const number = fc.oneof(fc.nat(9000), fc.maxSafeNat());

test('each inode has one position, in the order in which they were met', () => {
  fc.assert(
    fc.property(fc.array(number, { minLength: 1, maxLength: 30_000, size: 'max' }), (numbers) => {
      const inodes = new Inodes();
      const positions = new Map<number, number>();
      for (const one of numbers) {
        const position = positions.get(one) ?? positions.size;
        positions.set(one, position);
        assert.equal(inodes.add(one, one * 2, one % 1000), position);
      }
      assert.equal(inodes.size, positions.size);
      for (const [one, position] of positions)
        assert.deepEqual([inodes.bytesOf(position), inodes.linksOf(position)], [one * 2, one % 1000]);
    }),
    { numRuns: 20 },
  );
});
