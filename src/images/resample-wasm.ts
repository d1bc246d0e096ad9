import type { ResampleKernel } from './resample-kernel.ts';
import { program } from './resample-program.ts';

/** tools/wasm/resample.wat */
interface Program {
  readonly memory: WebAssembly.Memory;
  rows(
    ...given: [
      source: number,
      rowBytes: number,
      count: number,
      out: number,
      width: number,
      table: number,
      coefficients: number,
      pairs: number,
    ]
  ): void;
  columns(
    ...given: [
      source: number,
      rowBytes: number,
      out: number,
      height: number,
      table: number,
      coefficients: number,
      pairs: number,
    ]
  ): void;
}

/** Memory of WebAssembly is never given back: pictures that need more are resampled in JavaScript. */
const MOST_BYTES = 48 * 2 ** 20;
/** Source rows that are copied at a time: they stay in the processor's cache. */
const STRIPE_BYTES = 2 ** 19;
const PAGE = 2 ** 16;
/** What the program may touch behind a block. */
const SLACK = 16;
const LOW_BITS = 11;

let started: Program | undefined | null = null;

/** Undefined where WebAssembly, or its SIMD, is missing or forbidden (a page's security policy). */
function start(): Program | undefined {
  if (started === null) {
    try {
      const bytes = Uint8Array.from(atob(program), (letter) => letter.charCodeAt(0));
      started = new WebAssembly.Instance(new WebAssembly.Module(bytes)).exports as unknown as Program;
    } catch {
      started = undefined;
    }
  }
  return started;
}

/** A kernel as the program reads it. */
interface Packed {
  readonly table: Int32Array;
  readonly coefficients: Int16Array;
  /** Pairs of taps that each output position has room for. */
  readonly pairs: number;
}

const packedKernels = new WeakMap<ResampleKernel, Packed>();

function packed(kernel: ResampleKernel): Packed {
  const known = packedKernels.get(kernel);
  if (known !== undefined) return known;
  const made = pack(kernel);
  packedKernels.set(kernel, made);
  return made;
}

function pack({ starts, lengths, coefficients, stride }: ResampleKernel): Packed {
  const pairs = (stride + 1) >> 1;
  const table = new Int32Array(2 * starts.length);
  const numbers = new Int16Array(4 * pairs * starts.length);
  for (let i = 0; i < starts.length; i++) {
    const taps = lengths[i]!;
    table[2 * i] = starts[i]!;
    table[2 * i + 1] = Math.max(1, (taps + 1) >> 1);
    for (let t = 0; t < taps; t++) {
      const c = coefficients[i * stride + t]!;
      const at = 4 * (i * pairs + (t >> 1)) + (t & 1);
      numbers[at] = c >> LOW_BITS;
      numbers[at + 2] = c & (2 ** LOW_BITS - 1);
    }
  }
  return { table, coefficients: numbers, pairs };
}

/** Hands out places one behind the other, and grows the memory to hold them. */
class Places {
  #end = 0;

  take(bytes: number): number {
    const place = this.#end;
    this.#end = (place + bytes + SLACK + 15) & ~15;
    return place;
  }

  grow({ memory }: Program): Uint8Array {
    const missing = this.#end - memory.buffer.byteLength;
    if (missing > 0) memory.grow(Math.ceil(missing / PAGE));
    return new Uint8Array(memory.buffer);
  }
}

interface Placed extends Packed {
  readonly tableAt: number;
  readonly coefficientsAt: number;
}

function place(places: Places, kernel: ResampleKernel): Placed {
  const { table, coefficients, pairs } = packed(kernel);
  const tableAt = places.take(table.byteLength);
  return { table, coefficients, pairs, tableAt, coefficientsAt: places.take(coefficients.byteLength) };
}

function fill(heap: Uint8Array, { table, coefficients, tableAt, coefficientsAt }: Placed): void {
  heap.set(new Uint8Array(table.buffer), tableAt);
  heap.set(new Uint8Array(coefficients.buffer), coefficientsAt);
}

/** 8-bit RGB rows of `width` pixels. */
export interface Rows {
  readonly data: Uint8Array;
  readonly width: number;
}

/**
 * The horizontal pass over the source rows from `firstRow` up to `endRow`, if there is a `horizontal` kernel, and the
 * vertical pass over what comes of it, bit for bit as `resize.ts` computes them, in WebAssembly. Undefined where that is
 * not to be had, or where it would take too much memory.
 */
export function resampleRowsFirst(
  { data, width: sourceWidth }: Rows,
  [firstRow, endRow]: readonly [number, number],
  horizontal: ResampleKernel | undefined,
  vertical: ResampleKernel | undefined,
): Uint8Array | undefined {
  const wasm = start();
  if (wasm === undefined) return undefined;
  const count = endRow - firstRow;
  const sourceBytes = 3 * sourceWidth;
  const width = horizontal === undefined ? sourceWidth : horizontal.starts.length;
  const height = vertical === undefined ? count : vertical.starts.length;
  const rowBytes = 3 * width;
  const stripe = Math.min(count, Math.max(1, Math.floor(STRIPE_BYTES / sourceBytes)));
  if (rowBytes * (count + 1 + height) + stripe * sourceBytes > MOST_BYTES) return undefined;

  const places = new Places();
  const across = horizontal && place(places, horizontal);
  const down = vertical && place(places, vertical);
  const source = across === undefined ? 0 : places.take(stripe * sourceBytes);
  // The vertical pass reads in pairs: one row more.
  const between = places.take((count + 1) * rowBytes);
  const out = down === undefined ? between : places.take(height * rowBytes);
  const heap = places.grow(wasm);
  if (down !== undefined) fill(heap, down);
  if (across === undefined) heap.set(data.subarray(firstRow * sourceBytes, endRow * sourceBytes), between);
  else {
    fill(heap, across);
    for (let row = 0; row < count; row += stripe) {
      const rows = Math.min(stripe, count - row);
      const first = (firstRow + row) * sourceBytes;
      heap.set(data.subarray(first, first + rows * sourceBytes), source);
      const to = between + row * rowBytes;
      wasm.rows(source, sourceBytes, rows, to, width, across.tableAt, across.coefficientsAt, across.pairs);
    }
  }
  if (down !== undefined)
    wasm.columns(
      // The table counts rows of the source.
      between - firstRow * rowBytes,
      rowBytes,
      out,
      height,
      down.tableAt,
      down.coefficientsAt,
      down.pairs,
    );
  return heap.slice(out, out + height * rowBytes);
}

/** The vertical pass first, over all rows of the source, then the horizontal one. */
export function resampleColumnsFirst(
  { data, width: sourceWidth }: Rows,
  horizontal: ResampleKernel | undefined,
  vertical: ResampleKernel,
): Uint8Array | undefined {
  const wasm = start();
  if (wasm === undefined) return undefined;
  const sourceBytes = 3 * sourceWidth;
  const width = horizontal === undefined ? sourceWidth : horizontal.starts.length;
  const height = vertical.starts.length;
  if (data.length + 2 * height * (sourceBytes + 3 * width) > MOST_BYTES) return undefined;

  const places = new Places();
  const down = place(places, vertical);
  const across = horizontal && place(places, horizontal);
  const source = places.take(data.length + sourceBytes);
  const between = places.take(height * sourceBytes);
  const out = across === undefined ? between : places.take(height * 3 * width);
  const heap = places.grow(wasm);
  fill(heap, down);
  heap.set(data, source);
  wasm.columns(source, sourceBytes, between, height, down.tableAt, down.coefficientsAt, down.pairs);
  if (across !== undefined) {
    fill(heap, across);
    wasm.rows(between, sourceBytes, height, out, width, across.tableAt, across.coefficientsAt, across.pairs);
  }
  return heap.slice(out, out + height * 3 * width);
}
