import { countOf, tupleOf } from '../config.ts';
import type { LayerCall, LayerEmitter } from '../emitter.ts';
import { checkedWeight, inputOf } from '../emitter.ts';
import { inputFirst } from '../kernels.ts';
import { featureMapOf, inOnnxOrder, knownChannels, spatialAxes } from '../spatial.ts';
import type { Value } from '../value.ts';
import { biasInput, constantKey, convolved, dilationsOf, windowAttributes, windowOf } from './convolution.ts';

interface Axis {
  readonly size: number | null;
  readonly pads: readonly [number, number];
  readonly outputPadding: number;
}

/**
 * A transposed convolution is the gradient of a padded one; its output has the size that one's input had. `extent` is
 * the kernel's, with its gaps; `padding` is Keras's output_padding, which decides the size where it is given.
 */
function transposeAxis(
  size: number | null,
  extent: number,
  stride: number,
  same: boolean,
  padding: number | undefined,
): Axis {
  // How much longer the output is than (size - 1) * stride.
  let beyond: number;
  if (padding === undefined) beyond = same ? stride : Math.max(extent, stride);
  else beyond = extent + padding - (same ? 2 * Math.floor(extent / 2) : 0);
  const cut = same ? Math.max(extent - beyond, 0) : 0;
  const before = Math.floor(cut / 2);
  return {
    size: size === null ? null : (size - 1) * stride + beyond,
    pads: [before, cut - before],
    outputPadding: beyond - extent + cut,
  };
}

function transposed(call: LayerCall): Value {
  const map = featureMapOf(call, inputOf(call));
  const axes = spatialAxes(call);
  const { output_padding: given } = call.config;
  const padding = given == null ? undefined : tupleOf(call, 'output_padding', axes, undefined, 0);
  const window = windowOf(call, call.dialect === 'tfjs' ? 1 : dilationsOf(call));
  const { kernel, strides, dilations } = window;
  const filters = countOf(call, 'filters');
  const channels = knownChannels(call, map);
  const shape = [...kernel, filters, channels];
  const weight = checkedWeight(call, 0, 'kernel', shape);
  const weights = call.builder.weights(constantKey(call, 'kernel'), [channels, filters, ...kernel], () =>
    inputFirst(weight.numbers(), shape, call.affine),
  );
  const sides = map.sizes.map((size, axis) => {
    const extent = ((kernel[axis] as number) - 1) * (dilations[axis] as number) + 1;
    return transposeAxis(size, extent, strides[axis] as number, window.padding === 'same', padding?.[axis]);
  });
  const inputs = [map.name, weights, ...biasInput(call, 1, filters)];
  const name = call.builder.node('ConvTranspose', inputs, {
    ...windowAttributes(window, 1),
    pads: { ints: inOnnxOrder(sides.map(({ pads }) => pads)) },
    output_padding: { ints: sides.map(({ outputPadding }) => outputPadding) },
  });
  return convolved(call, name, filters, { ...map, sizes: sides.map(({ size }) => size) });
}

const emitter: LayerEmitter = { emit: transposed, foldsAffine: true };

export const transposedConvolutionEmitters: Readonly<Record<string, LayerEmitter>> = {
  Conv1DTranspose: emitter,
  Conv2DTranspose: emitter,
  Conv3DTranspose: emitter,
};
