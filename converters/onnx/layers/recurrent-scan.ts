import type { LayerCall } from '../emitter.ts';
import type { OnnxValueInfo } from '../protobuf.ts';
import type { Shape, Value } from '../value.ts';
import type { Cell } from './recurrent-cells.ts';

/** In which order the steps are taken, and how the outputs come. */
export interface Passage {
  /** From the last step to the first. */
  readonly reverse: boolean;
  /** Whether the outputs stand where their inputs stood; otherwise in the order in which they were made. */
  readonly aligned: boolean;
  /** Masked steps give zeros rather than what the step before gave. */
  readonly zeroOutput: boolean;
}

/** Names of what a recurrent layer gives out: `[batch, ...]`, and all steps as `[batch, steps, ...]`. */
export interface Passed {
  readonly last: string;
  readonly sequence: string;
  readonly states: readonly string[];
}

const info = (shape: Shape, type: OnnxValueInfo['type'] = 'float32') => ({ type, shape: [null, ...shape] });

/**
 * Takes a cell through all steps of `sequence`, `[batch, steps, ...]`, with ONNX's Scan: any cell, any number of steps,
 * any mask. A masked step changes no state.
 */
export function scanned(
  call: LayerCall,
  cell: Cell,
  sequence: string,
  stepShape: Shape,
  initial: readonly string[],
  mask: Value | undefined,
  { reverse, aligned, zeroOutput }: Passage,
): Passed {
  const { builder } = call;
  const outputShape = cell.states[cell.output] as Shape;
  const direction = reverse ? 1 : 0;
  // With a mask, what was given out last is one more state.
  const carried = mask === undefined ? cell.states : [...cell.states, outputShape];
  const starts = mask === undefined ? initial : [...initial, zerosLike(call, initial[cell.output] as string)];
  const inputs = mask === undefined ? [sequence] : [sequence, spreadMask(call, mask, outputShape.length)];
  const stepInfos = [
    ...carried.map((shape) => info(shape)),
    info(stepShape),
    ...(mask === undefined
      ? []
      : [
          info(
            outputShape.map(() => 1),
            'bool',
          ),
        ]),
  ];
  const named = (names: readonly string[]): OnnxValueInfo[] =>
    [...carried, outputShape].map((shape, index) => ({ ...info(shape), name: names[index] as string }));

  const body = builder.body(stepInfos, (names) => {
    const states = names.slice(0, cell.states.length);
    const x = names[carried.length] as string;
    const next = cell.step(x, states);
    if (mask === undefined) return named([...own(call, next), same(call, next[cell.output] as string)]);
    const counts = names.at(-1) as string;
    const previous = names[carried.length - 1] as string;
    const where = (taken: string, otherwise: string) => builder.node('Where', [counts, taken, otherwise]);
    const kept = next.map((state, index) => where(state, states[index] as string));
    const otherwise = zeroOutput ? builder.scalar(0) : previous;
    const output = where(next[cell.output] as string, otherwise);
    return named([...kept, output, same(call, output)]);
  });
  const outputs = builder.nodes('Scan', [...starts, ...inputs], carried.length + 1, {
    body,
    num_scan_inputs: { i: inputs.length },
    scan_input_axes: { ints: inputs.map(() => 1) },
    scan_input_directions: { ints: inputs.map(() => direction) },
    scan_output_axes: { ints: [1] },
    scan_output_directions: { ints: [aligned ? direction : 0] },
  });
  const states = outputs.slice(0, cell.states.length);
  const last = mask === undefined ? states[cell.output] : outputs[carried.length - 1];
  return { last: last as string, sequence: outputs.at(-1) as string, states };
}

/** A graph's output has to be made in it, and may be named once. */
function same(call: LayerCall, name: string): string {
  return call.builder.node('Identity', [name]);
}

function own(call: LayerCall, names: readonly string[]): string[] {
  return names.map((name, index) => (names.indexOf(name) === index ? name : same(call, name)));
}

function zerosLike({ builder }: LayerCall, name: string): string {
  return builder.node('ConstantOfShape', [builder.node('Shape', [name])]);
}

/** `[batch, steps]` with axes of one element behind, for `axes` of them at each step. */
function spreadMask({ builder }: LayerCall, mask: Value, axes: number): string {
  const missing = 2 + axes - mask.shape.length;
  const name = builder.plain(mask);
  if (missing <= 0) return name;
  return builder.node('Unsqueeze', [
    name,
    builder.integers(Array.from({ length: missing }, (_, index) => mask.shape.length + index)),
  ]);
}
