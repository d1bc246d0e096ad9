import type { Command } from 'commander';
import { runCommand } from '../context.ts';
import { jsonOption } from '../options.ts';

const states = {
  embedded: 'in the package',
  cached: 'cached',
  download: 'to be downloaded',
  none: 'bring your own',
} as const;

/** What a narrow terminal can do without, least needed first. */
const dispensable = ['licence', 'top-5 %', 'GFLOPs', 'input'];

export function addListCommand(program: Command): void {
  program
    .command('list')
    .description('list the networks, and where their weights are')
    .addOption(jsonOption('the list'))
    .action((_, command: Command) => {
      const flags = command.optsWithGlobals<{ json?: boolean; quiet?: boolean }>();
      return runCommand(flags, async (context) => {
        const [{ describeModels }, { columnsWithin, formatTable }] = await Promise.all([
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
        // Only of a terminal is the width known; a file gets all columns.
        const columns = columnsWithin(
          rows,
          process.stdout.columns > 0 ? process.stdout.columns : Infinity,
          dispensable,
        );
        context.print(formatTable(rows, columns));
        const hidden = Object.keys(rows[0] ?? {}).filter((key) => !columns.includes(key));
        if (hidden.length > 0) context.say(`(no room for ${hidden.join(', ')}; --json has everything)`);
      });
    });
}
