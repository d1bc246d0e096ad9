import { flagOf, isChannelsFirst, paddingOf, tupleOf } from '../config.ts';
import type { LayerCall, LayerEmitter } from '../emitter.ts';
import { inputOf } from '../emitter.ts';
import { featureMapOf, featureMapValue, slide, spatialAxes } from '../spatial.ts';
import type { Value } from '../value.ts';
import { plainValue } from '../value.ts';

function pool(opType: 'MaxPool' | 'AveragePool'): LayerEmitter {
  const emit = (call: LayerCall): Value => {
    const map = featureMapOf(call, inputOf(call));
    const axes = spatialAxes(call);
    const kernel = tupleOf(call, 'pool_size', axes, 2);
    const strides = tupleOf(call, 'strides', axes, kernel);
    const padding = paddingOf(call);
    const dilations = kernel.map(() => 1);
    const { attributes, sizes } = slide(map, { kernel, strides, dilations, padding });
    const name = call.builder.node(opType, [map.name], {
      kernel_shape: { ints: kernel },
      strides: { ints: strides },
      ...attributes,
    });
    return featureMapValue(call, { ...map, name, sizes });
  };
  return { emit };
}

function globalPool(opType: 'GlobalAveragePool' | 'GlobalMaxPool'): LayerEmitter {
  const emit = (call: LayerCall): Value => {
    const map = featureMapOf(call, inputOf(call));
    const pooled = call.builder.node(opType, [map.name]);
    if (call.layer.className.endsWith('KeepDims') || flagOf(call.config, 'keepdims', false)) {
      return featureMapValue(call, { ...map, name: pooled, sizes: map.sizes.map(() => 1) });
    }
    const vector = call.builder.node('Flatten', [pooled], { axis: { i: 1 } });
    const value = plainValue(vector, [map.batch, map.channels]);
    return map.sizes.length === 2 ? { ...value, pooledMap: pooled } : value;
  };
  return { emit };
}

/** The mean over the steps that the mask lets through. */
function maskedAverage(call: LayerCall, mask: Value): Value {
  const { builder, config } = call;
  const input = inputOf(call);
  const steps = isChannelsFirst(config) ? 2 : 1;
  const counted = builder.node('Unsqueeze', [
    builder.plain(builder.castValue(mask, 'float32')),
    builder.integers([3 - steps]),
  ]);
  const keepdims = call.layer.className.endsWith('KeepDims') || flagOf(config, 'keepdims', false);
  const sum = (x: string) =>
    builder.node('ReduceSum', [x, builder.integers([steps])], { keepdims: { i: keepdims ? 1 : 0 } });
  const kept = builder.node('Mul', [builder.plain(input), counted]);
  const name = builder.node('Div', [sum(kept), sum(counted)]);
  const shape = keepdims ? input.shape.with(steps, 1) : input.shape.toSpliced(steps, 1);
  return plainValue(name, shape);
}

function globalAverage1d(call: LayerCall): Value | readonly Value[] {
  const { mask } = inputOf(call);
  // tfjs's layer does not look at masks.
  return mask === undefined || call.dialect === 'tfjs' ? globalAverage.emit(call) : maskedAverage(call, mask);
}

const globalAverage = globalPool('GlobalAveragePool');
const globalMax = globalPool('GlobalMaxPool');
const dimensions = ['1D', '2D', '3D'];
const each = (prefix: string, emitter: LayerEmitter, suffix = '') =>
  Object.fromEntries(dimensions.map((axes) => [`${prefix}${axes}${suffix}`, emitter]));

export const poolingEmitters: Readonly<Record<string, LayerEmitter>> = {
  ...each('MaxPooling', pool('MaxPool')),
  ...each('AveragePooling', pool('AveragePool')),
  ...each('GlobalAveragePooling', globalAverage),
  ...each('GlobalAveragePooling', globalAverage, 'KeepDims'),
  GlobalAveragePooling1D: { emit: globalAverage1d },
  GlobalAveragePooling1DKeepDims: { emit: globalAverage1d },
  ...each('GlobalMaxPooling', globalMax),
  ...each('GlobalMaxPooling', globalMax, 'KeepDims'),
};
