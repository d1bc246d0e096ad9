import type * as tf from '@tensorflow/tfjs';
import { closest, distance } from 'fastest-levenshtein';
import { ModelError } from '../base/errors.ts';

/** @throws ModelError where the model has no layer of that name; it tells the nested model that has it, or the nearest name */
export function requireLayer(
  model: tf.LayersModel,
  name: string,
  { code, option }: { readonly code: 'MODEL_OPTION' | 'MODEL_INPUT'; readonly option: string },
): void {
  const names = model.layers.map((layer) => layer.name);
  if (names.includes(name)) return;
  const outer = model.layers.find((layer) => holds(layer, name));
  const nearest = closest(String(name), names);
  const near = distance(String(name), nearest) <= Math.max(2, nearest.length / 4);
  const remark = outer === undefined && near ? ` Did you mean "${nearest}"?` : '';
  throw new ModelError(code, `The model "${model.name}" has no layer "${name}".${remark}`, {
    given: `${option}: ${JSON.stringify(name)}`,
    expected:
      outer === undefined
        ? `one of its ${names.length} layers: ${shortened(names).join(', ')}`
        : 'a layer of the model itself, not one inside a nested model',
    nextStep:
      outer === undefined
        ? '`dovecote summary` shows the layers'
        : `take the nested model "${outer.name}", which gives out what its last layer does`,
  });
}

/** Whether a nested model has a layer of that name, alone or as `nested/name`. */
function holds(layer: tf.layers.Layer, name: string): boolean {
  const inner = (layer as Partial<tf.LayersModel>).layers ?? [];
  return inner.some((each) => [each.name, `${layer.name}/${each.name}`].includes(name) || holds(each, name));
}

function shortened(names: readonly string[]): readonly string[] {
  return names.length <= 8 ? names : [...names.slice(0, 4), '...', ...names.slice(-4)];
}
