import { createRequire as requireFrom } from 'node:module';
import type { Command } from 'commander';
import { Option } from 'commander';
import type { Baselines, BaselinesOptions } from '../../baselines/baselines.node.ts';
import { defaultModel } from '../../../zoo/default-model.ts';
import type { CommandContext } from '../context.ts';
import { runCommand } from '../context.ts';
import type { ResizeFlags } from '../options.ts';
import {
  addResizeOptions,
  addVariantOptions,
  engineOption,
  jsonOption,
  nonEmpty,
  numberBetween,
  preprocessingOption,
  resizeOf,
  wholeNumber,
} from '../options.ts';

interface BaselinesFlags
  extends
    ResizeFlags,
    Pick<
      BaselinesOptions,
      | 'alpha'
      | 'engine'
      | 'featureLayer'
      | 'minimalistic'
      | 'pooling'
      | 'preprocessing'
      | 'seed'
      | 'validationSplit'
    > {
  base: string;
  weights?: string;
  validation?: string;
  cache: boolean;
  json?: boolean;
  quiet?: boolean;
}

export function addBaselinesCommand(program: Command): void {
  const command = program
    .command('baselines')
    .description('measure what plain methods reach on the features of a network, beside its new head')
    .argument('<folder>', 'folder with one subfolder of photos for each class', nonEmpty)
    .option(
      '--base <model>',
      'the network whose features are taken: a name, or a model of your own',
      nonEmpty,
      defaultModel,
    )
    .option(
      '-w, --weights <file>',
      "path or URL of the base's weights (default: ImageNet weights, in the package or published)",
      nonEmpty,
    )
    .option('--validation <folder>', 'folder of photos to validate on, with the same subfolders', nonEmpty)
    .addOption(
      new Option('--validation-split <share>', 'without --validation: the share of each class to validate on')
        .argParser(numberBetween(0, 1, 'a number between 0 and 1'))
        .default(0.2)
        .conflicts('validation'),
    )
    .option('--no-cache', 'compute all features anew and keep none on disk')
    .addOption(
      new Option('--pooling <mode>', "how the base's feature map becomes a vector")
        .choices(['avg', 'max'])
        .default('avg'),
    )
    .option(
      '--feature-layer <name>',
      'last layer of the base that is kept (default: what the network says)',
      nonEmpty,
    )
    .addOption(preprocessingOption())
    .addOption(engineOption())
    .option('--seed <number>', 'the same seed gives the same result', wholeNumber(0), 1)
    .addOption(jsonOption('the result'))
    .addHelpText(
      'after',
      '\nExamples:\n  dovecote baselines flowers/\n  dovecote baselines train/ --validation val/ --base my-model/',
    );
  addResizeOptions(addVariantOptions(command)).action((folder: string) =>
    baselinesCommand(folder, command.optsWithGlobals<BaselinesFlags>()),
  );
}

function baselinesCommand(folder: string, flags: BaselinesFlags): Promise<void> {
  return runCommand(flags, async (context) => {
    // For the network's own head: gradients come with the whole of tfjs.
    requireFrom(import.meta.url)('@tensorflow/tfjs');
    const { baselines, disposeModel, fineTune } = await import('../../node.ts');
    const { onProgress, signal } = context;
    const options = { ...flags, resize: resizeOf(flags), onProgress, signal };
    const found = await baselines(flags.base, folder, options);
    const { model, valAccuracy: accuracy, seconds } = await fineTune(flags.base, folder, options);
    await disposeModel(model);
    const network = { accuracy, seconds, trainingRows: found.trainingImages };
    context.endProgress();
    if (flags.json) context.print(JSON.stringify({ base: flags.base, ...found, network }, undefined, 2));
    else await printTable(found, network, context);
  });
}

async function printTable(
  found: Baselines,
  network: Omit<Baselines['results'][number], 'name'>,
  context: CommandContext,
): Promise<void> {
  const { formatTable } = await import('../table.ts');
  const { results, trainingImages, validationImages, features, skipped } = found;
  if (skipped.length > 0) {
    context.say(`skipped ${skipped.length} file(s):`);
    skipped.forEach(({ image, reason }) => context.say(`  ${image}: ${reason}`));
  }
  context.print(
    formatTable(
      [...results, { ...network, name: 'new head of the network' }].map(
        ({ name, accuracy, seconds, trainingRows }) => ({
          method: name,
          'accuracy %': (100 * accuracy).toFixed(1),
          'time s': seconds.toFixed(1),
          'trained on': trainingRows,
        }),
      ),
    ),
  );
  context.say(
    `${features} features, ${trainingImages} photos to train on, ${validationImages} to validate on, ${found.seconds.toFixed(1)} s`,
  );
}
