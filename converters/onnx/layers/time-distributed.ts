import type { WeightTensor } from '../../../src/base/types.ts';
import type { GraphLayer, ModelGraph } from '../../graph.ts';
import { stringOf } from '../../json.ts';
import { expectedWeights } from '../../keras/layer-weights.ts';
import { parseKerasConfig } from '../../keras/parse-config.ts';
import { withUniqueNames } from '../../keras/unique-names.ts';
import type { LayerCall, LayerEmitter } from '../emitter.ts';
import { inputOf, unsupportedLayer, weightKey, wrappedLayer } from '../emitter.ts';
import { refuseOtherMasks } from '../tfjs-masks.ts';
import type { Shape, Value } from '../value.ts';
import { plainValue, valueType } from '../value.ts';

const MODELS = new Set(['Functional', 'Model', 'Sequential']);

/**
 * The weights of each layer of a model that is wrapped, from the list of all: trainable ones first, as Keras stores them
 * and as `expectedWeights` has them for a nested model.
 */
function weightsOfModel(graph: ModelGraph, weights: readonly WeightTensor[]): Map<string, WeightTensor[]> {
  const whole: GraphLayer = { name: graph.name, className: 'Model', config: {}, inbound: [], nested: graph };
  const names = expectedWeights({ ...graph, layers: [whole] })[0]?.weights.map(({ name }) => name) ?? [];
  const byName = new Map(names.map((name, index) => [name, weights[index]]));
  const found = new Map<string, WeightTensor[]>();
  const walk = (inner: ModelGraph, path: readonly string[]) => {
    const expected = expectedWeights(inner);
    inner.layers.forEach((layer, index) => {
      const here = [...path, layer.name];
      if (layer.nested !== undefined) return walk(layer.nested, here);
      const list = (expected[index]?.weights ?? []).map(({ name }) => byName.get(name));
      found.set(
        weightKey(here),
        list.filter((weight) => weight !== undefined),
      );
    });
  };
  walk(graph, []);
  return found;
}

function runInner(call: LayerCall, input: Value): readonly Value[] {
  const { className, config } = wrappedLayer(call);
  if (MODELS.has(className)) {
    const nested = withUniqueNames(parseKerasConfig({ class_name: className, config }, { ownClasses: true }));
    if (call.dialect === 'tfjs') refuseOtherMasks(nested);
    const layer: GraphLayer = { name: nested.name, className: 'Model', config, inbound: [], nested };
    return call.inner(layer, [input], weightsOfModel(nested, call.weights));
  }
  const name = stringOf(config.name) ?? className;
  return call.inner({ name, className, config, inbound: [] }, [input], call.weights);
}

/** Sizes at run time, for what is not known before: `[-1, ...]` of a value's axes from `from` on. */
function openShape(call: LayerCall, front: readonly string[], of: string, from: number): string {
  const { builder } = call;
  const rest = builder.node('Shape', [of], { start: { i: from } });
  return builder.node('Concat', [...front, rest], { axis: { i: 0 } });
}

const isKnown = (shape: Shape): shape is readonly number[] => shape.every((size) => size !== null);

/** `[batch, steps, ...]` as `[batch * steps, ...]`. */
function folded(call: LayerCall, value: Value): Value {
  const { builder } = call;
  const x = builder.plain(value);
  const rest = value.shape.slice(2);
  const target = isKnown(rest)
    ? builder.integers([-1, ...rest])
    : openShape(call, [builder.integers([-1])], x, 2);
  return plainValue(builder.node('Reshape', [x, target]), [null, ...rest], valueType(value));
}

/** The way back; `of` is what was folded. */
function unfolded(call: LayerCall, value: Value, of: Value): Value {
  const { builder } = call;
  const x = builder.plain(value);
  const rest = value.shape.slice(1);
  const [batch = null, steps = null] = of.shape;
  const target =
    steps !== null && isKnown(rest)
      ? builder.integers([-1, steps, ...rest])
      : openShape(
          call,
          [builder.node('Shape', [builder.plain(of)], { start: { i: 0 }, end: { i: 2 } })],
          x,
          1,
        );
  return plainValue(builder.node('Reshape', [x, target]), [batch, steps, ...rest], valueType(value));
}

/** A step counts if any of it does. */
function stepMask(call: LayerCall, mask: Value): Value {
  if (mask.shape.length === 2) return mask;
  const { builder } = call;
  const axes = mask.shape.slice(2).map((_, index) => index + 2);
  const counts = builder.cast(builder.plain(mask), 'float32');
  const highest = builder.node('ReduceMax', [counts], { axes: { ints: axes }, keepdims: { i: 0 } });
  const name = builder.node('Greater', [highest, builder.scalar(0.5)]);
  return plainValue(name, mask.shape.slice(0, 2), 'bool');
}

/**
 * What the wrapped layer says of its own output's mask. Keras 2 asks for it, Keras 3 does not; of the layers that make
 * masks only Keras 2 writes an Embedding's `input_length`.
 */
function innerMask(call: LayerCall, value: Value, given: boolean): Value | undefined {
  if (value.mask === undefined || given) return value.mask;
  const { className, config } = wrappedLayer(call);
  if (className !== 'Embedding') {
    throw unsupportedLayer(call.layer, `it makes a mask by its ${className}, which Keras 3 ignores`);
  }
  return Object.hasOwn(config, 'input_length') ? value.mask : undefined;
}

/** Every step is an example of its own: time is folded into the batch. */
function timeDistributed(call: LayerCall): readonly Value[] {
  const input = inputOf(call);
  const { mask } = input;
  if (input.shape.length < 2) {
    throw unsupportedLayer(call.layer, `its input has ${input.shape.length} axes`);
  }
  const inside = folded(call, input);
  const outputs = runInner(
    call,
    mask === undefined || mask.shape.length === 2 ? inside : { ...inside, mask: folded(call, mask) },
  );
  return outputs.map((value) => {
    const output = unfolded(call, value, input);
    const inner = innerMask(call, value, mask !== undefined);
    if (inner !== undefined) return { ...output, mask: unfolded(call, inner, input) };
    return mask === undefined ? output : { ...output, mask: stepMask(call, mask) };
  });
}

export const timeDistributedEmitters: Readonly<Record<string, LayerEmitter>> = {
  TimeDistributed: { emit: timeDistributed, takesIntegers: true },
};
