import type { Command } from 'commander';
import { InvalidArgumentError, Option } from 'commander';
import type { ReadLimits } from '../../converters/index.ts';
import { preprocessingModes } from '../../zoo/card.ts';

/** Commander argument parsers: each gives a message that says what is legal. */

/** A name or path that has to be there. */
export function nonEmpty(text: string): string {
  if (text.trim() === '') throw new InvalidArgumentError('It must not be empty.');
  return text;
}

/** The same for an argument that may be given several times. */
export function nonEmptyList(text: string, others: readonly string[] | undefined): string[] {
  return [...(others ?? []), nonEmpty(text)];
}

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

export const deviceOption = () =>
  new Option('--device <device>', 'where the onnx engine computes')
    .choices(['cpu', 'webgpu', 'cuda', 'auto'])
    .default('cpu');

export const precisionOption = () =>
  new Option('--precision <precision>', 'numbers in which the network computes')
    .choices(['float32', 'float16', 'int8'])
    .default('float32');

export const preprocessingOption = () =>
  new Option('--preprocessing <mode>', 'for a model that does not say how its pictures are prepared').choices(
    preprocessingModes,
  );

export const jsonOption = (what: string) =>
  new Option('--json', `print ${what} as JSON on stdout, and nothing else`);

/** Adds the options that pick the width and make of a MobileNet. */
export function addVariantOptions(command: Command): Command {
  return command
    .option(
      '--alpha <factor>',
      'width of a MobileNet, for example 0.25 (default: 1)',
      numberBetween(0, Infinity, 'a number above 0'),
    )
    .option(
      '--minimalistic',
      'the MobileNetV3 without squeeze-and-excite, hard-swish and 5x5 kernels, for small processors',
    );
}

export interface VariantFlags {
  readonly alpha?: number;
  readonly minimalistic?: boolean;
}

/** Adds the options that say how pictures are brought to the network's input size. */
export function addResizeOptions(command: Command): Command {
  const byModel = '(default: what the model says)';
  return command
    .addOption(
      new Option('--resize <mode>', `stretch, cut the centre out, or add borders ${byModel}`).choices([
        'fill',
        'cover',
        'contain',
      ]),
    )
    .addOption(
      new Option('--filter <filter>', `resampling filter ${byModel}`).choices([
        'nearest',
        'bilinear',
        'bicubic',
        'lanczos3',
      ]),
    )
    .option(
      '--crop-fraction <share>',
      `share of the scaled picture's side that is kept ${byModel}`,
      numberBetween(0, 1 + Number.EPSILON, 'a number above 0, at most 1'),
    );
}

export interface ResizeFlags {
  readonly resize?: 'fill' | 'cover' | 'contain';
  readonly filter?: 'nearest' | 'bilinear' | 'bicubic' | 'lanczos3';
  readonly cropFraction?: number;
}

/** The flags as the SDK's `resize` option; undefined when none was given. */
export function resizeOf({ resize: mode, filter, cropFraction }: ResizeFlags) {
  const given = Object.entries({ mode, filter, cropFraction }).filter(([, value]) => value !== undefined);
  // Another mode than the model's has no use for the model's crop.
  if (mode !== undefined && cropFraction === undefined) given.push(['cropFraction', 1]);
  return given.length === 0 ? undefined : Object.fromEntries(given);
}

const LIMITS = ['layers', 'tensors', 'attributeBytes', 'libraryBytes', 'tensorBytes'] as const;

/** `tensorBytes=16GB`, given once for each bound. */
export function limit(text: string, others: Partial<ReadLimits> = {}): Partial<ReadLimits> {
  const [name = '', value = ''] = text.split('=');
  const known = LIMITS.find((each) => each === name);
  if (known === undefined)
    throw new InvalidArgumentError(`It must be NAME=NUMBER, with ${LIMITS.join(', ')}.`);
  return { ...others, [known]: byteSize(value) };
}

/** Adds what the reading of a model file takes. */
export function addReadingOptions(command: Command): Command {
  return command
    .option(
      '--config <file>',
      'the layers of a weights-only file: what model.to_json() of Keras gives; path or URL',
      nonEmpty,
    )
    .option(
      '--limit <name=number>',
      `a bound that the file must keep to: ${LIMITS.join(', ')}; may be given several times`,
      limit,
    );
}
