import type { JsonObject } from '../src/base/types.ts';

/** One output of one call of a layer. A layer that is called once has node 0; most layers have tensor 0 only. */
export interface TensorRef {
  readonly layer: string;
  readonly node: number;
  readonly tensor: number;
}

/**
 * A layer in the vocabulary of Keras 2 (`Conv2D`, `filters`, `batch_input_shape`), whatever wrote the file.
 * `inbound` has one entry for each call of the layer; an input layer has none.
 */
export interface GraphLayer {
  readonly name: string;
  readonly className: string;
  readonly config: JsonObject;
  readonly inbound: readonly (readonly TensorRef[])[];
  /** One object for each call, present only when a call had keyword arguments that change what it computes. */
  readonly callArguments?: readonly JsonObject[];
  /** Set when the layer is itself a model. */
  readonly nested?: ModelGraph;
}

/** A model's topology, without weights. Layers stand in the order of the file that they came from. */
export interface ModelGraph {
  readonly name: string;
  readonly kind: 'functional' | 'sequential';
  readonly layers: readonly GraphLayer[];
  readonly inputs: readonly TensorRef[];
  readonly outputs: readonly TensorRef[];
}
