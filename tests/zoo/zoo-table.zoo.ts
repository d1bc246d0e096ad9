import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { ensureBuilt, rootFolder } from '../support/dist.ts';

describe('what tools/zoo-table writes', () => {
  it('is up to date: README and the multiply-adds', async () => {
    await ensureBuilt();
    const run = promisify(execFile)(process.execPath, ['tools/zoo-table/make.mjs', '--check'], {
      cwd: rootFolder,
    });
    expect(await run).toMatchObject({ stdout: '' });
  });
});
