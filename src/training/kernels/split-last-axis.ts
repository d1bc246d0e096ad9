import type { Tensor, TensorInfo } from '@tensorflow/tfjs';
import * as tf from '@tensorflow/tfjs';
import type { Kernel, KernelArguments } from './wasm-kernel.ts';
import { originalKernel, views } from './wasm-kernel.ts';

/**
 * `SplitV` along the last axis, the gradient of a concatenation of channels: the WASM backend copies the whole tensor for
 * each part.
 */
export function splitKernel(): [string, Kernel] {
  const original = originalKernel('SplitV');
  return ['SplitV', (call) => (alongLastAxis(call) as unknown as TensorInfo | undefined) ?? original(call)];
}

function alongLastAxis({ inputs, attrs, backend }: KernelArguments): TensorInfo[] | undefined {
  const { x } = inputs as { x: Tensor };
  const { numOrSizeSplits, axis } = attrs as unknown as { numOrSizeSplits: number | number[]; axis: number };
  if (x.dtype !== 'float32' || tf.util.parseAxisParam(axis, x.shape)[0] !== x.rank - 1) return undefined;
  const width = x.shape[x.rank - 1]!;
  const sizes = tf.backend_util.prepareSplitSize(x, numOrSizeSplits, x.rank - 1);
  const outs = sizes.map((size) => backend.makeOutput([...x.shape.slice(0, -1), size], 'float32'));
  const [whole, ...parts] = views(backend, x, ...outs);
  let from = 0;
  parts.forEach(({ data }, index) => {
    const size = sizes[index]!;
    for (let row = 0, at = from; row < data.length; row += size, at += width) {
      data.set(whole!.data.subarray(at, at + size), row);
    }
    from += size;
  });
  return outs;
}
