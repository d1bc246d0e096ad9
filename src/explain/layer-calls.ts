import type * as tf from '@tensorflow/tfjs';
import { closest, distance } from 'fastest-levenshtein';
import { ModelError } from '../base/errors.ts';
import type { Call, Value } from '../training/graph-calls.ts';
import { callsOf } from '../training/graph-calls.ts';

/** One call of a layer, by a name that no other call of the model has. */
export interface LayerCall {
  /** The layer's name; from its second call on (shared layers, nested models) with `:2`, `:3` and so on behind it. */
  readonly name: string;
  readonly call: Call;
}

export interface OpenedModel {
  /** In the order in which they run, nested models opened. Input layers are not among them. */
  readonly calls: readonly Call[];
  /** The same with their names. */
  readonly named: readonly LayerCall[];
  readonly outputs: readonly Value[];
}

/** The calls that a model makes. */
export function openModel(model: tf.LayersModel): OpenedModel {
  const { calls, outputs } = callsOf(model);
  const counts = new Map<string, number>();
  const named = calls.map((call) => {
    const { name } = call.layer;
    const count = (counts.get(name) ?? 0) + 1;
    counts.set(name, count);
    return { name: count === 1 ? name : `${name}:${count}`, call };
  });
  return { calls, named, outputs };
}

/** @throws ModelError `MODEL_OPTION` with the nearest name */
export function callNamed(
  calls: readonly LayerCall[],
  name: string,
  { model, option }: { readonly model: tf.LayersModel; readonly option: string },
): LayerCall {
  const found = calls.find((each) => each.name === name);
  if (found !== undefined) return found;
  const names = calls.map((each) => each.name);
  const nearest = closest(String(name), names);
  const near = distance(String(name), nearest) <= Math.max(2, nearest.length / 4);
  throw new ModelError(
    'MODEL_OPTION',
    `The model "${model.name}" has no layer "${name}".${near ? ` Did you mean "${nearest}"?` : ''}`,
    {
      given: `${option}: ${JSON.stringify(name)}`,
      expected: `one of its ${names.length} layers, for example ${names.slice(-4).join(', ')}`,
      nextStep: '`dovecote summary` shows the layers',
    },
  );
}

/** Whether a call gives out one feature map `[batch, rows, columns, channels]` that is more than one place. */
export function isFeatureMap({ shapes }: Call): boolean {
  const [shape] = shapes;
  if (shapes.length !== 1 || shape?.length !== 4) return false;
  return shape[1] !== 1 || shape[2] !== 1;
}

/**
 * The last feature map of each stage, a stage being the calls whose maps are of one size and of which one at least is a
 * convolution; the largest maps come first.
 */
export function stagesOf(calls: readonly LayerCall[]): LayerCall[] {
  const stages = new Map<string, { last: LayerCall; convolves: boolean }>();
  for (const each of calls) {
    if (!isFeatureMap(each.call)) continue;
    const className = each.call.layer.getClassName();
    // Padding makes a size of its own that nothing is computed at.
    if (/Padding/.test(className)) continue;
    const size = each.call.shapes[0]!.slice(1, 3).join('x');
    const convolves = /Conv/.test(className) || (stages.get(size)?.convolves ?? false);
    stages.set(size, { last: each, convolves });
  }
  return [...stages.values()].filter(({ convolves }) => convolves).map(({ last }) => last);
}
