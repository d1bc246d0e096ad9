import type { Command } from 'commander';
import { InvalidArgumentError } from 'commander';
import type { ExportFormat, ExportOptions } from '../../export/export-model.node.ts';
import { runCommand } from '../context.ts';
import type { ResizeFlags } from '../options.ts';
import { addResizeOptions, jsonOption, nonEmpty, preprocessingOption, resizeOf } from '../options.ts';
import { quoted } from '../quoted.ts';

interface ExportFlags extends ResizeFlags {
  preprocessing?: ExportOptions['preprocessing'];
  out: string;
  formats?: readonly ExportFormat[];
  labels?: string;
  force?: boolean;
  json?: boolean;
  quiet?: boolean;
}

const FORMATS: readonly ExportFormat[] = ['tfjs', 'onnx', 'keras', 'page'];

function formatList(text: string): readonly ExportFormat[] {
  const names = text.split(',').map((name) => name.trim());
  const unknown = names.find((name) => !(FORMATS as readonly string[]).includes(name));
  if (unknown !== undefined) throw new InvalidArgumentError(`It must be a list of ${FORMATS.join(', ')}.`);
  return names as ExportFormat[];
}

export function addExportCommand(program: Command): void {
  const command = program
    .command('export')
    .description(
      'write a trained model for TensorFlow.js, ONNX and Keras, with a page that classifies photos',
    )
    .argument('<model>', 'name of a network, or a folder, model.json or .h5 file of your own', nonEmpty)
    .requiredOption('-o, --out <folder>', 'where all is written', nonEmpty)
    .option('--formats <list>', 'some of tfjs,onnx,keras,page (default: all)', formatList)
    .option('--labels <file>', 'text file with one class name per line, for a model that has none', nonEmpty)
    .addOption(preprocessingOption())
    .option('-f, --force', 'replace an earlier export')
    .addOption(jsonOption('what was written'))
    .addHelpText(
      'after',
      '\nExamples:\n  dovecote export flower-model/ --out flowers/\n  dovecote export flower-model/ --out flowers/ --formats onnx,page',
    );
  addResizeOptions(command).action((model: string) =>
    exportCommand(model, command.optsWithGlobals<ExportFlags>()),
  );
}

function exportCommand(model: string, flags: ExportFlags): Promise<void> {
  return runCommand(flags, async (context) => {
    const [{ exportModel }, { readLabels }, { formatTable }, { default: prettyBytes }] = await Promise.all([
      import('../../node.ts'),
      import('../read-labels.ts'),
      import('../table.ts'),
      import('pretty-bytes'),
    ]);
    const labels = flags.labels === undefined ? undefined : await readLabels(flags.labels);
    const result = await exportModel(model, flags.out, {
      formats: flags.formats,
      ...(flags.force && { force: true }),
      ...(labels !== undefined && { labels }),
      preprocessing: flags.preprocessing,
      resize: resizeOf(flags),
      onProgress: context.onProgress,
      signal: context.signal,
    });
    context.endProgress();
    if (flags.json) {
      context.print(JSON.stringify(result, undefined, 2));
      return;
    }
    const parts = new Map<string, number>();
    for (const { name, bytes } of result.files) {
      const part = name.includes('/') ? `${name.split('/')[0]}/` : name;
      parts.set(part, (parts.get(part) ?? 0) + bytes);
    }
    const differences: Readonly<Record<string, number | undefined>> = {
      'model.onnx': result.differences.onnx,
      'model.keras': result.differences.keras,
      'tfjs/': result.differences.tfjs,
      'page/': result.differences.tfjs,
    };
    context.print(
      formatTable(
        [...parts].map(([part, bytes]) => ({
          written: part,
          size: prettyBytes(bytes),
          'difference of outputs': differences[part]?.toExponential(1),
        })),
      ),
    );
    if (result.formats.includes('page')) context.say(`the page: npx serve ${quoted(`${flags.out}/page`)}`);
  });
}
