#!/usr/bin/env node
import { readFileSync } from 'node:fs';
import nodeModule from 'node:module';
import { Command, CommanderError } from 'commander';
import { UsageError } from '../base/errors.ts';
import { outputError } from '../output/output-errors.node.ts';
import { fail } from './context.ts';
import { quoted } from './quoted.ts';
import { addAugmentCommand } from './commands/augment.ts';
import { addBaselinesCommand } from './commands/baselines.ts';
import { addCacheCommand } from './commands/cache.ts';
import { addCheckCommand } from './commands/check.ts';
import { addClassifyCommand } from './commands/classify.ts';
import { addConvertCommand } from './commands/convert.ts';
import { addDoctorCommand } from './commands/doctor.ts';
import { addEvaluateCommand } from './commands/evaluate.ts';
import { addExplainCommand } from './commands/explain.ts';
import { addExportCommand } from './commands/export.ts';
import { addInspectCommand } from './commands/inspect.ts';
import { addListCommand } from './commands/list.ts';
import { addSummaryCommand } from './commands/summary.ts';
import { addTrainCommand } from './commands/train.ts';

// Node 22 and newer keep the compiled code of all that follows.
(nodeModule as { enableCompileCache?: () => unknown }).enableCompileCache?.();

// The commands import what they need when they run, so that `--version` and `--help` are quick.

const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as {
  version: string;
};

const program = new Command('dovecote')
  .description('Classify photos, convert Keras models to JavaScript, train a new head on a folder of photos.')
  .version(version, '-V, --version')
  .option('-q, --quiet', 'no progress and no remarks')
  .showSuggestionAfterError(true);

for (const add of [
  addClassifyCommand,
  addTrainCommand,
  addCheckCommand,
  addAugmentCommand,
  addBaselinesCommand,
  addEvaluateCommand,
  addExplainCommand,
  addExportCommand,
  addConvertCommand,
  addInspectCommand,
  addSummaryCommand,
  addListCommand,
  addCacheCommand,
  addDoctorCommand,
]) {
  add(program);
}
for (const command of [program, ...program.commands, ...program.commands.flatMap((each) => each.commands)]) {
  // Errors are thrown and printed below, in the form of all others.
  command.exitOverride().configureOutput({ outputError: () => undefined });
}

// A reader that stops early (`dovecote list | head -1`) is no failure; work that is under way is finished.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE' && !process.exitCode) fail(outputError(error, 'standard output'));
});
// Nobody is left to be told.
process.stderr.on('error', () => undefined);

try {
  await program.parseAsync(process.argv);
} catch (error) {
  if (error instanceof CommanderError) {
    if (error.exitCode !== 0 && error.code !== 'commander.help') fail(usageError(error));
    // Help that was asked for is no failure; help because nothing was said is.
    else process.exitCode = error.code === 'commander.help' ? 2 : 0;
  } else {
    fail(error);
  }
}

/** Commander's complaint as one of ours. */
function usageError(error: CommanderError): UsageError {
  // An illegal value has the same code whether it was given to an option or as an argument.
  const isOption = /option/i.test(error.code) || error.message.startsWith("error: option '");
  const known = program.commands.find((command) => command.name() === process.argv[2]);
  return new UsageError(isOption ? 'USAGE_OPTION' : 'USAGE_ARGUMENT', sentence(error.message), {
    given: ['dovecote', ...process.argv.slice(2).map(quoted)].join(' '),
    expected:
      known === undefined
        ? program.commands.map((command) => command.name()).join(', ')
        : `dovecote ${known.name()} ${known.usage()}`,
    nextStep: `\`dovecote ${known === undefined ? '' : `${known.name()} `}--help\` shows what can be said`,
  });
}

/** `error: unknown option '--x'` -> `Unknown option '--x'.` */
function sentence(message: string): string {
  const text = message.replace(/^error: /, '').replace(/\s*\n\s*/g, ' ');
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}${/[.)?]$/.test(text) ? '' : '.'}`;
}
