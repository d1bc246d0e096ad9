import * as tf from '@tensorflow/tfjs';

/** Activations of this package, wherever a tfjs layer takes an `activation` by name. */
export type OwnActivation = 'hardSwish' | 'hardSilu' | 'keras3HardSigmoid';

/** `relu6(x + 3) / 6`, which Keras 3 and PyTorch call hard sigmoid. */
function hardGate(x: tf.Tensor): tf.Tensor {
  return tf.div(tf.relu6(tf.add(x, 3)), 6);
}

/** tfjs looks activations up by class name among all registered classes; these have what it asks of them. */
abstract class ElementwiseActivation extends tf.serialization.Serializable {
  abstract apply(x: tf.Tensor): tf.Tensor;

  override getConfig(): tf.serialization.ConfigDict {
    return {};
  }
}

/**
 * Keras's `hard_swish`: `x * relu6(x + 3) / 6` (Howard et al. 2019, arXiv 1905.02244).
 *
 * @source keras/src/activations/activations.py
 */
class HardSwish extends ElementwiseActivation {
  static readonly className: string = 'hardSwish';

  override apply(x: tf.Tensor): tf.Tensor {
    return tf.tidy(() => tf.mul(x, hardGate(x)));
  }
}
tf.serialization.registerClass(HardSwish);

/** `hard_swish` under Keras's other name for it. */
class HardSilu extends HardSwish {
  static override readonly className = 'hardSilu';
}
tf.serialization.registerClass(HardSilu);

/**
 * Keras 3's `hard_sigmoid`: `relu6(x + 3) / 6`. Keras 2's and tfjs's `hardSigmoid` is `clip(0.2 x + 0.5, 0, 1)`.
 *
 * @source keras/src/activations/activations.py
 */
class Keras3HardSigmoid extends ElementwiseActivation {
  static readonly className = 'keras3HardSigmoid';

  override apply(x: tf.Tensor): tf.Tensor {
    return tf.tidy(() => hardGate(x));
  }
}
tf.serialization.registerClass(Keras3HardSigmoid);
