import type { Command } from 'commander';
import { runCommand } from '../context.ts';
import { printableLines } from '../printable-lines.ts';
import type { VariantFlags } from '../options.ts';
import { addVariantOptions, jsonOption, nonEmpty } from '../options.ts';

export function addSummaryCommand(program: Command): void {
  const command = program
    .command('summary')
    .description("draw a network's layers, shapes and weights")
    .argument('<model>', 'name of a network, or a folder, model.json or whole-model .h5 file', nonEmpty)
    .addOption(jsonOption('the rows'));
  addVariantOptions(command).action((name: string) => {
    const flags = command.optsWithGlobals<VariantFlags & { json?: boolean; quiet?: boolean }>();
    return runCommand(flags, async (context) => {
      const { loadArchitecture, disposeModel, summary, summaryRows } = await import('../../node.ts');
      const model = await loadArchitecture(name, {
        alpha: flags.alpha,
        minimalistic: flags.minimalistic,
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
