import { flagOf, paddingOf, pairOf } from '../config.ts';
import type { LayerCall, LayerEmitter } from '../emitter.ts';
import { inputOf } from '../emitter.ts';
import { featureMapOf, featureMapValue, slide } from '../spatial.ts';
import type { Value } from '../value.ts';
import { plainValue } from '../value.ts';

function pool2d(opType: 'MaxPool' | 'AveragePool'): (call: LayerCall) => Value {
  return (call) => {
    const map = featureMapOf(call, inputOf(call));
    const kernel = pairOf(call, 'pool_size', [2, 2]);
    const strides = pairOf(call, 'strides', kernel);
    const padding = paddingOf(call);
    const { attributes, rows, columns } = slide(map, { kernel, strides, dilations: [1, 1], padding });
    const name = call.builder.node(opType, [map.name], {
      kernel_shape: { ints: kernel },
      strides: { ints: strides },
      ...attributes,
    });
    return featureMapValue(call, { ...map, name, rows, columns });
  };
}

function globalPool2d(opType: 'GlobalAveragePool' | 'GlobalMaxPool'): (call: LayerCall) => Value {
  return (call) => {
    const map = featureMapOf(call, inputOf(call));
    const pooled = call.builder.node(opType, [map.name]);
    if (call.layer.className.endsWith('KeepDims') || flagOf(call.config, 'keepdims', false)) {
      return featureMapValue(call, { ...map, name: pooled, rows: 1, columns: 1 });
    }
    const vector = call.builder.node('Flatten', [pooled], { axis: { i: 1 } });
    return { ...plainValue(vector, [map.batch, map.channels]), pooledMap: pooled };
  };
}

export const poolingEmitters: Readonly<Record<string, LayerEmitter>> = {
  MaxPooling2D: { emit: pool2d('MaxPool') },
  AveragePooling2D: { emit: pool2d('AveragePool') },
  GlobalAveragePooling2D: { emit: globalPool2d('GlobalAveragePool') },
  GlobalAveragePooling2DKeepDims: { emit: globalPool2d('GlobalAveragePool') },
  GlobalMaxPooling2DKeepDims: { emit: globalPool2d('GlobalMaxPool') },
  GlobalMaxPooling2D: { emit: globalPool2d('GlobalMaxPool') },
};
