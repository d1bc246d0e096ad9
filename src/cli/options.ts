import { InvalidArgumentError, Option } from 'commander';

/** Commander argument parsers: each gives a message that says what is legal. */

export function wholeNumber(least: number) {
  return (text: string): number => {
    const value = Number(text);
    if (text.trim() === '' || !Number.isInteger(value) || value < least) {
      throw new InvalidArgumentError(`It must be a whole number of at least ${least}.`);
    }
    return value;
  };
}

export function numberBetween(least: number, most: number, what: string) {
  return (text: string): number => {
    const value = Number(text);
    if (text.trim() === '' || !(value > least && value < most))
      throw new InvalidArgumentError(`It must be ${what}.`);
    return value;
  };
}

/** `4MB`, `512KiB` or a plain number of bytes. */
export function byteSize(text: string): number {
  const match = /^(\d+(?:\.\d+)?)\s*(b|kb|mb|gb|kib|mib|gib|k|m|g)?$/i.exec(text.trim());
  const factors: Record<string, number> = {
    k: 1e3,
    kb: 1e3,
    m: 1e6,
    mb: 1e6,
    g: 1e9,
    gb: 1e9,
    kib: 2 ** 10,
    mib: 2 ** 20,
    gib: 2 ** 30,
  };
  const size = match === null ? NaN : Number(match[1]) * (factors[(match[2] ?? 'b').toLowerCase()] ?? 1);
  if (!(size >= 1)) throw new InvalidArgumentError('It must be a size such as 4MiB, 500kB or 1000000.');
  return Math.floor(size);
}

export const engineOption = () =>
  new Option('--engine <engine>', 'inference engine').choices(['auto', 'onnx', 'tfjs']).default('auto');

export const preprocessingOption = () =>
  new Option('--preprocessing <mode>', 'for a model that does not say how its pictures are prepared').choices(
    ['caffe', 'tf', 'torch', 'none'],
  );

export const jsonOption = (what: string) =>
  new Option('--json', `print ${what} as JSON on stdout, and nothing else`);
