import type { Command } from 'commander';
import { runCommand } from '../context.ts';
import { jsonOption } from '../options.ts';

interface CacheFlags {
  json?: boolean;
  quiet?: boolean;
}

const noFeatures = { networks: 0, files: 0, size: 0 };

export function addCacheCommand(program: Command): void {
  const cache = program
    .command('cache')
    .description('show, check or empty the folder of downloaded weights and of features of photos');
  cache
    .command('list')
    .description('list the downloaded files')
    .addOption(jsonOption('the list'))
    .action((_, command: Command) => listCommand(command.optsWithGlobals<CacheFlags>()));
  cache
    .command('verify')
    .description('hash every downloaded file again; exit code 1 when one is damaged')
    .addOption(jsonOption('the findings'))
    .action((_, command: Command) => verifyCommand(command.optsWithGlobals<CacheFlags>()));
  cache
    .command('clear')
    .description('remove downloaded files, and without names features of photos too')
    .argument('[files...]', 'names from `dovecote cache list`; without any, all')
    .addOption(jsonOption('what was removed'))
    .action((files: string[], _, command: Command) =>
      clearCommand(files, command.optsWithGlobals<CacheFlags>()),
    );
}

function listCommand(flags: CacheFlags): Promise<void> {
  return runCommand(flags, async (context) => {
    const [{ cacheFolder, listCache }, { featureCacheSize }, { formatTable }, { default: prettyBytes }] =
      await Promise.all([
        import('../../weights/index.node.ts'),
        import('../../training/feature-store.node.ts'),
        import('../table.ts'),
        import('pretty-bytes'),
      ]);
    const entries = await listCache({ all: true });
    const { networks, files, size } = await featureCacheSize();
    if (flags.json) {
      const features = { networks, files, size };
      context.print(JSON.stringify({ folder: cacheFolder(), entries, features }, undefined, 2));
      return;
    }
    const isEmpty = entries.length === 0 && networks === 0;
    context.print(`${cacheFolder()}${isEmpty ? ' is empty' : ''}`);
    if (networks > 0) {
      context.print(`features of ${files} photo(s), ${networks} network(s): ${prettyBytes(size)}`);
    }
    if (entries.length === 0) return;
    context.print(
      formatTable(
        entries.map((entry) => ({
          file: entry.fileName,
          size: prettyBytes(entry.size),
          state: { file: 'complete', partial: 'unfinished', unrecorded: 'put here by hand' }[entry.state],
          from: entry.url,
        })),
      ),
    );
  });
}

function verifyCommand(flags: CacheFlags): Promise<void> {
  return runCommand(flags, async (context) => {
    const { cacheExitStatus, verifyCache } = await import('../../weights/index.node.ts');
    const findings = await verifyCache({ onProgress: context.onProgress, signal: context.signal });
    context.endProgress();
    const bad = findings.filter((finding) => finding.status !== 'ok');
    if (flags.json) context.print(JSON.stringify(findings, undefined, 2));
    else {
      findings.forEach(({ fileName, status, reason }) =>
        context.print(`${status.padEnd(8)} ${fileName}${reason ? ` (${reason})` : ''}`),
      );
      context.print(`${findings.length - bad.length} good, ${bad.length} not`);
    }
    process.exitCode ||= cacheExitStatus(findings);
  });
}

function clearCommand(files: string[], flags: CacheFlags): Promise<void> {
  return runCommand(flags, async (context) => {
    const [{ clearCache }, { clearFeatureCache }, { default: prettyBytes }] = await Promise.all([
      import('../../weights/index.node.ts'),
      import('../../training/feature-store.node.ts'),
      import('pretty-bytes'),
    ]);
    const removed = await clearCache(files.length === 0 ? {} : { names: files });
    const { networks, size, ...cleared } = files.length === 0 ? await clearFeatureCache() : noFeatures;
    if (flags.json) {
      const features = { networks, files: cleared.files, size };
      context.print(JSON.stringify({ ...removed, features }, undefined, 2));
    } else {
      // The records beside the downloads are not in `cache list` either.
      const files = removed.files.filter((name) => !name.endsWith('.meta'));
      context.print(`removed ${files.length} file(s), ${prettyBytes(removed.bytes)}`);
      if (networks > 0) {
        context.print(`removed features of ${cleared.files} photo(s), ${prettyBytes(size)}`);
      }
      removed.locked.forEach((name) => context.print(`left alone, another process is fetching it: ${name}`));
    }
  });
}
