import type { Command } from 'commander';
import { InvalidArgumentError } from 'commander';
import type { AugmentOptions } from '../../transfer/augment.ts';
import { defaultModel } from '../../../zoo/default-model.ts';
import { runCommand } from '../context.ts';
import { jsonOption, nonEmpty, numberBetween, wholeNumber } from '../options.ts';

interface AugmentFlags extends Omit<AugmentOptions, 'horizontalFlip'> {
  out: string;
  horizontalFlip: boolean;
  base: string;
  columns: number;
  rows: number;
  seed: number;
  force?: boolean;
  json?: boolean;
  quiet?: boolean;
}

const upTo = (most: number) =>
  numberBetween(-Number.MIN_VALUE, most + Number.EPSILON * most, `a number from 0 to ${most}`);

export function addAugmentCommand(program: Command): void {
  const command = program
    .command('augment')
    .description('draw a sheet of photos as training with --augment sees them')
    .argument(
      '<folder>',
      'folder with one subfolder for each class, or a .csv, .tsv or .jsonl file',
      nonEmpty,
    )
    .requiredOption('-o, --out <file>', 'the PNG file that is written', nonEmpty)
    .option('--columns <count>', 'augmented photos beside each photo', wholeNumber(1), 6)
    .option('--rows <count>', 'photos, drawn at random', wholeNumber(1), 6)
    .option('--base <model>', 'network whose input size the photos are brought to', nonEmpty, defaultModel)
    .option('--seed <number>', 'the same seed gives the same sheet', wholeNumber(0), 1);
  return void addAugmentOptions(command)
    .option('-f, --force', 'replace an earlier file')
    .addOption(jsonOption('the names of the photos'))
    .addHelpText(
      'after',
      '\nExamples:\n  dovecote augment flowers/ --out sheet.png\n  dovecote augment flowers/ --out sheet.png --rotation 15 --hue 0.05 --cutout 0.2 --force',
    )
    .action((folder: string) => augmentCommand(folder, command.optsWithGlobals<AugmentFlags>()));
}

/** Adds one option for each of `AugmentOptions`. */
export function addAugmentOptions(command: Command): Command {
  return command
    .option('--no-horizontal-flip', 'do not mirror photos left to right')
    .option('--vertical-flip', 'turn half of the photos upside down')
    .option(
      '--minimum-area <share>',
      'the smallest share that a random crop keeps (default: 0.6)',
      numberBetween(0, 1 + Number.EPSILON, 'a number above 0, at most 1'),
    )
    .option('--ratio <least,most>', "a crop's aspect ratio, times the photo's (default: 1,1)", ratioOf)
    .option('--rotation <degrees>', 'turn by up to so many degrees either way (default: 0)', upTo(180))
    .option('--brightness <share>', 'change it by up to this share (default: 0.2)', upTo(1))
    .option('--contrast <share>', 'change it by up to this share (default: 0.2)', upTo(1))
    .option('--saturation <share>', 'change it by up to this share (default: 0)', upTo(1))
    .option('--hue <share>', 'turn hues by up to this share of the circle (default: 0)', upTo(0.5))
    .option('--cutout <share>', 'blot out a rectangle of up to this share (default: 0)', upTo(1));
}

function ratioOf(text: string): [number, number] {
  const [least = NaN, most = NaN, ...rest] = text.split(',').map(Number);
  if (rest.length > 0 || !(least > 0 && least <= most && most < Infinity)) {
    throw new InvalidArgumentError('It must be two numbers above 0, the smaller first: 0.75,1.33.');
  }
  return [least, most];
}

/** The flags as the SDK's `augment` option. */
export function augmentOf(flags: AugmentOptions): AugmentOptions {
  const { horizontalFlip, verticalFlip, minimumArea, ratio, rotation } = flags;
  const { brightness, contrast, saturation, hue, cutout } = flags;
  const all = {
    horizontalFlip,
    verticalFlip,
    minimumArea,
    ratio,
    rotation,
    brightness,
    contrast,
    saturation,
    hue,
    cutout,
  };
  return Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined));
}

function augmentCommand(folder: string, flags: AugmentFlags): Promise<void> {
  return runCommand(flags, async (context) => {
    const [{ augmentSheet }, { checkOutputFile, writeFileWhole }] = await Promise.all([
      import('../../node.ts'),
      import('../../output/write-file.node.ts'),
    ]);
    const { out, columns, rows, base, seed, force } = flags;
    const { onProgress, signal } = context;
    await checkOutputFile(out, force);
    const augment = augmentOf(flags);
    const sheet = await augmentSheet(folder, { augment, columns, rows, base, seed, onProgress, signal });
    await writeFileWhole(out, (sink) => sink.write(sheet.png, 0), { force });
    context.endProgress();
    const { images, skipped } = sheet;
    skipped.forEach(({ image, reason }) => context.say(`skipped ${image}: ${reason}`));
    if (flags.json) context.print(JSON.stringify({ out, augment, seed, images, skipped }, undefined, 2));
    else context.print(`${images.length} photos, ${columns} variants of each: ${out}`);
  });
}
