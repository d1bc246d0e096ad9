import { existsSync, readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { EvaluationReport } from '../../src/node.ts';
import { ensureBuilt } from '../support/dist.ts';
import { expectFailure, jsonOf, runCli } from '../support/run-cli.ts';
import { Workshop } from './fixtures.ts';

const shop = new Workshop('cli-evaluate');

beforeAll(async () => {
  await ensureBuilt();
  await shop.network('base');
  await shop.colours('photos', 6);
  await shop.colours('test', 3, 50);
  shop.file('test/blue/damaged.png', 'no picture');
  const args = ['train', 'photos', '--base', 'base', '--out', 'model', '--epochs', '12', '--quiet'];
  expect((await runCli(args, { cwd: shop.root })).code).toBe(0);
});
afterAll(() => shop.remove());

const evaluate = (...args: string[]) => runCli(['evaluate', ...args], { cwd: shop.root });

describe('evaluate', () => {
  it('tells a person what the model is worth, and writes a page', async () => {
    const { stdout, stderr, code } = await evaluate('model', 'test', '--report', 'report.html');
    expect(code).toBe(0);
    expect(stdout).toMatch(/Confusion matrix[^]*blue +3 +0\nred +0 +3\n[^]*precision %/);
    expect(stdout).toMatch(/accuracy 100\.0 % \(95 % interval 61\.0 to 100\.0 %\)\n/);
    expect(stderr).toMatch(/not read: 1 file\(s\)\n.*damaged\.png: /);
    expect(readFileSync(shop.path('report.html'), 'utf8')).toContain('100.0 % of 6 photos');
    expectFailure(await evaluate('model', 'test', '--report', 'report.html', '--quiet'), 'OUTPUT_EXISTS');
    expect((await evaluate('model', 'test', '--report', 'report.html', '--force')).code).toBe(0);
  });

  it('prints all figures as JSON', async () => {
    const report = jsonOf<EvaluationReport>(
      await evaluate('model', 'test', '--json', '--tta', '--engine', 'onnx'),
    );
    expect(report).toMatchObject({
      images: 6,
      accuracy: 1,
      tta: true,
      engine: 'onnx',
      classes: ['blue', 'red'],
    });
    expect(report.skipped.map(({ image }) => image)).toEqual(['test/blue/damaged.png']);
  });

  it('refuses photos of other classes, and writes nothing', async () => {
    await shop.picture('others/red/0.png', [200, 0, 0]);
    await shop.picture('others/lilac/0.png', [200, 0, 200]);
    const refused = await evaluate('model', 'others', '--report', 'others.html', '--quiet');
    expectFailure(refused, 'DATASET_CLASSES');
    expect(refused.stderr).toContain('lilac');
    expect(existsSync(shop.path('others.html'))).toBe(false);
  });
});
