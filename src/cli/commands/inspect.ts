import type { Command } from 'commander';
import { runCommand } from '../context.ts';
import { printableLines } from '../printable-lines.ts';
import { jsonOption, nonEmpty } from '../options.ts';

export function addInspectCommand(program: Command): void {
  program
    .command('inspect')
    .description('show what is in a model file, without converting it')
    .argument('<file>', 'an .h5 or .safetensors file, a model.json, or a model folder; path or URL', nonEmpty)
    .addOption(jsonOption('the content'))
    .action((file: string, _, command: Command) => {
      const flags = command.optsWithGlobals<{ json?: boolean; quiet?: boolean }>();
      return runCommand(flags, async (context) => {
        const { inspect, formatInspection } = await import('../../node.ts');
        const inspection = await inspect(file, { onProgress: context.onProgress, signal: context.signal });
        context.endProgress();
        context.print(
          flags.json
            ? JSON.stringify(inspection, undefined, 2)
            : printableLines(formatInspection(inspection)),
        );
      });
    });
}
