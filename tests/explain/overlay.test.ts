import { describe, expect, it } from 'vitest';
import type { Heatmap, Pixels } from '../../src/node.ts';
import { drawHeatmap, overlayHeatmap, resizePixels } from '../../src/node.ts';

const grey = (width: number, height: number): Pixels => ({
  data: new Uint8Array(width * height * 3).fill(100),
  width,
  height,
});

/** Hot in one place of `side` x `side`. */
const spot = (side: number, row: number, column: number): Heatmap => {
  const heatmap = new Float32Array(side * side);
  heatmap[row * side + column] = 1;
  return { heatmap, width: side, height: side };
};

/** Where a picture is brightest: the middle of all its brightest pixels. */
function brightest({ data, width }: Pixels): { x: number; y: number } {
  const sums = Array.from({ length: data.length / 3 }, (_, at) => data[3 * at]! + data[3 * at + 1]!);
  const most = Math.max(...sums);
  const places = sums.flatMap((sum, at) => (sum === most ? [at] : []));
  const mean = (values: number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
  return {
    x: mean(places.map((at) => (at % width) + 0.5)),
    y: mean(places.map((at) => Math.floor(at / width) + 0.5)),
  };
}

describe('overlayHeatmap', () => {
  it('leaves cold places as they are and covers hot ones', () => {
    const photo = grey(40, 40);
    const over = overlayHeatmap(photo, spot(4, 0, 3), { alpha: 1 });
    expect([over.width, over.height]).toEqual([40, 40]);
    // The middle of the hot place is at (35, 5); the other side of the picture is cold.
    expect(Array.from(over.data.subarray((4 * 40 + 34) * 3, (4 * 40 + 34) * 3 + 3))).not.toEqual([
      100, 100, 100,
    ]);
    expect(Array.from(over.data.subarray((35 * 40 + 5) * 3, (35 * 40 + 5) * 3 + 3))).toEqual([100, 100, 100]);
    expect(photo.data.every((value) => value === 100)).toBe(true);
    expect(overlayHeatmap(photo, spot(4, 0, 3), { alpha: 0 }).data).toEqual(photo.data);
  });

  it.each([
    ['the whole photo stretched', [300, 100], { mode: 'fill', cropFraction: 1 }],
    ['the middle of the stretched photo', [300, 100], { mode: 'fill', cropFraction: 0.8 }],
    ['the middle of a wide photo', [300, 100], { mode: 'cover', cropFraction: 1 }],
    ['the middle of a tall photo', [90, 200], { mode: 'cover', cropFraction: 0.875 }],
    ['a photo with borders', [300, 120], { mode: 'contain', cropFraction: 1 }],
  ] as const)('lies where the network looked: %s', (_, [width, height], options) => {
    const resize = { ...options, filter: 'bilinear' } as const;
    const side = 56;
    const [row, column] = [4, 5];
    const heat = drawHeatmap({ width, height }, { ...spot(7, row, column), inputSize: [side, side], resize });
    // What the network would see of that picture: the spot is in the place of the heat map that it came from.
    const seen = resizePixels(heat, { width: side, height: side, ...resize });
    const { x, y } = brightest(seen);
    expect(Math.abs(x - ((column + 0.5) * side) / 7)).toBeLessThan(1.5);
    expect(Math.abs(y - ((row + 0.5) * side) / 7)).toBeLessThan(1.5);
  });

  it('leaves alone what the network did not see', () => {
    const photo = grey(300, 100);
    const everywhere: Heatmap = {
      heatmap: new Float32Array(9).fill(1),
      width: 3,
      height: 3,
      inputSize: [50, 50],
      resize: { mode: 'cover', filter: 'bilinear', cropFraction: 1 },
    };
    const { data } = overlayHeatmap(photo, everywhere);
    const changed = (x: number) => data[(50 * 300 + x) * 3] !== 100;
    expect([changed(99), changed(101), changed(198), changed(201)]).toEqual([false, true, true, false]);
  });

  it('refuses an alpha out of range, and a heat map of another size than it says', () => {
    expect(() => overlayHeatmap(grey(9, 9), spot(3, 0, 0), { alpha: 1.5 })).toThrow(/alpha/);
    expect(() => overlayHeatmap(grey(9, 9), { ...spot(3, 0, 0), width: 4 })).toThrow(/size/);
  });
});
