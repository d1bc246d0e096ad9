import { existsSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ensureBuilt } from '../support/dist.ts';
import { runCli } from '../support/run-cli.ts';
import { hasShared, shared } from '../support/shared.ts';
import { Workshop, red } from './fixtures.ts';

const workshop = new Workshop('cli-explain');
beforeAll(ensureBuilt);
afterAll(() => workshop.remove());

describe('dovecote explain', () => {
  it('writes pictures and a page for a model of your own', async () => {
    const model = await workshop.network('network');
    const photo = await workshop.picture('red.png', red);
    const out = workshop.path('why');
    const args = ['explain', model, photo, '--out', out, '--labels', 'labels.txt', '--json'];
    workshop.file('labels.txt', 'ant\nbee\ncat\ndog\n');
    const first = await runCli([...args, '--class', 'cat', '--layers', 'conv1, fire2/concat'], {
      cwd: workshop.root,
    });
    expect(first).toMatchObject({ code: 0 });
    const result = JSON.parse(first.stdout) as { label: string; heatmap: number[][]; files: string[] };
    expect(result.label).toBe('cat');
    expect(result.files).toContain('activations/02-fire2-concat.png');
    for (const file of result.files) expect(existsSync(workshop.path('why', file))).toBe(true);
    expect(result.heatmap.flat().every((value) => value >= 0 && value <= 1)).toBe(true);

    const second = await runCli(args, { cwd: workshop.root });
    expect(second).toMatchObject({ code: 1, stdout: '' });
    expect(second.stderr).toContain('OUTPUT_EXISTS');
    const third = await runCli([...args, '--force', '--engine', 'tfjs'], { cwd: workshop.root });
    expect(third).toMatchObject({ code: 0 });
  });

  it('says which layers and classes there are', async () => {
    const model = await workshop.network('network-2');
    const photo = await workshop.picture('red.png', red);
    const args = ['explain', model, photo, '--out', workshop.path('why-not'), '--labels', 'imagenet'];
    expect(await runCli(args)).toMatchObject({ code: 1, stdout: '' });
    const layer = await runCli([...args.slice(0, -2), '--layer', 'fire2/concta']);
    expect(layer.stderr).toContain('Did you mean "fire2/concat"?');
    expect(existsSync(workshop.path('why-not'))).toBe(false);
    expect(await runCli(['explain', model, photo])).toMatchObject({ code: 2 });
  });

  it.skipIf(!hasShared)('explains a photo with the network in the package', async () => {
    const out = workshop.path('cat');
    const { code, stdout } = await runCli([
      'explain',
      'efficientnet-lite0',
      shared('images/tabby_cat.jpeg'),
      '--out',
      out,
    ]);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^tabby: 58\.\d %, seen in the layer top_activation/);
  });
});
