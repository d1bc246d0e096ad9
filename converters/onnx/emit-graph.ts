import type { JsonObject, WeightTensor } from '../../src/base/types.ts';
import type { EngineError } from '../../src/base/errors.ts';
import { FormatError } from '../../src/base/errors.ts';
import type { GraphLayer, ModelGraph, TensorRef } from '../graph.ts';
import { kerasClass, ownClass } from '../keras/own-layers.ts';
import { isLinear } from './activations.ts';
import type { AxisAffine } from './affine.ts';
import { compose, sameChannels } from './affine.ts';
import type { Call } from './call-order.ts';
import { callKey, callOrder, readersOf } from './call-order.ts';
import { isChannelsFirst, numberOf, sidesOf } from './config.ts';
import type { Affine, AffineSource, Dialect, LayerCall, LayerEmitter, Padding } from './emitter.ts';
import { unsupportedLayer, weightKey } from './emitter.ts';
import type { GraphBuilder } from './graph-builder.ts';
import type { FoldedPixels, PixelInput } from './pixel-input.ts';
import { orderedPixels, pixelAffine, remainingShift } from './pixel-input.ts';
import { emitterOf } from './registry.ts';
import { scaledChannels } from './scaled-channels.ts';
import { behindFolded, maskAfter } from './layers/masks.ts';
import type { Shape, Value } from './value.ts';

export interface EmitOptions {
  readonly builder: GraphBuilder;
  readonly weights: ReadonlyMap<string, readonly WeightTensor[]>;
  readonly dialect: Dialect;
  readonly fold: boolean;
}

/**
 * Writes what `outputs` need and returns their values. `inputs` belong to `graph.inputs`, in order. With `pixels` the
 * first of them holds pixels that are still to be prepared.
 */
export function emitGraph(
  graph: ModelGraph,
  outputs: readonly TensorRef[],
  inputs: readonly Value[],
  path: readonly string[],
  options: EmitOptions,
  pixels?: PixelInput,
): Value[] {
  const order = callOrder(graph, outputs);
  const readers = readersOf(order, outputs);
  const values = new Map<string, readonly Value[]>();
  /** Calls that were folded into the one before them. */
  const done = new Set<string>();
  const inputsFolded = new Set<string>();
  /** Affine maps that the next call, their only reader, does together with its own. */
  const pending = new Map<string, AxisAffine>();
  const paddings = new Map<string, Padding>();
  const foldedPixels = new Map<string, FoldedPixels>();
  graph.inputs.forEach((ref, index) => {
    const value = inputs[index];
    if (value !== undefined) values.set(callKey(ref.layer, ref.node), [value]);
  });
  const read = (ref: TensorRef): Value => {
    const value = values.get(callKey(ref.layer, ref.node))?.[ref.tensor];
    if (value !== undefined) return value;
    throw new FormatError('FORMAT_DAMAGED', `The layer "${ref.layer}" has no output ${ref.tensor}.`, {
      given: `output ${ref.tensor} of "${ref.layer}"`,
      expected: 'an output that the layer has',
      nextStep: 'Build or save the model again.',
    });
  };
  const onlyReader = (call: Call): Call | undefined => {
    const list = readers.get(call.key) ?? [];
    return list.length === 1 ? list[0] : undefined;
  };
  const layerWeights = (layer: GraphLayer) => options.weights.get(weightKey([...path, layer.name])) ?? [];

  const sourceOf = (layer: GraphLayer): AffineSource => ({
    layer,
    config: layer.config,
    weights: layerWeights(layer),
  });
  const affineOf = (call: Call, shape: Shape): AxisAffine | undefined => {
    const layer = asKeras(call.layer);
    return emitterOf(layer.className)?.affine?.(sourceOf(layer), shape);
  };

  /**
   * What follows a linear convolution or dense layer, each read by the next alone, and scales its channels; those
   * calls are marked as done.
   */
  const foldFollowers = (call: Call, emitter: LayerEmitter): Affine | undefined => {
    const { layer } = call;
    const { config } = layer;
    if (!options.fold || emitter.foldsAffine !== true || !isLinear(config.activation)) return undefined;
    const [first] = call.inbound;
    // A layer that is given nothing: the emitter says so.
    if (first === undefined) return undefined;
    const input = read(first).shape;
    const rank = input.length;
    const axis = isChannelsFirst(config) ? 1 : rank - 1;
    const channels = outputChannels(layer, input[axis] ?? null);
    // More than any model has: the emitter says what is wrong when it sees the weights.
    if (channels === null || !(channels >= 0 && channels <= 2 ** 24)) return undefined;
    const shape = Array.from({ length: rank }, (_, index) => (index === axis ? channels : null));
    let total: AxisAffine = {
      axis,
      scale: new Float64Array(channels).fill(1),
      shift: new Float64Array(channels),
    };
    let last = call;
    for (;;) {
      const reader = onlyReader(last);
      if (reader === undefined) break;
      const own = affineOf(reader, shape);
      if (own !== undefined) {
        if (!sameChannels(total, own)) break;
        total = compose(total, own);
        done.add(reader.key);
        last = reader;
        continue;
      }
      const index = reader.inbound.findIndex((ref) => callKey(ref.layer, ref.node) === last.key);
      const { layer: reading } = reader;
      const inner = emitterOf(reading.className)?.inputAffine?.(sourceOf(reading), index, shape, axis);
      if (sameChannels(total, inner)) {
        total = compose(total, inner);
        inputsFolded.add(reader.key);
        last = reader;
      }
      break;
    }
    return last === call ? undefined : total;
  };

  /** Whether only a convolution without padding of its own reads a zero padding. */
  const absorbsPadding = (call: Call): boolean => {
    const reader = onlyReader(call);
    if (!options.fold || reader === undefined) return false;
    if (!/^ZeroPadding[123]D$/.test(call.layer.className)) return false;
    return (
      emitterOf(reader.layer.className)?.foldsPadding === true &&
      (reader.layer.config.padding ?? 'valid') === 'valid' &&
      isChannelsFirst(reader.layer.config) === isChannelsFirst(call.layer.config)
    );
  };

  const emitCall = (call: Call): readonly Value[] => {
    const { inbound, key } = call;
    const layer = asKeras(call.layer);
    const callInputs = inbound.map(read);
    const folded = () => callInputs.map((value) => behindFolded(layer, value));
    if (done.has(key)) return folded();
    const name = weightKey([...path, layer.name]);
    options.builder.scope = call.node === 0 ? name : `${name}#${call.node}`;
    const callArguments = layer.callArguments?.[call.node] ?? {};
    const emitter = layer.nested === undefined ? emitterOf(layer.className) : undefined;
    const refused = Object.keys(callArguments).filter(
      (key) => emitter?.callArguments?.includes(key) !== true,
    );
    if (refused.length > 0) throw unsupportedLayer(layer, `it is called with ${refused.join(', ')}`);
    if (layer.nested !== undefined) {
      const { nested } = layer;
      return emitGraph(nested, nested.outputs, callInputs, [...path, layer.name], options);
    }
    if (emitter === undefined) throw unknownLayer(layer);

    let layerCall: LayerCall = {
      ...callOf(call.layer, callInputs, layerWeights(layer), [...path, layer.name], callArguments, options),
      padding:
        inbound[0] === undefined ? undefined : paddings.get(callKey(inbound[0].layer, inbound[0].node)),
    };
    const [input] = callInputs;
    if (input !== undefined && absorbsPadding(call)) {
      paddings.set(key, sidesOf(layerCall, 'padding', input.shape.length - 2));
      return folded();
    }
    const own = options.fold && input !== undefined ? affineOf(call, input.shape) : undefined;
    if (own !== undefined && input !== undefined) {
      const ref = inbound[0] as TensorRef;
      const before = pending.get(callKey(ref.layer, ref.node));
      const chain = before === undefined ? own : compose(before, own);
      const reader = onlyReader(call);
      if (reader !== undefined && sameChannels(own, affineOf(reader, input.shape))) {
        pending.set(key, chain);
        return folded();
      }
      if (before !== undefined) layerCall = { ...layerCall, chain };
    }
    const affine = foldFollowers(call, emitter);
    if (affine !== undefined) layerCall = { ...layerCall, affine };
    if (inputsFolded.has(key)) layerCall = { ...layerCall, inputFolded: true };
    const prepared = foldedPixels.get(key);
    if (prepared !== undefined) layerCall = { ...layerCall, pixels: prepared };
    return emitted(layerCall, emitter);
  };

  /** Pixels are prepared by their only reader where it scales its input anyway, else before anything reads them. */
  const preparePixels = (ref: TensorRef, raw: Value, input: PixelInput): void => {
    const { builder } = options;
    const key = callKey(ref.layer, ref.node);
    const list = options.fold ? (readers.get(key) ?? []) : [];
    const reader = list.length === 1 ? list[0] : undefined;
    const affine = pixelAffine(input);
    if (reader !== undefined && reader.layer.nested === undefined) {
      const emitter = emitterOf(asKeras(reader.layer).className);
      if (emitter?.foldsPixels === true && !isChannelsFirst(reader.layer.config)) {
        const foldsShift = (reader.layer.config.padding ?? 'valid') === 'valid';
        foldedPixels.set(reader.key, { ...input, foldsShift });
        values.set(key, [foldsShift ? raw : scaledChannels(builder, raw, remainingShift(input), 'pixels')]);
        return;
      }
      if (sameChannels(affine, affineOf(reader, raw.shape))) {
        pending.set(key, affine);
        values.set(key, [orderedPixels(builder, raw, input)]);
        return;
      }
    }
    values.set(key, [scaledChannels(builder, orderedPixels(builder, raw, input), affine, 'pixels')]);
  };
  if (pixels !== undefined) preparePixels(graph.inputs[0]!, inputs[0]!, pixels);

  for (const call of order) if (!values.has(call.key)) values.set(call.key, emitCall(call));
  return outputs.map(read);
}

/** A layer of ours that computes what Keras's class does and tfjs's does not (`KerasReLU`), under Keras's name. */
function asKeras(layer: GraphLayer): GraphLayer {
  const className = kerasClass(layer.className);
  if (className === layer.className || emitterOf(layer.className) !== undefined) return layer;
  return { ...layer, className };
}

/** What is the same for a layer of a graph and for one inside of a wrapper. */
function callOf(
  given: GraphLayer,
  inputs: readonly Value[],
  weights: readonly WeightTensor[],
  path: readonly string[],
  callArguments: JsonObject,
  options: EmitOptions,
): LayerCall {
  const { builder } = options;
  const layer = asKeras(given);
  const own = layer !== given || ownClass(given.className, given.config) === given.className;
  const inner: LayerCall['inner'] = (wrapped, innerInputs, innerWeights, innerArguments = {}) => {
    const outer = builder.scope;
    const here = [...path, wrapped.name];
    builder.scope = `${outer} > ${wrapped.name}`;
    try {
      if (wrapped.nested !== undefined) {
        const entries = isMap(innerWeights) ? [...innerWeights] : [];
        const nestedWeights = new Map(entries.map(([key, list]) => [weightKey([...here, key]), list]));
        const { nested } = wrapped;
        return emitGraph(nested, nested.outputs, innerInputs, here, { ...options, weights: nestedWeights });
      }
      const emitter = emitterOf(asKeras(wrapped).className);
      if (emitter === undefined) throw unknownLayer(wrapped);
      const list = isMap(innerWeights) ? [] : innerWeights;
      return emitted(callOf(wrapped, innerInputs, list, here, innerArguments, options), emitter);
    } finally {
      builder.scope = outer;
    }
  };
  const { config } = layer;
  return {
    builder,
    layer,
    config,
    inputs,
    weights,
    dialect: own ? 'keras' : options.dialect,
    weightKey: weightKey(path),
    callArguments,
    inner,
  };
}

/** The normaliser says of an `UnknownOperation` what it is and why it is unknown. */
function unknownLayer(layer: GraphLayer): EngineError {
  const { operation, reason } = layer.config;
  const told = layer.className === 'UnknownOperation' && typeof reason === 'string';
  return unsupportedLayer(layer, told ? `${JSON.stringify(operation ?? null)}: ${reason}` : undefined);
}

function isMap<T>(
  weights: readonly T[] | ReadonlyMap<string, readonly T[]>,
): weights is ReadonlyMap<string, readonly T[]> {
  return !Array.isArray(weights);
}

function emitted(call: LayerCall, emitter: LayerEmitter): readonly Value[] {
  const cast =
    emitter.takesIntegers === true
      ? call
      : { ...call, inputs: call.inputs.map((input) => call.builder.castValue(input, 'float32')) };
  const result = emitter.emit(cast);
  const values = isList(result) ? result : [result];
  return values.map((value, index) => maskAfter(cast, value, index));
}

function isList(result: Value | readonly Value[]): result is readonly Value[] {
  return Array.isArray(result);
}

/** How many channels a convolution or dense layer gives out; `null` when its config does not tell. */
function outputChannels({ className, config }: GraphLayer, inputChannels: number | null): number | null {
  if (className.startsWith('DepthwiseConv')) {
    return inputChannels === null ? null : inputChannels * numberOf(config, 'depth_multiplier', 1);
  }
  const channels = config.units ?? config.filters;
  return typeof channels === 'number' ? channels : null;
}
