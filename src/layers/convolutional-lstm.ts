import * as tf from '@tensorflow/tfjs';
import type { CallArguments, LayerArgs, Shape } from '../../zoo/layers/layer-inputs.ts';
import { refuseInputs, refuseOption } from '../../zoo/layers/layer-inputs.ts';
import { truthOf } from './constants.ts';
import { convolvedLength, groupedConvolution, outputShapeOf } from './convolution-support.ts';
import {
  activationOf,
  initializerOf,
  regularizerOf,
  serialized,
  serializedOrNull,
  type NamedActivation,
} from './registered.ts';
import type { DataFormat, Initializer, Regularizer } from './tfjs-classes.ts';
import { channelsFirst, channelsLast, each } from './tfjs-classes.ts';

type PerAxis = number | readonly number[];

export interface ConvLSTMArgs extends LayerArgs {
  readonly filters: number;
  readonly kernelSize: PerAxis;
  /** Of the convolution of the input. Default 1. */
  readonly strides?: PerAxis;
  /** Of the convolution of the input; that of the state is `same`. Default `valid`. */
  readonly padding?: 'valid' | 'same';
  /** Default `channelsLast`. */
  readonly dataFormat?: DataFormat | null;
  /** Of the convolution of the input. Default 1. */
  readonly dilationRate?: PerAxis;
  /** Default `tanh`. */
  readonly activation?: string | null;
  /** Default `hardSigmoid`. */
  readonly recurrentActivation?: string | null;
  readonly useBias?: boolean;
  readonly kernelInitializer?: unknown;
  readonly recurrentInitializer?: unknown;
  readonly biasInitializer?: unknown;
  /** The bias of the forget gate begins at 1. Default true. */
  readonly unitForgetBias?: boolean;
  readonly kernelRegularizer?: unknown;
  readonly recurrentRegularizer?: unknown;
  readonly biasRegularizer?: unknown;
  /** Shares of input and state that training drops. Default 0. */
  readonly dropout?: number;
  readonly recurrentDropout?: number;
  readonly returnSequences?: boolean;
  readonly returnState?: boolean;
  readonly goBackwards?: boolean;
  readonly stateful?: boolean;
}

type Flag = 'returnSequences' | 'returnState' | 'goBackwards';
const REGULARIZERS = ['kernelRegularizer', 'recurrentRegularizer', 'biasRegularizer'] as const;

/** What the three have in common; `spatial` axes lie between time and channels. */
export abstract class ConvLSTM extends tf.layers.Layer {
  private readonly filters: number;
  private readonly kernelSize: number[];
  private readonly strides: number[];
  private readonly padding: 'valid' | 'same';
  private readonly dataFormat: DataFormat;
  private readonly dilationRate: number[];
  private readonly activation: NamedActivation;
  private readonly recurrentActivation: NamedActivation;
  private readonly useBias: boolean;
  private readonly unitForgetBias: boolean;
  private readonly dropout: number;
  private readonly recurrentDropout: number;
  private readonly flags: Record<Flag, boolean>;
  private readonly initializers: Record<'kernel' | 'recurrent' | 'bias', Initializer>;
  private readonly regularizers: Record<(typeof REGULARIZERS)[number], Regularizer | undefined>;
  private kernel: tf.LayerVariable | undefined;
  private recurrentKernel: tf.LayerVariable | undefined;
  private bias: tf.LayerVariable | undefined;

  /** `spatial`: how many axes lie between time and channels. */
  constructor(
    args: ConvLSTMArgs,
    private readonly spatial: 1 | 2 | 3,
  ) {
    super(args);
    const { filters, padding = 'valid' } = args;
    const className = this.getClassName();
    if (!Number.isInteger(filters) || filters < 1) {
      refuseOption(className, 'filters', filters, 'a whole number of at least 1');
    }
    if (padding !== 'valid' && padding !== 'same') {
      refuseOption(className, 'padding', padding, 'valid or same');
    }
    if (args.stateful === true) refuseOption(className, 'stateful', true, 'false');
    this.filters = filters;
    this.kernelSize = each(args.kernelSize, spatial);
    this.strides = each(args.strides ?? 1, spatial);
    this.padding = padding;
    this.dataFormat = args.dataFormat ?? 'channelsLast';
    this.dilationRate = each(args.dilationRate ?? 1, spatial);
    this.activation = activationOf(args.activation === undefined ? 'tanh' : args.activation);
    this.recurrentActivation = activationOf(
      args.recurrentActivation === undefined ? 'hardSigmoid' : args.recurrentActivation,
    );
    this.useBias = args.useBias ?? true;
    this.unitForgetBias = args.unitForgetBias ?? true;
    this.dropout = args.dropout ?? 0;
    this.recurrentDropout = args.recurrentDropout ?? 0;
    const { returnSequences = false, returnState = false, goBackwards = false } = args;
    this.flags = { returnSequences, returnState, goBackwards };
    this.initializers = {
      kernel: initializerOf(args.kernelInitializer, 'glorotUniform'),
      recurrent: initializerOf(args.recurrentInitializer, 'orthogonal'),
      bias: initializerOf(args.biasInitializer, 'zeros'),
    };
    this.regularizers = {
      kernelRegularizer: regularizerOf(args.kernelRegularizer),
      recurrentRegularizer: regularizerOf(args.recurrentRegularizer),
      biasRegularizer: regularizerOf(args.biasRegularizer),
    };
    this.supportsMasking = true;
  }

  override build(inputShape: Shape | Shape[]): void {
    const shape = this.sequenceShape(inputShape);
    const channels = shape[this.dataFormat === 'channelsFirst' ? 2 : shape.length - 1] ?? null;
    if (channels === null) refuseInputs(this, JSON.stringify(shape), 'a known number of channels');
    const { filters, kernelSize, initializers, regularizers } = this;
    const add = (name: string, inside: number, which: 'kernel' | 'recurrent') =>
      this.addWeight(
        name,
        [...kernelSize, inside, 4 * filters],
        'float32',
        initializers[which],
        regularizers[`${which}Regularizer`],
      );
    this.kernel = add('kernel', channels, 'kernel');
    this.recurrentKernel = add('recurrent_kernel', filters, 'recurrent');
    if (this.useBias) {
      const { biasRegularizer } = regularizers;
      this.bias = this.addWeight('bias', [4 * filters], 'float32', initializers.bias, biasRegularizer);
      if (this.unitForgetBias) {
        const bias = this.bias;
        tf.tidy(() => {
          const [input, , ...rest] = tf.split(bias.read(), 4) as [tf.Tensor, ...tf.Tensor[]];
          bias.write(tf.concat([input, tf.onesLike(input), ...rest]));
        });
      }
    }
    super.build(inputShape);
  }

  override call(inputs: tf.Tensor | tf.Tensor[], kwargs: CallArguments): tf.Tensor | tf.Tensor[] {
    return tf.tidy(() => {
      this.invokeCallHook(inputs, kwargs);
      const { mask, training, initialState } = (kwargs ?? {}) as {
        mask?: tf.Tensor | null;
        training?: boolean;
        initialState?: tf.Tensor[];
      };
      const [sequence, ...states] = (Array.isArray(inputs) ? inputs : [inputs]) as [
        tf.Tensor,
        ...tf.Tensor[],
      ];
      const first = this.dataFormat === 'channelsFirst';
      const last = (x: tf.Tensor) => (first ? channelsLast(x) : x);
      const steps = tf.unstack(tf.cast(sequence, 'float32'), 1).map(last);
      const given = (initialState ?? states).map(last);
      const masks = mask == null ? undefined : tf.unstack(truthOf(mask), 1);
      if (this.flags.goBackwards) {
        steps.reverse();
        masks?.reverse();
      }
      const zeros = tf.zeros(this.stepShape((steps[0] as tf.Tensor).shape, 'channelsLast') as number[]);
      let [h, c] = given.length === 2 ? (given as [tf.Tensor, tf.Tensor]) : [zeros, zeros];
      const drop = (rate: number, shape: number[]) =>
        training === true && rate > 0 ? tf.dropout(tf.ones(shape), rate) : undefined;
      const kept = drop(this.dropout, (steps[0] as tf.Tensor).shape);
      const keptState = drop(this.recurrentDropout, zeros.shape);
      const outputs: tf.Tensor[] = [];
      // What a masked step gives: the output of the step before it.
      let output: tf.Tensor = zeros;
      steps.forEach((step, index) => {
        const x = kept === undefined ? step : tf.mul(step, kept);
        const next = this.step(x, keptState === undefined ? h : tf.mul(h, keptState), c);
        const here = masks?.[index];
        const choose = (a: tf.Tensor, b: tf.Tensor) =>
          here === undefined
            ? a
            : tf.where(tf.reshape(here, [-1, ...Array<number>(a.rank - 1).fill(1)]), a, b);
        output = choose(next[0], output);
        [h, c] = [choose(next[0], h), choose(next[1], c)];
        outputs.push(output);
      });
      const own = (x: tf.Tensor) => (first ? channelsFirst(x) : x);
      const result = this.flags.returnSequences ? tf.stack(outputs.map(own), 1) : own(output);
      return this.flags.returnState ? [result, own(h), own(c)] : result;
    });
  }

  override computeOutputShape(inputShape: Shape | Shape[]): Shape | Shape[] {
    const [batch = null, time = null, ...rest] = this.sequenceShape(inputShape);
    const [, ...size] = this.stepShape([batch, ...rest], this.dataFormat);
    const output = this.flags.returnSequences ? [batch, time, ...size] : [batch, ...size];
    return this.flags.returnState ? [output, [batch, ...size], [batch, ...size]] : output;
  }

  override computeMask(
    _inputs: tf.Tensor | tf.Tensor[],
    mask?: tf.Tensor | tf.Tensor[],
  ): tf.Tensor | tf.Tensor[] {
    const given = this.flags.returnSequences ? ((Array.isArray(mask) ? mask[0] : mask) ?? null) : null;
    return (this.flags.returnState ? [given, null, null] : given) as tf.Tensor;
  }

  override getConfig(): tf.serialization.ConfigDict {
    const { initializers, regularizers } = this;
    const config: tf.serialization.ConfigDict = {
      ...super.getConfig(),
      ...this.flags,
      filters: this.filters,
      kernelSize: this.kernelSize,
      strides: this.strides,
      padding: this.padding,
      dataFormat: this.dataFormat,
      dilationRate: this.dilationRate,
      activation: this.activation.getClassName(),
      recurrentActivation: this.recurrentActivation.getClassName(),
      useBias: this.useBias,
      unitForgetBias: this.unitForgetBias,
      dropout: this.dropout,
      recurrentDropout: this.recurrentDropout,
      kernelInitializer: serialized(initializers.kernel),
      recurrentInitializer: serialized(initializers.recurrent),
      biasInitializer: serialized(initializers.bias),
    };
    for (const key of REGULARIZERS) config[key] = serializedOrNull(regularizers[key]);
    return config;
  }

  /** State and carry after a step; channels last. */
  private step(x: tf.Tensor, h: tf.Tensor, c: tf.Tensor): [tf.Tensor, tf.Tensor] {
    const { strides, padding, dilationRate } = this;
    const ones = strides.map(() => 1);
    const input = this.convolve(x, this.kernel as tf.LayerVariable, strides, padding, dilationRate);
    const state = this.convolve(h, this.recurrentKernel as tf.LayerVariable, ones, 'same', ones);
    const sum = tf.add(this.bias === undefined ? input : tf.add(input, this.bias.read()), state);
    const [i, f, g, o] = tf.split(sum, 4, -1) as [tf.Tensor, tf.Tensor, tf.Tensor, tf.Tensor];
    const gate = (value: tf.Tensor) => this.recurrentActivation.apply(value);
    const carry = tf.add(tf.mul(gate(f), c), tf.mul(gate(i), this.activation.apply(g)));
    return [tf.mul(gate(o), this.activation.apply(carry)), carry];
  }

  private convolve(
    x: tf.Tensor,
    kernel: tf.LayerVariable,
    strides: number[],
    padding: 'valid' | 'same',
    dilations: number[],
  ): tf.Tensor {
    const weights = kernel.read();
    // Dilated kernels, for a convolution with a dilation has no gradient in tfjs.
    const training = true;
    if (this.spatial > 1) {
      return groupedConvolution(x, weights, { strides, padding, dilations, groups: 1, training });
    }
    const row = { strides: [1, ...strides], dilations: [1, ...dilations], padding, groups: 1, training };
    return tf.squeeze(groupedConvolution(tf.expandDims(x, 1), tf.expandDims(weights, 0), row), [1]);
  }

  /** Of the output, state and carry of one step. */
  private stepShape(shape: Shape, dataFormat: DataFormat): Shape {
    const { kernelSize, padding, strides, dilationRate } = this;
    return outputShapeOf(shape, dataFormat, this.filters, (size, axis) =>
      convolvedLength(size, kernelSize[axis]!, padding, strides[axis]!, dilationRate[axis]!),
    );
  }

  private sequenceShape(inputShape: Shape | Shape[]): Shape {
    const shape = (Array.isArray(inputShape[0]) ? inputShape[0] : inputShape) as Shape;
    if (shape.length === this.spatial + 3) return shape;
    return refuseInputs(this, JSON.stringify(shape), `an input of ${this.spatial + 3} axes`);
  }
}
