import { flagOf, isChannelsFirst, numberOf, paddingOf, tupleOf } from '../config.ts';
import type { LayerCall } from '../emitter.ts';
import { unsupportedLayer } from '../emitter.ts';
import { outputFirst } from '../kernels.ts';
import type { Attribute } from '../protobuf.ts';
import type { Cell, RecurrentPart } from './recurrent-cells.ts';
import { lstmStates, partWeight } from './recurrent-cells.ts';

/** A cell whose steps and states have their channels first, and what brings sequences there and back. */
export interface ConvolutionalCell {
  readonly cell: Cell;
  /** Size of each axis of a step, without the batch, channels first. */
  readonly stepShape: readonly number[];
  readonly channelsFirst: boolean;
}

interface Axis {
  readonly size: number;
  readonly pads: readonly [number, number];
}

/** What a convolution makes of one axis, padded as TensorFlow does it. */
function convolvedAxis(size: number, kernel: number, stride: number, dilation: number, same: boolean): Axis {
  const extent = (kernel - 1) * dilation + 1;
  if (!same) return { size: Math.floor((size - extent) / stride) + 1, pads: [0, 0] };
  const output = Math.ceil(size / stride);
  const total = Math.max((output - 1) * stride + extent - size, 0);
  const before = Math.floor(total / 2);
  return { size: output, pads: [before, total - before] };
}

function convolution(axes: readonly Axis[], strides: readonly number[], dilations: readonly number[]) {
  return {
    pads: { ints: [...axes.map(({ pads }) => pads[0]), ...axes.map(({ pads }) => pads[1])] },
    strides: { ints: strides },
    dilations: { ints: dilations },
  } satisfies Record<string, Attribute>;
}

/** The cell of ConvLSTM1D, ConvLSTM2D and ConvLSTM3D; `shape` is a step's in Keras's order, without the batch. */
export function convolutionalCell(
  call: LayerCall,
  part: RecurrentPart,
  shape: readonly (number | null)[],
): ConvolutionalCell {
  const { builder, config, layer } = call;
  const rank = shape.length - 1;
  const first = isChannelsFirst(config);
  const known = shape.filter((size) => size !== null);
  if (known.length !== shape.length) {
    throw unsupportedLayer(layer, `the size of its steps is not known: [${shape.join(', ')}]`);
  }
  const channels = (first ? known[0] : known.at(-1)) as number;
  const sizes = first ? known.slice(1) : known.slice(0, -1);
  const filters = numberOf(config, 'filters', 0);
  const kernelSize = tupleOf(call, 'kernel_size', rank);
  const strides = tupleOf(call, 'strides', rank, 1);
  const dilations = tupleOf(call, 'dilation_rate', rank, 1);
  const same = paddingOf(call) === 'same';
  const width = 4 * filters;
  const kernel = partWeight(call, part, 0, 'kernel', [...kernelSize, channels, width]);
  const recurrent = partWeight(call, part, 1, 'recurrent kernel', [...kernelSize, filters, width]);
  const bias = flagOf(config, 'use_bias', true) ? partWeight(call, part, 2, 'bias', [width]) : undefined;

  const axes = sizes.map((size, axis) =>
    convolvedAxis(size, kernelSize[axis] as number, strides[axis] as number, dilations[axis] as number, same),
  );
  const ones = axes.map(() => 1);
  const stateAxes = axes.map(({ size }, axis) => convolvedAxis(size, kernelSize[axis] as number, 1, 1, true));
  const stateShape = [filters, ...axes.map(({ size }) => size)];

  const cell: Cell = {
    states: [stateShape, stateShape],
    output: 0,
    step: (x, states) => {
      const [state, carry] = states as [string, string];
      const forInput = builder.weights(`${part.key}:kernel`, [width, channels, ...kernelSize], () =>
        outputFirst(kernel.numbers(), kernel.shape),
      );
      const forState = builder.weights(`${part.key}:recurrent_kernel`, [width, filters, ...kernelSize], () =>
        outputFirst(recurrent.numbers(), recurrent.shape),
      );
      const biases = bias === undefined ? [] : [builder.weights(`${part.key}:bias`, [width], bias.tensor)];
      const sum = builder.node('Add', [
        builder.node('Conv', [x, forInput, ...biases], convolution(axes, strides, dilations)),
        builder.node('Conv', [state, forState], convolution(stateAxes, ones, ones)),
      ]);
      const gates = builder.nodes('Split', [sum], 4, { axis: { i: 1 } });
      return lstmStates(call, config, gates, carry, stateShape);
    },
  };
  return { cell, stepShape: [channels, ...sizes], channelsFirst: first };
}
