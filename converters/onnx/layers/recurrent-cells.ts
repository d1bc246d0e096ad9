import type { JsonObject, JsonValue, WeightTensor } from '../../../src/base/types.ts';
import { isJsonObject, stringOf } from '../../json.ts';
import { kerasClass } from '../../keras/own-layers.ts';
import { activate } from '../activations.ts';
import { countOf, flagOf } from '../config.ts';
import type { CheckedWeight, LayerCall } from '../emitter.ts';
import { checkedWeight, unsupportedLayer } from '../emitter.ts';
import type { Shape } from '../value.ts';
import { plainValue } from '../value.ts';

/** A recurrent layer, or what is in one, with the weights that belong to it. */
export interface RecurrentPart {
  readonly className: string;
  readonly config: JsonObject;
  readonly weights: readonly WeightTensor[];
  /** Starts the names of its weights. */
  readonly key: string;
}

/** One step of a recurrent layer. Shapes are without the batch. */
export interface Cell {
  readonly states: readonly Shape[];
  /** Which of the states is also the output. */
  readonly output: number;
  /** What the steps do not depend on each other for, for all of them at once: `[batch, steps, ...]`. */
  prepare?(sequence: string): string;
  /** `x` is one step of what was prepared. Returns the new states. */
  step(x: string, states: readonly string[]): readonly string[];
}

/** How many weights a layer or cell has, by its config alone. */
export function weightCount({ className, config }: Pick<RecurrentPart, 'className' | 'config'>): number {
  if (className === 'RNN') return weightCount(partOf(config.cell) ?? { className: '', config: {} });
  if (className === 'StackedRNNCells') {
    return cellList(config).reduce((sum, cell) => sum + weightCount(cell), 0);
  }
  return flagOf(config, 'use_bias', true) ? 3 : 2;
}

/** What stands in a config as a cell or a layer, under Keras's name; `undefined` when it is none. */
export function partOf(
  value: JsonValue | undefined,
): Pick<RecurrentPart, 'className' | 'config'> | undefined {
  if (!isJsonObject(value) || !isJsonObject(value.config)) return undefined;
  return { className: kerasClass(stringOf(value.class_name) ?? ''), config: value.config };
}

function cellList(config: JsonObject): Pick<RecurrentPart, 'className' | 'config'>[] {
  const list = Array.isArray(config.cells) ? config.cells : [];
  return list.map((value) => partOf(value) ?? { className: '', config: {} });
}

/** The cell of SimpleRNN, LSTM, GRU or RNN for inputs of `features`. */
export function cellOf(call: LayerCall, part: RecurrentPart, features: number): Cell {
  const { className, config } = part;
  switch (className) {
    case 'SimpleRNN':
    case 'SimpleRNNCell':
      return simpleCell(call, part, features);
    case 'LSTM':
    case 'LSTMCell':
      return lstmCell(call, part, features);
    case 'GRU':
    case 'GRUCell':
      return gruCell(call, part, features);
    case 'RNN': {
      const cell = partOf(config.cell);
      if (cell === undefined) throw unsupportedLayer(call.layer, 'it has no cell');
      return cellOf(call, { ...part, ...cell }, features);
    }
    case 'StackedRNNCells':
      return stackedCells(call, part, features);
    default:
      throw unsupportedLayer(call.layer, `its cell is ${className === '' ? 'missing' : className}`);
  }
}

/** Weights of a part, checked as the layer's own are. */
export function partWeight(
  call: LayerCall,
  part: RecurrentPart,
  index: number,
  role: string,
  shape: readonly (number | null)[],
): CheckedWeight {
  return checkedWeight({ layer: call.layer, weights: part.weights }, index, role, shape);
}

export function unitsOf(call: LayerCall, config: JsonObject): number {
  return countOf({ ...call, config }, 'units');
}

interface Gates {
  /** `x * kernel + bias` for all gates. */
  readonly project: (x: string) => string;
  /** Kernel for the state, `[units, width]`. */
  readonly recurrent: CheckedWeight;
  readonly recurrentName: () => string;
  readonly bias: CheckedWeight | undefined;
  readonly units: number;
}

/** The weights that all three kinds have. `biasRows` of 2: GRU's bias for the state stands in the second row. */
function gatesOf(call: LayerCall, part: RecurrentPart, features: number, gates: number, biasRows = 1): Gates {
  const { builder } = call;
  const units = unitsOf(call, part.config);
  const width = units * gates;
  const kernel = partWeight(call, part, 0, 'kernel', [features, width]);
  const recurrent = partWeight(call, part, 1, 'recurrent kernel', [units, width]);
  const biasShape = biasRows === 1 ? [width] : [biasRows, width];
  const bias = flagOf(part.config, 'use_bias', true)
    ? partWeight(call, part, 2, 'bias', biasShape)
    : undefined;
  return {
    units,
    recurrent,
    bias,
    recurrentName: () => builder.weights(`${part.key}:recurrent_kernel`, [units, width], recurrent.tensor),
    project: (x) => {
      const name = builder.weights(`${part.key}:kernel`, [features, width], kernel.tensor);
      const product = builder.node('MatMul', [x, name]);
      if (bias === undefined) return product;
      const own = builder.weights(`${part.key}:bias`, [width], () => bias.numbers().subarray(0, width));
      return builder.node('Add', [product, own]);
    },
  };
}

/** Applies an activation to `[batch, ...]`. */
export function applied(call: LayerCall, x: string, shape: Shape, activation: JsonValue | undefined): string {
  const value = activate(call, plainValue(x, [null, ...shape]), activation);
  if (value.shape.at(-1) !== shape.at(-1)) {
    throw unsupportedLayer(
      call.layer,
      `its activation ${JSON.stringify(activation)} changes the size of a state`,
    );
  }
  return call.builder.plain(value);
}

/** The gates of a value that has them side by side along its last axis, or along `axis`. */
function split(call: LayerCall, x: string, count: number, axis = -1): string[] {
  return call.builder.nodes('Split', [x], count, { axis: { i: axis } });
}

function simpleCell(call: LayerCall, part: RecurrentPart, features: number): Cell {
  const { builder } = call;
  const { units, project, recurrentName } = gatesOf(call, part, features, 1);
  return {
    states: [[units]],
    output: 0,
    prepare: project,
    step: (x, [state]) => {
      const sum = builder.node('Add', [x, builder.node('MatMul', [state as string, recurrentName()])]);
      return [applied(call, sum, [units], part.config.activation ?? 'tanh')];
    },
  };
}

/** The new states of an LSTM from its four gates (input, forget, cell, output) before their activations. */
export function lstmStates(
  call: LayerCall,
  config: JsonObject,
  gates: readonly string[],
  cell: string,
  shape: Shape,
): string[] {
  const { builder } = call;
  const [input, forget, candidate, output] = gates as [string, string, string, string];
  const gate = (x: string) => applied(call, x, shape, config.recurrent_activation ?? 'sigmoid');
  const squash = (x: string) => applied(call, x, shape, config.activation ?? 'tanh');
  const kept = builder.node('Mul', [gate(forget), cell]);
  const added = builder.node('Mul', [gate(input), squash(candidate)]);
  const carry = builder.node('Add', [kept, added]);
  return [builder.node('Mul', [gate(output), squash(carry)]), carry];
}

function lstmCell(call: LayerCall, part: RecurrentPart, features: number): Cell {
  const { builder } = call;
  const { units, project, recurrentName } = gatesOf(call, part, features, 4);
  return {
    states: [[units], [units]],
    output: 0,
    prepare: project,
    step: (x, states) => {
      const [state, carry] = states as [string, string];
      const sum = builder.node('Add', [x, builder.node('MatMul', [state, recurrentName()])]);
      return lstmStates(call, part.config, split(call, sum, 4), carry, [units]);
    },
  };
}

/** Some columns of a matrix `[rows, width]`. */
export function columns(matrix: Float32Array, width: number, from: number, to: number): Float32Array {
  const rows = matrix.length / width;
  const result = new Float32Array(rows * (to - from));
  for (let row = 0; row < rows; row++) {
    result.set(matrix.subarray(row * width + from, row * width + to), row * (to - from));
  }
  return result;
}

/** Whether the reset gate works on the product with the state (`reset_after`) rather than on the state. */
export function resetAfter(config: JsonObject): boolean {
  return flagOf(config, 'reset_after', false);
}

function gruCell(call: LayerCall, part: RecurrentPart, features: number): Cell {
  const { builder } = call;
  const after = resetAfter(part.config);
  const { units, project, recurrent, recurrentName, bias } = gatesOf(call, part, features, 3, after ? 2 : 1);
  const width = 3 * units;
  const gate = (x: string) => applied(call, x, [units], part.config.recurrent_activation ?? 'sigmoid');

  /** Gates and candidate where the reset comes after the product. */
  const stepAfter = (x: string, state: string): [string, string] => {
    let product = builder.node('MatMul', [state, recurrentName()]);
    if (bias !== undefined) {
      const own = builder.weights(`${part.key}:recurrent_bias`, [width], () =>
        bias.numbers().subarray(width),
      );
      product = builder.node('Add', [product, own]);
    }
    const [xUpdate, xReset, xCandidate] = split(call, x, 3) as [string, string, string];
    const [hUpdate, hReset, hCandidate] = split(call, product, 3) as [string, string, string];
    const update = gate(builder.node('Add', [xUpdate, hUpdate]));
    const reset = gate(builder.node('Add', [xReset, hReset]));
    return [update, builder.node('Add', [xCandidate, builder.node('Mul', [reset, hCandidate])])];
  };
  const stepBefore = (x: string, state: string): [string, string] => {
    const part1 = builder.weights(`${part.key}:recurrent_kernel_gates`, [units, 2 * units], () =>
      columns(recurrent.numbers(), width, 0, 2 * units),
    );
    const part2 = builder.weights(`${part.key}:recurrent_kernel_candidate`, [units, units], () =>
      columns(recurrent.numbers(), width, 2 * units, width),
    );
    const [xUpdate, xReset, xCandidate] = split(call, x, 3) as [string, string, string];
    const [hUpdate, hReset] = split(call, builder.node('MatMul', [state, part1]), 2) as [string, string];
    const update = gate(builder.node('Add', [xUpdate, hUpdate]));
    const reset = gate(builder.node('Add', [xReset, hReset]));
    const product = builder.node('MatMul', [builder.node('Mul', [reset, state]), part2]);
    return [update, builder.node('Add', [xCandidate, product])];
  };

  return {
    states: [[units]],
    output: 0,
    prepare: project,
    step: (x, states) => {
      const [state] = states as [string];
      const [update, sum] = after ? stepAfter(x, state) : stepBefore(x, state);
      const candidate = applied(call, sum, [units], part.config.activation ?? 'tanh');
      const kept = builder.node('Mul', [update, state]);
      const rest = builder.node('Sub', [builder.scalar(1), update]);
      return [builder.node('Add', [kept, builder.node('Mul', [rest, candidate])])];
    },
  };
}

/** Each cell reads what the one before it gives out; the states stand in the order of the cells. */
function stackedCells(call: LayerCall, part: RecurrentPart, features: number): Cell {
  if (part.config.reverse_state_order === true) {
    throw unsupportedLayer(call.layer, 'its cells have their states in reverse order');
  }
  const cells: Cell[] = [];
  let width = features;
  let from = 0;
  cellList(part.config).forEach((inner, index) => {
    const to = from + weightCount(inner);
    const key = `${part.key}:${index}`;
    const cell = cellOf(call, { ...inner, weights: part.weights.slice(from, to), key }, width);
    cells.push(cell);
    width = cell.states[cell.output]?.[0] ?? 0;
    from = to;
  });
  const last = cells.at(-1);
  if (last === undefined) throw unsupportedLayer(call.layer, 'it has no cells');
  const states = cells.flatMap((cell) => cell.states);
  return {
    states,
    output: states.length - last.states.length + last.output,
    step: (x, given) => {
      let input = x;
      let first = 0;
      return cells.flatMap((cell) => {
        const own = given.slice(first, first + cell.states.length);
        first += cell.states.length;
        const next = cell.step(cell.prepare?.(input) ?? input, own);
        input = next[cell.output] as string;
        return next;
      });
    },
  };
}
