import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { parseKerasConfig } from '../../converters/keras/parse-config.ts';
import { layerProblems, toTfjsTopology } from '../../converters/keras/tfjs-topology.ts';
import type { JsonObject } from '../../src/base/types.ts';
import { configOf } from './corpus-configs.ts';
import { codeOf } from './support.ts';

const read = async (file: string) => parseKerasConfig(await configOf(file));
const endings = async (file: string) =>
  (await read(file)).layers.filter(({ name }) => name.includes('_unmasked')).map(({ inbound }) => inbound);

describe('masks that MultiHeadAttention of Keras 3 takes off what it reads', () => {
  it('end before the attention of the second block', async () => {
    expect(await endings('masked_two_blocks.keras3.keras')).toEqual(
      await endings('masked_two_blocks.keras3.h5'),
    );
    expect(await endings('masked_two_blocks.keras3.keras')).toHaveLength(1);
  });

  it('go on in Keras 2, and where one attention is all that reads', async () => {
    expect(await endings('masked_two_blocks.keras2.keras')).toEqual([]);
    expect(await endings('masked_transformer.keras3.keras')).toEqual([]);
  });

  it('are refused where nothing tells which attention runs first', async () => {
    const goldens = new URL('../converters-onnx/goldens/keras-sequences.json', import.meta.url);
    const { cases } = JSON.parse(readFileSync(goldens, 'utf8')) as {
      cases: { name: string; keras: string; config: JsonObject }[];
    };
    const { config } = cases.find(
      ({ name, keras }) => keras === '3' && name === 'heads over masked sequences that others read too',
    )!;
    const graph = parseKerasConfig(config);
    expect(await codeOf(() => toTfjsTopology(graph))).toBe('FORMAT_UNSUPPORTED_LAYER');
    expect(layerProblems(graph)).toContainEqual(expect.stringContaining('Keras 3 may have taken off before'));
  });
});
