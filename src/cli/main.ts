#!/usr/bin/env node
import { readFileSync } from 'node:fs';
import { Command, CommanderError } from 'commander';
import { fail } from './context.ts';
import { addCacheCommand } from './commands/cache.ts';
import { addClassifyCommand } from './commands/classify.ts';
import { addConvertCommand } from './commands/convert.ts';
import { addInspectCommand } from './commands/inspect.ts';
import { addListCommand } from './commands/list.ts';
import { addSummaryCommand } from './commands/summary.ts';
import { addTrainCommand } from './commands/train.ts';

// The commands import what they need when they run, so that `--version` and `--help` are quick.

const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as {
  version: string;
};

const program = new Command('dovecote')
  .description('Classify photos, convert Keras models to JavaScript, train a new head on a folder of photos.')
  .version(version, '-V, --version')
  .option('-q, --quiet', 'no progress and no remarks')
  .showHelpAfterError('(dovecote --help, or dovecote COMMAND --help, shows what can be said)')
  .showSuggestionAfterError(true)
  .exitOverride();

for (const add of [
  addClassifyCommand,
  addTrainCommand,
  addConvertCommand,
  addInspectCommand,
  addSummaryCommand,
  addListCommand,
  addCacheCommand,
]) {
  add(program);
}
for (const command of [...program.commands, ...program.commands.flatMap((each) => each.commands)]) {
  command.exitOverride().showHelpAfterError(`(dovecote ${command.name()} --help shows what can be said)`);
}

// A reader that stops early (`dovecote list | head -1`) is no failure.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(0);
  throw error;
});

try {
  await program.parseAsync(process.argv);
} catch (error) {
  if (error instanceof CommanderError) {
    // Commander has printed its message already; asking for help or the version is no failure.
    process.exitCode = error.exitCode === 0 ? 0 : 2;
  } else {
    fail(error);
  }
}
