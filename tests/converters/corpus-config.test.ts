import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { GraphLayer, ModelGraph, TensorRef } from '../../converters/graph.ts';
import { modelConfig } from '../../converters/keras/graph-json.ts';
import { operandsOf, operationSpec } from '../../converters/keras/operation-list.ts';
import { parseKerasConfig } from '../../converters/keras/parse-config.ts';
import { layerProblems } from '../../converters/keras/tfjs-topology.ts';
import { CORPUS_FILES, type CorpusFile } from '../converters-keras/corpus-files.ts';
import { configOf } from './corpus-configs.ts';

const graphOf = async ({ file }: CorpusFile) => parseKerasConfig(await configOf(file), { fileName: file });

function everyLayer(graph: ModelGraph): GraphLayer[] {
  return graph.layers.flatMap((layer) => [layer, ...(layer.nested ? everyLayer(layer.nested) : [])]);
}

/** Layers in the order in which a walk from the outputs needs them, with numbers for names. */
function canonical(graph: ModelGraph): unknown {
  const byName = new Map(graph.layers.map((layer) => [layer.name, layer]));
  const order = new Map<string, number>();
  const visit = (name: string) => {
    if (order.has(name)) return;
    order.set(name, -1);
    for (const ref of byName.get(name)!.inbound.flat()) visit(ref.layer);
    order.set(name, [...order.values()].filter((place) => place >= 0).length);
  };
  for (const ref of [...graph.inputs, ...graph.outputs]) visit(ref.layer);
  const place = (ref: TensorRef) => [order.get(ref.layer), ref.node, ref.tensor];
  const layers = [...order].sort(([, a], [, b]) => a - b).map(([name]) => byName.get(name)!);
  return {
    kind: graph.kind,
    inputs: graph.inputs.map(place),
    outputs: graph.outputs.map(place),
    layers: layers.map((layer) => ({
      className: layer.className,
      inbound: layer.inbound.map((refs) => refs.map(place)),
      callArguments: layer.callArguments,
      operation: layer.className === 'TensorOperation' ? { ...layer.config, name: '' } : undefined,
      nested: layer.nested && canonical(layer.nested),
    })),
  };
}

const isSame = (model: string) =>
  (JSON.parse(readFileSync(new URL(`./corpus/${model}.json`, import.meta.url), 'utf8')) as { same: boolean })
    .same;

describe('the config of every file that Keras 2 and Keras 3 wrote is read', () => {
  it.each(CORPUS_FILES)('$file', async (entry) => {
    const graph = await graphOf(entry);
    for (const layer of everyLayer(graph)) {
      // No word of Keras 3 is left over.
      expect(Object.keys(layer.config)).not.toContain('batch_shape');
      expect(typeof (layer.config.dtype ?? 'float32')).toBe('string');
      expect(layer.className).not.toMatch(/^(UnknownOperation|TFOpLambda|SlicingOpLambda)$/);
      expect(layer.callArguments).toBeUndefined();
      if (layer.className !== 'TensorOperation') continue;
      const spec = operationSpec(layer.config.operation)!;
      expect(Object.keys(layer.config).sort()).toEqual(
        ['name', 'operation', 'inputs', ...Object.keys(spec.options)].sort(),
      );
      const tensors = operandsOf(layer.config)!.flatMap((operand) =>
        'tensor' in operand ? [operand.tensor] : [],
      );
      for (const refs of layer.inbound) {
        expect(new Set(tensors)).toEqual(new Set(refs.keys()));
      }
    }
    // What the graph says in its own words is the same graph again.
    expect(parseKerasConfig(modelConfig(graph))).toEqual(graph);
  });
});

describe('all files of a model come to one graph', () => {
  const models = [...new Set(CORPUS_FILES.map(({ model }) => model))];
  it.each(models)('%s', async (model) => {
    const files = CORPUS_FILES.filter((entry) => entry.model === model);
    const graphs = await Promise.all(files.map(async (entry) => canonical(await graphOf(entry))));
    files.forEach(({ keras, file }, i) => {
      const like = files.findIndex((other) => isSame(model) || other.keras === keras);
      expect([file, graphs[i]]).toEqual([file, graphs[like]]);
    });
  });
});

it('TensorFlow.js, with the layers of this package, computes every layer of the corpus', async () => {
  for (const entry of CORPUS_FILES) {
    expect([entry.file, layerProblems(await graphOf(entry))]).toEqual([entry.file, []]);
  }
});

it('a recurrent layer of Keras 3 that is given states takes no mask, and one of Keras 2 takes it', async () => {
  const sources = async (file: string) => {
    const graph = parseKerasConfig(await configOf(file));
    const layer = graph.layers.find(
      ({ className, inbound }) => className === 'LSTM' && inbound[0]!.length > 1,
    )!;
    return graph.layers.find(({ name }) => name === layer.inbound[0]![0]!.layer)!;
  };
  expect((await sources('masking_of_sequences.keras2.h5')).className).toBe('Concatenate');
  expect(await sources('masking_of_sequences.keras3.h5')).toMatchObject({
    className: 'TensorOperation',
    config: { operation: 'identity' },
  });
});
