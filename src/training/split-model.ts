import * as tf from '@tensorflow/tfjs';
import { ModelError } from '../base/errors.ts';
import type { Call, Value } from './graph-calls.ts';
import { callsOf } from './graph-calls.ts';

type Layer = tf.layers.Layer;

/** Layers without weights that compute something else in training. */
const STOCHASTIC = /(Dropout|^DropPath|^StochasticDepth|^GaussianNoise|^Random[A-Z]|^ActivityRegularization)/;

/** A model in two halves: what no training changes, and what is trained. */
export interface SplitModel {
  /** Layers of the frozen half; 0 when all is trained. */
  readonly frozenLayers: number;
  readonly trainedLayers: number;
  /** Sizes of the tensors that the second half reads, the batch first; `null` is any size. */
  readonly boundary: readonly (readonly (number | null)[])[];
  /** Weights that are trained, in the model's order. */
  readonly weights: readonly tf.LayerVariable[];
  /** All weights of the second half, statistics of BatchNormalization included: what training may change. */
  readonly state: readonly tf.LayerVariable[];
  /**
   * The frozen half as a model of its own that shares the layers, with one output for each tensor of `boundary`; undefined
   * when there is none. It takes pictures of one size. `release` it when it is not needed any more.
   */
  prefix(
    inputSize: readonly [height: number, width: number],
  ): { readonly model: tf.LayersModel; release(): void } | undefined;
  /** Runs the second half on batches of the boundary's tensors. Gradients pass through it. */
  run(boundary: readonly tf.Tensor[], training: boolean): tf.Tensor;
  /** What the regularizers of the trained weights add to the loss. */
  penalty(): tf.Scalar;
}

/**
 * Finds the two halves by `trainable`: the first one are the layers that are not trained and stand before all that are.
 * Frozen layers are run as in inference, their Dropout included, as Keras's guides do by `training=False`; nested models
 * are opened, so that a base may be frozen up to one of its layers.
 *
 * @throws ModelError `MODEL_INPUT` when nothing is trainable, or the model has several inputs or outputs
 */
export function splitModel(model: tf.LayersModel): SplitModel {
  if (model.inputs.length !== 1 || model.outputs.length !== 1) {
    throw new ModelError('MODEL_INPUT', `The model "${model.name}" cannot be split.`, {
      given: `${model.inputs.length} inputs and ${model.outputs.length} outputs`,
      expected: 'one input and one output',
      nextStep: 'Train it with model.fit.',
    });
  }
  const { calls, outputs } = callsOf(model);
  const frozen = new Set<Call>();
  for (const call of calls) {
    if (!changes(call.layer) && call.inputs.every((value) => 'input' in value || frozen.has(value.call))) {
      frozen.add(call);
    }
  }
  const trained = calls.filter((call) => !frozen.has(call));
  const layers = [...new Set(trained.map(({ layer }) => layer))];
  const weights = layers.flatMap((layer) => layer.trainableWeights);
  if (weights.length === 0) {
    throw new ModelError('MODEL_INPUT', `The model "${model.name}" has nothing to train.`, {
      given: 'a model whose layers are all frozen, or have no weights',
      expected: 'at least one layer with `trainable` true',
      nextStep: 'set `layer.trainable = true` for the layers that are to learn',
    });
  }
  const boundary = boundaryOf(trained, outputs, frozen, model.inputs[0]!.shape);
  return {
    frozenLayers: new Set([...frozen].map(({ layer }) => layer)).size,
    trainedLayers: layers.length,
    boundary: boundary.map(({ shape }) => shape),
    weights,
    state: layers.flatMap((layer) => layer.weights),
    prefix: (inputSize) =>
      frozen.size === 0 ? undefined : prefixOf(model, [...frozen], boundary, inputSize),
    run: (tensors, training) => runCalls(trained, outputs[0]!, boundary, tensors, training),
    penalty: () => penaltyOf(layers),
  };
}

/** Whether training changes the layer, or the layer what it computes. */
function changes(layer: Layer): boolean {
  if (layer.trainableWeights.length > 0) return true;
  if (!layer.trainable) return false;
  const className = layer.getClassName();
  if (/BatchNormalization$/.test(className)) return true;
  return STOCHASTIC.test(className) && Number(rateOf(layer.getConfig())) !== 0;
}

function rateOf({ rate, dropPathRate }: tf.serialization.ConfigDict): unknown {
  return rate ?? dropPathRate ?? 1;
}

interface Border {
  readonly value: Value;
  readonly shape: readonly (number | null)[];
}

/** Names a value among those of one model. */
function keysOf(): (value: Value) => string {
  const numbers = new Map<Call, number>();
  return (value) => {
    if ('input' in value) return `input ${value.input}`;
    if (!numbers.has(value.call)) numbers.set(value.call, numbers.size);
    return `${numbers.get(value.call)}:${value.output}`;
  };
}

function boundaryOf(
  trained: readonly Call[],
  outputs: readonly Value[],
  frozen: ReadonlySet<Call>,
  inputShape: readonly (number | null)[],
): Border[] {
  const keyOf = keysOf();
  const read = [...trained.flatMap(({ inputs }) => inputs), ...outputs];
  const border = new Map<string, Border>();
  for (const value of read) {
    if (!('input' in value) && !frozen.has(value.call)) continue;
    const key = keyOf(value);
    const shape = 'input' in value ? inputShape : value.call.shapes[value.output]!;
    if (!border.has(key)) border.set(key, { value, shape });
  }
  return [...border.values()];
}

/** The frozen calls once more, on an input of their own. */
function prefixOf(
  model: tf.LayersModel,
  frozen: readonly Call[],
  boundary: readonly Border[],
  inputSize: readonly [height: number, width: number],
): { model: tf.LayersModel; release(): void } {
  const traces = new Traces(frozen.map(({ layer }) => layer));
  const [original] = model.inputs as [tf.SymbolicTensor];
  const input = tf.input({
    batchShape: [null, ...inputSize, 3],
    dtype: original.dtype,
    name: 'frozen_input',
  });
  const results = new Map<Call, tf.SymbolicTensor[]>();
  const valueOf = (value: Value) => ('input' in value ? input : results.get(value.call)![value.output]!);
  try {
    for (const call of frozen) {
      const inputs = call.inputs.map(valueOf);
      const output = call.layer.apply(inputs.length === 1 ? inputs[0]! : inputs, { ...call.arguments });
      results.set(call, [output].flat() as tf.SymbolicTensor[]);
    }
    const outputs = boundary.map(({ value }) => valueOf(value));
    return {
      model: tf.model({ name: 'frozen', inputs: input, outputs }),
      release: () => traces.remove(),
    };
  } catch (error) {
    traces.remove();
    throw error;
  }
}

interface Traced {
  inboundNodes: unknown[];
  outboundNodes: unknown[];
  _refCount: number;
}

/** What calling layers once more leaves at them, to be taken away again: later calls keep theirs. */
class Traces {
  readonly #before: ReadonlyMap<Traced, { inbound: ReadonlySet<unknown>; outbound: ReadonlySet<unknown> }>;
  #removed = false;

  constructor(layers: readonly Layer[]) {
    const traced = [...new Set(layers)] as unknown as Traced[];
    this.#before = new Map(
      traced.map((layer) => [
        layer,
        { inbound: new Set(layer.inboundNodes), outbound: new Set(layer.outboundNodes) },
      ]),
    );
  }

  remove(): void {
    if (this.#removed) return;
    this.#removed = true;
    for (const [layer, { inbound, outbound }] of this.#before) {
      layer._refCount -= layer.inboundNodes.length - inbound.size;
      layer.inboundNodes = layer.inboundNodes.filter((node) => inbound.has(node));
      layer.outboundNodes = layer.outboundNodes.filter((node) => outbound.has(node));
    }
  }
}

function runCalls(
  calls: readonly Call[],
  output: Value,
  boundary: readonly Border[],
  tensors: readonly tf.Tensor[],
  training: boolean,
): tf.Tensor {
  const results = new Map<Call, tf.Tensor[]>();
  const given = new Map<Value | Call, tf.Tensor[]>();
  boundary.forEach(({ value }, index) => {
    if ('input' in value) given.set(value, [tensors[index]!]);
    else
      (given.get(value.call) ?? given.set(value.call, []).get(value.call)!)[value.output] = tensors[index]!;
  });
  const inputTensor = tensors[boundary.findIndex(({ value }) => 'input' in value)];
  const valueOf = (value: Value): tf.Tensor => {
    if ('input' in value) return inputTensor!;
    return (results.get(value.call) ?? given.get(value.call))![value.output]!;
  };
  for (const call of calls) {
    const inputs = call.inputs.map(valueOf);
    const result = call.layer.apply(inputs.length === 1 ? inputs[0]! : inputs, {
      ...call.arguments,
      training: training && call.layer.trainable,
    });
    results.set(call, [result].flat() as tf.Tensor[]);
  }
  return valueOf(output);
}

function penaltyOf(layers: readonly Layer[]): tf.Scalar {
  return tf.tidy(() => {
    const losses = layers.filter(({ trainable }) => trainable).flatMap((layer) => layer.calculateLosses());
    return losses.reduce<tf.Scalar>((sum, loss) => tf.add(sum, loss), tf.scalar(0));
  });
}
