import type { Layer, Shape } from './model-steps.ts';

/**
 * Multiply-adds of one call of a layer for one input (batch 1): convolutions and dense layers, without biases.
 * Layers that only add, scale, pool or move values count as 0. `null` where the count is not known: a variable
 * input size, a recurrent layer, an own layer with weights.
 */
export function multiplyAdds(
  layer: Layer,
  input: Shape | undefined,
  output: Shape | undefined,
): number | null {
  const wrapped = wrappedLayer(layer);
  const kernels = layer.weights.map((weight) => weight.shape).filter((shape) => shape.length >= 2);
  const [kernel, second] = kernels;
  const className = wrapped?.getClassName() ?? layer.getClassName();
  if (wrapped !== undefined && layer.getClassName() !== 'TimeDistributed') return null;

  switch (className) {
    case 'Conv1D':
    case 'Conv2D':
    case 'Conv3D':
    case 'GroupedConv2D':
    case 'Dense':
      // The kernel's last axis is that of the output's channels.
      return times(valuesPerInput(output), product(kernel?.slice(0, -1)));
    case 'DepthwiseConv2D':
      return times(valuesPerInput(output), product(kernel?.slice(0, 2)));
    case 'Conv2DTranspose':
    case 'Conv3DTranspose':
      // Each input value is spread over a window: the kernel's last axis is that of the input's channels.
      return times(valuesPerInput(input), product(kernel?.slice(0, -1)));
    case 'SeparableConv2D': {
      const filters = second?.at(-1) ?? null;
      const pointwise = times(valuesPerInput(output), product(second?.slice(0, -1)));
      const positions = times(valuesPerInput(output), filters === null ? null : 1 / filters);
      const depthwise = times(positions, product(kernel));
      return pointwise === null || depthwise === null ? null : Math.round(pointwise + depthwise);
    }
    case 'BatchNormalization':
    case 'LayerNormalization':
    case 'LayerScale':
    case 'Normalization':
    case 'PReLU':
    case 'Embedding':
      return 0;
    default:
      return layer.weights.length === 0 ? 0 : null;
  }
}

/** The layer inside a TimeDistributed or Bidirectional. */
export function wrappedLayer(layer: Layer): Layer | undefined {
  return (layer as Layer & { layer?: Layer }).layer;
}

/** Values of one batch entry: the first axis is the batch. */
function valuesPerInput(shape: Shape | undefined): number | null {
  return product(shape?.slice(1));
}

function product(sizes: Shape | undefined): number | null {
  if (sizes === undefined) return null;
  return sizes.reduce<number | null>((soFar, size) => times(soFar, size), 1);
}

function times(a: number | null, b: number | null): number | null {
  return a === null || b === null ? null : a * b;
}
