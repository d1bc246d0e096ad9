import { readFileSync } from 'node:fs';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ensureBuilt } from '../support/dist.ts';
import { runCli } from '../support/run-cli.ts';
import { Workshop } from './fixtures.ts';

const workshop = new Workshop('cli-augment');
beforeAll(ensureBuilt);
afterAll(() => workshop.remove());

describe('dovecote augment', () => {
  it('writes a sheet, and replaces one only when asked', async () => {
    const folder = await workshop.colours('colours', 2);
    const out = workshop.path('sheet.png');
    const args = ['augment', folder, '--out', out, '--columns', '2', '--rows', '3'];
    const first = await runCli(args);
    expect(first).toMatchObject({ code: 0, stdout: `3 photos, 2 variants of each: ${out}\n` });
    expect(await sharp(out).metadata()).toMatchObject({ format: 'png', height: 3 * 164 - 4 });
    const bytes = readFileSync(out);
    const again = await runCli(args);
    expect(again).toMatchObject({ code: 1, stdout: '' });
    expect(again.stderr).toContain('OUTPUT_EXISTS');
    const all =
      '--force --json --rotation 30 --hue 0.1 --saturation 0.5 --cutout 0.2 --ratio 0.8,1.25 --vertical-flip --no-horizontal-flip';
    const other = await runCli([...args, ...all.split(' ')]);
    expect(other).toMatchObject({ code: 0, stderr: '' });
    expect(JSON.parse(other.stdout)).toMatchObject({
      augment: { rotation: 30, ratio: [0.8, 1.25], verticalFlip: true, horizontalFlip: false },
    });
    expect(readFileSync(out).equals(bytes)).toBe(false);
  });

  it('refuses wrong options', async () => {
    expect(await runCli(['augment', 'x'])).toMatchObject({ code: 2 });
    expect(await runCli(['augment', 'x', '--out', 'y.png', '--hue', '0.7'])).toMatchObject({ code: 2 });
    expect(await runCli(['augment', 'x', '--out', 'y.png', '--ratio', '2,1'])).toMatchObject({ code: 2 });
  });
});
