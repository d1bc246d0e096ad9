import * as tf from '@tensorflow/tfjs';
import type { Call, Value } from '../training/graph-calls.ts';

/** What a model computes behind one of its layers. */
export interface Remainder {
  readonly calls: readonly Call[];
  /** What the calls read of all that is not behind the layer; the first one is the layer's output. */
  readonly given: readonly Value[];
  readonly output: Value;
  /** The call that ends in softmax or sigmoid, from which on nothing but shapes change. */
  readonly final: FinalActivation | undefined;
}

/** An activation that is all that a layer does, or that a layer with weights ends in. */
interface FinalActivation {
  readonly call: Call;
  readonly isWhole: boolean;
}

/** Layers between the last activation and the output that change nothing but the shape. */
const PASSING = new Set(['Dropout', 'Flatten', 'Permute', 'Reshape']);
const ENDING = new Set(['softmax', 'sigmoid']);

/** @param calls All calls of the model, in order. */
export function remainderBehind(layer: Call, calls: readonly Call[], output: Value): Remainder {
  const behind = new Set<Call>();
  for (const call of calls) {
    const reads = (value: Value) => 'call' in value && (value.call === layer || behind.has(value.call));
    if (call.inputs.some(reads)) behind.add(call);
  }
  const given = new ValueMap<Value>();
  given.set({ call: layer, output: 0 }, { call: layer, output: 0 });
  for (const value of [...[...behind].flatMap(({ inputs }) => inputs), output]) {
    if (!('call' in value && behind.has(value.call))) given.set(value, value);
  }
  return { calls: [...behind], given: given.items(), output, final: finalActivation(output, behind) };
}

function finalActivation(output: Value, behind: ReadonlySet<Call>): FinalActivation | undefined {
  let value = output;
  while ('call' in value && behind.has(value.call)) {
    const { call } = value;
    const className = call.layer.getClassName();
    const { activation } = call.layer.getConfig();
    if (/^(Keras)?Softmax$/.test(className)) return { call, isWhole: true };
    if (typeof activation === 'string' && ENDING.has(activation)) {
      return { call, isWhole: className === 'Activation' };
    }
    if (!PASSING.has(className)) return undefined;
    value = call.inputs[0]!;
  }
  return undefined;
}

/**
 * Runs it as in inference; gradients pass through. With `logits` the final softmax or sigmoid is left out.
 *
 * @param tensors One for each of `given`.
 */
export function runRemainder(
  { calls, given, output, final }: Remainder,
  tensors: readonly tf.Tensor[],
  { logits }: { readonly logits: boolean },
): tf.Tensor {
  const values = new ValueMap<tf.Tensor>();
  given.forEach((value, index) => values.set(value, tensors[index]!));
  for (const call of calls) {
    const inputs = call.inputs.map((value) => values.get(value)!);
    const leftOut = logits && call === final?.call;
    if (leftOut && final.isWhole) {
      values.set({ call, output: 0 }, inputs[0]!);
      continue;
    }
    const run = () =>
      call.layer.apply(inputs.length === 1 ? inputs[0]! : inputs, { ...call.arguments, training: false });
    const results = [leftOut ? withoutActivation(call.layer, run) : run()].flat() as tf.Tensor[];
    results.forEach((result, index) => values.set({ call, output: index }, result));
  }
  return values.get(output)!;
}

/** Softmax cannot be undone: the layer is run with another activation, which nobody else sees, as nothing is awaited. */
function withoutActivation<Result>(layer: tf.layers.Layer, run: () => Result): Result {
  const owner = layer as unknown as { activation: unknown };
  const { activation } = owner;
  const linear = tf.layers.activation({ name: 'logits', activation: 'linear' });
  owner.activation = (linear as unknown as { activation: unknown }).activation;
  try {
    return run();
  } finally {
    owner.activation = activation;
  }
}

/** Items by the values of a model. */
class ValueMap<Item> {
  readonly #items = new Map<Call | 'input', Item[]>();

  get(value: Value): Item | undefined {
    const [owner, index] = placeOf(value);
    return this.#items.get(owner)?.[index];
  }

  set(value: Value, item: Item): void {
    const [owner, index] = placeOf(value);
    const items = this.#items.get(owner) ?? [];
    items[index] = item;
    this.#items.set(owner, items);
  }

  /** In the order in which their calls came first. */
  items(): Item[] {
    return [...this.#items.values()].flatMap((items) => items.filter((item) => item !== undefined));
  }
}

function placeOf(value: Value): [owner: Call | 'input', index: number] {
  return 'call' in value ? [value.call, value.output] : ['input', value.input];
}
