import type { Command } from 'commander';
import { runCommand } from '../context.ts';
import { printableLines } from '../printable-lines.ts';
import { jsonOption, nonEmpty } from '../options.ts';

export function addSummaryCommand(program: Command): void {
  program
    .command('summary')
    .description("draw a network's layers, shapes and weights")
    .argument('<model>', 'name of a network, or a folder, model.json or whole-model .h5 file', nonEmpty)
    .addOption(jsonOption('the rows'))
    .action((name: string, _, command: Command) => {
      const flags = command.optsWithGlobals<{ json?: boolean; quiet?: boolean }>();
      return runCommand(flags, async (context) => {
        const { loadArchitecture, disposeModel, summary, summaryRows } = await import('../../node.ts');
        const model = await loadArchitecture(name, {
          onProgress: context.onProgress,
          signal: context.signal,
        });
        context.endProgress();
        context.print(
          flags.json
            ? JSON.stringify(summaryRows(model), undefined, 2)
            : printableLines(summary(model, { width: process.stdout.columns })),
        );
        await disposeModel(model);
      });
    });
}
