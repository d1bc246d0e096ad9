import type { OnnxGraphParts } from '../../../converters/onnx/protobuf.ts';
import { GraphBuilder } from '../../../converters/onnx/graph-builder.ts';
import { encodeModel, joined } from '../../../converters/onnx/protobuf.ts';
import type { OnnxFeed } from '../../platform.ts';
import { platform } from '../../platform.ts';

/** A size, or the name of one that may differ from call to call. */
export type Size = number | string;

/** A small graph with one output, `y`. */
export interface Operator {
  /** Two graphs of one key are the same. */
  readonly key: string;
  readonly inputs: Readonly<Record<string, readonly Size[]>>;
  readonly output: readonly Size[];
  /** Adds the nodes and gives the name of the result. */
  write(builder: GraphBuilder): string;
}

/** Below as many multiplications the call itself takes longer than the WASM backend's kernel. */
export const WORTH_A_CALL = 2e6;

/** Whether ONNX Runtime can be called here and now, without waiting. */
export function hasNativeOperators(): boolean {
  return platform().nativeOperators?.() !== undefined;
}

/** Computes `y` into `out`; the feeds are only read. */
export function runNative(
  operator: Operator,
  feeds: Readonly<Record<string, OnnxFeed>>,
  out: { readonly data: Float32Array; readonly shape: readonly number[] },
): void {
  platform().nativeOperators!()!.run(operator.key, () => encoded(operator), feeds, out);
}

function encoded(operator: Operator): Uint8Array {
  const { key, inputs, output } = operator;
  const builder = new GraphBuilder();
  for (const [name, shape] of Object.entries(inputs)) {
    builder.input({ name: builder.uniqueName(name), type: 'float32', shape });
  }
  const y = builder.uniqueName('y');
  const result = operator.write(builder);
  builder.output(y, { shape: output.map(() => null), born: 'plain', forms: { plain: result } });
  const graph: OnnxGraphParts = builder.finish(key);
  return joined(encodeModel(graph));
}
