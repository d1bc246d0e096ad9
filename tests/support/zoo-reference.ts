import { existsSync, readFileSync } from 'node:fs';
import type { ModelCard, WeightFile } from '../../zoo/card.ts';
import { shared } from './shared.ts';

interface ReferenceFile {
  readonly url: string;
  readonly file: string;
  readonly hash: { readonly algorithm: 'md5' | 'sha256'; readonly value: string } | null;
}

interface ReferenceParameters {
  readonly total: number;
  readonly trainable: number;
  readonly weightedLayers: number;
  readonly tensorShapeDigest: string;
}

/** What ../shared/zoo-reference.json says of a network of Keras Applications. */
export interface ReferenceModel {
  readonly name: string;
  readonly defaultInputSize: number;
  readonly minInputSize: number | null;
  readonly preprocessing: string;
  readonly weightsLicence: string | null;
  readonly accuracy: { readonly docsTable: { readonly top1: number; readonly top5: number } | null };
  readonly weights: { readonly top: ReferenceFile; readonly noTop: ReferenceFile };
  readonly params: { readonly top: ReferenceParameters; readonly noTop: ReferenceParameters };
  readonly featureMapAtDefault: readonly number[];
  readonly featureChannels: number;
}

interface Reference {
  readonly models: readonly ReferenceModel[];
  readonly weightLayerOrder: Readonly<Record<string, readonly string[]>>;
}

const path = shared('zoo-reference.json');

/** Undefined where the file is not beside the checkout; tests of it are skipped then, with the reason printed. */
export const zooReference: Reference | undefined = existsSync(path)
  ? (JSON.parse(readFileSync(path, 'utf8')) as Reference)
  : undefined;

if (zooReference === undefined) {
  // eslint-disable-next-line no-console
  console.warn(
    'skipping the comparison of cards with the reference: there is no ../shared/zoo-reference.json',
  );
}

export function referenceOf(card: ModelCard): ReferenceModel {
  const found = zooReference?.models.find(({ name }) => name === card.title);
  if (found === undefined) throw new Error(`zoo-reference.json has no ${card.title}`);
  return found;
}

/** A file of the reference as a card states it. */
export function weightFileOf(variant: WeightFile['variant'], { url, file, hash }: ReferenceFile): WeightFile {
  return { variant, url, fileName: file, ...(hash === null ? {} : { [hash.algorithm]: hash.value }) };
}
