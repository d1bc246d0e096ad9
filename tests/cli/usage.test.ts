import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ensureBuilt } from '../support/dist.ts';
import { expectFailure, runCli } from '../support/run-cli.ts';
import { Workshop } from './fixtures.ts';

const shop = new Workshop('cli-usage');
beforeAll(ensureBuilt);
afterAll(() => shop.remove());

/** What is called, the code, and what the message has to name. Nothing here gets as far as reading a file. */
const wrongCalls: [args: string[], code: string, names: RegExp][] = [
  [['classfy', 'a.jpg'], 'USAGE_ARGUMENT', /classify/],
  [['cache', 'lst'], 'USAGE_ARGUMENT', /Did you mean list/],
  [['classify'], 'USAGE_ARGUMENT', /images/],
  [['convert', 'model.h5'], 'USAGE_ARGUMENT', /output/],
  [['inspect', 'a.h5', 'b.h5'], 'USAGE_ARGUMENT', /Too many arguments/i],
  [['classify', 'a.jpg', '--tpo', '3'], 'USAGE_OPTION', /Did you mean --top/],
  [['classify', 'a.jpg', '--top'], 'USAGE_OPTION', /--top/],
  [['classify', 'a.jpg', '--top', '0'], 'USAGE_OPTION', /at least 1/],
  [['classify', 'a.jpg', '--batch-size', '1.5'], 'USAGE_OPTION', /whole number/],
  [['classify', 'a.jpg', '--engine', 'webgl'], 'USAGE_OPTION', /auto, onnx, tfjs/],
  [['classify', 'a.jpg', '--json', '--csv'], 'USAGE_OPTION', /--json.*--csv/],
  [['classify', 'a.jpg', '--crop-fraction', '0'], 'USAGE_OPTION', /above 0/],
  [['classify', ''], 'USAGE_ARGUMENT', /empty/],
  [['classify', 'a.jpg', '--model', 'squeeznet'], 'MODEL_UNKNOWN', /Did you mean "squeezenet"/],
  [['convert', 'model.h5', 'out', '--quantize', 'int4'], 'USAGE_OPTION', /float16, uint8, uint16/],
  [['convert', 'model.h5', 'out', '--shard-size', 'big'], 'USAGE_OPTION', /4MiB/],
  [['convert', 'my model.h5', '', '--force'], 'USAGE_ARGUMENT', /convert 'my model\.h5' '' --force/],
  [['summary', 'resnet5000'], 'MODEL_UNKNOWN', /squeezenet/],
  [['train', 'photos', '--out', 'o', '--epochs', '-1'], 'USAGE_OPTION', /at least 1/],
  [['train', 'photos', '--out', 'o', '--learning-rate', '0'], 'USAGE_OPTION', /above 0/],
  [['train', 'photos', '--out', 'o', '--dropout', '1'], 'USAGE_OPTION', /below 1/],
  [['train', 'photos', '--out', 'o', '--validation-split', '1'], 'USAGE_OPTION', /between 0 and 1/],
  [
    ['train', 'p', '--out', 'o', '--validation', 'v', '--validation-split', '0.5'],
    'USAGE_OPTION',
    /--validation/,
  ],
];

describe('a call that makes no sense', () => {
  it('is explained in one form and ends with exit code 2', async () => {
    shop.file('a.jpg', '');
    const waiting = [...wrongCalls];
    const work = async () => {
      for (let call = waiting.shift(); call !== undefined; call = waiting.shift()) {
        const [args, code, names] = call;
        const result = await runCli(args, { cwd: shop.root });
        expectFailure(result, code, 2);
        expect(result.stderr).toMatch(names);
      }
    };
    await Promise.all([work(), work()]);
  });

  it('shows the help when nothing is said, and prints it on stdout when it is asked for', async () => {
    const [nothing, help, version] = await Promise.all([
      runCli([]),
      runCli(['train', '--help']),
      runCli(['--version']),
    ]);
    expect(nothing).toMatchObject({ stdout: '', code: 2 });
    expect(nothing.stderr).toMatch(/^Usage: dovecote/);
    expect(help).toMatchObject({ stderr: '', code: 0 });
    for (const option of ['--validation', '--validation-split', '--base', '--weights', '--out', '--epochs']) {
      expect(help.stdout).toContain(option);
    }
    const { version: expected } = JSON.parse(
      readFileSync(new URL('../../package.json', import.meta.url), 'utf8'),
    ) as { version: string };
    expect(version).toMatchObject({ stdout: `${expected}\n`, stderr: '', code: 0 });
  });
});

describe('a standard output that is full', () => {
  it('is said, and is exit code 1', async ({ skip }) => {
    if (process.platform !== 'linux') skip('there is no /dev/full here');
    const result = await runCli(['list'], { shell: '"$@" >/dev/full' });
    expectFailure(result, 'OUTPUT_DISK_FULL');
  });
});
