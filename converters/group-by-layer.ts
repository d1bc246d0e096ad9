import type { LayerWeights, WeightTensor } from '../src/base/types.ts';

/** Tensors of one layer together, in the order in which the layers appear. */
export function groupByLayer<T extends WeightTensor>(
  tensors: readonly T[],
  layerOf: (name: string) => string,
): LayerWeights<T>[] {
  const layers = new Map<string, T[]>();
  for (const tensor of tensors) {
    const layer = layerOf(tensor.name);
    const list = layers.get(layer);
    if (list === undefined) layers.set(layer, [tensor]);
    else list.push(tensor);
  }
  return [...layers].map(([layer, weights]) => ({ layer, weights }));
}

/** `block1/conv/kernel` -> `block1/conv`; a name without the separator is a layer of its own. */
export function nameBefore(separator: string, name: string): string {
  const cut = name.lastIndexOf(separator);
  return cut > 0 ? name.slice(0, cut) : name;
}
