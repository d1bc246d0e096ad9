import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { disposeModel, getMetadata, loadModel, saveModel } from '../../src/node.ts';
import { ensureBuilt } from '../support/dist.ts';
import { expectFailure, jsonOf, runCli } from '../support/run-cli.ts';
import { Workshop, red } from './fixtures.ts';

const shop = new Workshop('cli-variants');
const cli = (...args: string[]) => runCli(args, { cwd: shop.root });

beforeAll(async () => {
  await ensureBuilt();
  const model = await loadModel('mobilenet', { weights: null, alpha: 0.25, seed: 3 });
  await saveModel(model, shop.path('quarter'), { quantize: 'float16' });
  await disposeModel(model);
  await shop.picture('red.png', red);
});
afterAll(() => shop.remove());

describe('--alpha and --minimalistic', () => {
  it('pick the width that summary draws', async () => {
    const quarter = await cli('summary', 'mobilenet', '--alpha', '0.25');
    expect(quarter.stdout).toContain('475,544');
    const small = await cli('summary', 'mobilenetv3small', '--minimalistic');
    expect(small.stdout).toContain('2,056,848');
  });

  it('pick the network that the weights are for, and the error says so where they are left out', async () => {
    const args = ['classify', 'red.png', '--model', 'mobilenet', '--weights', 'quarter', '--json'];
    const [{ predictions }] = jsonOf<[{ predictions: unknown[] }]>(await cli(...args, '--alpha', '0.25'));
    expect(predictions).toHaveLength(5);
    const without = await cli(...args);
    expectFailure(without, 'WEIGHTS_COUNT');
    expect(without.stderr).toContain('`--model mobilenet --alpha 0.25`');
  });

  it('pick the base of train, and the new model remembers', async () => {
    await shop.colours('colours', 4);
    const result = await cli(
      ...['train', 'colours', '--out', 'trained', '--base', 'mobilenet', '--alpha', '0.25'],
      ...['--weights', 'quarter', '--epochs', '1', '--json'],
    );
    expect(jsonOf<{ classes: string[] }>(result).classes).toEqual(['blue', 'red']);
    const model = await loadModel(shop.path('trained'));
    expect(getMetadata(model)).toMatchObject({ architecture: 'mobilenet', variant: { alpha: 0.25 } });
    await disposeModel(model);
  });

  it('are refused where there is no such width, and where they say nothing', async () => {
    shop.keras('keras2_weights.h5');
    const calls: [string[], string, number, RegExp][] = [
      [['classify', 'red.png', '--model', 'mobilenet', '--alpha', '0'], 'USAGE_OPTION', 2, /above 0/],
      [
        ['classify', 'red.png', '--model', 'mobilenet', '--alpha', '0.3'],
        'WEIGHTS_UNAVAILABLE',
        1,
        /0\.25, 0\.5, 0\.75, 1/,
      ],
      [
        ['classify', 'red.png', '--model', 'quarter', '--alpha', '0.25'],
        'USAGE_ARGUMENT',
        2,
        /finished model/,
      ],
      [['summary', 'mobilenet', '--minimalistic'], 'MODEL_OPTION', 1, /alpha, depthMultiplier, dropout/],
      [['convert', 'keras2_weights.h5', 'out', '--alpha', '0.5'], 'USAGE_ARGUMENT', 2, /--architecture/],
    ];
    for (const [args, code, exitCode, names] of calls) {
      const result = await cli(...args);
      expectFailure(result, code, exitCode);
      expect(result.stderr).toMatch(names);
    }
  });
});
