import type { Command } from 'commander';
import { runCommand } from '../context.ts';
import { jsonOption } from '../options.ts';

export function addListCommand(program: Command): void {
  program
    .command('list')
    .description('list the networks, and where their weights are')
    .addOption(jsonOption('the list'))
    .action((_, command: Command) => {
      const flags = command.optsWithGlobals<{ json?: boolean; quiet?: boolean }>();
      return runCommand(flags, async (context) => {
        const [{ describeModels }, { formatTable }, { default: prettyBytes }] = await Promise.all([
          import('../../models/describe-models.node.ts'),
          import('../table.ts'),
          import('pretty-bytes'),
        ]);
        const models = await describeModels();
        if (flags.json) {
          context.print(JSON.stringify(models, undefined, 2));
          return;
        }
        const rows = models.map((model) => ({
          name: model.name,
          network: model.title,
          input: `${model.inputSize}x${model.inputSize}`,
          parameters: model.parameters.toLocaleString('en'),
          'top-1 %': model.top1?.toFixed(1) ?? '-',
          'top-5 %': model.top5?.toFixed(1) ?? '-',
          weights: {
            embedded: `in the package (${prettyBytes(model.bytes ?? 0)})`,
            cached: `cached (${prettyBytes(model.bytes ?? 0)})`,
            // Where nobody states the size: float32 weights take four bytes each.
            download:
              model.bytes === undefined
                ? `to be downloaded (about ${prettyBytes(4 * model.parameters)})`
                : `to be downloaded (${prettyBytes(model.bytes)})`,
            none: 'bring your own',
          }[model.weights],
        }));
        context.print(formatTable(rows));
      });
    });
}
