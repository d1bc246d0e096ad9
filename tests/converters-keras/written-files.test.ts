import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { MemorySink } from '../../converters/byte-sink.ts';
import type { ModelGraph } from '../../converters/graph.ts';
import {
  numbersOf,
  readKerasHdf5,
  resolveModelFile,
  type JsonObject,
  type JsonValue,
  type ResolvedModel,
} from '../../converters/index.ts';
import { kerasNames } from '../../converters/keras-writer/layer-names.ts';
import {
  keras2Config,
  keras3Config,
  writeKeras3,
  writeKeras3Weights,
  writeKerasH5,
  writeKerasH5Weights,
} from '../../converters/keras-writer/write-keras.ts';
import { readKeras3 } from '../../converters/keras3-weights/read-keras3.ts';
import { DovecoteError } from '../../src/base/errors.ts';
import { CORPUS_FILES, corpusFile, hasCorpusFile, type CorpusFile } from './corpus-files.ts';

/** For real Keras, which judges what is written here: see tests/oracle/keras_files.py. */
const FOLDER = process.env.DOVECOTE_KERAS_FILES;

async function read(bytes: Uint8Array, ending: string, fileName: string): Promise<ResolvedModel> {
  const options = { fileName };
  return resolveModelFile(
    ending === 'h5' ? await readKerasHdf5(bytes, options) : await readKeras3(bytes, options),
  );
}

const write = { h5: writeKerasH5, keras: writeKeras3 };
/** Weights without the model, and how such a file's name ends. */
const writeWeights = { h5: writeKerasH5Weights, keras: writeKeras3Weights };
const WEIGHTS = { h5: 'weights-only.h5', keras: 'weights.h5' };
const TARGETS = { h5: 2, keras: 3 } as const;

interface Outline {
  readonly layers: readonly unknown[];
  readonly inputs: unknown;
  readonly outputs: unknown;
}

/** What connects a model, with the names that it has in a file of that version. */
function outline(graph: ModelGraph, target: 2 | 3): Outline {
  const inner = ({ layers, inputs, outputs }: ModelGraph): Outline => ({
    layers: layers.map((layer) => [
      layer.name,
      layer.className,
      layer.inbound,
      layer.nested === undefined ? null : inner(layer.nested),
    ]),
    inputs,
    outputs,
  });
  return inner(kerasNames(graph, target).graph);
}

const weightsOf = ({ layers }: ResolvedModel) =>
  layers
    .filter(({ weights }) => weights.length > 0)
    .map(({ weights }) =>
      weights.map((weight) => ({ shape: weight.shape, numbers: Array.from(numbersOf(weight)) })),
    );

/** What one version cannot say, and why. */
const REFUSED: Readonly<Record<string, string>> = {
  'activation_names.keras2 to keras': 'the hard_sigmoid of Keras 2',
  'activation_names.keras3 to h5': 'the hard_sigmoid of Keras 3',
  'activation_names_keras3.keras3 to h5': 'the activation hard_silu',
  'augmentation_keras3.keras3 to h5': 'there is no such layer',
  'conv_lstm_1d_3d.keras2 to keras': 'the hard_sigmoid of Keras 2',
  'conv_lstm_2d.keras2 to keras': 'the hard_sigmoid of Keras 2',
  'group_query_attention.keras3 to h5': 'there is no such layer',
  'lstm.keras2 to keras': 'the hard_sigmoid of Keras 2',
  'lstm.keras3 to h5': 'the hard_sigmoid of Keras 3',
  'mixing_keras3.keras3 to h5': 'there is no such layer',
  'mobilenet_v3.keras3 to h5': 'the activation hard_silu',
  'more_operations_keras2.keras2 to keras': 'squared_difference',
  'more_operations_keras3.keras3 to h5': 'alpha is 0.5',
  'rms_normalization.keras3 to h5': 'RMSNormalization',
  'spectral_normalization.keras3 to h5': 'there is no such layer',
  'thresholded_relu.keras2 to keras': 'ThresholdedReLU',
};

/** One file of each model and version, the archive where there is one; all of them where Keras judges. */
const SOURCES = CORPUS_FILES.filter(
  ({ model, keras, ending }) =>
    FOLDER !== undefined || ending === 'keras' || !hasCorpusFile(`${model}.keras${keras}.keras`),
);
/** What real Keras loads but is not read back: parts of unknown size. */
const NOT_READ = /^more_operations_keras2\.keras2 to h5$/;
/** Masks that Keras 3 would find otherwise are written down, and those of queries are read as what they are then. */
const OTHER_GRAPH = /^masked_(transformer|two_blocks)\.keras[23] to keras$/;
const CASES = SOURCES.flatMap((source) =>
  (['h5', 'keras'] as const).map((to) => ({
    ...source,
    to,
    label: `${source.model}.keras${source.keras} to ${to}`,
  })),
).filter(({ label }) => !NOT_READ.test(label));

function keep(source: CorpusFile, to: string, bytes: Uint8Array): void {
  if (FOLDER === undefined) return;
  mkdirSync(FOLDER, { recursive: true });
  writeFileSync(join(FOLDER, `${source.file}.to.${to}`), bytes);
}

describe('a model of the corpus is written for Keras and read back: the same graph, the same weights bit for bit', () => {
  it.each(CASES)('$label', async ({ to, label, ...source }) => {
    const original = await read(corpusFile(source.file), source.ending, source.file);
    const sink = new MemorySink();
    const written = await write[to](original, sink, { date: new Date(0) }).then(
      () => undefined,
      (error: unknown) => (error instanceof DovecoteError ? `${error.code}: ${error.summary}` : error),
    );
    if (Object.hasOwn(REFUSED, label)) {
      expect(written).toMatch(/^FORMAT_UNSUPPORTED_LAYER: /);
      expect(written).toContain(REFUSED[label]);
      return;
    }
    expect(written).toBeUndefined();
    const bytes = sink.bytes();
    keep(source, to, bytes);
    if (FOLDER !== undefined) {
      const weights = new MemorySink();
      await writeWeights[to](original, weights);
      keep(source, WEIGHTS[to], weights.bytes());
    }
    const back = await read(bytes, to, `${label}.${to}`);
    const same = expect(outline(back.graph, TARGETS[to]));
    if (OTHER_GRAPH.test(label)) same.not.toEqual(outline(original.graph, TARGETS[to]));
    else same.toEqual(outline(original.graph, TARGETS[to]));
    expect(weightsOf(back)).toEqual(weightsOf(original));
  });
});

/** What is not written: Keras's defaults, what it does not read at loading, and what follows from the rest. */
const LEFT_OUT = new Set(
  (
    'shared_object_id build_config compile_config quantization_config ragged optional shape synchronized renorm ' +
    'renorm_clipping renorm_momentum use_gate sliding_window seed noise_shape module registered_name'
  ).split(' '),
);
const NOTHING = new Set(['null', 'false', '{}']);

function leftOut(key: string, value: JsonValue, className: string | undefined): boolean {
  if (LEFT_OUT.has(key)) return true;
  // Layers without groups state one in Keras 2, and the shape of a model's input stands on its first layers too.
  return (key === 'groups' && value === 1) || (key === 'batch_input_shape' && className !== 'InputLayer');
}

/** A config without what is not written, so that equal ones say the same. */
function essence(value: JsonValue, className?: string): JsonValue {
  if (Array.isArray(value)) return value.map((item) => essence(item));
  if (typeof value !== 'object' || value === null) return value;
  const own = typeof value.class_name === 'string' ? value.class_name : undefined;
  const entries = Object.entries(value)
    .filter(([key, item]) => !leftOut(key, item, className))
    .map(([key, item]): [string, JsonValue] => {
      // The only axis of BatchNormalization is a list in Keras 2.
      if (key === 'axis' && className === 'BatchNormalization' && Array.isArray(item)) return [key, item[0]!];
      return [key, essence(item, key === 'config' ? own : undefined)];
    })
    .filter(([, item]) => !NOTHING.has(JSON.stringify(item)));
  return Object.fromEntries(entries.sort(([a], [b]) => (a < b ? -1 : 1)));
}

const SAME_CONFIG = (
  'autoencoder conv2d conv2d_groups conv3d cropping dense_mlp depthwise_conv2d dot embedding frozen_layers gru_reset_after ' +
  'inception_block layer_normalization merging mlp_mixer mnist_cnn nested_models nested_shared_model pooling_2d ' +
  'regularizers_and_constraints residual_block reshaping several_inputs_and_outputs shared_layers squeeze_and_excite ' +
  'time_distributed unet upsampling zero_padding'
).split(' ');

describe("the config of a written .keras file says what Keras 3's own says, less the defaults", () => {
  it.each(SAME_CONFIG)('%s', async (model) => {
    const file = await readKeras3(corpusFile(`${model}.keras3.keras`));
    const { graph } = resolveModelFile(file);
    expect(essence(keras3Config(graph))).toEqual(essence(file.config as JsonObject));
  });
});

describe("the config of a written .h5 file says what Keras 2's own says, less the defaults", () => {
  it.each(SAME_CONFIG)('%s', async (model) => {
    const file = await readKerasHdf5(corpusFile(`${model}.keras2.h5`));
    const { graph } = resolveModelFile(file);
    expect(essence(keras2Config(graph))).toEqual(essence(file.config!));
  });
});
