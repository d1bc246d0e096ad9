import type { Command } from 'commander';
import { runCommand } from '../context.ts';
import { jsonOption } from '../options.ts';

const states = {
  embedded: 'in the package',
  cached: 'cached',
  download: 'to be downloaded',
  none: 'bring your own',
} as const;

export function addListCommand(program: Command): void {
  program
    .command('list')
    .description('list the networks, and where their weights are')
    .addOption(jsonOption('the list'))
    .action((_, command: Command) => {
      const flags = command.optsWithGlobals<{ json?: boolean; quiet?: boolean }>();
      return runCommand(flags, async (context) => {
        const [{ describeModels }, { formatTable }] = await Promise.all([
          import('../../models/describe-models.node.ts'),
          import('../table.ts'),
        ]);
        const models = await describeModels();
        if (flags.json) {
          context.print(JSON.stringify(models, undefined, 2));
          return;
        }
        const rows = models.map((model) => ({
          name: model.name,
          input: `${model.inputSize}x${model.inputSize}`,
          parameters: model.parameters.toLocaleString('en'),
          // Where nobody states the size of a file: float32 weights take four bytes each.
          MB: ((model.bytes ?? 4 * model.parameters) / 1e6).toFixed(1),
          GFLOPs: model.flops === undefined ? '-' : (model.flops / 1e9).toFixed(2),
          'top-1 %': model.top1?.toFixed(1) ?? '-',
          'top-5 %': model.top5?.toFixed(1) ?? '-',
          weights: states[model.weights],
          // The card says more; `--json` has it.
          licence: model.weights === 'none' ? '-' : model.licence.replace(/ \(weights.*\)$/, ''),
        }));
        context.print(formatTable(rows));
      });
    });
}
