/** The layers that tfjs lacks. Importing this file registers them, so that `tf.loadLayersModel` reads them too. */
export type { OwnActivation } from './activations.ts';
import './activations.ts';
export { GlobalAveragePooling2DKeepDims, GlobalMaxPooling2DKeepDims } from './global-pooling.ts';
export type { GlobalPooling2DArgs } from './global-pooling.ts';
export { GroupedConv2D } from './grouped-conv2d.ts';
export type { GroupedConv2DArgs } from './grouped-conv2d.ts';
export { Normalization } from './normalization.ts';
export type { NestedNumbers, NormalizationArgs } from './normalization.ts';
export { CustomScaleLayer, LayerScale } from './scale.ts';
export type { CustomScaleLayerArgs, LayerScaleArgs } from './scale.ts';
export { StochasticDepth } from './stochastic-depth.ts';
export type { StochasticDepthArgs } from './stochastic-depth.ts';
