import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ensureBuilt } from '../support/dist.ts';
import { runCli } from '../support/run-cli.ts';
import { Workshop } from './fixtures.ts';

const workshop = new Workshop('cli-check');
beforeAll(ensureBuilt);
afterAll(() => workshop.remove());

describe('dovecote check', () => {
  it('ends with 0 for good photos and with 1 for leaks and damaged files', async () => {
    const training = await workshop.colours('training', 3);
    const good = await runCli(['check', training]);
    expect(good).toMatchObject({ code: 0 });
    expect(good.stdout).toMatch(/^class +training\nblue +3\nred +3$/m);
    expect(good.stdout).toContain('6 photos: good to train on');
    const leak = await runCli(['check', training, '--validation', training, '--json']);
    expect(leak).toMatchObject({ code: 1, stderr: '' });
    expect(JSON.parse(leak.stdout)).toMatchObject({ ok: false, images: 12, unreadable: [] });
    workshop.file('training/red/page.png', '<!doctype html>');
    const bad = await runCli(['check', training]);
    expect(bad).toMatchObject({ code: 1 });
    expect(bad.stdout).toContain('page.png: an HTML page');
  });

  it('takes a table, and says what is wrong with one', async () => {
    await workshop.colours('photos', 2, 50);
    const rows = ['image,label', ...['red', 'blue'].map((label) => `photos/${label}/0.png,${label}`)];
    const table = workshop.file('photos.csv', rows.join('\n'));
    expect(await runCli(['check', table])).toMatchObject({ code: 0 });
    const bad = await runCli(['check', workshop.file('bad.csv', 'image,label\n,red\n')]);
    expect(bad).toMatchObject({ code: 1, stdout: '' });
    expect(bad.stderr).toContain('DATASET_ROW');
    expect(await runCli(['check'])).toMatchObject({ code: 2 });
  });
});
