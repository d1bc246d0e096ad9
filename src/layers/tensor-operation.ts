import * as tf from '@tensorflow/tfjs';
import type { CallArguments, LayerArgs, Shape } from '../../zoo/layers/layer-inputs.ts';
import { refuseInputs, refuseOption } from '../../zoo/layers/layer-inputs.ts';
import { smallLetters } from './einsum.ts';
import { operationShape } from './operation-shapes.ts';
import type { Options } from './operation.ts';
import { TENSOR_OPERATIONS } from './tensor-operations.ts';

export type NestedValue = number | boolean | readonly NestedValue[];
/** An operand: one of the tensors that the layer is called with, by its place, or a constant. */
export type Operand = { readonly tensor: number } | { readonly value: NestedValue };

export interface TensorOperationArgs extends LayerArgs {
  /** A name of `converters/keras/operation-list.ts`. */
  readonly operation: string;
  readonly inputs: readonly Operand[];
  /** The operation's options. */
  readonly [option: string]: unknown;
}

/** What every layer takes, which is no option of an operation. */
const LAYER_ARGUMENTS = new Set(
  'name trainable inputDType inputShape batchInputShape batchSize weights updatable operation inputs'.split(
    ' ',
  ),
);

/** tfjs turns `expand_dims` in a config into `expandDims`. */
const snakeCase = (name: string) => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);

function shapeOf(value: NestedValue): number[] {
  if (!Array.isArray(value)) return [];
  return [value.length, ...(value.length === 0 ? [] : shapeOf(value[0] as NestedValue))];
}

/**
 * An operation on tensors between a model's layers, such as Keras 3's `x + 3`, `ops.mean(x, axis=1)` or `x[:, 1:4]`. It
 * has no weights; constants are part of its config. Gradients flow through all that have any.
 *
 * @throws ModelError `MODEL_OPTION` (an unknown operation, operands that are not as they should be), `MODEL_INPUT` (fewer
 *   tensors than operands)
 */
export class TensorOperation extends tf.layers.Layer {
  static readonly className = 'TensorOperation';
  private readonly operation: string;
  private readonly operands: readonly Operand[];
  private readonly options: Options;

  constructor(args: TensorOperationArgs) {
    // `dtype` is an option of `cast`, and nothing to the others: there are no weights.
    super({ name: args.name, trainable: args.trainable });
    const { operation, inputs } = args;
    this.operation = typeof operation === 'string' ? snakeCase(operation) : '';
    if (!Object.hasOwn(TENSOR_OPERATIONS, this.operation)) {
      refuseOption('TensorOperation', 'operation', operation, Object.keys(TENSOR_OPERATIONS).join(', '));
    }
    const isOperand = (item: unknown): item is Operand =>
      typeof item === 'object' && item !== null && ('tensor' in item || 'value' in item);
    if (!Array.isArray(inputs) || inputs.length === 0 || !inputs.every(isOperand)) {
      refuseOption('TensorOperation', 'inputs', inputs, 'a list of { tensor } and { value }');
    }
    this.operands = inputs;
    const options = Object.entries(args).filter(
      ([key, value]) =>
        !LAYER_ARGUMENTS.has(key) && value !== undefined && !(key === 'dtype' && this.operation !== 'cast'),
    );
    this.options = Object.fromEntries(
      options.map(([key, value]) => [
        key,
        key === 'subscripts' ? smallLetters(value as string)(value as string) : value,
      ]),
    );
  }

  override call(inputs: tf.Tensor | tf.Tensor[], kwargs: CallArguments): tf.Tensor | tf.Tensor[] {
    return tf.tidy(() => {
      this.invokeCallHook(inputs, kwargs);
      const given = Array.isArray(inputs) ? inputs : [inputs];
      const tensors = this.picked(given, (value) => this.constant(value, given));
      return TENSOR_OPERATIONS[this.operation]!(tensors, this.options);
    });
  }

  override computeOutputShape(inputShape: Shape | Shape[]): Shape | Shape[] {
    const shapes = (inputShape.some(Array.isArray) ? inputShape : [inputShape]) as Shape[];
    return operationShape(this.operation, this.picked(shapes, shapeOf), this.options);
  }

  override getConfig(): tf.serialization.ConfigDict {
    return {
      ...super.getConfig(),
      ...(this.options as tf.serialization.ConfigDict),
      operation: this.operation,
      inputs: this.operands as unknown as tf.serialization.ConfigDictArray,
    };
  }

  private picked<Item>(given: readonly Item[], constant: (value: NestedValue) => Item): Item[] {
    return this.operands.map((operand) => {
      if ('value' in operand) return constant(operand.value);
      const item = given[operand.tensor];
      return item ?? refuseInputs(this, `${given.length} inputs`, `an input ${operand.tensor}`);
    });
  }

  /** Whole numbers stay so beside whole numbers only, as in Keras. */
  private constant(value: NestedValue, beside: readonly tf.Tensor[]): tf.Tensor {
    const numbers = [value].flat(16) as (number | boolean)[];
    if (typeof numbers[0] === 'boolean') return tf.tensor(value as unknown as boolean[], undefined, 'bool');
    const isWhole = beside.every(({ dtype }) => dtype !== 'float32') && numbers.every(Number.isInteger);
    return tf.tensor(numbers as number[], shapeOf(value), isWhole ? 'int32' : 'float32');
  }
}
tf.serialization.registerClass(TensorOperation);
