import type * as tf from '@tensorflow/tfjs';
import { closest, distance } from 'fastest-levenshtein';
import { ModelError } from '../src/base/errors.ts';
import type { BuildOptions, Initialisation } from './build-options.ts';
import type { ModelCard } from './card.ts';
import {
  efficientNetLite0,
  efficientNetLite1,
  efficientNetLite2,
  efficientNetLite3,
  efficientNetLite4,
} from './cards/efficientnet-lite.ts';
import { squeezenet10, squeezenet11 } from './cards/squeezenet.ts';
import { buildEfficientNetLite } from './efficientnet-lite.ts';
import { buildSqueezeNet } from './squeezenet.ts';

export type ModelBuilder = (
  card: ModelCard,
  options: BuildOptions,
  initialisation: Initialisation,
) => tf.LayersModel;

export interface ZooEntry {
  readonly card: ModelCard;
  /** Other spellings that `findModel` takes. */
  readonly aliases: readonly string[];
  readonly build: ModelBuilder;
}

const entries: readonly ZooEntry[] = [
  ...[efficientNetLite0, efficientNetLite1, efficientNetLite2, efficientNetLite3, efficientNetLite4].map(
    (card): ZooEntry => ({
      card,
      aliases: [card.name.replaceAll('-', ''), card.name.replaceAll('-', '_')],
      build: buildEfficientNetLite,
    }),
  ),
  {
    card: squeezenet11,
    aliases: ['squeezenet1.1', 'squeezenetv1.1', 'squeezenet_v1.1'],
    build: buildSqueezeNet,
  },
  { card: squeezenet10, aliases: ['squeezenetv1.0', 'squeezenet_v1.0'], build: buildSqueezeNet },
];

/** The cards of all networks, in the order in which they are listed. */
export function listCards(): readonly ModelCard[] {
  return entries.map((entry) => entry.card);
}

/** The entry of a name or alias (case does not matter), or undefined. */
export function lookUp(name: string): ZooEntry | undefined {
  const wanted = name.toLowerCase();
  return entries.find((entry) => entry.card.name === wanted || entry.aliases.includes(wanted));
}

/**
 * The card and builder of a network.
 *
 * @param version Picks among the versions of a family, for example `1.0`.
 * @throws ModelError `MODEL_UNKNOWN` with the nearest name, `MODEL_OPTION` for a version that the family lacks.
 */
export function findModel(name: string, version?: string): ZooEntry {
  const entry = lookUp(name);
  if (entry === undefined) {
    const names = listCards().map((card) => card.name);
    const nearest = closest(name.toLowerCase(), names);
    const near = distance(name.toLowerCase(), nearest) <= Math.max(2, nearest.length / 3);
    throw new ModelError(
      'MODEL_UNKNOWN',
      `There is no model called "${name}".${near ? ` Did you mean "${nearest}"?` : ''}`,
      {
        given: name,
        expected: `one of ${names.join(', ')}, or a path to a model folder, a model.json or an .h5 file`,
        nextStep: '`dovecote list` shows all models',
      },
    );
  }
  if (version === undefined) return entry;
  const versioned = lookUp(`${entry.card.family}${version}`);
  if (versioned === undefined) {
    throw new ModelError('MODEL_OPTION', `${entry.card.title} has no version ${version}.`, {
      given: `version: ${version}`,
      expected: listCards()
        .filter((card) => card.family === entry.card.family)
        .map((card) => card.title)
        .join(' or '),
      nextStep: 'leave `version` out for the default',
    });
  }
  return versioned;
}
