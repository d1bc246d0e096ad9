import * as tf from '@tensorflow/tfjs';
import type { CallArguments, LayerArgs, Shape } from '../../zoo/layers/layer-inputs.ts';
import { oneShape, oneTensor, refuseInputs, refuseOption } from '../../zoo/layers/layer-inputs.ts';
import { contract, parseContraction, smallLetters, type Contraction } from './einsum.ts';
import {
  activationOf,
  initializerOf,
  regularizerOf,
  serialized,
  serializedOrNull,
  type NamedActivation,
} from './registered.ts';
import type { Initializer, Regularizer } from './tfjs-classes.ts';

export interface EinsumDenseArgs extends LayerArgs {
  /** `input,kernel->output`, small letters; one ellipsis at most, at the front or at the back of input and output. */
  readonly equation: string;
  /** Sizes of the output's axes behind the batch axis; `null` where the input tells. */
  readonly outputShape: number | readonly (number | null)[];
  /** Letters of the output along which there is a bias. Default none. */
  readonly biasAxes?: string | null;
  readonly activation?: string | null;
  readonly kernelInitializer?: unknown;
  readonly biasInitializer?: unknown;
  readonly kernelRegularizer?: unknown;
  readonly biasRegularizer?: unknown;
}

/**
 * Keras's `EinsumDense`: `activation(einsum(equation, input, kernel) + bias)`. Weights: `kernel` with the sizes of its
 * letters, `bias` with the sizes of `biasAxes` (1 for letters of the output between them).
 *
 * @throws ModelError `MODEL_OPTION` (an equation that is not of two operands), `MODEL_INPUT`
 * @source keras/src/layers/core/einsum_dense.py
 */
export class EinsumDense extends tf.layers.Layer {
  static readonly className: string = 'EinsumDense';
  private readonly equation: string;
  private readonly outputSizes: readonly (number | null)[];
  private readonly biasAxes: string | null;
  private readonly activation: NamedActivation;
  private readonly kernelInitializer: Initializer;
  private readonly biasInitializer: Initializer;
  private readonly kernelRegularizer: Regularizer | undefined;
  private readonly biasRegularizer: Regularizer | undefined;
  private contraction: Contraction | undefined;
  private kernel: tf.LayerVariable | undefined;
  private bias: tf.LayerVariable | undefined;

  constructor(args: EinsumDenseArgs) {
    super(args);
    const { equation, outputShape, biasAxes = null } = args;
    const parts = typeof equation === 'string' ? /^([^,]+),([a-zA-Z]+)->(.+)$/.exec(equation.trim()) : null;
    if (parts === null) refuseOption('EinsumDense', 'equation', equation, '"input,kernel->output"');
    const small = smallLetters(equation);
    this.equation = small(equation).replaceAll(/\s/g, '');
    this.outputSizes = typeof outputShape === 'number' ? [outputShape] : [...outputShape];
    this.biasAxes = biasAxes === null ? null : small(biasAxes);
    this.activation = activationOf(args.activation);
    this.kernelInitializer = initializerOf(args.kernelInitializer, 'glorotUniform');
    this.biasInitializer = initializerOf(args.biasInitializer, 'zeros');
    this.kernelRegularizer = regularizerOf(args.kernelRegularizer);
    this.biasRegularizer = regularizerOf(args.biasRegularizer);
  }

  override build(inputShape: Shape | Shape[]): void {
    const shape = oneShape(this, inputShape);
    const contraction = this.parsed(shape);
    const sizes = this.sizesOf(shape, contraction);
    const needed = (letter: string) =>
      sizes.get(letter) ?? refuseInputs(this, JSON.stringify(shape), `a known size of the axis "${letter}"`);
    const kernelShape = Array.from(contraction.right, needed);
    const { kernelInitializer, kernelRegularizer, biasInitializer, biasRegularizer } = this;
    this.kernel = this.addWeight('kernel', kernelShape, 'float32', kernelInitializer, kernelRegularizer);
    if (this.biasAxes !== null && this.biasAxes !== '') {
      const axes = this.biasAxes;
      const first = Math.min(...Array.from(axes, (letter) => contraction.output.indexOf(letter)));
      if (first < 0)
        refuseOption('EinsumDense', 'biasAxes', axes, `letters of the output ${contraction.output}`);
      const biasShape = Array.from(contraction.output.slice(first), (c) =>
        axes.includes(c) ? needed(c) : 1,
      );
      this.bias = this.addWeight('bias', biasShape, 'float32', biasInitializer, biasRegularizer);
    }
    this.contraction = contraction;
    super.build(inputShape);
  }

  override call(inputs: tf.Tensor | tf.Tensor[], kwargs: CallArguments): tf.Tensor {
    return tf.tidy(() => {
      this.invokeCallHook(inputs, kwargs);
      const x = tf.cast(oneTensor(this, inputs), 'float32');
      const y = contract(this.contraction as Contraction, x, (this.kernel as tf.LayerVariable).read());
      return this.activation.apply(this.bias === undefined ? y : tf.add(y, this.bias.read()));
    });
  }

  override computeOutputShape(inputShape: Shape | Shape[]): Shape {
    const shape = oneShape(this, inputShape);
    const contraction = this.parsed(shape);
    const sizes = this.sizesOf(shape, contraction);
    return Array.from(contraction.output, (letter) => sizes.get(letter) ?? null);
  }

  override getConfig(): tf.serialization.ConfigDict {
    return {
      ...super.getConfig(),
      equation: this.equation,
      outputShape: [...this.outputSizes],
      biasAxes: this.biasAxes,
      activation: this.activation.getClassName(),
      kernelInitializer: serialized(this.kernelInitializer),
      biasInitializer: serialized(this.biasInitializer),
      kernelRegularizer: serializedOrNull(this.kernelRegularizer),
      biasRegularizer: serializedOrNull(this.biasRegularizer),
    };
  }

  private parsed(shape: Shape): Contraction {
    const kernel = /,([a-z]+)->/.exec(this.equation)?.[1]?.length ?? 0;
    const contraction = parseContraction(this.equation, shape.length, kernel);
    return contraction ?? refuseInputs(this, JSON.stringify(shape), `an input that fits ${this.equation}`);
  }

  /** By letter: the input tells first, then what the output is to be. */
  private sizesOf(shape: Shape, { left, output }: Contraction): Map<string, number | null> {
    const sizes = new Map<string, number | null>();
    // Behind an ellipsis at the front, sizes are counted from the back, else from the axis behind the batch axis.
    const fromBack = /->\.\.\./.test(this.equation);
    const named = Array.from(output).filter((letter) => /[a-z]/.test(letter));
    const offset = fromBack ? this.outputSizes.length - named.length : -1;
    named.forEach((letter, index) => sizes.set(letter, this.outputSizes[index + offset] ?? null));
    Array.from(left).forEach((letter, axis) => {
      if (shape[axis] != null || !sizes.has(letter)) sizes.set(letter, shape[axis] ?? null);
    });
    return sizes;
  }
}
tf.serialization.registerClass(EinsumDense);
