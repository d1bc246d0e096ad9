import type { NamedTensor } from '../../src/base/types.ts';
import type { LayerDraft } from './translation.ts';

/** TF-Slim and TensorFlow Hub count a class "background" before the 1000 of ImageNet. */
const CLASSES_WITH_BACKGROUND = 1001;

/** All but the first along the last axis. */
function withoutFirst({ data, shape, ...rest }: NamedTensor): NamedTensor {
  const width = shape.at(-1)!;
  const rows = data.length / width;
  const out = new Float32Array(rows * (width - 1));
  for (let row = 0; row < rows; row++) {
    out.set(data.subarray(row * width + 1, (row + 1) * width), row * (width - 1));
  }
  return { ...rest, data: out, shape: [...shape.slice(0, -1), width - 1] };
}

/** The layer that classifies and what follows it without weights; nothing where another layer reads one of them. */
function headOf(layers: readonly LayerDraft[], output: LayerDraft): LayerDraft[] | undefined {
  const chain: LayerDraft[] = [];
  for (let layer = output; layer.shape.at(-1) === CLASSES_WITH_BACKGROUND; layer = layer.inputs[0]!) {
    const readers = layers.filter(({ inputs }) => inputs.includes(layer)).length;
    if (readers > (layer === output ? 0 : 1)) return undefined;
    chain.push(layer);
    if (layer.className === 'Dense' || layer.className === 'Conv2D') return chain;
    const softmax = layer.className === 'Activation' && layer.config.activation === 'softmax';
    if (!softmax && layer.className !== 'Reshape' && layer.className !== 'Flatten') return undefined;
  }
  return undefined;
}

/**
 * Takes the class "background" out of a classifier of 1001 classes, so that the others are ImageNet's 1000. A softmax
 * is then over those 1000.
 *
 * @returns whether there was such a class.
 */
export function dropBackground(layers: readonly LayerDraft[], output: LayerDraft): boolean {
  const head = headOf(layers, output);
  if (head === undefined) return false;
  const classes = CLASSES_WITH_BACKGROUND - 1;
  for (const layer of head) {
    layer.shape = [...layer.shape.slice(0, -1), classes];
    layer.weights = layer.weights.map(({ role, tensor }) => ({ role, tensor: withoutFirst(tensor) }));
    if (layer.className === 'Dense') layer.config = { ...layer.config, units: classes };
    if (layer.className === 'Conv2D') layer.config = { ...layer.config, filters: classes };
    if (layer.className === 'Reshape') {
      layer.config = { ...layer.config, target_shape: layer.shape.slice(1) };
    }
  }
  return true;
}
