import type { OnnxGraphParts } from '../../../converters/onnx/protobuf.ts';
import { GraphBuilder } from '../../../converters/onnx/graph-builder.ts';
import { encodeModel, joined } from '../../../converters/onnx/protobuf.ts';
import type { OnnxFeed, OnnxTarget } from '../../platform.ts';
import { platform } from '../../platform.ts';

/** A size, or the name of one that may differ from call to call. */
export type Size = number | string;

/** A small graph. */
export interface Operator {
  /** Two graphs of one key are the same. */
  readonly key: string;
  readonly inputs: Readonly<Record<string, readonly Size[]>>;
  readonly outputs: Readonly<Record<string, readonly Size[]>>;
  /** Adds the nodes and gives the names of the results, by those of the outputs. */
  write(builder: GraphBuilder): Readonly<Record<string, string>>;
}

/** Below as many multiplications the call itself takes longer than the WASM backend's kernel. */
export const WORTH_A_CALL = 2e6;

/** Below as many numbers a pass over them is done sooner in WASM than the call is. */
export const WORTH_A_PASS = 1e5;

/** Whether ONNX Runtime can be called here and now, without waiting. */
export function hasNativeOperators(): boolean {
  return platform().nativeOperators?.() !== undefined;
}

/** Computes the outputs into `outs`; the feeds are only read. */
export function runNative(
  operator: Operator,
  feeds: Readonly<Record<string, OnnxFeed>>,
  outs: Readonly<Record<string, OnnxTarget>>,
): void {
  platform().nativeOperators!()!.run(operator.key, () => encoded(operator), feeds, outs);
}

/** The sum or mean of each column of a matrix. */
export function alongRows(builder: GraphBuilder, opType: 'ReduceMean' | 'ReduceSum', x: string): string {
  // Of the two, only the sum has taken its axes as an input since opset 13.
  return opType === 'ReduceSum'
    ? builder.node(opType, [x, builder.integers([0])], { keepdims: { i: 0 } })
    : builder.node(opType, [x], { axes: { ints: [0] }, keepdims: { i: 0 } });
}

function encoded(operator: Operator): Uint8Array {
  const { key, inputs, outputs } = operator;
  const builder = new GraphBuilder();
  for (const [name, shape] of Object.entries(inputs)) {
    builder.input({ name: builder.uniqueName(name), type: 'float32', shape });
  }
  const names = Object.keys(outputs).map((name) => builder.uniqueName(name));
  const results = operator.write(builder);
  for (const name of names) {
    const shape = outputs[name]!.map(() => null);
    builder.output(name, { shape, born: 'plain', forms: { plain: results[name]! } });
  }
  const graph: OnnxGraphParts = builder.finish(key);
  return joined(encodeModel(graph));
}
