import type { Command } from 'commander';
import { runCommand } from '../context.ts';
import { jsonOption } from '../options.ts';

interface DoctorFlags {
  json?: boolean;
  quiet?: boolean;
}

export function addDoctorCommand(program: Command): void {
  program
    .command('doctor')
    .description(
      'show what this machine has: engines, devices, threads, the cache; exit code 1 when something fails',
    )
    .addOption(jsonOption('the findings'))
    .action((_, command: Command) => doctorCommand(command.optsWithGlobals<DoctorFlags>()));
}

function doctorCommand(flags: DoctorFlags): Promise<void> {
  return runCommand(flags, async (context) => {
    const [{ diagnose }, { doctorReport }] = await Promise.all([
      import('../../diagnosis/diagnose.node.ts'),
      import('../doctor-report.ts'),
    ]);
    const found = await diagnose();
    context.print(flags.json ? JSON.stringify(found, undefined, 2) : doctorReport(found));
    if (found.remarks.some(({ kind }) => kind === 'problem')) process.exitCode ||= 1;
  });
}
