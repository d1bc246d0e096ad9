import * as tf from '@tensorflow/tfjs';
import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { beforeAll, describe, expect, it } from 'vitest';
import type { GraphLayer, ModelGraph } from '../../converters/graph.ts';
import { readModelFile } from '../../converters/index.ts';
import { masksForTfjs, withExplicitMasks } from '../../converters/keras/explicit-masks.ts';
import { withoutExplicitMasks } from '../../converters/keras/implied-masks.ts';
import { toTfjsTopology } from '../../converters/keras/tfjs-topology.ts';
import { resolveModelFile } from '../../converters/resolve-model.ts';
import { streamTfjsModel } from '../../converters/tfjs/write-tfjs.ts';
import '../../src/layers/index.ts';
import '../../zoo/layers/index.ts';
import type { Flat } from './golden-models.ts';
import { toTensorflow } from './support.ts';

const corpus = (name: string) => readFileSync(new URL(`./corpus/${name}`, import.meta.url));
const resolved = async (name: string) =>
  resolveModelFile(await readModelFile(new Uint8Array(gunzipSync(corpus(`${name}.keras2.h5.gz`)))));

beforeAll(() => tf.setBackend('cpu'));

describe.each(['masked_transformer', 'masked_attention', 'masking_of_sequences', 'masked_encoder_decoder'])(
  '%s, whose masks tfjs would get wrong',
  (name) => {
    it('gives what Keras gives once its masks are stated', async () => {
      const { graph, layers } = await resolved(name);
      const stated = masksForTfjs(graph);
      expect(stated).not.toBe(graph);
      const stream = streamTfjsModel({
        topology: toTfjsTopology(stated),
        weights: layers.map(({ weights }) => weights),
      });
      const model = await toTensorflow({ modelJson: stream.modelJson, shards: [...stream.shards] });
      const golden = JSON.parse(corpus(`${name}.json`).toString()) as {
        inputs: Flat[];
        outputs: Record<'2', Flat[]>;
      };
      const before = tf.memory().numTensors;
      const differences: number[] = [];
      tf.tidy(() => {
        const inputs = golden.inputs.map(({ data, shape }, i) =>
          tf.tensor(data, shape, model.inputs[i]!.dtype),
        );
        const outputs = model.predict(inputs.length === 1 ? inputs[0]! : inputs);
        (Array.isArray(outputs) ? outputs : [outputs]).forEach((output, i) => {
          const wanted = golden.outputs['2'][i]!;
          expect(output.shape).toEqual(wanted.shape);
          output.dataSync().forEach((value, at) => differences.push(Math.abs(value - wanted.data[at]!)));
        });
      });
      expect(tf.memory().numTensors).toBe(before);
      expect(Math.max(...differences)).toBeLessThan(1e-5);
      model.dispose();
    });

    it('comes back with its masks unsaid', async () => {
      const { graph } = await resolved(name);
      expect(withoutExplicitMasks(withExplicitMasks(graph)!).layers).toEqual(graph.layers);
    });
  },
);

describe('masks that tfjs hands on rightly', () => {
  it.each(['masked_lstm', 'masking', 'masked_sequential'])('are left to it: %s', async (name) => {
    const { graph } = await resolved(name);
    expect(masksForTfjs(graph)).toBe(graph);
  });
});

const ref = (layer: string, node = 0) => ({ layer, node, tensor: 0 });
const layer = (
  name: string,
  className: string,
  from: string[],
  config: GraphLayer['config'] = {},
): GraphLayer => ({
  name,
  className,
  config: { name, ...config },
  inbound: className === 'InputLayer' ? [] : [from.map((source) => ref(source))],
});
const graphOf = (...layers: GraphLayer[]): ModelGraph => ({
  name: 'model',
  kind: 'functional',
  layers,
  inputs: [ref('tokens')],
  outputs: [ref(layers.at(-1)!.name)],
});
const tokens = layer('tokens', 'InputLayer', []);
const embedding = layer('embedding', 'Embedding', ['tokens'], { mask_zero: true });

describe('a stated mask', () => {
  it('of one source is made once, whoever takes it', () => {
    const graph = graphOf(
      tokens,
      embedding,
      layer('a', 'LSTM', ['embedding']),
      layer('b', 'GRU', ['embedding']),
      layer('sum', 'Add', ['a', 'b']),
    );
    const stated = withExplicitMasks(graph)!;
    expect(stated.layers.map(({ name }) => name)).toEqual([
      'tokens',
      'embedding',
      'a',
      'b',
      'sum',
      'tokens_mask',
    ]);
    expect(stated.layers[1]!.config.mask_zero).toBe(false);
    for (const name of ['a', 'b']) {
      const taker = stated.layers.find((one) => one.name === name)!;
      expect(taker.className).toBe('MaskedLayer');
      expect(taker.inbound).toEqual([[ref('embedding'), ref('tokens_mask')]]);
    }
  });

  it('does not reach what lies behind a layer that ends it', () => {
    const graph = graphOf(
      tokens,
      embedding,
      layer('a', 'LSTM', ['embedding']),
      layer('again', 'RepeatVector', ['a'], { n: 3 }),
      layer('b', 'LSTM', ['again']),
    );
    const stated = withExplicitMasks(graph)!;
    expect(stated.layers.find(({ name }) => name === 'b')).toEqual(graph.layers[4]);
  });

  it('that nothing takes is not there', () => {
    const graph = graphOf(tokens, embedding, layer('flat', 'Flatten', ['embedding']));
    expect(withExplicitMasks(graph)!.layers.map(({ name }) => name)).toEqual(['tokens', 'embedding', 'flat']);
  });

  it('cannot be had for a model within the model, nor for steps that are joined', () => {
    const inner = graphOf(tokens, layer('dense', 'Dense', ['tokens']));
    const nested: GraphLayer = { ...layer('inner', 'Model', ['embedding']), nested: inner };
    expect(withExplicitMasks(graphOf(tokens, embedding, nested))).toBeUndefined();
    const joined = layer('joined', 'Concatenate', ['embedding', 'embedding'], { axis: 1 });
    expect(withExplicitMasks(graphOf(tokens, embedding, joined))).toBeUndefined();
  });
});
