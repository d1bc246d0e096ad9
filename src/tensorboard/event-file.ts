import crc32c from 'crc-32/crc32c.js';
import { PbfWriter } from 'pbf';
import type { Histogram } from './histogram.ts';

/** What TensorBoard shows of one tag at one step. */
export type SummaryValue =
  | { readonly kind: 'scalar'; readonly tag: string; readonly value: number }
  | { readonly kind: 'histogram'; readonly tag: string; readonly histogram: Histogram }
  | { readonly kind: 'text'; readonly tag: string; readonly text: string }
  | {
      readonly kind: 'image';
      readonly tag: string;
      /** PNG or JPEG. */
      readonly encoded: Uint8Array;
      readonly width: number;
      readonly height: number;
    };

export interface SummaryEvent {
  /** Seconds since 1970. */
  readonly wallTime: number;
  readonly step: number;
  readonly values: readonly SummaryValue[];
}

/** Field numbers of TensorFlow's event.proto and summary.proto. */
const EVENT = { wallTime: 1, step: 2, fileVersion: 3, summary: 5 } as const;
const SUMMARY = { value: 1 } as const;
const VALUE = { tag: 1, simpleValue: 2, image: 4, histogram: 5, tensor: 8, metadata: 9 } as const;
const IMAGE = { height: 1, width: 2, colorspace: 3, encoded: 4 } as const;
const HISTOGRAM = { min: 1, max: 2, num: 3, sum: 4, sumSquares: 5, limits: 6, counts: 7 } as const;
const METADATA = { plugin: 1, dataClass: 4 } as const;
const PLUGIN = { name: 1 } as const;
const TENSOR = { dtype: 1, shape: 2, strings: 8 } as const;
const SHAPE = { dimension: 2 } as const;
const DIMENSION = { size: 1 } as const;
const RGB = 3;
const DT_STRING = 7;
const DATA_CLASS_TENSOR = 2;

/** What an event file begins with. */
export function versionRecord(wallTime: number): Uint8Array {
  const event = new PbfWriter();
  event.writeDoubleField(EVENT.wallTime, wallTime);
  event.writeStringField(EVENT.fileVersion, 'brain.Event:2');
  return recordOf(event.finish());
}

export function summaryRecord({ wallTime, step, values }: SummaryEvent): Uint8Array {
  const event = new PbfWriter();
  event.writeDoubleField(EVENT.wallTime, wallTime);
  event.writeVarintField(EVENT.step, step);
  event.writeMessage(
    EVENT.summary,
    (all, summary) => all.forEach((value) => summary.writeMessage(SUMMARY.value, writeValue, value)),
    values,
  );
  return recordOf(event.finish());
}

function writeValue(value: SummaryValue, to: PbfWriter): void {
  to.writeStringField(VALUE.tag, value.tag);
  switch (value.kind) {
    case 'scalar':
      to.writeFloatField(VALUE.simpleValue, value.value);
      break;
    case 'histogram':
      to.writeMessage(VALUE.histogram, writeHistogram, value.histogram);
      break;
    case 'image':
      to.writeMessage(VALUE.image, writeImage, value);
      break;
    case 'text':
      to.writeMessage(VALUE.tensor, writeText, value.text);
      to.writeMessage(VALUE.metadata, writeTextMetadata, undefined);
  }
}

function writeHistogram(histogram: Histogram, to: PbfWriter): void {
  to.writeDoubleField(HISTOGRAM.min, histogram.min);
  to.writeDoubleField(HISTOGRAM.max, histogram.max);
  to.writeDoubleField(HISTOGRAM.num, histogram.count);
  to.writeDoubleField(HISTOGRAM.sum, histogram.sum);
  to.writeDoubleField(HISTOGRAM.sumSquares, histogram.sumOfSquares);
  to.writePackedDouble(HISTOGRAM.limits, [...histogram.limits]);
  to.writePackedDouble(HISTOGRAM.counts, [...histogram.counts]);
}

function writeImage(
  { width, height, encoded }: Extract<SummaryValue, { kind: 'image' }>,
  to: PbfWriter,
): void {
  to.writeVarintField(IMAGE.height, height);
  to.writeVarintField(IMAGE.width, width);
  to.writeVarintField(IMAGE.colorspace, RGB);
  to.writeBytesField(IMAGE.encoded, encoded);
}

/** A tensor of one string. */
function writeText(text: string, to: PbfWriter): void {
  to.writeVarintField(TENSOR.dtype, DT_STRING);
  to.writeMessage(
    TENSOR.shape,
    (size, shape) =>
      shape.writeMessage(
        SHAPE.dimension,
        (count, dimension) => dimension.writeVarintField(DIMENSION.size, count),
        size,
      ),
    1,
  );
  to.writeBytesField(TENSOR.strings, new TextEncoder().encode(text));
}

function writeTextMetadata(_: undefined, to: PbfWriter): void {
  to.writeMessage(METADATA.plugin, (name, plugin) => plugin.writeStringField(PLUGIN.name, name), 'text');
  to.writeVarintField(METADATA.dataClass, DATA_CLASS_TENSOR);
}

/** A TFRecord: length, checksum of the length, content, checksum of the content; all little-endian. */
function recordOf(content: Uint8Array): Uint8Array {
  const record = new Uint8Array(8 + 4 + content.length + 4);
  const view = new DataView(record.buffer);
  view.setUint32(0, content.length, true);
  view.setUint32(8, maskedChecksum(record.subarray(0, 8)), true);
  record.set(content, 12);
  view.setUint32(12 + content.length, maskedChecksum(content), true);
  return record;
}

/** CRC-32C, turned by 15 bits and shifted by a constant, so that a file of files can be checked as well. */
function maskedChecksum(bytes: Uint8Array): number {
  const crc = crc32c.buf(bytes) >>> 0;
  return (((crc >>> 15) | (crc << 17)) + 0xa282ead8) >>> 0;
}

/** Where the last of the whole and undamaged records ends: a killed process may have left half a record. */
export function wholeLength(bytes: Uint8Array): number {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let at = 0;
  while (at + 16 <= bytes.length) {
    const end = at + 16 + view.getUint32(at, true);
    if (end > bytes.length) break;
    const content = bytes.subarray(at + 12, end - 4);
    if (view.getUint32(end - 4, true) !== maskedChecksum(content)) break;
    at = end;
  }
  return at;
}
