import type { JsonObject } from '../../../src/base/types.ts';
import { numberAttribute } from '../attributes.ts';
import type { GraphNode } from '../graph-def.ts';
import type { Translation, Value } from '../translation.ts';

const layerOf =
  (className: string, configOf: (node: GraphNode) => JsonObject) =>
  (node: GraphNode, t: Translation): Value => {
    const input = t.layer(node, 0);
    const draft = { name: node.name, className, config: configOf(node), inputs: [input] };
    return { kind: 'layer', layer: t.add({ ...draft, shape: [...input.shape] }) };
  };

const activation = (name: string) => layerOf('Activation', () => ({ activation: name }));

export const activationOperations = {
  Relu: layerOf('ReLU', () => ({ max_value: null })),
  Relu6: layerOf('ReLU', () => ({ max_value: 6 })),
  LeakyRelu: layerOf('LeakyReLU', (node) => ({ alpha: numberAttribute(node, 'alpha', 0.2) })),
  Elu: activation('elu'),
  Selu: activation('selu'),
  Sigmoid: activation('sigmoid'),
  Tanh: activation('tanh'),
  Softplus: activation('softplus'),
  Softmax: activation('softmax'),
} as const;
