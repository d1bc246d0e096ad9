/**
 * Keras's layers that tfjs lacks or computes otherwise, for converted models. Importing this file registers them, so
 * that `tf.loadLayersModel` builds them; each family is a file of its own that registers what it holds.
 */
import './activation-layers.ts';
import './activations.ts';
import './attention.ts';
import './batch-normalization.ts';
import './bidirectional.ts';
import './borders.ts';
import './channel-scaled.ts';
import './conv-lstm.ts';
import './convolutions.ts';
import './depthwise-convolutions.ts';
import './einsum-dense.ts';
import './encoding.ts';
import './frozen-layers.ts';
import './gru.ts';
import './identity.ts';
import './image-size.ts';
import './initial-states.ts';
import './masks.ts';
import './merge.ts';
import './multi-head-attention.ts';
import './group-query-attention.ts';
import './normalizations.ts';
import './pooling.ts';
import './spectral-normalization.ts';
import './transposed-convolutions.ts';
import './upsampling.ts';
import './tensor-operation.ts';
