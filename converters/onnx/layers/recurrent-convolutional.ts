import { flagOf, isChannelsFirst, numberOf, paddingOf, tupleOf } from '../config.ts';
import type { LayerCall } from '../emitter.ts';
import { unsupportedLayer } from '../emitter.ts';
import { outputFirst } from '../kernels.ts';
import type { Window } from '../spatial.ts';
import { slide } from '../spatial.ts';
import { windowAttributes } from './convolution.ts';
import type { Cell, RecurrentPart } from './recurrent-cells.ts';
import { lstmStates, partWeight } from './recurrent-cells.ts';

/** A cell whose steps and states have their channels first, and what brings sequences there and back. */
export interface ConvolutionalCell {
  readonly cell: Cell;
  /** Size of each axis of a step, without the batch, channels first. */
  readonly stepShape: readonly number[];
  readonly channelsFirst: boolean;
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
  const ones = kernelSize.map(() => 1);
  const window: Window = { kernel: kernelSize, strides, dilations, padding: paddingOf(call) };
  const stateWindow: Window = { kernel: kernelSize, strides: ones, dilations: ones, padding: 'same' };
  const width = 4 * filters;
  const kernel = partWeight(call, part, 0, 'kernel', [...kernelSize, channels, width]);
  const recurrent = partWeight(call, part, 1, 'recurrent kernel', [...kernelSize, filters, width]);
  const bias = flagOf(config, 'use_bias', true) ? partWeight(call, part, 2, 'bias', [width]) : undefined;

  const forSteps = slide({ sizes }, window);
  const stateSizes = forSteps.sizes as number[];
  const forStates = slide({ sizes: stateSizes }, stateWindow);
  const stateShape = [filters, ...stateSizes];

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
        builder.node('Conv', [x, forInput, ...biases], {
          ...windowAttributes(window, 1),
          ...forSteps.attributes,
        }),
        builder.node('Conv', [state, forState], {
          ...windowAttributes(stateWindow, 1),
          ...forStates.attributes,
        }),
      ]);
      const gates = builder.nodes('Split', [sum], 4, { axis: { i: 1 } });
      return lstmStates(call, config, gates, carry, stateShape);
    },
  };
  return { cell, stepShape: [channels, ...sizes], channelsFirst: first };
}
