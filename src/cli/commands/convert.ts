import type { Command } from 'commander';
import { Option } from 'commander';
import { runCommand } from '../context.ts';
import { quoted } from '../quoted.ts';
import type { VariantFlags } from '../options.ts';
import { addVariantOptions, byteSize, jsonOption, nonEmpty } from '../options.ts';

interface ConvertFlags extends VariantFlags {
  architecture?: string;
  quantize: 'none' | 'float16' | 'uint8' | 'uint16';
  shardSize?: number;
  force?: boolean;
  json?: boolean;
  quiet?: boolean;
}

export function addConvertCommand(program: Command): void {
  const command = program
    .command('convert')
    .description('convert a Keras .h5 or a safetensors file to a TensorFlow.js layers model')
    .argument('<input>', 'a Keras 1 or 2 .h5 file, or a .safetensors file of weights; path or URL', nonEmpty)
    .argument('<output>', 'folder to write', nonEmpty)
    .option(
      '-a, --architecture <name>',
      'the network that a weights-only file belongs to, for example squeezenet, where it is not recognised',
      nonEmpty,
    )
    .addOption(
      new Option('--quantize <type>', 'how weights are stored')
        .choices(['none', 'float16', 'uint8', 'uint16'])
        .default('none'),
    )
    .option('--shard-size <size>', 'largest size of a weight file', byteSize, 4 * 2 ** 20)
    .option('-f, --force', 'replace the output of an earlier conversion')
    .addOption(jsonOption('the result'))
    .addHelpText(
      'after',
      '\nExamples:\n  dovecote convert model.h5 web-model/\n  dovecote convert weights.h5 web-model/ --architecture squeezenet --quantize float16',
    );
  addVariantOptions(command).action((input: string, output: string) => {
    const flags = command.optsWithGlobals<ConvertFlags>();
    return runCommand(flags, async (context) => {
      const { convert } = await import('../../node.ts');
      const { default: prettyBytes } = await import('pretty-bytes');
      const result = await convert(input, output, {
        architecture: flags.architecture,
        alpha: flags.alpha,
        minimalistic: flags.minimalistic,
        quantize: flags.quantize,
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
          : ` (${[result.architecture, ...optionsText(result.variant)].join(' ')}, with labels and preprocessing)`;
      context.print(
        `${output}: ${result.layers} layers, ${result.parameters.toLocaleString('en')} parameters, ${prettyBytes(result.bytes)}${known}`,
      );
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
