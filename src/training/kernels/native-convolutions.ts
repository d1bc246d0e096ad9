import type { Tensor4D, TensorInfo } from '@tensorflow/tfjs';
import type { GraphBuilder } from '../../../converters/onnx/graph-builder.ts';
import type { Operator } from './native-operator.ts';
import { WORTH_A_CALL, WORTH_A_PASS, hasNativeOperators, runNative } from './native-operator.ts';
import type { View, WasmBackend } from './wasm-kernel.ts';
import { views } from './wasm-kernel.ts';
import type { Axis, Window } from './windows.ts';
import { elements, isPointwise, reach } from './windows.ts';

/** What the windows read of some pictures, one row for each: at most as many bytes are made at a time. */
const PATCH_BYTES = 48 * 2 ** 20;

const TO_CHANNELS_FIRST = [0, 3, 1, 2];
const TO_CHANNELS_LAST = [0, 2, 3, 1];

/**
 * Convolutions and their gradients in ONNX Runtime, for tensors in the memory of tfjs's WASM backend. What the windows read
 * is laid out as one matrix (im2col), so that channels stay last and everything is a product of matrices; measured at the
 * sizes of the zoo's last stages this is up to twice as fast as its Conv between two transposes. Undefined where ONNX
 * Runtime is not there, or where it is not worth a call.
 */
export function nativeConvolution(
  backend: WasmBackend,
  { x, filter, bias }: { x: Tensor4D; filter: Tensor4D; bias?: Tensor4D | undefined },
  window: Window,
): TensorInfo | undefined {
  const { batch, rows, columns, inChannels, outChannels } = window;
  if (!isWorthIt(window)) return undefined;
  if (bias !== undefined && bias.size !== outChannels) return undefined;
  const operator: Operator = {
    key: `convolution ${JSON.stringify([geometry(window), bias !== undefined])}`,
    inputs: {
      x: ['batch', rows.input, columns.input, inChannels],
      filter: [rows.size, columns.size, inChannels, outChannels],
      ...(bias === undefined ? {} : { bias: [outChannels] }),
    },
    outputs: { y: ['batch', rows.output, columns.output, outChannels] },
    write(builder) {
      const length = rows.size * columns.size * inChannels;
      const kernel = builder.reshape('filter', [length, outChannels]);
      const product = builder.node('Gemm', [
        patches(builder, 'x', window),
        kernel,
        ...(bias === undefined ? [] : ['bias']),
      ]);
      return { y: builder.reshape(product, [-1, rows.output, columns.output, outChannels]) };
    },
  };
  const out = backend.makeOutput([batch, rows.output, columns.output, outChannels], 'float32');
  const tensors = [x, filter, out, ...(bias === undefined ? [] : [bias])];
  const [read, kernel, written, added] = views(backend, ...tensors);
  const constants = {
    filter: kernel!,
    ...(added === undefined ? {} : { bias: { data: added.data, shape: [outChannels] } }),
  };
  for (const [from, to] of pieces(window)) {
    runNative(operator, { ...constants, x: pictures(read!, from, to) }, { y: pictures(written!, from, to) });
  }
  return out;
}

/** `[rows, columns, in, out]`; see `nativeConvolution`. */
export function nativeFilterGradient(
  backend: WasmBackend,
  x: Tensor4D,
  dy: Tensor4D,
  window: Window,
): TensorInfo | undefined {
  const { rows, columns, inChannels, outChannels } = window;
  if (!isWorthIt(window)) return undefined;
  const length = rows.size * columns.size * inChannels;
  const operator: Operator = {
    key: `filter gradient ${JSON.stringify(geometry(window))}`,
    inputs: {
      x: ['batch', rows.input, columns.input, inChannels],
      dy: ['batch', rows.output, columns.output, outChannels],
      before: [length, outChannels],
    },
    outputs: { y: [length, outChannels] },
    write: (builder) => ({
      y: builder.node(
        'Gemm',
        [patches(builder, 'x', window), builder.reshape('dy', [-1, outChannels]), 'before'],
        { transA: { i: 1 } },
      ),
    }),
  };
  const out = backend.makeOutput([rows.size, columns.size, inChannels, outChannels], 'float32');
  const [read, gradients, written] = views(backend, x, dy, out);
  const sum: View = { data: written!.data, shape: [length, outChannels] };
  let before: View = { ...sum, data: new Float32Array(sum.data.length) };
  const parts = [...pieces(window)];
  parts.forEach(([from, to], index) => {
    const target = index === parts.length - 1 ? sum : { ...sum, data: new Float32Array(sum.data.length) };
    const feeds = { x: pictures(read!, from, to), dy: pictures(gradients!, from, to), before };
    runNative(operator, feeds, { y: target });
    before = target;
  });
  return out;
}

/** `[batch, height, width, in]`; see `nativeConvolution`. */
export function nativeInputGradient(
  backend: WasmBackend,
  dy: Tensor4D,
  filter: Tensor4D,
  window: Window,
): TensorInfo | undefined {
  const { batch, rows, columns, inChannels, outChannels } = window;
  if (!isWorthIt(window)) return undefined;
  const operator: Operator = {
    key: `input gradient ${JSON.stringify(geometry(window))}`,
    inputs: {
      dy: ['batch', rows.output, columns.output, outChannels],
      filter: [rows.size, columns.size, inChannels, outChannels],
    },
    outputs: { y: ['batch', rows.input, columns.input, inChannels] },
    write: (builder) => ({
      y: isPointwise(window) ? pointwise(builder, window) : transposed(builder, window),
    }),
  };
  const out = backend.makeOutput([batch, rows.input, columns.input, inChannels], 'float32');
  const [gradients, kernel, written] = views(backend, dy, filter, out);
  runNative(operator, { dy: gradients!, filter: kernel! }, { y: written! });
  return out;
}

/** `[rows, columns, channels, 1]`: for each element of the window the sum of what it read times the gradients. */
export function nativeDepthwiseFilterGradient(
  backend: WasmBackend,
  x: Tensor4D,
  dy: Tensor4D,
  window: Window,
): TensorInfo | undefined {
  const { rows, columns, inChannels, outChannels } = window;
  if (inChannels !== outChannels || dy.size < WORTH_A_PASS || !hasNativeOperators()) return undefined;
  const operator: Operator = {
    key: `depthwise filter gradient ${JSON.stringify(geometry(window))}`,
    inputs: {
      x: ['batch', rows.input, columns.input, inChannels],
      dy: ['batch', rows.output, columns.output, inChannels],
    },
    outputs: { y: [rows.size * columns.size, inChannels] },
    write(builder) {
      const sums = taps(builder, 'x', window).map((read) =>
        builder.node(
          'ReduceSum',
          [builder.reshape(builder.node('Mul', [read, 'dy']), [-1, inChannels]), builder.integers([0])],
          { keepdims: { i: 1 } },
        ),
      );
      return { y: sums.length === 1 ? sums[0]! : builder.node('Concat', sums, { axis: { i: 0 } }) };
    },
  };
  const out = backend.makeOutput([rows.size, columns.size, inChannels, 1], 'float32');
  const [read, gradients, written] = views(backend, x, dy, out);
  const y = { data: written!.data, shape: [rows.size * columns.size, inChannels] };
  runNative(operator, { x: read!, dy: gradients! }, { y });
  return out;
}

function pointwise(builder: GraphBuilder, { rows, columns, inChannels, outChannels }: Window): string {
  const kernel = builder.reshape('filter', [inChannels, outChannels]);
  const gradients = builder.reshape('dy', [-1, outChannels]);
  const product = builder.node('Gemm', [gradients, kernel], { transB: { i: 1 } });
  return builder.reshape(product, [-1, rows.input, columns.input, inChannels]);
}

function transposed(builder: GraphBuilder, { rows, columns }: Window): string {
  const axes = [rows, columns];
  // Behind the input stand as many zeros as its last window reads, or as many inputs remain that none does.
  const behind = axes.map((axis) => reach(axis) - axis.before - axis.input);
  const result = builder.node(
    'ConvTranspose',
    [builder.transpose('dy', TO_CHANNELS_FIRST), builder.transpose('filter', [3, 2, 0, 1])],
    {
      kernel_shape: { ints: axes.map(({ size }) => size) },
      strides: { ints: axes.map(({ stride }) => stride) },
      dilations: { ints: axes.map(({ dilation }) => dilation) },
      pads: {
        ints: [...axes.map(({ before }) => before), ...behind.map((zeros) => Math.max(zeros, 0))],
      },
      output_padding: { ints: behind.map((zeros) => Math.max(-zeros, 0)) },
    },
  );
  return builder.transpose(result, TO_CHANNELS_LAST);
}

/** `[pictures * output rows * output columns, window rows * window columns * channels]`. */
function patches(builder: GraphBuilder, x: string, window: Window): string {
  const { rows, columns, inChannels } = window;
  const length = rows.size * columns.size * inChannels;
  if (isPointwise(window)) return builder.reshape(x, [-1, length]);
  const all = taps(builder, x, window);
  const joint = all.length === 1 ? all[0]! : builder.node('Concat', all, { axis: { i: 3 } });
  return builder.reshape(joint, [-1, length]);
}

/** For each element of the window what it reads, `[pictures, output rows, output columns, channels]`. */
function taps(builder: GraphBuilder, x: string, window: Window): string[] {
  const { rows, columns } = window;
  const behind = [rows, columns].map((axis) => Math.max(reach(axis) - axis.before - axis.input, 0));
  const zeros = [0, rows.before, columns.before, 0, 0, ...behind, 0];
  const around = zeros.every((count) => count === 0) ? x : builder.node('Pad', [x, builder.integers(zeros)]);
  const end = (axis: Axis, from: number) => from + (axis.output - 1) * axis.stride + 1;
  return [...elements(window)].map(([row, column]) => {
    const [top, left] = [row * rows.dilation, column * columns.dilation];
    return builder.node('Slice', [
      around,
      builder.integers([top, left]),
      builder.integers([end(rows, top), end(columns, left)]),
      builder.integers([1, 2]),
      builder.integers([rows.stride, columns.stride]),
    ]);
  });
}

function isWorthIt({ batch, rows, columns, inChannels, outChannels }: Window): boolean {
  const products = batch * rows.output * columns.output * rows.size * columns.size * inChannels * outChannels;
  return products >= WORTH_A_CALL && hasNativeOperators();
}

/** All but the number of pictures, which a graph does not know. */
function geometry({ rows, columns, inChannels, outChannels }: Window) {
  return [rows, columns, inChannels, outChannels];
}

/** Pictures from and up to, as many at a time as `PATCH_BYTES` allow. */
function* pieces(window: Window): Generator<[from: number, to: number]> {
  const { batch, rows, columns, inChannels } = window;
  const bytes = 4 * rows.output * columns.output * rows.size * columns.size * inChannels;
  const step = isPointwise(window) ? batch : Math.max(Math.floor(PATCH_BYTES / bytes), 1);
  for (let from = 0; from < batch; from += step) yield [from, Math.min(from + step, batch)];
}

function pictures({ data, shape }: View, from: number, to: number): View {
  const [batch = 1, ...rest] = shape;
  const size = data.length / batch;
  return { data: data.subarray(from * size, to * size), shape: [to - from, ...rest] };
}
