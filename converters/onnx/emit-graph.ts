import type { NamedTensor } from '../../src/base/types.ts';
import { FormatError } from '../../src/base/errors.ts';
import type { GraphLayer, ModelGraph, TensorRef } from '../graph.ts';
import { isLinear } from './activations.ts';
import type { AxisAffine } from './affine.ts';
import { compose, sameChannels } from './affine.ts';
import type { Call } from './call-order.ts';
import { callKey, callOrder, readersOf } from './call-order.ts';
import { isChannelsFirst, numberOf, sidesOf } from './config.ts';
import type { Affine, AffineSource, Dialect, LayerCall, LayerEmitter, Padding2D } from './emitter.ts';
import { unsupportedLayer } from './emitter.ts';
import type { GraphBuilder } from './graph-builder.ts';
import { emitterOf } from './registry.ts';
import type { Shape, Value } from './value.ts';

export interface EmitOptions {
  readonly builder: GraphBuilder;
  readonly weights: ReadonlyMap<string, readonly NamedTensor[]>;
  readonly dialect: Dialect;
  readonly fold: boolean;
}

/** Names of the models around a layer and its own; see `weightKey`. */
const PATH_SEPARATOR = ' > ';

/** The key of a layer's weights: its name, behind the names of the models that it is nested in. */
export function weightKey(path: readonly string[]): string {
  return path.join(PATH_SEPARATOR);
}

/** Writes what `outputs` need and returns their values. `inputs` belong to `graph.inputs`, in order. */
export function emitGraph(
  graph: ModelGraph,
  outputs: readonly TensorRef[],
  inputs: readonly Value[],
  path: readonly string[],
  options: EmitOptions,
): Value[] {
  const order = callOrder(graph, outputs);
  const readers = readersOf(order, outputs);
  const values = new Map<string, readonly Value[]>();
  /** Calls that were folded into the one before them. */
  const done = new Set<string>();
  const inputsFolded = new Set<string>();
  /** Affine maps that the next call, their only reader, does together with its own. */
  const pending = new Map<string, AxisAffine>();
  const paddings = new Map<string, Padding2D>();
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
  const affineOf = (call: Call, shape: Shape): AxisAffine | undefined =>
    emitterOf(call.layer.className)?.affine?.(sourceOf(call.layer), shape);

  /**
   * What follows a linear convolution or dense layer, each read by the next alone, and scales its channels; those
   * calls are marked as done.
   */
  const foldFollowers = (call: Call, emitter: LayerEmitter): Affine | undefined => {
    const { layer } = call;
    const { config } = layer;
    if (!options.fold || emitter.foldsAffine !== true || !isLinear(config.activation)) return undefined;
    const input = read(call.inbound[0] as TensorRef).shape;
    const rank = layer.className === 'Dense' ? input.length : 4;
    const axis = isChannelsFirst(config) ? 1 : rank - 1;
    const channels = outputChannels(layer, input[axis] ?? null);
    if (channels === null) return undefined;
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

  /** The convolution without padding of its own that alone reads a ZeroPadding2D. */
  const absorbsPadding = (call: Call): boolean => {
    const reader = onlyReader(call);
    if (!options.fold || call.layer.className !== 'ZeroPadding2D' || reader === undefined) return false;
    return (
      emitterOf(reader.layer.className)?.foldsPadding === true &&
      (reader.layer.config.padding ?? 'valid') === 'valid' &&
      isChannelsFirst(reader.layer.config) === isChannelsFirst(call.layer.config)
    );
  };

  const emitCall = (call: Call): readonly Value[] => {
    const { layer, inbound, key } = call;
    const callInputs = inbound.map(read);
    if (done.has(key)) return callInputs;
    const name = weightKey([...path, layer.name]);
    options.builder.scope = call.node === 0 ? name : `${name}#${call.node}`;
    const callArguments = layer.callArguments?.[call.node];
    if (callArguments !== undefined && Object.keys(callArguments).length > 0) {
      throw unsupportedLayer(layer, `it is called with ${Object.keys(callArguments).join(', ')}`);
    }
    if (layer.nested !== undefined) {
      const { nested } = layer;
      return emitGraph(nested, nested.outputs, callInputs, [...path, layer.name], options);
    }
    const emitter = emitterOf(layer.className);
    if (emitter === undefined) throw unsupportedLayer(layer);

    let layerCall: LayerCall = {
      builder: options.builder,
      layer,
      config: layer.config,
      inputs: callInputs,
      weights: layerWeights(layer),
      dialect: options.dialect,
      weightKey: name,
      padding:
        inbound[0] === undefined ? undefined : paddings.get(callKey(inbound[0].layer, inbound[0].node)),
    };
    if (absorbsPadding(call)) {
      paddings.set(key, sidesOf(layerCall, 'padding'));
      return callInputs;
    }
    const [input] = callInputs;
    const own = options.fold && input !== undefined ? affineOf(call, input.shape) : undefined;
    if (own !== undefined && input !== undefined) {
      const ref = inbound[0] as TensorRef;
      const before = pending.get(callKey(ref.layer, ref.node));
      const chain = before === undefined ? own : compose(before, own);
      const reader = onlyReader(call);
      if (reader !== undefined && sameChannels(own, affineOf(reader, input.shape))) {
        pending.set(key, chain);
        return callInputs;
      }
      if (before !== undefined) layerCall = { ...layerCall, chain };
    }
    const affine = foldFollowers(call, emitter);
    if (affine !== undefined) layerCall = { ...layerCall, affine };
    if (inputsFolded.has(key)) layerCall = { ...layerCall, inputFolded: true };
    return [emitter.emit(layerCall)];
  };

  for (const call of order) if (!values.has(call.key)) values.set(call.key, emitCall(call));
  return outputs.map(read);
}

/** How many channels a convolution or dense layer gives out; `null` when its config does not tell. */
function outputChannels({ className, config }: GraphLayer, inputChannels: number | null): number | null {
  if (className === 'DepthwiseConv2D') {
    return inputChannels === null ? null : inputChannels * numberOf(config, 'depth_multiplier', 1);
  }
  const channels = config.units ?? config.filters;
  return typeof channels === 'number' ? channels : null;
}
