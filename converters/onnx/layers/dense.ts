import { activate } from '../activations.ts';
import { countOf, flagOf } from '../config.ts';
import type { LayerCall, LayerEmitter } from '../emitter.ts';
import { checkedWeight, inputOf, unsupportedLayer, weightOf } from '../emitter.ts';
import { foldedBias, outputFirst, scaledColumns } from '../kernels.ts';
import type { Value } from '../value.ts';
import { channelsFirstValue, plainValue } from '../value.ts';

function dense(call: LayerCall): Value {
  const { builder, affine } = call;
  const input = inputOf(call);
  const units = countOf(call, 'units');
  const features = input.shape.at(-1);
  if (features == null) throw unsupportedLayer(call.layer, 'the size of its last input axis is not known');
  const kernel = checkedWeight(call, 0, 'kernel', [features, units]);
  const ownBias = flagOf(call.config, 'use_bias', true) ? weightOf(call, 1, 'bias', [units]) : undefined;
  const key = affine === undefined ? call.weightKey : `${builder.scope}:folded`;
  const bias = foldedBias(ownBias, affine);
  const biasInputs = bias === undefined ? [] : [builder.weights(`${key}:bias`, [units], () => bias)];
  const shape = [...input.shape.slice(0, -1), units];

  let value: Value;
  if (input.born === 'channelsFirst') {
    // A 1x1 convolution is the same product without a transpose.
    const window = shape.slice(2).map(() => 1);
    const weights = builder.weights(`${key}:kernel_as_1x1`, [units, features, ...window], () =>
      outputFirst(kernel.numbers(), [features, units], affine),
    );
    const inputs = [builder.channelsFirst(input), weights, ...biasInputs];
    value = channelsFirstValue(builder.node('Conv', inputs), shape);
  } else {
    const scaled = scaledColumns(kernel.tensor, units, affine);
    const weights = builder.weights(`${key}:kernel`, [features, units], scaled);
    const x = builder.plain(input);
    if (shape.length === 2) {
      value = plainValue(builder.node('Gemm', [x, weights, ...biasInputs]), shape);
    } else {
      const product = builder.node('MatMul', [x, weights]);
      const sum = biasInputs.length === 0 ? product : builder.node('Add', [product, ...biasInputs]);
      value = plainValue(sum, shape);
    }
  }
  return activate(call, value, call.config.activation);
}

export const denseEmitters: Readonly<Record<string, LayerEmitter>> = {
  Dense: { emit: dense, foldsAffine: true },
};
