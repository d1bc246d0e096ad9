import type { Command } from 'commander';
import type { DatasetReport, SameImages } from '../../datasets/dataset-report.ts';
import type { CommandContext } from '../context.ts';
import { runCommand } from '../context.ts';
import { jsonOption, nonEmpty, wholeNumber } from '../options.ts';
import { printableLines } from '../printable-lines.ts';

interface CheckFlags {
  validation?: string;
  test?: string;
  distance: number;
  json?: boolean;
  quiet?: boolean;
}

/** Of each kind of finding; the rest is in the JSON. */
const SHOWN = 20;

export function addCheckCommand(program: Command): void {
  program
    .command('check')
    .description(
      'look at every photo before training: damaged files, duplicates, leaks into validation; exit code 1 when one is found that spoils the training',
    )
    .argument(
      '<folder>',
      'folder with one subfolder for each class, or a .csv, .tsv or .jsonl file',
      nonEmpty,
    )
    .option('--validation <folder>', 'photos to validate on, which must not be among the others', nonEmpty)
    .option('--test <folder>', 'photos to test on, which must not be among the others', nonEmpty)
    .option(
      '--distance <bits>',
      'how much photos may differ to be taken for nearly the same, 0 to 32 bits of 256',
      wholeNumber(0),
      10,
    )
    .addOption(jsonOption('the report'))
    .addHelpText(
      'after',
      '\nExit code: 0 clean, or only remarks and duplicates within one part and class; 1 unreadable photos, photos in two\nparts, or one file under two classes.\n\nExamples:\n  dovecote check flowers/\n  dovecote check train/ --validation val/ --json > report.json',
    )
    .action((folder: string, _, command: Command) =>
      checkCommand(folder, command.optsWithGlobals<CheckFlags>()),
    );
}

function checkCommand(folder: string, flags: CheckFlags): Promise<void> {
  return runCommand(flags, async (context) => {
    const { checkDataset } = await import('../../node.ts');
    const { validation, test, distance } = flags;
    const data =
      validation === undefined && test === undefined ? folder : { training: folder, validation, test };
    const { onProgress, signal } = context;
    const report = await checkDataset(data, { distance, onProgress, signal });
    context.endProgress();
    if (flags.json) context.print(JSON.stringify(report, undefined, 2));
    else await printReport(report, context);
    process.exitCode ||= report.ok ? 0 : 1;
  });
}

async function printReport(report: DatasetReport, context: CommandContext): Promise<void> {
  const { formatTable } = await import('../table.ts');
  const print = (text: string) => context.print(printableLines(text));
  print(formatTable(report.classes.map(({ label, ...counts }) => ({ class: label, ...counts }))));
  const list = (heading: string, items: readonly string[]) => {
    if (items.length === 0) return;
    print(`\n${heading}`);
    items.slice(0, SHOWN).forEach((item) => print(`  ${item}`));
    if (items.length > SHOWN) print(`  and ${items.length - SHOWN} more, all of them with --json`);
  };
  const alike = (groups: readonly SameImages[]) =>
    groups.map(({ kind, images }) => {
      const shown = images.slice(0, 5).map(({ image }) => image);
      const more = images.length > 5 ? ` and ${images.length - 5} more` : '';
      return `${kind === 'same' ? 'same' : 'near'}: ${shown.join(' = ')}${more}`;
    });
  list(
    `${report.unreadable.length} unreadable photo(s)`,
    report.unreadable.map(({ image, reason }) => `${image}: ${reason}`),
  );
  list(`${report.leaks.length} leak(s): in more than one part`, alike(report.leaks));
  list(`${report.conflicts.length} photo(s) under more than one class`, alike(report.conflicts));
  list(`${report.duplicates.length} photo(s) more than once`, alike(report.duplicates));
  list(`${report.nearDuplicates.length} group(s) of nearly the same photo`, alike(report.nearDuplicates));
  list(
    `${report.skipped.length} other file(s)`,
    report.skipped.map(({ image, reason }) => `${image}: ${reason}`),
  );
  list('remarks', report.remarks);
  print(`\n${report.images} photos: ${report.ok ? 'good to train on' : 'not good to train on as they are'}`);
}
