import * as tf from '@tensorflow/tfjs';

export interface AdamWOptions {
  /** Default 0.001. */
  readonly learningRate?: number;
  /** Share of each value that a step takes away, times the learning rate. Default 0.004. */
  readonly weightDecay?: number;
  /** Default 0.9. */
  readonly beta1?: number;
  /** Default 0.999. */
  readonly beta2?: number;
  /** Default 1e-7. */
  readonly epsilon?: number;
  /** Which variables decay. Default: all, as in Keras. */
  readonly decays?: (variable: tf.Variable) => boolean;
}

interface NamedTensor {
  name: string;
  tensor: tf.Tensor;
}

interface Moment {
  originalName: string;
  variable: tf.Variable;
}

/**
 * Adam with decoupled weight decay (Loshchilov and Hutter, 2019), with the numbers of Keras 3: the decay comes first, and
 * epsilon is added to the root of the second moment before its bias is corrected.
 */
export class AdamW extends tf.Optimizer {
  static readonly className = 'AdamW';
  learningRate: number;
  readonly weightDecay: number;
  readonly beta1: number;
  readonly beta2: number;
  readonly epsilon: number;
  readonly #decays: (variable: tf.Variable) => boolean;
  protected accumulatedFirstMoment: Moment[] = [];
  protected accumulatedSecondMoment: Moment[] = [];

  constructor(options: AdamWOptions = {}) {
    super();
    const { learningRate = 1e-3, weightDecay = 4e-3, beta1 = 0.9, beta2 = 0.999, epsilon = 1e-7 } = options;
    this.learningRate = learningRate;
    this.weightDecay = weightDecay;
    this.beta1 = beta1;
    this.beta2 = beta2;
    this.epsilon = epsilon;
    this.#decays = options.decays ?? (() => true);
  }

  applyGradients(gradients: tf.NamedTensorMap | { name: string; tensor: tf.Tensor }[]): void {
    const named = Array.isArray(gradients)
      ? gradients
      : Object.entries(gradients).map(([name, tensor]) => ({ name, tensor }));
    const step = this.iterations + 1;
    const rate = (this.learningRate * Math.sqrt(1 - this.beta2 ** step)) / (1 - this.beta1 ** step);
    tf.tidy(() => {
      named.forEach(({ name, tensor }, index) => {
        const variable = tf.engine().registeredVariables[name]!;
        const first = momentOf(this.accumulatedFirstMoment, index, variable, 'm');
        const second = momentOf(this.accumulatedSecondMoment, index, variable, 'v');
        // No part of the loss depends on it.
        if (!(tensor as tf.Tensor | null | undefined)) return;
        first.assign(tf.add(first, tf.mul(tf.sub(tensor, first), 1 - this.beta1)));
        second.assign(tf.add(second, tf.mul(tf.sub(tf.square(tensor), second), 1 - this.beta2)));
        const decay = this.#decays(variable) ? 1 - this.learningRate * this.weightDecay : 1;
        const change = tf.div(tf.mul(first, rate), tf.add(tf.sqrt(second), this.epsilon));
        variable.assign(tf.sub(decay === 1 ? variable : tf.mul(variable, decay), change));
      });
    });
    this.incrementIterations();
  }

  override dispose(): void {
    tf.dispose(
      [...this.accumulatedFirstMoment, ...this.accumulatedSecondMoment].map(({ variable }) => variable),
    );
    this.accumulatedFirstMoment = [];
    this.accumulatedSecondMoment = [];
  }

  override async getWeights(): Promise<NamedTensor[]> {
    const moments = [...this.accumulatedFirstMoment, ...this.accumulatedSecondMoment];
    return [
      await this.saveIterations(),
      ...moments.map(({ originalName, variable }) => ({ name: originalName, tensor: variable })),
    ];
  }

  override async setWeights(weights: NamedTensor[]): Promise<void> {
    const moments = (await this.extractIterations(weights)).map(({ name, tensor }) => ({
      originalName: name,
      variable: tf.tidy(() => tf.variable(tensor, false)),
    }));
    this.dispose();
    this.accumulatedFirstMoment = moments.slice(0, moments.length / 2);
    this.accumulatedSecondMoment = moments.slice(moments.length / 2);
  }

  getConfig(): tf.serialization.ConfigDict {
    const { learningRate, weightDecay, beta1, beta2, epsilon } = this;
    return { learningRate, weightDecay, beta1, beta2, epsilon };
  }

  static override fromConfig<T extends tf.serialization.Serializable>(
    cls: tf.serialization.SerializableConstructor<T>,
    config: tf.serialization.ConfigDict,
  ): T {
    return new cls(config);
  }
}

function momentOf(moments: Moment[], index: number, variable: tf.Variable, ending: string): tf.Variable {
  const found = (moments[index] ??= {
    originalName: `${variable.name}/${ending}`,
    variable: tf.tidy(() => tf.variable(tf.zerosLike(variable), false)),
  });
  return found.variable;
}
