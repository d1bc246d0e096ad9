import { describe, expect, it } from 'vitest';
import { boxesOf } from '../../converters/hdf5/boxes.ts';
import { countOf, inMemory, numbersOf, piecesOf, readKerasHdf5 } from '../../converters/index.ts';
import { derived, isInMemory, relabelled } from '../../converters/tensors.ts';
import { writeKerasH5 } from '../support/keras-h5-writer.ts';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** The numbers' places in the order in which the blocks give them. */
function placesIn(shape: readonly number[], from: number, to: number): number[] {
  const strides = shape.map((_, axis) => countOf({ shape: shape.slice(axis + 1) }));
  return [...boxesOf(shape, from, to)].flatMap(({ start, offset, count }) => {
    const size = countOf({ shape: count });
    const inner = count.map((_, axis) => countOf({ shape: count.slice(axis + 1) }));
    const places = Array.from({ length: size }, (_, i) =>
      offset.reduce(
        (sum, at, axis) => sum + (at + (Math.floor(i / inner[axis]!) % count[axis]!)) * strides[axis]!,
        0,
      ),
    );
    expect(start).toBe(places[0]);
    return places;
  });
}

describe('a range of a tensor as blocks', () => {
  it.each([[[7]], [[3, 4]], [[2, 3, 4]], [[4, 1, 3, 2]], [[1, 10]]])('covers it in order: %j', (shape) => {
    const all = countOf({ shape });
    for (let from = 0; from < all; from++) {
      for (let to = from + 1; to <= all; to++) {
        const wanted = Array.from({ length: to - from }, (_, i) => from + i);
        expect(placesIn(shape, from, to)).toEqual(wanted);
      }
    }
  });
});

describe('a large tensor of an HDF5 file', () => {
  it('stays in the file and is read in any pieces', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'dovecote-stored-'));
    const path = join(folder, 'large.h5');
    const shape = [300, 7, 13];
    const data = Float32Array.from({ length: countOf({ shape }) }, (_, i) => i);
    await writeKerasH5(path, [{ name: 'dense', weights: [{ name: 'dense/kernel:0', shape, data }] }]);
    const bytes = readFileSync(path);
    rmSync(folder, { recursive: true });

    let asked = 0;
    const source = {
      size: bytes.length,
      read: (target: Uint8Array, position: number) => {
        asked += target.length;
        target.set(bytes.subarray(position, position + target.length));
      },
    };
    const file = await readKerasHdf5(source);
    expect(asked).toBeLessThan(bytes.length / 2);
    const tensor = file.layers[0]!.weights[0]!;
    expect(isInMemory(tensor)).toBe(false);
    expect(numbersOf(tensor)).toEqual(data);
    const walk = [...piecesOf(tensor, 1000)];
    // All in the same memory: a piece is there until the next one is asked for.
    expect(new Set(walk.map(({ buffer }) => buffer)).size).toBe(1);
    const pieces: number[][] = [];
    for (const piece of piecesOf(tensor, 1000)) pieces.push([...piece]);
    expect(pieces.map(({ length }) => length)).toEqual([...Array.from({ length: 27 }, () => 1000), 300]);
    expect(pieces.flat()).toEqual([...data]);
    expect(numbersOf(tensor).buffer).not.toBe(numbersOf(tensor).buffer);
    const moved = relabelled(tensor, { name: 'other', shape: [shape[0]!, 91] });
    expect(inMemory(moved)).toEqual({ name: 'other', shape: [300, 91], dtype: 'float32', data });
  });
});

describe('a tensor made of others', () => {
  it('is made once for a walk from start to end, and anew for the next', () => {
    let made = 0;
    const label = { name: 'x', shape: [10], dtype: 'float32' } as const;
    const tensor = derived(label, () => {
      made += 1;
      return Float32Array.from({ length: 10 }, (_, i) => i * made);
    });
    expect([...piecesOf(tensor, 4)].flatMap((piece) => [...piece])).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    expect(made).toBe(1);
    expect(numbersOf(tensor)[1]).toBe(2);
    expect(made).toBe(2);
  });
});
