import type { ModelFile } from '../../converters/index.ts';
import type { Initialisation } from '../../zoo/build-options.ts';

/** The card whose weights of 2016 are recognised. */
export const RESNET_OF_2016 = 'resnet50';

/** `res2a_branch2b`, `bn2a_branch1`: stage, block, and 2a, 2b, 2c of the main branch or 1 of the shortcut. */
const BLOCK_LAYER = /^(res|bn)([2-5])([a-f])_branch(1|2a|2b|2c)$/;
const PLACES: Readonly<Record<string, string>> = { '1': '0', '2a': '1', '2b': '2', '2c': '3' };
const OTHERS: Readonly<Record<string, string>> = {
  conv1: 'conv1_conv',
  bn_conv1: 'conv1_bn',
  fc1000: 'predictions',
};

function nameToday(layer: string): string | undefined {
  const [, kind, stage, block = '', branch = ''] = BLOCK_LAYER.exec(layer) ?? [];
  if (kind === undefined) return OTHERS[layer];
  const number = block.charCodeAt(0) - 'a'.charCodeAt(0) + 1;
  return `conv${stage}_block${number}_${PLACES[branch]}_${kind === 'res' ? 'conv' : 'bn'}`;
}

export interface ResNetOf2016<File> {
  /** The same weights under today's names; they have to be taken by name. */
  readonly file: File;
  /** What the network of these weights differs in. */
  readonly initialisation: NonNullable<Initialisation['of2016']>;
}

/**
 * ResNet50's weights as Keras published them in 2016 and as its releases before 2.3 saved them, or undefined for any
 * other file. They have other names, and main branch and shortcut in another order: taken by position, the two would be
 * swapped in silence where their shapes agree, in the second stage.
 */
export function resNetOf2016<File extends Pick<ModelFile, 'layers'> & Partial<ModelFile>>(
  file: File,
): ResNetOf2016<File> | undefined {
  // A whole model says itself what it is made of.
  if (file.config !== undefined) return undefined;
  const bearing = file.layers.filter(({ weights }) => weights.length > 0);
  if (!bearing.some(({ layer }) => BLOCK_LAYER.test(layer))) return undefined;
  const layers = bearing.map((layer) => ({ ...layer, layer: nameToday(layer.layer) ?? layer.layer }));
  return {
    file: { ...file, layers },
    initialisation: { poolPadding: padsFirstPool(file.kerasVersion ?? '1') },
  };
}

/** keras-applications 1.0.6, which Keras 2.2.3 was the first to demand, pads it. */
function padsFirstPool(kerasVersion: string): boolean {
  const [major = 0, minor = 0, patch = 0] = kerasVersion.split(/[.-]/).map(Number);
  return major > 2 || (major === 2 && (minor > 2 || (minor === 2 && patch >= 3)));
}
