import type * as tf from '@tensorflow/tfjs';
import { defaultModel } from '../../zoo/default-model.ts';
import { findModel } from '../../zoo/registry.ts';
import { platform } from '../platform.ts';
import type { LoadModelOptions } from './load-model.ts';
import { isModelFile, loadModelFile } from './load-model-file.ts';
import { metadataOfCard, setMetadata } from './metadata.ts';
import { requireModelName } from './require-model.ts';

/**
 * A zoo model with zeros for weights (nothing is fetched), or a model of your own: for looking at its structure. It
 * knows its labels and how its pictures are prepared, as the same network with weights does.
 */
export async function loadArchitecture(
  model: string = defaultModel,
  options: LoadModelOptions = {},
): Promise<tf.LayersModel> {
  requireModelName(model);
  await platform().prepareTfjs();
  if (await isModelFile(model)) return loadModelFile(model, options);
  const { card, build } = findModel(model, options.version);
  const network = build(card, options, { kernel: 'zeros' });
  setMetadata(network, metadataOfCard(card, network.inputs[0]!.shape.slice(1), options));
  return network;
}
