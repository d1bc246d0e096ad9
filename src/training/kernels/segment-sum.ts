import type { Tensor, TensorInfo } from '@tensorflow/tfjs';
import type { Kernel, KernelArguments } from './wasm-kernel.ts';
import { views } from './wasm-kernel.ts';

/** `UnsortedSegmentSum`, the gradient of `tf.gather` and with it of embeddings: row `i` is added to row `segmentIds[i]`. */
export function segmentSumKernel(): [string, Kernel] {
  return [
    'UnsortedSegmentSum',
    ({ inputs, attrs, backend }: KernelArguments): TensorInfo => {
      const { x, segmentIds } = inputs as { x: Tensor; segmentIds: Tensor };
      const { numSegments } = attrs as unknown as { numSegments: number };
      const rest = x.shape.slice(segmentIds.rank);
      const width = rest.reduce((product, size) => product * size, 1);
      const out = backend.makeOutput([numSegments, ...rest], x.dtype as 'float32' | 'int32');
      const [sums, values, ids] = views(backend, out, x, segmentIds).map(({ data }) => data);
      sums!.fill(0);
      ids!.forEach((id, row) => {
        if (id < 0 || id >= numSegments) return;
        for (let i = 0; i < width; i++) sums![id * width + i]! += values![row * width + i]!;
      });
      return out;
    },
  ];
}
