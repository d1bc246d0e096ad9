import type { Command } from 'commander';
import type { EvaluateOptions, EvaluationReport } from '../../evaluation/evaluate-model.ts';
import { confusionTable } from '../confusion-table.ts';
import type { CommandContext } from '../context.ts';
import { runCommand } from '../context.ts';
import type { ResizeFlags, VariantFlags } from '../options.ts';
import {
  addResizeOptions,
  addVariantOptions,
  engineOption,
  jsonOption,
  nonEmpty,
  preprocessingOption,
  resizeOf,
  wholeNumber,
} from '../options.ts';

interface EvaluateFlags extends ResizeFlags, VariantFlags {
  weights?: string;
  report?: string;
  top: number;
  tta?: boolean;
  batchSize: number;
  engine: 'auto' | 'onnx' | 'tfjs';
  preprocessing?: EvaluateOptions['preprocessing'];
  labels?: string;
  force?: boolean;
  json?: boolean;
  quiet?: boolean;
}

/** A matrix of more classes is wider than a terminal. */
const MATRIX_CLASSES = 12;
const MOST_WRONG = 5;

export function addEvaluateCommand(program: Command): void {
  const command = program
    .command('evaluate')
    .description('measure a classifier on photos whose classes are known')
    .argument('<model>', 'name of a network, or a folder, model.json or .h5 file of your own', nonEmpty)
    .argument(
      '<folder>',
      'folder with one subfolder of photos for each class, or a CSV, TSV or JSONL file',
      nonEmpty,
    )
    .option('-r, --report <file>', 'also write a page with charts and the most wrong photos', nonEmpty)
    .option('-t, --top <count>', 'also count answers among so many guesses', wholeNumber(1), 5)
    .option('--tta', 'mean over the photo, its mirror image and four crops: six times the work')
    .option('-w, --weights <file>', "path or URL of the network's weights", nonEmpty)
    .option('-b, --batch-size <count>', 'photos per run of the network', wholeNumber(1), 16)
    .addOption(engineOption())
    .addOption(preprocessingOption())
    .option('--labels <file>', 'text file with one class name per line, for a model that has none', nonEmpty)
    .option('-f, --force', 'replace an earlier page')
    .addOption(jsonOption('all figures'))
    .addHelpText(
      'after',
      '\nExamples:\n  dovecote evaluate flower-model/ test/\n  dovecote evaluate flower-model/ test/ --report report.html --tta',
    );
  addResizeOptions(addVariantOptions(command)).action((model: string, folder: string) =>
    evaluateCommand(model, folder, command.optsWithGlobals<EvaluateFlags>()),
  );
}

function evaluateCommand(model: string, folder: string, flags: EvaluateFlags): Promise<void> {
  return runCommand(flags, async (context) => {
    const [{ checkOutputFile, evaluateModel, writeReport }, { readLabels }] = await Promise.all([
      import('../../node.ts'),
      import('../read-labels.ts'),
    ]);
    const { report: file, force, top: topK, tta = false } = flags;
    if (file !== undefined) await checkOutputFile(file, force);
    const labels = flags.labels === undefined ? undefined : await readLabels(flags.labels);
    const { weights, alpha, minimalistic, engine, batchSize, preprocessing } = flags;
    const report = await evaluateModel(model, folder, {
      ...{ weights, alpha, minimalistic, engine, batchSize, preprocessing, topK, tta, labels },
      resize: resizeOf(flags),
      onProgress: context.onProgress,
      signal: context.signal,
    });
    context.endProgress();
    if (file !== undefined) {
      await writeReport(report, file, { model, data: folder, ...(force && { force }) });
    }
    if (flags.json) context.print(JSON.stringify(report, undefined, 2));
    else await printReport(report, context);
    if (file !== undefined) context.say(`written: ${file}`);
  });
}

const percent = (share: number) => (100 * share).toFixed(1);

async function printReport(report: EvaluationReport, context: CommandContext): Promise<void> {
  const { formatTable } = await import('../table.ts');
  const { classes, confusion, perClass, skipped, interval, topK, calibration, mostWrong } = report;
  if (skipped.length > 0) {
    context.say(`not read: ${skipped.length} file(s)`);
    skipped.forEach(({ image, reason }) => context.say(`  ${image}: ${reason}`));
  }
  if (classes.length <= MATRIX_CLASSES) {
    context.print('Confusion matrix (rows: what is on the photo, columns: what the model says)');
    context.print(`${formatTable(...confusionTable(confusion, classes))}\n`);
  }
  const shown = perClass.filter(({ support, precision }) => support > 0 || precision > 0);
  context.print(
    `${formatTable(
      shown.map(({ label, precision, recall, f1, rocAuc, support }) => ({
        ...{ class: label, 'precision %': percent(precision), 'recall %': percent(recall) },
        ...{ 'F1 %': percent(f1), 'ROC AUC': rocAuc === null ? '-' : rocAuc.toFixed(3), photos: support },
      })),
    )}\n`,
  );
  if (mostWrong.length > 0) {
    context.print('Most wrong');
    context.print(
      `${formatTable(
        mostWrong.slice(0, MOST_WRONG).map(({ image, actual, predicted, probability }) => ({
          ...{ photo: image, is: actual, 'the model says': predicted, '%': percent(probability) },
        })),
      )}\n`,
    );
  }
  const top = classes.length > topK.k ? `, top ${topK.k} ${percent(topK.accuracy)} %` : '';
  context.print(
    [
      `accuracy ${percent(report.accuracy)} % (95 % interval ${percent(interval[0])} to ${percent(interval[1])} %)${top}`,
      `balanced ${percent(report.balancedAccuracy)} %, F1 ${percent(report.macro.f1)} %, kappa ${report.kappa.toFixed(3)}, MCC ${report.mcc.toFixed(3)}, ROC AUC ${report.rocAuc === null ? '-' : report.rocAuc.toFixed(3)}`,
      `loss ${report.loss.toFixed(3)}, Brier ${report.brier.toFixed(3)}, calibration error ${percent(calibration.ece)} %`,
      `${report.images} photos in ${report.seconds.toFixed(1)} s${report.tta ? ', with test-time augmentation' : ''}`,
    ].join('\n'),
  );
}
