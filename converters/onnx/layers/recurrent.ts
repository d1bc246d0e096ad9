import type { JsonObject } from '../../../src/base/types.ts';
import { flagOf } from '../config.ts';
import type { LayerCall, LayerEmitter } from '../emitter.ts';
import { unsupportedLayer } from '../emitter.ts';
import type { Shape, Value } from '../value.ts';
import { plainValue } from '../value.ts';
import type { Cell, RecurrentPart } from './recurrent-cells.ts';
import { cellOf, partOf, weightCount } from './recurrent-cells.ts';
import { convolutionalCell } from './recurrent-convolutional.ts';
import { flippedSteps, nativePassed } from './recurrent-native.ts';
import type { Passage, Passed } from './recurrent-scan.ts';
import { scanned } from './recurrent-scan.ts';

const CONVOLUTIONAL = /^ConvLSTM[123]D$/;

/** What a recurrent layer gives out before it is put together. */
interface Outcome {
  readonly output: Value;
  readonly states: readonly Value[];
}

function refuseOptions(call: LayerCall, config: JsonObject): void {
  if (config.stateful === true) {
    throw unsupportedLayer(call.layer, 'it is stateful, and an ONNX model begins anew with every run');
  }
  if (config.time_major === true) throw unsupportedLayer(call.layer, 'its first axis is time (time_major)');
  if (typeof config.num_constants === 'number' && config.num_constants > 0) {
    throw unsupportedLayer(call.layer, 'it is called with constants');
  }
}

/** States of zeros for as many sequences as `x` has. */
function zeroStates({ builder }: LayerCall, x: string, cell: Cell): string[] {
  const batch = builder.node('Shape', [x], { start: { i: 0 }, end: { i: 1 } });
  return cell.states.map((shape) => {
    const sizes = builder.node('Concat', [batch, builder.integers(shape as number[])], { axis: { i: 0 } });
    return builder.node('ConstantOfShape', [sizes]);
  });
}

/** `[batch, steps, ...]` with the channels of each step first, or the way back. */
function channelOrder(call: LayerCall, x: string, rank: number, before: number, back: boolean): string {
  const sizes = Array.from({ length: rank - before - 1 }, (_, index) => index + before);
  const kept = Array.from({ length: before }, (_, index) => index);
  const order = back ? [...kept, ...sizes.map((axis) => axis + 1), before] : [...kept, rank - 1, ...sizes];
  return call.builder.transpose(x, order);
}

interface Run {
  readonly passed: Passed;
  /** Shape of the output and of the states without the batch, in Keras's order. */
  readonly output: Shape;
  readonly states: readonly Shape[];
}

function runDense(
  call: LayerCall,
  part: RecurrentPart,
  input: Value,
  initial: readonly Value[],
  passage: Passage,
): Run {
  const { builder } = call;
  const features = input.shape.at(-1);
  if (input.shape.length !== 3 || features == null) {
    throw unsupportedLayer(call.layer, `its input is [${input.shape.join(', ')}]`);
  }
  const cell = cellOf(call, part, features);
  const states = cell.states;
  if (initial.length !== 0 && initial.length !== states.length) {
    throw unsupportedLayer(
      call.layer,
      `it has ${states.length} states and is given ${initial.length} at the start`,
    );
  }
  const x = builder.plain(input);
  const given = initial.length === 0 ? undefined : initial.map((state) => builder.plain(state));
  const output = states[cell.output] as Shape;
  if (input.mask === undefined) {
    const passed = nativePassed(call, part, x, features, given, passage);
    if (passed !== undefined) return { passed, output, states };
  }
  const sequence = cell.prepare?.(x) ?? x;
  const width = cell.prepare === undefined ? features : null;
  const passed = scanned(
    call,
    cell,
    sequence,
    [width],
    given ?? zeroStates(call, x, cell),
    input.mask,
    passage,
  );
  return { passed, output, states };
}

function runConvolutional(
  call: LayerCall,
  part: RecurrentPart,
  input: Value,
  initial: readonly Value[],
  passage: Passage,
): Run {
  const { builder } = call;
  const rank = input.shape.length;
  if (rank !== Number(part.className.at(-2)) + 3) {
    throw unsupportedLayer(call.layer, `its input has ${rank} axes`);
  }
  const own = { ...call, config: part.config };
  const { cell, stepShape, channelsFirst } = convolutionalCell(own, part, input.shape.slice(2));
  const there = (x: string, axes: number, before: number) =>
    channelsFirst ? x : channelOrder(call, x, axes, before, false);
  const back = (x: string, axes: number, before: number) =>
    channelsFirst ? x : channelOrder(call, x, axes, before, true);
  const sequence = there(builder.plain(input), rank, 2);
  const start =
    initial.length === 2
      ? initial.map((state) => there(builder.plain(state), rank - 1, 1))
      : zeroStates(call, sequence, cell);
  const passed = scanned(call, cell, sequence, stepShape, start, input.mask, passage);
  const [filters, ...sizes] = cell.states[0] as number[];
  const shape = channelsFirst ? (cell.states[0] as Shape) : [...sizes, filters as number];
  return {
    passed: {
      last: back(passed.last, rank - 1, 1),
      sequence: back(passed.sequence, rank, 2),
      states: passed.states.map((state) => back(state, rank - 1, 1)),
    },
    output: shape,
    states: [shape, shape],
  };
}

/** `aligned`: the outputs of a layer that goes backwards stand where their inputs stood. */
function outcome(
  call: LayerCall,
  part: RecurrentPart,
  input: Value,
  initial: readonly Value[],
  aligned: boolean,
): Outcome {
  const { config } = part;
  refuseOptions(call, config);
  const passage = {
    reverse: flagOf(config, 'go_backwards', false),
    aligned,
    zeroOutput: flagOf(config, 'zero_output_for_mask', false),
  };
  const run = CONVOLUTIONAL.test(part.className) ? runConvolutional : runDense;
  const { passed, output, states } = run(call, part, input, initial, passage);
  const [batch = null, steps = null] = input.shape;
  const sequences = flagOf(config, 'return_sequences', false);
  return {
    output: sequences
      ? plainValue(passed.sequence, [batch, steps, ...output])
      : plainValue(passed.last, [batch, ...output]),
    states: flagOf(config, 'return_state', false)
      ? passed.states.map((name, index) => plainValue(name, [batch, ...(states[index] as Shape)]))
      : [],
  };
}

/** The sequence and what comes with it. */
function operands(call: LayerCall): { input: Value; initial: readonly Value[] } {
  const [input, ...initial] = call.inputs;
  if (input === undefined) throw unsupportedLayer(call.layer, 'it has no input');
  return { input, initial };
}

const recurrent: LayerEmitter = {
  emit(call) {
    const { input, initial } = operands(call);
    const { className } = call.layer;
    const part = { className, config: call.config, weights: call.weights, key: call.weightKey };
    const { output, states } = outcome(call, part, input, initial, false);
    return [output, ...states];
  },
};

/** Bidirectional has its layers give zeros for masked steps wherever they give sequences. */
function zerosForMasked({ className, config }: Pick<RecurrentPart, 'className' | 'config'>) {
  const sequences = flagOf(config, 'return_sequences', false);
  return { className, config: { ...config, zero_output_for_mask: sequences } };
}

const MERGES: Readonly<Record<string, string>> = { sum: 'Add', mul: 'Mul', ave: 'Add' };

/** What both directions gave out, as one value or as two. */
function merged(call: LayerCall, forward: Value, backward: Value): readonly Value[] {
  const { builder } = call;
  const mode = call.config.merge_mode === undefined ? 'concat' : call.config.merge_mode;
  if (mode === null) return [forward, backward];
  const names = [builder.plain(forward), builder.plain(backward)];
  if (mode === 'concat') {
    const last = forward.shape.length - 1;
    const sizes = [forward.shape[last] ?? null, backward.shape[last] ?? null];
    const width = sizes.includes(null) ? null : (sizes[0] as number) + (sizes[1] as number);
    const name = builder.node('Concat', names, { axis: { i: -1 } });
    return [plainValue(name, [...forward.shape.slice(0, -1), width])];
  }
  const opType = typeof mode === 'string' && Object.hasOwn(MERGES, mode) ? MERGES[mode] : undefined;
  if (opType === undefined) {
    throw unsupportedLayer(call.layer, `its merge_mode is ${JSON.stringify(mode)}`);
  }
  const name = builder.node(opType, names);
  const output = mode === 'ave' ? builder.node('Mul', [name, builder.scalar(0.5)]) : name;
  return [plainValue(output, forward.shape)];
}

const bidirectional: LayerEmitter = {
  emit(call) {
    const { config, weights, weightKey, layer } = call;
    const { input, initial } = operands(call);
    const inner = partOf(config.layer);
    if (inner === undefined) throw unsupportedLayer(layer, 'it has no layer');
    const other = partOf(config.backward_layer) ?? {
      className: inner.className,
      config: { ...inner.config, go_backwards: inner.config.go_backwards !== true },
    };
    const count = weightCount(inner);
    const half = initial.length / 2;
    const forward = outcome(
      call,
      { ...zerosForMasked(inner), weights: weights.slice(0, count), key: `${weightKey}:forward` },
      input,
      initial.slice(0, half),
      false,
    );
    // Keras turns what the second layer gave out around: a layer that goes backwards is aligned then.
    const goesBackwards = flagOf(other.config, 'go_backwards', false);
    const backward = outcome(
      call,
      { ...zerosForMasked(other), weights: weights.slice(count), key: `${weightKey}:backward` },
      input,
      initial.slice(half),
      goesBackwards,
    );
    const turned =
      goesBackwards || !flagOf(other.config, 'return_sequences', false)
        ? backward.output
        : plainValue(flippedSteps(call, call.builder.plain(backward.output)), backward.output.shape);
    return [...merged(call, forward.output, turned), ...forward.states, ...backward.states];
  },
};

export const recurrentEmitters: Readonly<Record<string, LayerEmitter>> = {
  SimpleRNN: recurrent,
  LSTM: recurrent,
  GRU: recurrent,
  RNN: recurrent,
  ConvLSTM1D: recurrent,
  ConvLSTM2D: recurrent,
  ConvLSTM3D: recurrent,
  Bidirectional: bidirectional,
};
