import { createRequire as requireFrom } from 'node:module';
import type { Command } from 'commander';
import type { Explanation, ExplanationOptions } from '../../explain/write-explanation.node.ts';
import { runCommand } from '../context.ts';
import { printableLines } from '../printable-lines.ts';
import type { ResizeFlags, VariantFlags } from '../options.ts';
import {
  addResizeOptions,
  addVariantOptions,
  engineOption,
  jsonOption,
  nonEmpty,
  preprocessingOption,
  resizeOf,
} from '../options.ts';

interface ExplainFlags extends ResizeFlags, VariantFlags {
  out: string;
  class?: string;
  layer?: string;
  layers?: string;
  weights?: string;
  engine: 'auto' | 'onnx' | 'tfjs';
  preprocessing?: ExplanationOptions['preprocessing'];
  labels?: string;
  force?: boolean;
  json?: boolean;
  quiet?: boolean;
}

export function addExplainCommand(program: Command): void {
  const command = program
    .command('explain')
    .description('show where a network looked on a photo, and what its layers make of it')
    .argument('<model>', 'name of a network, or a folder, model.json or .h5 file of your own', nonEmpty)
    .argument('<photo>', 'image file or URL', nonEmpty)
    .requiredOption('-o, --out <folder>', 'where the pictures and their page are written', nonEmpty)
    .option(
      '--class <name>',
      'the class to explain: its name or index (default: the most probable)',
      nonEmpty,
    )
    .option('--layer <name>', 'the layer whose feature map is looked at (default: the last one)', nonEmpty)
    .option(
      '--layers <names>',
      'layers whose activations are drawn, with commas between them, or "all" (default: one for each size of feature map)',
      nonEmpty,
    )
    .option(
      '-w, --weights <file>',
      "path or URL of the network's weights (default: ImageNet weights, in the package or published)",
      nonEmpty,
    )
    .addOption(engineOption())
    .addOption(preprocessingOption())
    .option(
      '--labels <file>',
      'text file with one class name per line, for a model that has none, or "imagenet"',
      nonEmpty,
    )
    .option('-f, --force', 'replace an earlier explanation')
    .addOption(jsonOption('the result'))
    .addHelpText(
      'after',
      '\nExamples:\n  dovecote explain efficientnet-lite0 cat.jpg --out why/\n  dovecote explain my-model/ bee.jpg --out why/ --class ants\n  dovecote explain vgg16 cat.jpg --out why/ --layers block1_conv1,block5_conv3',
    );
  addResizeOptions(addVariantOptions(command)).action((model: string, photo: string) =>
    explainCommand(model, photo, command.optsWithGlobals<ExplainFlags>()),
  );
}

function explainCommand(name: string, photo: string, flags: ExplainFlags): Promise<void> {
  return runCommand(flags, async (context) => {
    // The other commands do without gradients, which take time to load: their tfjs is its core and layers.
    requireFrom(import.meta.url)('@tensorflow/tfjs');
    const [{ checkExplanationFolder, disposeModel, loadModel, writeExplanation }, { readLabels }] =
      await Promise.all([import('../../node.ts'), import('../read-labels.ts')]);
    const { out, force, weights, alpha, minimalistic } = flags;
    const { onProgress, signal } = context;
    // Before the network is loaded, not after it.
    await checkExplanationFolder(out, force);
    const labels = flags.labels === undefined ? undefined : await readLabels(flags.labels);
    const model = await loadModel(name, { weights, alpha, minimalistic, onProgress, signal });
    try {
      const explanation = await writeExplanation(model, photo, out, {
        label: flags.class,
        layer: flags.layer,
        layers: layersOf(flags.layers),
        engine: flags.engine,
        preprocessing: flags.preprocessing,
        resize: resizeOf(flags),
        labels,
        force,
        onProgress,
        signal,
      });
      context.endProgress();
      if (flags.json) context.print(JSON.stringify(toJson(explanation, photo, out), undefined, 2));
      else context.print(toText(explanation, out));
    } finally {
      await disposeModel(model);
    }
  });
}

function layersOf(names: string | undefined): ExplanationOptions['layers'] {
  if (names === undefined) return 'stages';
  if (names === 'all') return 'maps';
  return names
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '');
}

function toJson({ heatmap, width, height, ...rest }: Explanation, image: string, out: string) {
  const rows = Array.from({ length: height }, (_, row) =>
    Array.from(heatmap.subarray(row * width, (row + 1) * width), (value) => Number(value.toFixed(6))),
  );
  return { image, out, ...rest, heatmap: rows };
}

function toText({ label, probability, layer, predictions, files }: Explanation, out: string): string {
  const percent = (share: number) => `${(100 * share).toFixed(1)} %`;
  const others = predictions.filter((each) => each.label !== label).slice(0, 2);
  return printableLines(
    [
      `${label}: ${percent(probability)}, seen in the layer ${layer}`,
      ...others.map((each) => `  or ${each.label}: ${percent(each.probability)}`),
      `${files.length} files in ${out}; look at ${out.replace(/[/\\]+$/, '')}/index.html`,
    ].join('\n'),
  );
}
