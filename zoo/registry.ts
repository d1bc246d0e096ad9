import { closest, distance } from 'fastest-levenshtein';
import { ModelError } from '../src/base/errors.ts';
import type { ModelBuilder } from './builder.ts';
import type { ModelCard } from './card.ts';
import {
  efficientNetLite0,
  efficientNetLite1,
  efficientNetLite2,
  efficientNetLite3,
  efficientNetLite4,
} from './cards/efficientnet-lite.ts';
import {
  efficientNetB0,
  efficientNetB1,
  efficientNetB2,
  efficientNetB3,
  efficientNetB4,
  efficientNetB5,
  efficientNetB6,
  efficientNetB7,
} from './cards/efficientnet.ts';
import {
  efficientNetV2B0,
  efficientNetV2B1,
  efficientNetV2B2,
  efficientNetV2B3,
  efficientNetV2L,
  efficientNetV2M,
  efficientNetV2S,
} from './cards/efficientnet-v2.ts';
import {
  convNeXtBase,
  convNeXtLarge,
  convNeXtSmall,
  convNeXtTiny,
  convNeXtXLarge,
} from './cards/convnext.ts';
import { denseNet121, denseNet169, denseNet201 } from './cards/densenet.ts';
import { inceptionResNetV2 } from './cards/inception-resnet-v2.ts';
import { inceptionV3 } from './cards/inception-v3.ts';
import { nasnetLarge, nasnetMobile } from './cards/nasnet.ts';
import { mobileNet } from './cards/mobilenet.ts';
import { mobileNetV2 } from './cards/mobilenet-v2.ts';
import { mobileNetV3Large, mobileNetV3Small } from './cards/mobilenet-v3.ts';
import { resNet101, resNet152, resNet50 } from './cards/resnet.ts';
import { resNet101V2, resNet152V2, resNet50V2 } from './cards/resnet-v2.ts';
import { squeezenet10, squeezenet11 } from './cards/squeezenet.ts';
import { vgg16, vgg19 } from './cards/vgg.ts';
import { xception } from './cards/xception.ts';
import { buildConvNeXt } from './convnext.ts';
import { buildDenseNet } from './densenet.ts';
import { buildEfficientNet } from './efficientnet.ts';
import { buildEfficientNetV2 } from './efficientnet-v2.ts';
import { buildEfficientNetLite } from './efficientnet-lite.ts';
import { buildInceptionResNetV2 } from './inception-resnet-v2.ts';
import { buildInceptionV3 } from './inception-v3.ts';
import { buildMobileNet } from './mobilenet.ts';
import { buildMobileNetV2 } from './mobilenet-v2.ts';
import { buildMobileNetV3 } from './mobilenet-v3.ts';
import { buildNasNet } from './nasnet.ts';
import { onHost } from './on-host.ts';
import { buildResNet, buildResNetV2 } from './resnet.ts';
import { buildSqueezeNet } from './squeezenet.ts';
import { buildVgg } from './vgg.ts';
import { buildXception } from './xception.ts';

export interface ZooEntry {
  readonly card: ModelCard;
  /** Other names that `findModel` takes, without hyphens and underscores. */
  readonly aliases: readonly string[];
  readonly build: ModelBuilder;
}

/** Built on the host: see there. */
function family(
  cards: readonly ModelCard[],
  build: ModelBuilder,
  aliases: readonly string[] = [],
): ZooEntry[] {
  return cards.map((card) => ({ card, aliases, build: (...args) => onHost(() => build(...args)) }));
}

const entries: readonly ZooEntry[] = [
  ...family(
    [efficientNetLite0, efficientNetLite1, efficientNetLite2, efficientNetLite3, efficientNetLite4],
    buildEfficientNetLite,
  ),
  ...family([squeezenet11], buildSqueezeNet, ['squeezenet1.1', 'squeezenetv1.1']),
  ...family([squeezenet10], buildSqueezeNet, ['squeezenetv1.0']),
  ...family([vgg16, vgg19], buildVgg),
  ...family([resNet50, resNet101, resNet152], buildResNet),
  ...family([resNet50V2, resNet101V2, resNet152V2], buildResNetV2),
  ...family([mobileNet], buildMobileNet, ['mobilenetv1']),
  ...family([mobileNetV2], buildMobileNetV2),
  ...family([mobileNetV3Small, mobileNetV3Large], buildMobileNetV3),
  ...family([inceptionV3], buildInceptionV3),
  ...family([inceptionResNetV2], buildInceptionResNetV2),
  ...family([xception], buildXception),
  ...family([denseNet121, denseNet169, denseNet201], buildDenseNet),
  ...family([nasnetMobile, nasnetLarge], buildNasNet),
  ...family([convNeXtTiny, convNeXtSmall, convNeXtBase, convNeXtLarge, convNeXtXLarge], buildConvNeXt),
  ...family(
    [
      efficientNetB0,
      efficientNetB1,
      efficientNetB2,
      efficientNetB3,
      efficientNetB4,
      efficientNetB5,
      efficientNetB6,
      efficientNetB7,
    ],
    buildEfficientNet,
  ),
  ...family(
    [
      efficientNetV2B0,
      efficientNetV2B1,
      efficientNetV2B2,
      efficientNetV2B3,
      efficientNetV2S,
      efficientNetV2M,
      efficientNetV2L,
    ],
    buildEfficientNetV2,
  ),
];

/** The cards of all networks, in the order in which they are listed. */
export function listCards(): readonly ModelCard[] {
  return entries.map((entry) => entry.card);
}

/** The entry of a name or alias, or undefined; case, hyphens, underscores and spaces do not matter. */
export function lookUp(name: string): ZooEntry | undefined {
  const wanted = bare(name);
  return entries.find((entry) => bare(entry.card.name) === wanted || entry.aliases.includes(wanted));
}

function bare(name: string): string {
  return name.toLowerCase().replaceAll(/[-_ ]/g, '');
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
