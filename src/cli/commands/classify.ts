import type { Command } from 'commander';
import { Option } from 'commander';
import type { Classification, ClassifyOptions } from '../../classify/classify.ts';
import type { Precision, PrecisionReport } from '../../engines/compiled-model.ts';
import type { DeviceName } from '../../platform.ts';
import { defaultModel } from '../../../zoo/default-model.ts';
import { runCommand } from '../context.ts';
import { printableLines } from '../printable-lines.ts';
import type { ResizeFlags, VariantFlags } from '../options.ts';
import {
  deviceOption,
  engineOption,
  jsonOption,
  nonEmpty,
  nonEmptyList,
  precisionOption,
  preprocessingOption,
  resizeOf,
  addResizeOptions,
  addVariantOptions,
  wholeNumber,
} from '../options.ts';

interface ClassifyFlags extends ResizeFlags, VariantFlags {
  model: string;
  weights?: string;
  top: number;
  batchSize: number;
  engine: 'auto' | 'onnx' | 'tfjs';
  device: DeviceName;
  precision: Precision;
  calibration?: string;
  preprocessing?: ClassifyOptions['preprocessing'];
  labels?: string;
  json?: boolean;
  csv?: boolean;
  quiet?: boolean;
}

export function addClassifyCommand(program: Command): void {
  const command = program
    .command('classify')
    .description('say what is on photos')
    .argument('<images...>', 'image files, folders, glob patterns or URLs', nonEmptyList)
    .option(
      '-m, --model <model>',
      'name of a network, or a folder, model.json or .h5 file of your own',
      nonEmpty,
      defaultModel,
    )
    .option(
      '-w, --weights <file>',
      "path or URL of the network's weights (default: ImageNet weights, in the package or published)",
      nonEmpty,
    )
    .option('-t, --top <count>', 'predictions for each photo', wholeNumber(1), 5)
    .option('-b, --batch-size <count>', 'photos per run of the network', wholeNumber(1), 16)
    .addOption(engineOption())
    .addOption(deviceOption())
    .addOption(precisionOption())
    .option('--calibration <folder>', 'photos like those to be classified, for --precision', nonEmpty)
    .addOption(preprocessingOption())
    .option(
      '--labels <file>',
      'text file with one class name per line, for a model that has none, or "imagenet"',
      nonEmpty,
    )
    .addOption(jsonOption('an array with one entry per photo').conflicts('csv'))
    .addOption(new Option('--csv', 'print CSV on stdout, and nothing else').conflicts('json'))
    .addHelpText(
      'after',
      '\nExamples:\n  dovecote classify cat.jpg\n  dovecote classify holiday/ --top 1 --csv > holiday.csv\n  dovecote classify new.jpg --model my-model/',
    );
  addResizeOptions(addVariantOptions(command)).action((images: string[]) =>
    classifyCommand(images, command.optsWithGlobals<ClassifyFlags>()),
  );
}

function classifyCommand(inputs: string[], flags: ClassifyFlags): Promise<void> {
  return runCommand({ quiet: flags.quiet, json: flags.json || flags.csv }, async (context) => {
    const [{ classifyStream }, { expandInputs }, { readLabels }] = await Promise.all([
      import('../../node.ts'),
      import('../expand-inputs.ts'),
      import('../read-labels.ts'),
    ]);
    const images = await expandInputs(inputs);
    const labels = flags.labels === undefined ? undefined : await readLabels(flags.labels);
    const results: Classification[] = [];
    const stream = classifyStream(images, {
      model: flags.model,
      weights: flags.weights,
      alpha: flags.alpha,
      minimalistic: flags.minimalistic,
      topK: flags.top,
      batchSize: flags.batchSize,
      engine: flags.engine,
      device: flags.device,
      precision: flags.precision,
      calibration: flags.calibration,
      onPrecision: (report) => {
        context.endProgress();
        context.say(precisionText(report));
      },
      preprocessing: flags.preprocessing,
      resize: resizeOf(flags),
      labels,
      onProgress: context.onProgress,
      signal: context.signal,
    });
    for await (const result of stream) {
      results.push(result);
      if (result.error !== undefined) context.complain(result.error);
    }
    context.endProgress();
    if (flags.json) context.print(JSON.stringify(results.map(toJson), undefined, 2));
    else if (flags.csv) context.print((await toCsv(results)).trimEnd());
    else
      results.filter(({ error }) => error === undefined).forEach((result) => context.print(toText(result)));
    const failed = results.filter((result) => result.error !== undefined).length;
    if (failed > 0) context.say(`${failed} of ${results.length} could not be read (see above)`);
  });
}

/** One line: what fewer bits gain and cost. */
function precisionText(report: PrecisionReport): string {
  const { precision, compared, sameTop1, msPerImage, bytes } = report;
  const size = `${((100 * bytes.reduced) / bytes.float32).toFixed(0)} % of the size`;
  if (sameTop1 === undefined || msPerImage === undefined)
    return `${precision}: ${size}; \`--calibration <folder>\` measures what it costs`;
  const { float32, reduced } = msPerImage;
  const speed = `${reduced.toFixed(1)} ms a photo instead of ${float32.toFixed(1)} (${(float32 / reduced).toFixed(2)} times as fast)`;
  const same = `the first label is float32's on ${(100 * sameTop1).toFixed(1)} % of ${compared} photos`;
  return `${precision}: ${speed}, ${size}; ${same}`;
}

function toJson({ image, predictions, error }: Classification) {
  return error === undefined
    ? { image, predictions }
    : { image, predictions, error: { code: error.code, message: error.summary } };
}

async function toCsv(results: readonly Classification[]): Promise<string> {
  const { stringify } = await import('csv-stringify/sync');
  const rows = results.flatMap(({ image, predictions, error }) =>
    error === undefined
      ? predictions.map((each, rank) => [
          image,
          rank + 1,
          each.index,
          each.wnid,
          each.label,
          each.probability,
          '',
        ])
      : [[image, '', '', '', '', '', error.summary]],
  );
  return stringify(rows, {
    header: true,
    columns: ['image', 'rank', 'index', 'wnid', 'label', 'probability', 'error'],
  });
}

function toText({ image, predictions }: Classification): string {
  const lines = predictions.map(({ label, wnid, probability }) => {
    const percent = `${(100 * probability).toFixed(1)} %`.padStart(8);
    return `${percent}  ${label}${wnid === '' ? '' : ` (${wnid})`}`;
  });
  return printableLines([image, ...lines].join('\n'));
}
