import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ensureBuilt } from '../support/dist.ts';
import { runCli } from '../support/run-cli.ts';
import { Workshop } from './fixtures.ts';

const workshop = new Workshop('cli-baselines');
beforeAll(ensureBuilt);
afterAll(() => workshop.remove());

describe('dovecote baselines', () => {
  it('prints a table of the methods, or JSON', async () => {
    const folder = await workshop.colours('colours', 5);
    const args = ['baselines', folder, '--no-cache', '--seed', '3'];
    const table = await runCli(args);
    expect(table).toMatchObject({ code: 0 });
    const [heading, ...lines] = table.stdout.trimEnd().split('\n');
    expect(heading).toMatch(/^method +accuracy % +time s +trained on$/);
    expect(lines.map((line) => line.split(/ {2,}/)[0])).toEqual([
      'logistic regression',
      'random forest',
      'k-nearest neighbours',
      'most frequent class',
      'new head of the network',
    ]);
    expect(lines[0]).toMatch(/100\.0/);
    const json = await runCli([...args, '--json']);
    const found = JSON.parse(json.stdout) as {
      results: unknown[];
      classes: string[];
      network: unknown;
      trainingImages: number;
    };
    expect(found.results).toHaveLength(4);
    expect(found.network).toMatchObject({ accuracy: 1, trainingRows: found.trainingImages });
    expect(found.classes).toEqual(['blue', 'red']);
    expect(json.stderr).toBe('');
  });

  it('refuses what it cannot use', async () => {
    expect(await runCli(['baselines', workshop.path('nowhere')])).toMatchObject({ code: 1, stdout: '' });
    const both = ['baselines', 'x', '--validation', 'y', '--validation-split', '0.5'];
    expect(await runCli(both)).toMatchObject({ code: 2, stdout: '' });
  });
});
