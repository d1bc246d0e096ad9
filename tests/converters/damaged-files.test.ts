import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { convert } from '../../src/node.ts';
import { corpusFile } from '../converters-keras/corpus-files.ts';
import { ensureBuilt } from '../support/dist.ts';
import { codeOf } from './support.ts';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'dovecote-damaged-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const CODE = /^(FORMAT|WEIGHTS)_[A-Z_]+$/;
const percents = Array.from({ length: 100 }, (_, percent) => percent);

/** How the conversions of a file end that is cut at every percent; what they leave behind is an error of its own. */
async function endings(bytes: Uint8Array, place: (cut: Uint8Array) => string): Promise<string[]> {
  const ended: string[] = [];
  for (const percent of percents) {
    const input = place(bytes.subarray(0, Math.floor((bytes.length * percent) / 100)));
    const before = readdirSync(folder).sort();
    for (const output of ['out', 'out.onnx', 'out.keras', 'out.h5']) {
      const code = await codeOf(() => convert(input, join(folder, output)));
      if (code === 'no error') rmSync(join(folder, output), { recursive: true });
      ended.push(code);
    }
    expect(readdirSync(folder).sort()).toEqual(before);
  }
  return ended;
}

describe('files that are cut off', () => {
  const placed = (name: string) => (cut: Uint8Array) => {
    writeFileSync(join(folder, name), cut);
    return join(folder, name);
  };

  it.each(['unet.keras2.h5', 'unet.keras3.keras'])(
    '%s, cut at every percent, ends in an error with a code and leaves nothing behind',
    async (name) => {
      const ended = await endings(corpusFile(name), placed(name));
      expect(ended.filter((code) => !CODE.test(code))).toEqual([]);
    },
  );

  it('the weights of a TensorFlow.js model, too', async () => {
    writeFileSync(join(folder, 'source.keras'), corpusFile('unet.keras3.keras'));
    await convert(join(folder, 'source.keras'), join(folder, 'web'));
    const shard = join(folder, 'web', 'group1-shard1of1.bin');
    const ended = await endings(readFileSync(shard), (cut) => {
      writeFileSync(shard, cut);
      return join(folder, 'web');
    });
    expect(ended.filter((code) => !CODE.test(code))).toEqual([]);
  });

  it('its model.json, too', async () => {
    mkdirSync(join(folder, 'web-json'));
    await convert(join(folder, 'source.keras'), join(folder, 'web-json'));
    const json = join(folder, 'web-json', 'model.json');
    const ended = await endings(readFileSync(json), (cut) => {
      writeFileSync(json, cut);
      return join(folder, 'web-json');
    });
    expect(ended.filter((code) => !CODE.test(code))).toEqual([]);
  });
});

describe('the fuzzer', () => {
  beforeAll(ensureBuilt);

  it('300 damaged inputs end in a result or in an error with a code', async () => {
    const script = fileURLToPath(new URL('../../tools/fuzz/run.mjs', import.meta.url));
    const { stdout } = await promisify(execFile)(process.execPath, [script, '--count', '300', '--seed', '6']);
    const {
      inputs,
      failures,
      endings: kinds,
    } = JSON.parse(stdout) as {
      inputs: number;
      failures: number;
      endings: Record<string, number>;
    };
    expect({ inputs, failures }).toEqual({ inputs: 300, failures: 0 });
    // Both happen, so that it is the converter that is tested and not the first check of a file.
    expect(kinds.result).toBeGreaterThan(10);
    expect(kinds.FORMAT_DAMAGED).toBeGreaterThan(10);
  });
});
