import * as tf from '@tensorflow/tfjs';
import { ConvLSTM, type ConvLSTMArgs } from './convolutional-lstm.ts';

/**
 * Keras's `ConvLSTM1D` (Shi et al. 2015, arXiv 1506.04214): an LSTM whose products are convolutions. Input
 * `[batch, time, length, channels]`; output as for tfjs's `convLstm2d`. Weights: `kernel`
 * `[size, channels, 4 * filters]`, `recurrent_kernel` `[size, filters, 4 * filters]`, `bias`; gates in the order input,
 * forget, candidate, output.
 *
 * @throws ModelError `MODEL_OPTION`, `MODEL_INPUT`
 * @source keras/src/layers/rnn/conv_lstm.py
 */
export class ConvLSTM1D extends ConvLSTM {
  static readonly className: string = 'ConvLSTM1D';

  constructor(args: ConvLSTMArgs) {
    super(args, 1);
  }
}
tf.serialization.registerClass(ConvLSTM1D);

/**
 * Keras's `ConvLSTM3D`, as `ConvLSTM1D` for `[batch, time, planes, rows, columns, channels]`.
 *
 * @throws ModelError `MODEL_OPTION`, `MODEL_INPUT`
 * @source keras/src/layers/rnn/conv_lstm.py
 */
export class ConvLSTM3D extends ConvLSTM {
  static readonly className: string = 'ConvLSTM3D';

  constructor(args: ConvLSTMArgs) {
    super(args, 3);
  }
}
tf.serialization.registerClass(ConvLSTM3D);

/**
 * Keras's `ConvLSTM2D` for sequences with a mask, which tfjs's cannot take; otherwise the same.
 *
 * @throws ModelError `MODEL_OPTION`, `MODEL_INPUT`
 * @source keras/src/layers/rnn/conv_lstm.py
 */
export class KerasConvLSTM2D extends ConvLSTM {
  static readonly className: string = 'KerasConvLSTM2D';

  constructor(args: ConvLSTMArgs) {
    super(args, 2);
  }
}
tf.serialization.registerClass(KerasConvLSTM2D);
