import { stringOf } from '../../json.ts';
import { operandsOf } from '../../keras/operation-list.ts';
import type { LayerCall, LayerEmitter } from '../emitter.ts';
import { unsupportedLayer } from '../emitter.ts';
import type { Operation } from '../operations/elementwise.ts';
import { elementwiseOperations } from '../operations/elementwise.ts';
import { getItem } from '../operations/get-item.ts';
import { argumentOf } from '../operations/operands.ts';
import { productOperations } from '../operations/products.ts';
import { reductionOperations } from '../operations/reductions.ts';
import { shapeOperations } from '../operations/shapes.ts';
import type { Value } from '../value.ts';

/** By the names of `converters/keras/operation-list.ts`. */
const operations: Readonly<Record<string, Operation>> = {
  ...elementwiseOperations,
  ...reductionOperations,
  ...shapeOperations,
  ...productOperations,
  get_item: getItem,
};

/** Names of the operations that can be written, sorted. */
export function onnxOperationNames(): string[] {
  return Object.keys(operations).sort();
}

function tensorOperation(call: LayerCall): Value | readonly Value[] {
  const name = stringOf(call.config.operation) ?? '';
  const operands = operandsOf(call.config);
  if (operands === undefined || !Object.hasOwn(operations, name)) {
    throw unsupportedLayer(call.layer, `its operation is ${JSON.stringify(call.config.operation ?? null)}`);
  }
  const all = operands.map((operand) => argumentOf(call, operand));
  return (operations[name] as Operation)(call, all);
}

export const tensorOperationEmitters: Readonly<Record<string, LayerEmitter>> = {
  TensorOperation: { emit: tensorOperation, takesIntegers: true },
};
