import * as tf from '@tensorflow/tfjs';
import type { CallArguments, Shape } from '../../zoo/layers/layer-inputs.ts';
import { oneShape } from '../../zoo/layers/layer-inputs.ts';
import {
  tfjsClass,
  type Activation,
  type Constraint,
  type Initializer,
  type Regularizer,
  type TfjsClass,
} from './tfjs-classes.ts';

type CellArgs = Parameters<typeof tf.layers.gruCell>[0];
type LayerArgs = Parameters<typeof tf.layers.gru>[0];

/** What tfjs's GRUCell makes of its arguments. Its own type is not among tfjs's public ones. */
interface GRUCellLayer extends tf.layers.Layer {
  readonly units: number;
  readonly stateSize: number;
  readonly useBias: boolean;
  readonly dropout: number;
  readonly recurrentDropout: number;
  readonly activation: Activation;
  readonly recurrentActivation: Activation;
  readonly biasInitializer: Initializer;
  readonly biasRegularizer: Regularizer | undefined;
  readonly biasConstraint: Constraint | undefined;
  dropoutMask: tf.Tensor | null;
  recurrentDropoutMask: tf.Tensor | null;
  kernel: tf.LayerVariable;
  recurrentKernel: tf.LayerVariable;
  bias: tf.LayerVariable | null;
}
const GRUCell = tfjsClass<GRUCellLayer, CellArgs>('GRUCell');
/** What tfjs's RNN has, with the cell that it has here. */
interface RecurrentLayer extends tf.layers.Layer {
  readonly cell: GRUCellLayer;
}
const RNN = tf.RNN as unknown as TfjsClass<RecurrentLayer, object>;

/**
 * Keras's `GRUCell` with `reset_after`, its default: the reset gate is applied behind the recurrent product, and both
 * products have a bias of their own (Cho et al. 2014, arXiv 1406.1078, version 3). Weights: `kernel`
 * `[features, 3 * units]`, `recurrent_kernel` `[units, 3 * units]`, `bias` `[2, 3 * units]`; gates in the order update,
 * reset, candidate.
 *
 * @source keras/src/layers/rnn/gru.py
 */
export class KerasGRUCell extends GRUCell {
  static readonly className: string = 'KerasGRUCell';

  constructor(args: CellArgs) {
    super({ ...args, resetAfter: false });
  }

  override build(inputShape: Shape | Shape[]): void {
    const { useBias } = this;
    const own = this as { useBias: boolean };
    own.useBias = false;
    super.build(oneShape(this, inputShape));
    own.useBias = useBias;
    if (!useBias) return;
    const { biasInitializer, biasRegularizer, biasConstraint } = this;
    const shape = [2, 3 * this.units];
    this.bias = this.addWeight(
      'bias',
      shape,
      undefined,
      biasInitializer,
      biasRegularizer,
      true,
      biasConstraint,
    );
  }

  override call(inputs: tf.Tensor | tf.Tensor[], kwargs: CallArguments): tf.Tensor[] {
    return tf.tidy(() => {
      const [given, state] = inputs as [tf.Tensor, tf.Tensor];
      const training = kwargs.training === true;
      const x = dropped(given, this.dropoutMask ?? mask(given, this.dropout, training));
      const previous = dropped(
        state,
        this.recurrentDropoutMask ?? mask(state, this.recurrentDropout, training),
      );
      const [inputBias, recurrentBias] = this.bias === null ? [] : tf.unstack(this.bias.read());
      const product = (a: tf.Tensor, kernel: tf.LayerVariable, bias: tf.Tensor | undefined) => {
        const y = tf.matMul(a, kernel.read());
        return tf.split(bias === undefined ? y : tf.add(y, bias), 3, 1) as [tf.Tensor, tf.Tensor, tf.Tensor];
      };
      const [inputUpdate, inputReset, inputCandidate] = product(x, this.kernel, inputBias);
      const [update, reset, recurrent] = product(previous, this.recurrentKernel, recurrentBias);
      const z = this.recurrentActivation.apply(tf.add(inputUpdate, update));
      const r = this.recurrentActivation.apply(tf.add(inputReset, reset));
      const candidate = this.activation.apply(tf.add(inputCandidate, tf.mul(r, recurrent)));
      const next = tf.add(tf.mul(z, state), tf.mul(tf.sub(1, z), candidate));
      return [next, next];
    });
  }

  override getConfig(): tf.serialization.ConfigDict {
    return { ...super.getConfig(), resetAfter: true };
  }
}
tf.serialization.registerClass(KerasGRUCell);

/** Ones of which some are dropped, for training; `null` where nothing is. */
function mask(like: tf.Tensor, rate: number, training: boolean): tf.Tensor | null {
  return training && rate > 0 ? tf.dropout(tf.onesLike(like), Math.min(rate, 1)) : null;
}

const dropped = (x: tf.Tensor, kept: tf.Tensor | null) => (kept === null ? x : tf.mul(x, kept));

/**
 * Keras's `GRU` with `reset_after`, its default; tfjs's has the older arithmetic only. Arguments, input and output as for
 * `tf.layers.gru`, weights as for `KerasGRUCell`.
 *
 * @source keras/src/layers/rnn/gru.py
 */
export class KerasGRU extends RNN {
  static readonly className: string = 'KerasGRU';

  constructor(args: LayerArgs) {
    super({ ...args, cell: new KerasGRUCell(args) });
  }

  override call(inputs: tf.Tensor | tf.Tensor[], kwargs: CallArguments): tf.Tensor | tf.Tensor[] {
    return tf.tidy(() => {
      const { mask: steps, training, initialState } = kwargs ?? {};
      const { cell } = this;
      const x = (Array.isArray(inputs) ? inputs[0] : inputs) as tf.Tensor3D;
      // One mask for all steps of a sequence.
      const [batch, , features] = x.shape;
      const { dropout, recurrentDropout, units } = cell;
      cell.dropoutMask = mask(tf.zeros([batch, features]), dropout, training === true);
      cell.recurrentDropoutMask = mask(tf.zeros([batch, units]), recurrentDropout, training === true);
      try {
        return super.call(inputs, { mask: steps, training, initialState });
      } finally {
        cell.dropoutMask = null;
        cell.recurrentDropoutMask = null;
      }
    });
  }

  static override fromConfig<T extends tf.serialization.Serializable>(
    cls: tf.serialization.SerializableConstructor<T>,
    config: tf.serialization.ConfigDict,
  ): T {
    return new cls(config);
  }
}
tf.serialization.registerClass(KerasGRU);
