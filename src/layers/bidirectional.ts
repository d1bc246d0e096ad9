import * as tf from '@tensorflow/tfjs';
import type { LayerArgs, Shape } from '../../zoo/layers/layer-inputs.ts';
import { layerOf, serialized, type Serialized } from './registered.ts';
import { tfjsClass } from './tfjs-classes.ts';

/** What tfjs's Bidirectional makes of its arguments. Its own type is not among tfjs's public ones. */
interface BidirectionalLayer extends tf.layers.Layer {
  readonly layer: tf.layers.Layer;
  forwardLayer: tf.layers.Layer;
  backwardLayer: tf.layers.Layer;
  readonly mergeMode: 'concat' | 'sum' | 'mul' | 'ave' | null;
}
const Bidirectional = tfjsClass<BidirectionalLayer, object>('Bidirectional');

export interface KerasBidirectionalArgs extends LayerArgs {
  /** The recurrent layer that goes forwards. */
  readonly layer: tf.layers.Layer;
  /** The one that goes backwards: its `goBackwards` is true, and it returns what the other one returns. */
  readonly backwardLayer: tf.layers.Layer;
  /** Default `concat`; `null` gives both outputs. */
  readonly mergeMode?: 'concat' | 'sum' | 'mul' | 'ave' | null;
}

/**
 * Keras's `Bidirectional` with a `backward_layer` of its own, which tfjs's leaves out of account: the layers may differ
 * in everything but the shapes of their outputs. Weights: those of `layer`, then those of `backwardLayer`.
 *
 * @source keras/src/layers/rnn/bidirectional.py
 */
export class KerasBidirectional extends Bidirectional {
  static readonly className: string = 'KerasBidirectional';
  private readonly backwardConfig: Serialized;

  constructor(args: KerasBidirectionalArgs) {
    const { backwardLayer, ...rest } = args;
    super(rest);
    // A copy, so that the config has the layer's own name.
    this.backwardConfig = serialized(backwardLayer);
    this.backwardLayer = layerOf(this.backwardConfig);
    this.backwardLayer.name = `backward_${backwardLayer.name}`;
  }

  /** As tfjs has it for two alike, but joined outputs are as wide as both. */
  override computeOutputShape(inputShape: Shape | Shape[]): Shape | Shape[] {
    const listed = (shape: Shape | Shape[]) => (Array.isArray(shape[0]) ? shape : [shape]) as Shape[];
    const [forward, ...forwardStates] = listed(this.forwardLayer.computeOutputShape(inputShape)) as [Shape];
    const [backward, ...backwardStates] = listed(this.backwardLayer.computeOutputShape(inputShape)) as [
      Shape,
    ];
    const width = (forward.at(-1) ?? 0) + (backward.at(-1) ?? 0);
    const joined = this.mergeMode === 'concat' ? [...forward.slice(0, -1), width] : forward;
    const outputs = this.mergeMode === null ? [forward, backward] : [joined];
    const all = [...outputs, ...forwardStates, ...backwardStates];
    return all.length === 1 ? joined : all;
  }

  override getConfig(): tf.serialization.ConfigDict {
    const { className, config } = this.backwardConfig;
    return { ...super.getConfig(), backwardLayer: { className, config: { ...config } } };
  }

  static override fromConfig<T extends tf.serialization.Serializable>(
    cls: tf.serialization.SerializableConstructor<T>,
    config: tf.serialization.ConfigDict,
  ): T {
    const { layer, backwardLayer, ...rest } = config;
    return new cls({ ...rest, layer: layerOf(layer), backwardLayer: layerOf(backwardLayer) });
  }
}
tf.serialization.registerClass(KerasBidirectional);
