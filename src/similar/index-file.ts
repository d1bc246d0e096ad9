import { FormatError } from '../base/errors.ts';
import { readSafetensors, writeSafetensors } from '../../converters/index.ts';
import { readHeader } from '../../converters/safetensors/header.ts';
import { preprocessingModes } from '../../zoo/card.ts';
import type { IndexContents, IndexOrigin } from './image-index.ts';

const FORMAT = 'dovecote-image-index';
const MODES = ['fill', 'cover', 'contain'];
const FILTERS = ['nearest', 'bilinear', 'bicubic', 'lanczos3'];

/** An index as a safetensors file: the tensors `features` and `probe`, names and origin as JSON in its metadata. */
export function indexToBytes({ images, origin, data, width, probe }: IndexContents): Uint8Array<ArrayBuffer> {
  return writeSafetensors(
    [
      { name: 'features', dtype: 'float32', shape: [images.length, width], data },
      { name: 'probe', dtype: 'float32', shape: [width], data: probe },
    ],
    {
      metadata: {
        format: FORMAT,
        version: '1',
        images: JSON.stringify(images),
        origin: JSON.stringify(origin),
      },
    },
  );
}

/** @throws FormatError `FORMAT_UNKNOWN`, `FORMAT_DAMAGED`, `FORMAT_LIMIT` */
export function indexFromBytes(bytes: Uint8Array, fileName: string): IndexContents {
  const { metadata } = readHeader(bytes, fileName, 2);
  if (metadata['format'] !== FORMAT || metadata['version'] !== '1') {
    throw new FormatError('FORMAT_UNKNOWN', `${fileName} is no index of pictures.`, {
      given: `a safetensors file of the format ${JSON.stringify(metadata['format'] ?? 'unknown')}`,
      expected: 'a file that `saveImageIndex` of this version has written',
      nextStep: 'check the path, or build the index anew',
    });
  }
  const tensors = readSafetensors(bytes, { fileName }).layers.flatMap(({ weights }) => weights);
  const features = tensors.find(({ name }) => name === 'features');
  const probe = tensors.find(({ name }) => name === 'probe');
  const images = parsed(metadata['images']);
  const origin = parsed(metadata['origin']);
  const width = probe?.shape[0] ?? 0;
  const isWhole =
    Array.isArray(images) &&
    images.every((image) => typeof image === 'string') &&
    isOrigin(origin) &&
    features !== undefined &&
    'data' in features &&
    features.data instanceof Float32Array &&
    features.shape.length === 2 &&
    features.shape[0] === images.length &&
    features.shape[1] === width &&
    features.data.every(Number.isFinite) &&
    probe !== undefined &&
    'data' in probe &&
    probe.data instanceof Float32Array &&
    probe.shape.length === 1;
  if (isWhole) return { images: images, origin, data: features.data, width, probe: probe.data };
  throw new FormatError('FORMAT_DAMAGED', `${fileName} is a damaged index of pictures.`, {
    given: `features of shape ${JSON.stringify(features?.shape)} and ${Array.isArray(images) ? images.length : 'no'} names`,
    expected: 'one row of features for each name, and how they were computed',
    nextStep: 'build the index anew',
  });
}

function parsed(text: string | undefined): unknown {
  try {
    return text === undefined ? undefined : JSON.parse(text);
  } catch {
    return undefined;
  }
}

function isOrigin(value: unknown): value is IndexOrigin {
  if (typeof value !== 'object' || value === null) return false;
  const { base, alpha, minimalistic, featureLayer, pooling, preprocessing, resize } =
    value as Partial<IndexOrigin>;
  return (
    ['string', 'undefined'].includes(typeof base) &&
    ['number', 'undefined'].includes(typeof alpha) &&
    ['boolean', 'undefined'].includes(typeof minimalistic) &&
    typeof featureLayer === 'string' &&
    (pooling === null || pooling === 'avg' || pooling === 'max') &&
    (preprocessingModes as readonly unknown[]).includes(preprocessing) &&
    typeof resize === 'object' &&
    resize !== null &&
    MODES.includes(resize.mode) &&
    FILTERS.includes(resize.filter) &&
    resize.cropFraction > 0 &&
    resize.cropFraction <= 1
  );
}
