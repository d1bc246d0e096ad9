import { WeightsError } from '../src/base/errors.ts';
import type { LayerWeights, WeightTensor } from '../src/base/types.ts';
import type { ExpectedLayer, ExpectedWeight } from './keras/layer-weights.ts';
import type { ModelFile } from './model-file.ts';
import { relabelled } from './tensors.ts';
import {
  channelsFirstShape,
  flipped,
  fromChannelsFirst,
  isConvolutionKernel,
  joinedGates,
  type KernelOrder,
} from './weights-layout.ts';

export interface MatchOptions {
  /**
   * `position`: the n-th layer with weights of the model takes the n-th of the file, as Keras's own loaders do.
   * `name`: layers find each other by name. Default `position`, but `name` for safetensors, whose order says nothing.
   */
  readonly by?: 'position' | 'name';
  /** By name: refuse a file that has weights for more layers than the model, as by position. Default false. */
  readonly every?: boolean;
  /** Shown in errors instead of the file's own name. */
  readonly fileName?: string;
  /**
   * How convolution kernels were stored. `auto` (default) goes by the file's backend attribute, and where there is
   * none by the shapes: kernels that fit only as (out, in, rows, cols) are Theano's. `theano` mirrors them in any
   * case, `tensorflow` never.
   */
  readonly kernelOrder?: KernelOrder | 'auto';
  /** Take kernels that fit either way, such as (3, 3, 3, 3), as (out, in, rows, cols). Default false. */
  readonly channelsFirstKernels?: boolean;
}

interface Pair {
  readonly expected: ExpectedLayer;
  readonly found: LayerWeights;
}

const shapeText = (shape: readonly (number | null)[] | null) =>
  shape === null ? '[...]' : `[${shape.map((size) => size ?? '?').join(', ')}]`;

function fits(expected: ExpectedWeight['shape'], shape: readonly number[]): boolean {
  if (expected === null) return true;
  return expected.length === shape.length && expected.every((size, i) => size === null || size === shape[i]);
}

const some = (names: readonly string[], most = 5) =>
  names.length <= most
    ? names.join(', ')
    : `${names.slice(0, most).join(', ')} and ${names.length - most} more`;

const weightCount = (layers: readonly { weights: readonly unknown[] }[]) =>
  layers.reduce((sum, layer) => sum + layer.weights.length, 0);

/** When one side only has more layers at its end, the usual reason is the classifier. */
function topMismatch(
  expected: readonly ExpectedLayer[],
  found: readonly LayerWeights[],
  file: string,
  over: readonly { readonly layer: string }[] = found.length > expected.length
    ? found.slice(expected.length)
    : expected.slice(found.length),
): WeightsError {
  const more = found.length - expected.length;
  const extra = over.map((item) => item.layer);
  const count = `${Math.abs(more)} more layer${Math.abs(more) === 1 ? '' : 's'} with weights`;
  const which = `${some(extra)}${extra.length === 1 ? '' : ' at the end'}`;
  const summary =
    more > 0
      ? `${file} has ${count} than the model: ${which}.`
      : `The model has ${count} than ${file}: ${which}.`;
  return new WeightsError('WEIGHTS_COUNT', summary, {
    given: `${found.length} layers with ${weightCount(found)} weights in the file`,
    expected: `${expected.length} layers with ${weightCount(expected)} weights in the model`,
    nextStep:
      more > 0
        ? 'If the file has the classifier, pass includeTop: true; otherwise check that it is a file of this model.'
        : 'If the file has no classifier, pass includeTop: false; otherwise check that it is a file of this model.',
  });
}

function pairByPosition(expected: readonly ExpectedLayer[], file: ModelFile, fileName: string): Pair[] {
  const layers = expected.filter((layer) => layer.weights.length > 0);
  const found = file.layers.filter((layer) => layer.weights.length > 0);
  if (layers.length !== found.length) throw topMismatch(layers, found, fileName);
  return layers.map((layer, i) => ({ expected: layer, found: found[i]! }));
}

function pairByName(
  expected: readonly ExpectedLayer[],
  file: ModelFile,
  fileName: string,
  every: boolean,
): Pair[] {
  const byName = new Map(file.layers.map((layer) => [layer.layer, layer]));
  const layers = expected.filter((layer) => layer.weights.length > 0);
  const missing = layers.filter((layer) => (byName.get(layer.layer)?.weights.length ?? 0) === 0);
  const wanted = new Set(layers.map((layer) => layer.layer));
  const found = file.layers.filter((layer) => layer.weights.length > 0);
  const unmatched = found.filter((layer) => !wanted.has(layer.layer));
  // As by position: what is there fits, but the one side has more layers than the other.
  if (every && missing.length > 0 !== unmatched.length > 0) {
    throw topMismatch(layers, found, fileName, missing.length > 0 ? missing : unmatched);
  }
  if (missing.length > 0) {
    const others =
      unmatched.length === 0 ? '' : `; nothing takes ${some(unmatched.map((layer) => layer.layer))}`;
    throw new WeightsError(
      'WEIGHTS_MISSING',
      `${fileName} has no weights for ${some(missing.map((layer) => layer.layer))}.`,
      {
        given: `${file.layers.length} layers in the file${others}`,
        expected: `weights for ${layers.length} layers, by name`,
        nextStep: "Load by position (by: 'position') when the file's layers have other names.",
      },
    );
  }
  return layers.map((layer) => ({ expected: layer, found: byName.get(layer.layer)! }));
}

const tail = (name: string) => name.replace(/:\d+$/, '').split('/').slice(-2).join('/');

/** A nested model's weights by their own names, when these say exactly which is which; else in their order. */
function orderedByName(
  expected: readonly ExpectedWeight[],
  found: readonly WeightTensor[],
): readonly WeightTensor[] {
  const byName = new Map(found.map((tensor) => [tail(tensor.name), tensor]));
  const names = new Set(expected.map((weight) => tail(weight.name)));
  if (byName.size !== found.length || names.size !== expected.length || found.length !== expected.length)
    return found;
  return [...names].every((name) => byName.has(name)) ? [...names].map((name) => byName.get(name)!) : found;
}

function adapted(pair: Pair, fileName: string): readonly WeightTensor[] {
  const { weights } = pair.expected;
  // One-dimensional convolutions of Keras 1 have an axis of length 1 behind the first.
  const found = joinedWhenNeeded(pair).map((tensor, i) => {
    const drop = weights[i]?.shape?.length === 3 && tensor.shape.length === 4 && tensor.shape[1] === 1;
    return drop ? relabelled(tensor, { shape: [tensor.shape[0]!, ...tensor.shape.slice(2)] }) : tensor;
  });
  if (found.length === weights.length) return orderedByName(weights, found);
  throw new WeightsError(
    'WEIGHTS_COUNT',
    `The layer ${pair.found.layer} of ${fileName} has ${found.length} weights; ${pair.expected.layer} of the model has ${weights.length}.`,
    {
      given: found.map((tensor) => `${tensor.name} ${shapeText(tensor.shape)}`).join(', '),
      expected: weights.map((weight) => `${weight.name} ${shapeText(weight.shape)}`).join(', '),
      nextStep: 'Check that the file belongs to this model and version.',
    },
  );
}

function joinedWhenNeeded(pair: Pair): readonly WeightTensor[] {
  const wanted = pair.expected.weights.length;
  if (pair.found.weights.length === wanted) return pair.found.weights;
  const half = pair.found.weights.length / 2;
  if (wanted === 6 && Number.isInteger(half)) {
    return [
      ...joinedGates(pair.found.weights.slice(0, half)),
      ...joinedGates(pair.found.weights.slice(half)),
    ];
  }
  return joinedGates(pair.found.weights);
}

interface AdaptedPair {
  readonly pair: Pair;
  readonly tensors: readonly WeightTensor[];
}

interface Layout {
  readonly channelsFirst: boolean;
  readonly mirrored: boolean;
}

/** Decided once for the whole file: one tensor alone, such as a (3, 3, 3, 3) kernel, would fit both ways. */
function layoutOf(pairs: readonly AdaptedPair[], file: ModelFile, options: MatchOptions): Layout {
  const order = options.kernelOrder ?? 'auto';
  let straight = 0;
  let turned = 0;
  for (const { pair, tensors } of pairs) {
    pair.expected.weights.forEach((weight, i) => {
      const { shape } = tensors[i]!;
      if (!isConvolutionKernel(weight.name, shape.length)) return;
      const asIs = fits(weight.shape, shape);
      const asChannelsFirst = fits(weight.shape, channelsFirstShape(shape));
      if (asIs && !asChannelsFirst) straight += 1;
      if (asChannelsFirst && !asIs) turned += 1;
    });
  }
  const tie = options.channelsFirstKernels ?? (order === 'theano' && file.kerasVersion.startsWith('1'));
  const channelsFirst = straight === 0 && (turned > 0 || tie);
  if (order !== 'auto') return { channelsFirst, mirrored: order === 'theano' };
  return { channelsFirst, mirrored: file.backend === undefined ? channelsFirst : file.backend === 'theano' };
}

function fitted(
  tensor: WeightTensor,
  weight: ExpectedWeight,
  layout: Layout,
  pair: Pair,
  fileName: string,
): WeightTensor {
  const kernel = isConvolutionKernel(weight.name, tensor.shape.length);
  const turned = kernel && layout.channelsFirst ? fromChannelsFirst(tensor) : tensor;
  if (!fits(weight.shape, turned.shape)) {
    throw new WeightsError(
      'WEIGHTS_SHAPE',
      `${weight.name} of the model's layer ${pair.expected.layer} does not fit ${tensor.name} of the layer ${pair.found.layer} in ${fileName}.`,
      {
        given: `${shapeText(tensor.shape)} in the file`,
        expected: `${shapeText(weight.shape)} in the model`,
        nextStep:
          'Check that the file belongs to this model, its version, input shape and number of classes.',
      },
    );
  }
  const mirrored = kernel && layout.mirrored ? flipped(turned) : turned;
  return relabelled(mirrored, { name: weight.name });
}

/**
 * The file's tensors in the order of the model: one list for each layer of `expected`, empty for layers without
 * weights. Every count and every shape is checked. Kernels stored by Theano are turned into TensorFlow's order and
 * mirrored, LSTM and GRU of Keras 1 are joined. Tensors carry the names of `expected`.
 *
 * `expected` can come from a tfjs model: `model.layers.map((layer) => ({ layer: layer.name, weights:
 * layer.weights.map((weight) => ({ name: weight.originalName, shape: weight.shape })) }))`.
 *
 * @throws WeightsError `WEIGHTS_COUNT`, `WEIGHTS_SHAPE`, `WEIGHTS_MISSING` (by name).
 */
export function matchWeights(
  expected: readonly ExpectedLayer[],
  file: ModelFile,
  options: MatchOptions = {},
): WeightTensor[][] {
  const fileName = options.fileName ?? file.fileName;
  const by = options.by ?? (file.kind === 'safetensors-weights' ? 'name' : 'position');
  const pairs =
    by === 'name'
      ? pairByName(expected, file, fileName, options.every ?? false)
      : pairByPosition(expected, file, fileName);
  const adaptedPairs = pairs.map((pair) => ({ pair, tensors: adapted(pair, fileName) }));
  const layout = layoutOf(adaptedPairs, file, options);
  const byLayer = new Map<ExpectedLayer, WeightTensor[]>();
  for (const { pair, tensors } of adaptedPairs) {
    const list = pair.expected.weights.map((weight, i) =>
      fitted(tensors[i]!, weight, layout, pair, fileName),
    );
    byLayer.set(pair.expected, list);
  }
  return expected.map((layer) => byLayer.get(layer) ?? []);
}
