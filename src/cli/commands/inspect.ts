import type { Command } from 'commander';
import { runCommand } from '../context.ts';
import { printableLines } from '../printable-lines.ts';
import type { ReadLimits } from '../../../converters/index.ts';
import { addReadingOptions, jsonOption, nonEmpty } from '../options.ts';

interface InspectFlags {
  config?: string;
  limit?: Partial<ReadLimits>;
  json?: boolean;
  quiet?: boolean;
}

export function addInspectCommand(program: Command): void {
  const command = program
    .command('inspect')
    .description('show what is in a model file, without converting it')
    .argument(
      '<file>',
      'a .h5, .keras, .weights.h5, .safetensors or .json file, or a model folder; path or URL',
      nonEmpty,
    )
    .addOption(jsonOption('the content'));
  addReadingOptions(command).action((file: string) => {
    const flags = command.optsWithGlobals<InspectFlags>();
    return runCommand(flags, async (context) => {
      const { inspect, formatInspection } = await import('../../node.ts');
      const inspection = await inspect(file, {
        config: flags.config,
        limits: flags.limit,
        onProgress: context.onProgress,
        signal: context.signal,
      });
      context.endProgress();
      context.print(
        flags.json ? JSON.stringify(inspection, undefined, 2) : printableLines(formatInspection(inspection)),
      );
    });
  });
}
