import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Bag } from '../../src/stores/bag.ts';

test('in any order of adds and removals, a bag contains the items that were added and not removed', () => {
  fc.assert(
    fc.property(fc.array(fc.nat({ max: 20 }), { maxLength: 200 }), (steps) => {
      const bag = new Bag<object>();
      const inside = new Map<object, () => void>();
      for (const step of steps) {
        const [item, remove] = [...inside][step] ?? [];
        if (item && remove) {
          remove();
          remove();
          inside.delete(item);
        } else {
          const added = { step };
          inside.set(added, bag.add(added));
        }
        expect(bag.size).toBe(inside.size);
        expect(new Set(bag.list())).toEqual(new Set(inside.keys()));
      }
    }),
  );
});
