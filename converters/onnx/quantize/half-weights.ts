import { FLOAT16_MAX, toFloat16Bits } from '../../tfjs/float16.ts';
import type { OnnxGraphParts, OnnxNode, OnnxTensor } from '../protobuf.ts';
import { floatsOf } from './graph-index.ts';

/** Constants that are smaller are shapes of layers rather than weights. */
const LEAST = 16;

/** The graph with its weights as float16, which are float32 again before they are used. */
export function halfWeights(graph: OnnxGraphParts): OnnxGraphParts {
  const casts: OnnxNode[] = [];
  const initializers = graph.initializers.map((tensor): OnnxTensor => {
    if (tensor.type !== 'float32' || tensor.dims.reduce((product, size) => product * size, 1) < LEAST)
      return tensor;
    const name = `${tensor.name}:float16`;
    casts.push({
      opType: 'Cast',
      name: `${tensor.name}:restored`,
      inputs: [name],
      outputs: [tensor.name],
      attributes: { to: { i: 1 } },
    });
    return { ...tensor, name, type: 'float16', pieces: () => [Uint16Array.from(floatsOf(tensor), toHalf)] };
  });
  return { ...graph, nodes: [...casts, ...graph.nodes], initializers };
}

/** The nearest float16; what is too large becomes the largest that is finite. */
function toHalf(value: number): number {
  return toFloat16Bits(Math.min(FLOAT16_MAX, Math.max(-FLOAT16_MAX, value)));
}
