import { existsSync, readdirSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ExportResult } from '../../src/node.ts';
import { ensureBuilt } from '../support/dist.ts';
import { expectFailure, jsonOf, runCli } from '../support/run-cli.ts';
import { Workshop } from './fixtures.ts';

const shop = new Workshop('cli-export');
beforeAll(async () => {
  await ensureBuilt();
  await shop.network('base');
  await shop.colours('photos', 6);
  const args = ['train', 'photos', '--base', 'base', '--out', 'model', '--epochs', '4', '--quiet'];
  expect((await runCli(args, { cwd: shop.root })).code).toBe(0);
});
afterAll(() => shop.remove());
const run = (...args: string[]) => runCli(['export', ...args], { cwd: shop.root });

describe('export', () => {
  it('writes all forms of a trained model in one command, and says so', async () => {
    const { stdout, stderr, code } = await run('model', '--out', 'all');
    expect(code).toBe(0);
    expect(stdout).toMatch(/model\.onnx +\d+.* \d\.\de-\d+\nmodel\.keras +\d/);
    expect(stderr).toContain('npx serve all/page');
    expect(readdirSync(shop.path('all/page'))).toContain('index.html');
    expectFailure(await run('model', '--out', 'all', '--quiet'), 'OUTPUT_EXISTS');
    const result = jsonOf<ExportResult>(
      await run('model', '--out', 'all', '--force', '--formats', 'keras', '--json'),
    );
    expect(result).toMatchObject({ formats: ['keras'], classes: ['blue', 'red'] });
    expect(readdirSync(shop.path('all')).sort()).toEqual([
      ...['README.txt', 'labels.txt', 'model.keras', 'preprocessing.json'],
    ]);
  });

  it('refuses formats that there are not, and a missing model', async () => {
    expect(await run('model', '--out', 'x', '--formats', 'coreml')).toMatchObject({ code: 2 });
    expect((await run('nowhere', '--out', 'x', '--quiet')).code).not.toBe(0);
    expect(existsSync(shop.path('x'))).toBe(false);
  });
});
