import type * as tf from '@tensorflow/tfjs';
import type { Pixels } from '../base/types.ts';
import { wrongSource } from './image-errors.ts';

/** RGBA as `CanvasRenderingContext2D.getImageData` gives it; a DOM `ImageData` is one. */
export interface ImageDataLike {
  /** `width * height * 4` bytes, not premultiplied. */
  readonly data: Uint8ClampedArray | Uint8Array;
  readonly width: number;
  readonly height: number;
}

/** What a browser shows; in Node these are refused. */
export type DomImage =
  HTMLImageElement | HTMLCanvasElement | OffscreenCanvas | ImageBitmap | HTMLVideoElement | VideoFrame;

/**
 * Anything that a picture can come from:
 * - a path (Node), or an `http:`, `https:`, `file:` or `data:` URL as text or `URL` (in browsers also `blob:` and
 *   page-relative addresses);
 * - encoded bytes (JPEG, PNG, GIF, WebP, AVIF, BMP; in Node also TIFF): `Uint8Array`, `Buffer`, `ArrayBuffer`,
 *   `Blob`, `File`;
 * - pixels: `Pixels` (RGB) or `ImageData` (RGBA);
 * - a tensor `[height, width, 1 | 3 | 4]`, values 0 to 255 (not 0 to 1), float32 or int32;
 * - an `<img>`, `<canvas>`, `<video>`, `OffscreenCanvas`, `ImageBitmap` or `VideoFrame` (browser).
 */
export type ImageSource =
  | string
  | URL
  | Uint8Array
  | ArrayBuffer
  | Blob
  | Pixels
  | ImageDataLike
  | tf.Tensor3D
  | tf.Tensor
  | DomImage;

/** An `ImageSource` after it has been told apart. */
export type ClassifiedSource =
  | { readonly kind: 'location'; readonly location: string | URL }
  | { readonly kind: 'data-url'; readonly url: string }
  | { readonly kind: 'bytes'; readonly bytes: Uint8Array }
  | { readonly kind: 'blob'; readonly blob: Blob }
  | { readonly kind: 'pixels'; readonly pixels: Pixels }
  | { readonly kind: 'rgba'; readonly image: ImageDataLike }
  | { readonly kind: 'tensor'; readonly tensor: tf.Tensor }
  | { readonly kind: 'dom'; readonly element: DomImage };

const DOM_KINDS = new Set([
  'HTMLImageElement',
  'HTMLCanvasElement',
  'OffscreenCanvas',
  'ImageBitmap',
  'HTMLVideoElement',
  'VideoFrame',
]);

/** The class that an object says it has; true across frames and realms, where `instanceof` is not. */
export function tagOf(value: unknown): string {
  return Object.prototype.toString.call(value).slice('[object '.length, -1);
}

/**
 * Tells what a source is, by its shape rather than its class.
 *
 * @throws ImageError `IMAGE_SOURCE` when it is none, `name` says where it stood
 */
export function classifySource(source: ImageSource, name: string): ClassifiedSource {
  if (typeof source === 'string') {
    if (source.trim() === '') throw wrongSource(name, 'an empty string', 'pass the path or URL of a picture');
    return /^data:/i.test(source)
      ? { kind: 'data-url', url: source }
      : { kind: 'location', location: source };
  }
  if (typeof source !== 'object' || source === null) {
    throw wrongSource(name, source === null ? 'null' : typeof source, 'pass one of the expected kinds');
  }
  const tag = tagOf(source);
  if (tag === 'URL') {
    const url = source as URL;
    return url.protocol === 'data:'
      ? { kind: 'data-url', url: url.href }
      : { kind: 'location', location: url };
  }
  if (tag === 'Uint8Array') return { kind: 'bytes', bytes: source as Uint8Array };
  if (tag === 'ArrayBuffer' || tag === 'SharedArrayBuffer') {
    return { kind: 'bytes', bytes: new Uint8Array(source as ArrayBuffer) };
  }
  if (tag === 'Blob' || tag === 'File') return { kind: 'blob', blob: source as Blob };
  if (DOM_KINDS.has(tag)) return { kind: 'dom', element: source as DomImage };
  if (isTensor(source)) return { kind: 'tensor', tensor: source };
  if ('data' in source && 'width' in source && 'height' in source) return classifyPixels(source, name);
  const given = ArrayBuffer.isView(source)
    ? `${tag}, which does not hold encoded bytes`
    : describeObject(source, tag);
  throw wrongSource(name, given, 'pass one of the expected kinds; for many images, pass an array of them');
}

function isTensor(source: object): source is tf.Tensor {
  return 'dtype' in source && 'shape' in source && 'data' in source && typeof source.data === 'function';
}

function describeObject(source: object, tag: string): string {
  if (Array.isArray(source)) return `an array of ${source.length}`;
  return tag === 'Object' ? `an object with ${Object.keys(source).slice(0, 6).join(', ') || 'no keys'}` : tag;
}

function classifyPixels(source: object, name: string): ClassifiedSource {
  const { data, width, height } = source as { data: unknown; width: unknown; height: unknown };
  const expected = 'data: Uint8Array of width * height * 3 (RGB) or * 4 (RGBA), width and height from 1 on';
  const next = 'check the size and the order of the bytes: interleaved, row by row';
  const size = [width, height];
  if (!size.every((side) => Number.isInteger(side) && (side as number) >= 1)) {
    throw wrongSource(name, `pixels of width ${String(width)} and height ${String(height)}`, next, expected);
  }
  if (!(data instanceof Uint8Array || data instanceof Uint8ClampedArray)) {
    throw wrongSource(name, `pixels whose data is ${tagOf(data)}`, next, expected);
  }
  const channels = data.length / ((width as number) * (height as number));
  if (channels === 4) return { kind: 'rgba', image: source as ImageDataLike };
  if (channels === 3) return { kind: 'pixels', pixels: source as Pixels };
  throw wrongSource(
    name,
    `${data.length} bytes for ${String(width)} x ${String(height)} pixels`,
    next,
    expected,
  );
}

/**
 * A short name of a source for messages and results: its path or URL (passwords left out), the name of a file, or
 * `image N`, counted from 1, with what it is.
 */
export function describeSource(source: ImageSource, index: number): string {
  const ordinal = `image ${index + 1}`;
  if (typeof source === 'string') return describeLocation(source);
  if (typeof source !== 'object' || source === null) return ordinal;
  const tag = tagOf(source);
  if (tag === 'URL') return describeLocation((source as URL).href);
  if (tag === 'File' && (source as File).name !== '') return (source as File).name;
  if (tag === 'HTMLImageElement') {
    const address = (source as HTMLImageElement).currentSrc || (source as HTMLImageElement).src;
    return address === '' ? `${ordinal} (<img>)` : describeLocation(address);
  }
  if (tag === 'Blob' || DOM_KINDS.has(tag)) return `${ordinal} (${tag})`;
  if (tag === 'Uint8Array') return `${ordinal} (${(source as Uint8Array).length} bytes)`;
  if (tag === 'ArrayBuffer') return `${ordinal} (${(source as ArrayBuffer).byteLength} bytes)`;
  if (isTensor(source)) return `${ordinal} (tensor [${source.shape.join(', ')}])`;
  return ordinal;
}

function describeLocation(location: string): string {
  if (/^data:/i.test(location)) return `${location.slice(0, 32)}... (${location.length} characters)`;
  if (!/^[a-z][a-z0-9+.-]+:\/\//i.test(location)) return location;
  try {
    const url = new URL(location);
    if (url.username === '' && url.password === '') return location;
    url.username = '';
    url.password = '';
    return url.href;
  } catch {
    return location;
  }
}
