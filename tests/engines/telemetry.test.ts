import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { ensureBuilt } from '../support/dist.ts';
import { runCli } from '../support/run-cli.ts';

const photo = fileURLToPath(new URL('../../examples/photos/chelsea.jpg', import.meta.url));

it('ONNX Runtime neither reports its use nor leaves log files in the temporary folder', async () => {
  await ensureBuilt();
  const folder = await mkdtemp(join(tmpdir(), 'dovecote-telemetry-'));
  try {
    const env = { TMPDIR: folder };
    const { code } = await runCli(['classify', photo, '--engine', 'onnx', '--json'], { env });
    expect(code).toBe(0);
    expect(await readdir(folder)).toEqual([]);
  } finally {
    await rm(folder, { recursive: true });
  }
});
