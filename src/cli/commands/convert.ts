import type { Command } from 'commander';
import { Option } from 'commander';
import { runCommand } from '../context.ts';
import { quoted } from '../quoted.ts';
import type { VariantFlags } from '../options.ts';
import { addReadingOptions, addVariantOptions, byteSize, jsonOption, nonEmpty } from '../options.ts';
import type { OutputFormat, ReadLimits } from '../../../converters/index.ts';
import { OUTPUT_FORMATS } from '../../../converters/output-format.ts';
import type { ConversionCheck } from '../../models/check-conversion.ts';

interface ConvertFlags extends VariantFlags {
  to?: OutputFormat;
  architecture?: string;
  config?: string;
  limit?: Partial<ReadLimits>;
  check?: boolean;
  quantize?: 'none' | 'float16' | 'uint8' | 'uint16';
  perChannel?: boolean;
  weightsOnly?: boolean;
  shardSize?: number;
  force?: boolean;
  json?: boolean;
  quiet?: boolean;
}

export function addConvertCommand(program: Command): void {
  const command = program
    .command('convert')
    .description('convert a Keras model to TensorFlow.js, ONNX, or another version of Keras')
    .argument(
      '<input>',
      'a Keras .h5, .keras or .weights.h5 file, a TensorFlow.js model, or a .safetensors file; path or URL',
      nonEmpty,
    )
    .argument('<output>', 'folder to write, or a file that ends in .onnx, .keras or .h5', nonEmpty)
    .addOption(
      new Option(
        '--to <format>',
        'tfjs: a TensorFlow.js layers model; onnx; keras: Keras 3; h5: Keras 2 (default: by the name of the output)',
      ).choices(OUTPUT_FORMATS),
    )
    .option(
      '-a, --architecture <name>',
      'the network that a weights-only file belongs to, for example squeezenet, where it is not recognised',
      nonEmpty,
    )
    .addOption(
      new Option(
        '--quantize <type>',
        'how the weights of a TensorFlow.js model are stored (default: "none")',
      ).choices(['none', 'float16', 'uint8', 'uint16']),
    )
    .option('--per-channel', 'with --quantize uint8 or uint16: a scale for each output channel')
    .option('--shard-size <size>', 'largest size of a weight file (default: 4MiB)', byteSize)
    .option('--weights-only', 'with a Keras output: the weights without the layers')
    .option('--check', 'run the output against the input on made-up numbers, and print the difference')
    .option('-f, --force', 'replace the output of an earlier conversion')
    .addOption(jsonOption('the result'))
    .addHelpText(
      'after',
      '\nExamples:\n  dovecote convert model.h5 web-model/\n  dovecote convert model.keras model.onnx --check\n  dovecote convert weights.h5 web-model/ --architecture squeezenet --quantize float16\n  dovecote convert model.weights.h5 model.keras --config model.json',
    );
  addReadingOptions(addVariantOptions(command)).action((input: string, output: string) => {
    const flags = command.optsWithGlobals<ConvertFlags>();
    return runCommand(flags, async (context) => {
      const { convert } = await import('../../node.ts');
      const { default: prettyBytes } = await import('pretty-bytes');
      const result = await convert(input, output, {
        to: flags.to,
        architecture: flags.architecture,
        config: flags.config,
        limits: flags.limit,
        check: flags.check,
        alpha: flags.alpha,
        minimalistic: flags.minimalistic,
        quantize: flags.quantize,
        perChannel: flags.perChannel,
        weightsOnly: flags.weightsOnly,
        shardSizeBytes: flags.shardSize,
        force: flags.force,
        onProgress: context.onProgress,
        signal: context.signal,
      });
      context.endProgress();
      if (flags.json) {
        context.print(JSON.stringify(result));
        return;
      }
      result.warnings.forEach((warning) => context.say(`note: ${warning}`));
      const known =
        result.architecture === undefined
          ? ''
          : ` (${[result.architecture, ...optionsText(result.variant)].join(' ')}${result.to === 'tfjs' ? ', with labels and preprocessing' : ''})`;
      context.print(
        `${output}: ${result.layers} layers, ${result.parameters.toLocaleString('en')} parameters, ${prettyBytes(result.bytes)}${known}`,
      );
      if (result.check !== undefined) context.print(checkText(result.check));
      if (result.to === 'tfjs')
        context.say(
          `load it with tf.loadLayersModel, or: dovecote classify photo.jpg --model ${quoted(output)}`,
        );
    });
  });
}

/** The options as they are typed: `--alpha 0.25`. */
function optionsText({ alpha, minimalistic }: VariantFlags = {}): string[] {
  return [...(alpha === undefined ? [] : [`--alpha ${alpha}`]), ...(minimalistic ? ['--minimalistic'] : [])];
}

/** How far the output is from the input, one line for each output of the model. */
function checkText({ engines, inputs, outputs }: ConversionCheck): string {
  const shapeText = (shape: readonly number[]) => `[${shape.join(', ')}]`;
  const ran = inputs.map(({ name, shape }) => `${name} ${shapeText(shape)}`).join(', ');
  return [
    `check: the input by ${engines.source}, the output by ${engines.output}, on made-up numbers for ${ran}`,
    ...outputs.map(
      ({ name, shape, difference, range }) =>
        `  ${name} ${shapeText(shape)}: largest difference ${difference.toExponential(1)} of ${range.toPrecision(3)}`,
    ),
  ].join('\n');
}
