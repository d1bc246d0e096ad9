import type { ready } from 'h5wasm';
import { DovecoteError, FormatError } from '../../src/base/errors.ts';
import type { ByteSource } from '../../src/base/types.ts';
import type { ByteSink } from '../byte-sink.ts';
import type { ReadLimits } from '../model-file.ts';
import { withBoundedMemory } from './bounded-memory.ts';
import { checkGlobalHeap } from './global-heap.ts';

/** The compiled HDF5 library. */
export type Hdf5Module = Awaited<typeof ready>;

const STANDARD_STREAMS = 3;

interface Pristine {
  readonly start: Uint8Array;
  /** Bytes of memory that the library had; it may have grown since. */
  readonly heapBytes: number;
}

let pristine: Pristine | undefined;
let sessions = 0;
/** Whether the memory is as a sound file left it, and not as it was before. */
let used = false;

/** The library's memory as it was before its first use; what lies behind was zero. */
function remember(module: Hdf5Module): Pristine {
  const heap = module.HEAPU8;
  let end = heap.length;
  while (end > 0 && heap[end - 1] === 0) end -= 1;
  return { start: heap.slice(0, end), heapBytes: heap.length };
}

/** What the memory has grown by is left alone: the library clears what it takes, and zeroing it would be slow. */
function restore(module: Hdf5Module): void {
  if (pristine === undefined) return;
  module.HEAPU8.set(pristine.start);
  module.HEAPU8.fill(0, pristine.start.length, pristine.heapBytes);
  used = false;
}

interface OpenStream {
  readonly fd: number;
}

function openStreams(module: Hdf5Module): OpenStream[] {
  const fs = module.FS as unknown as { streams: (OpenStream | null | undefined)[] };
  return fs.streams.filter((stream): stream is OpenStream => stream != null && stream.fd >= STANDARD_STREAMS);
}

/**
 * Runs `action` with the library's stack pointer restored afterwards. HDF5's errors are thrown as JavaScript
 * exceptions right through WebAssembly frames, which leaves the pointer where it was; after some hundred errors
 * the stack would run into the heap. `ccall` saves and restores the pointer when it is given a string.
 */
function withRestoredStack<T>(module: Hdf5Module, action: () => T): T {
  const host = module as unknown as Record<string, unknown>;
  let outcome: { value: T } | { error: unknown } | undefined;
  host._dovecote_action = () => {
    try {
      outcome = { value: action() };
    } catch (error) {
      outcome = { error };
    }
    return 0;
  };
  try {
    module.ccall('dovecote_action', null, ['string'], ['-']);
  } finally {
    delete host._dovecote_action;
  }
  if (outcome === undefined) throw new Error('the HDF5 library did not run');
  if ('error' in outcome) throw outcome.error;
  return outcome.value;
}

/** The deepest reason in an HDF5 error stack: `file.c line 1 in f(): reason`. */
function hdf5Reason(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  const frames = [...message.matchAll(/line \d+ in \w+\(\): (.+)/g)];
  return frames.at(-1)?.[1] ?? message.split('\n')[0] ?? 'unknown reason';
}

function asFormatError(error: unknown, fileName: string): DovecoteError {
  if (error instanceof DovecoteError) return error;
  if (error instanceof RangeError && /alloc|length/i.test(error.message)) {
    return new FormatError('FORMAT_LIMIT', `${fileName} needs more memory than there is.`, {
      given: error.message,
      expected: 'a file that fits into memory',
      nextStep: 'Close other programs, or use a machine with more memory.',
      cause: error,
    });
  }
  return new FormatError('FORMAT_DAMAGED', `${fileName} is damaged: it cannot be read as HDF5.`, {
    given: `HDF5 says: ${hdf5Reason(error)}`,
    expected: 'a whole, unaltered HDF5 file',
    nextStep: 'Fetch the file again, or save it again.',
  });
}

function tooMuch(fileName: string, most: number, cause: unknown): FormatError {
  return new FormatError(
    'FORMAT_LIMIT',
    `${fileName} asks the HDF5 library for more memory than it may have.`,
    {
      given: 'a file that is damaged, or whose data lie in very large chunks',
      expected: `at most ${most} bytes (limits.libraryBytes)`,
      nextStep: 'Fetch the file again; if it is whole and you trust it, raise limits.libraryBytes.',
      cause,
    },
  );
}

/** Of a file in the library's own file system, as Emscripten makes it. */
interface FileNode {
  usedBytes: number;
  stream_ops: Record<string, unknown>;
  node_ops: Record<string, unknown>;
}

type ReadStream = (
  stream: unknown,
  heap: Int8Array,
  offset: number,
  length: number,
  position: number,
) => number;

/** A file in the library's file system whose bytes are those of the source, read when the library asks for them. */
function placeFile(module: Hdf5Module, path: string, source: ByteSource, fileName: string): void {
  module.FS.writeFile(path, new Uint8Array(0));
  const { object } = module.FS.analyzePath(path, false) as unknown as { object: FileNode };
  const read: ReadStream = (_, heap, offset, length, position) => {
    const count = Math.max(0, Math.min(length, source.size - position));
    if (count === 0) return 0;
    const target = new Uint8Array(heap.buffer, heap.byteOffset + offset, count);
    source.read(target, position);
    checkGlobalHeap(target, position, source, fileName);
    return count;
  };
  // Its size; the operations are those of every file, so they are replaced in this one only.
  object.usedBytes = source.size;
  object.stream_ops = { ...object.stream_ops, read };
}

type WriteStream = (
  stream: unknown,
  bytes: Uint8Array,
  offset: number,
  length: number,
  position: number,
) => number;

/** A file in the library's file system that is the sink's: what the library writes goes there at once. */
function placeSink(module: Hdf5Module, path: string, sink: ByteSink): void {
  module.FS.writeFile(path, new Uint8Array(0));
  const { object } = module.FS.analyzePath(path, false) as unknown as { object: FileNode };
  const read: ReadStream = (_, heap, offset, length, position) => {
    const count = Math.max(0, Math.min(length, sink.size - position));
    if (count > 0) sink.read(new Uint8Array(heap.buffer, heap.byteOffset + offset, count), position);
    return count;
  };
  const write: WriteStream = (_, bytes, offset, length, position) => {
    sink.write(bytes.subarray(offset, offset + length), position);
    object.usedBytes = sink.size;
    return length;
  };
  const setattr = (_: unknown, { size }: { size?: number }) => {
    // The file's end is set where it is closed; the file system's own way would take memory for all of it.
    if (size !== undefined && size > sink.size) sink.write(new Uint8Array(1), size - 1);
  };
  object.usedBytes = sink.size;
  object.stream_ops = { ...object.stream_ops, read, write };
  object.node_ops = { ...object.node_ops, setattr };
}

/** The library, compiled once. It is large, so that only those wait for it who meet an HDF5 file. */
export async function hdf5Module(): Promise<Hdf5Module> {
  const library = await import('h5wasm');
  return library.ready;
}

export interface SessionOptions {
  /** Shown in errors. */
  readonly fileName: string;
  readonly limits: Pick<ReadLimits, 'libraryBytes'>;
  readonly again: boolean;
}

interface Session extends SessionOptions {
  readonly place: (path: string) => void;
  readonly access: number;
  readonly asError: (error: unknown, fileName: string) => unknown;
}

function inSession<T>(
  module: Hdf5Module,
  { fileName, limits, again, place, access, asError }: Session,
  action: (file: bigint) => T,
): T {
  const foreign = openStreams(module).length;
  pristine ??= foreign === 0 ? remember(module) : undefined;
  if (used && !again && foreign === 0) restore(module);
  const path = `/dovecote-${(sessions += 1)}.h5`;
  let failed: unknown;
  let starved = false;
  const run = () =>
    withRestoredStack(module, () => {
      place(path);
      module.activate_throwing_error_handler();
      const file = module.open(path, access, false, -1, -1);
      const result = action(file);
      module.close_file(file);
      return result;
    });
  try {
    return withBoundedMemory(limits.libraryBytes, run, () => (starved = true));
  } catch (error) {
    failed = error;
    throw starved && !(error instanceof DovecoteError)
      ? tooMuch(fileName, limits.libraryBytes, error)
      : asError(error, fileName);
  } finally {
    const trapped = failed instanceof WebAssembly.RuntimeError;
    if (again && failed === undefined) used = true;
    else if (foreign === 0 || trapped) {
      for (const stream of openStreams(module)) module.FS.close(stream);
      restore(module);
    }
    removeFile(module, path);
  }
}

/**
 * Opens a source as a read-only HDF5 file inside the WebAssembly library's own file system and calls `action` with
 * it. Whatever happens, the file is gone from that file system afterwards and the library is as it was before: a
 * damaged file, even one that makes the library trap, cannot affect the next one.
 *
 * `action` is synchronous, so that no two files are ever open. What it does not ask for is not read. A file that is
 * opened `again`, for one of its tensors, leaves the library as it is unless something fails: restoring it takes longer
 * than a small read. The next file finds it restored all the same.
 *
 * @throws FormatError `FORMAT_DAMAGED`, `FORMAT_LIMIT`, and what `action` throws.
 */
export function withHdf5File<T>(
  module: Hdf5Module,
  source: ByteSource,
  options: SessionOptions,
  action: (file: bigint) => T,
): T {
  const place = (path: string) => placeFile(module, path, source, options.fileName);
  const access = module.H5F_ACC_RDONLY;
  return inSession(module, { ...options, place, access, asError: asFormatError }, action);
}

/**
 * The same for writing: a new file, or `again` one that was begun, whose bytes go to the sink as the library writes them.
 *
 * @throws what `action` and the sink throw; FormatError `FORMAT_LIMIT`.
 */
export function withHdf5Sink<T>(
  module: Hdf5Module,
  sink: ByteSink,
  options: SessionOptions,
  action: (file: bigint) => T,
): T {
  const place = (path: string) => placeSink(module, path, sink);
  const access = options.again ? module.H5F_ACC_RDWR : module.H5F_ACC_TRUNC;
  return inSession(module, { ...options, place, access, asError: (error) => error }, action);
}

function removeFile(module: Hdf5Module, path: string): void {
  const { exists } = module.FS.analyzePath(path, false);
  if (exists) module.FS.unlink(path);
}
