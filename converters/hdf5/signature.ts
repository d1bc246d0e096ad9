import { FormatError } from '../../src/base/errors.ts';
import { readPart, sourceOf, type ModelBytes } from '../byte-source.ts';

const HDF5_SIGNATURE = [0x89, 0x48, 0x44, 0x46, 0x0d, 0x0a, 0x1a, 0x0a];

function startsWith(bytes: Uint8Array, signature: readonly number[], offset = 0): boolean {
  return signature.every((byte, i) => bytes[offset + i] === byte);
}

/** True when the HDF5 signature stands at 0 or behind a user block (512, 1024, 2048, ...). */
export function isHdf5(bytes: ModelBytes): boolean {
  const source = sourceOf(bytes);
  const signedAt = (offset: number) => startsWith(readPart(source, offset, 8), HDF5_SIGNATURE);
  if (signedAt(0)) return true;
  for (let offset = 512; offset + 8 <= source.size; offset *= 2) {
    if (signedAt(offset)) return true;
  }
  return false;
}

interface Likeness {
  readonly what: string;
  readonly nextStep: string;
}

const asText = (bytes: Uint8Array) =>
  new TextDecoder('utf-8', { fatal: false }).decode(bytes.subarray(0, 512));

function looksLikeText(bytes: Uint8Array): boolean {
  const head = bytes.subarray(0, 512);
  return head.every((byte) => byte >= 0x20 || byte === 0x09 || byte === 0x0a || byte === 0x0d);
}

/** Tells a user what a file that is no HDF5 file seems to be. */
function likenessOf(bytes: Uint8Array): Likeness {
  const again = 'Fetch the file again.';
  if (bytes.length === 0) return { what: 'an empty file', nextStep: again };
  if (startsWith(bytes, [0x50, 0x4b, 0x03, 0x04])) {
    return {
      what: 'a zip archive, perhaps a .keras file of Keras 3',
      nextStep: 'Give an .h5 file, or read it with readModelFile, which knows .keras files.',
    };
  }
  if (startsWith(bytes, [0x1f, 0x8b]))
    return { what: 'a gzip archive', nextStep: 'Unpack it first (gunzip).' };
  if (startsWith(bytes, [0x80, 0x02]) || startsWith(bytes, [0x80, 0x04])) {
    return { what: 'a Python pickle (perhaps PyTorch)', nextStep: 'Export the model to Keras .h5 first.' };
  }
  const text = asText(bytes).trimStart();
  if (text.startsWith('version https://git-lfs.github.com/spec/')) {
    return {
      what: 'a Git LFS pointer, not the file itself',
      nextStep: 'Run git lfs pull, or download the file itself.',
    };
  }
  if (/^<(!doctype|html|\?xml|head|body)/i.test(text)) {
    return {
      what: 'an HTML or XML page, perhaps an error or login page',
      nextStep: 'Check the address and fetch it again.',
    };
  }
  if (/^[[{]/.test(text) && looksLikeText(bytes)) {
    return {
      what: 'JSON',
      nextStep: 'For a TensorFlow.js model give its model.json; otherwise give an .h5 file.',
    };
  }
  if (looksLikeText(bytes)) return { what: 'a text file', nextStep: 'Give a Keras .h5 file.' };
  return { what: 'unknown binary data', nextStep: 'Give a Keras .h5 file.' };
}

/** @throws FormatError `FORMAT_UNKNOWN`, or `FORMAT_DAMAGED` when only the start of the signature is there. */
export function requireHdf5(given: ModelBytes, fileName: string): void {
  if (isHdf5(given)) return;
  const bytes = readPart(sourceOf(given), 0, 512);
  if (bytes.length > 0 && bytes.length < 8 && startsWith(bytes, HDF5_SIGNATURE.slice(0, bytes.length))) {
    throw new FormatError('FORMAT_DAMAGED', `${fileName} is cut off after ${bytes.length} bytes.`, {
      given: `${bytes.length} bytes`,
      expected: 'a whole HDF5 file',
      nextStep: 'Fetch the file again.',
    });
  }
  const likeness = likenessOf(bytes);
  throw new FormatError('FORMAT_UNKNOWN', `${fileName} is not an HDF5 file.`, {
    given: likeness.what,
    expected: 'a Keras .h5 file',
    nextStep: likeness.nextStep,
  });
}
