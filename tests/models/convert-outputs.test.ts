import * as tf from '@tensorflow/tfjs';
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { outputFormatOf } from '../../converters/index.ts';
import { convert, convertBytes, disposeModel, inspect, loadModel } from '../../src/node.ts';
import { corpusFile } from '../converters-keras/corpus-files.ts';
import { goldenOf, largestDifference } from '../converters-onnx/corpus.ts';
import { codeOf } from '../converters/support.ts';

let folder: string;
const at = (name: string) => join(folder, name);

/** A file of the corpus in the folder. */
function placed(file: string, name = file): string {
  writeFileSync(at(name), corpusFile(file));
  return at(name);
}

/** What a written model says on the golden's inputs, loaded by this package. */
async function differenceOf(path: string, model: string, version: '2' | '3'): Promise<number> {
  const { inputs, outputs } = goldenOf({ file: '', model, version });
  const loaded = await loadModel(path);
  try {
    return tf.tidy(() => {
      const tensors = inputs.map(({ data, shape }, i) => tf.tensor(data, shape, loaded.inputs[i]!.dtype));
      const results = [loaded.predict(tensors.length === 1 ? tensors[0]! : tensors)].flat();
      const each = results.map((result, i) =>
        largestDifference(Array.from(result.dataSync()), outputs[i]!.data),
      );
      return Math.max(...each);
    });
  } finally {
    await disposeModel(loaded);
  }
}

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'dovecote-outputs-'));
  await tf.ready();
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('the format of an output', () => {
  it('is told by its name: .onnx, .keras, .h5, and a folder for TensorFlow.js', async () => {
    const source = placed('text_classifier.keras3.keras');
    const written = await Promise.all(
      ['web', 'a.onnx', 'a.keras', 'a.h5', 'A.HDF5'].map((name) => convert(source, at(name))),
    );
    expect(written.map(({ to }) => to)).toEqual(['tfjs', 'onnx', 'keras', 'h5', 'h5']);
    expect(written[1]!.files).toEqual(['a.onnx']);
    expect(written[1]!.bytes).toBe(statSync(at('a.onnx')).size);
    const kinds = await Promise.all(['web', 'a.keras', 'a.h5'].map((name) => inspect(at(name))));
    expect(kinds.map(({ kind }) => kind)).toEqual(['tfjs-layers-model', 'keras-v3', 'keras-h5-model']);
    expect(kinds.map(({ parameters }) => parameters)).toEqual([518, 518, 518]);
  });

  it('can be asked for, whatever the name', async () => {
    const source = placed('dense_mlp.keras3.h5');
    expect((await convert(source, at('odd.onnx'), { to: 'tfjs' })).files).toContain('model.json');
    await convert(source, at('odd'), { to: 'h5' });
    expect((await inspect(at('odd'))).kind).toBe('keras-h5-model');
    expect(await codeOf(() => convert(source, at('x'), { to: 'pb' as 'onnx' }))).toBe('USAGE_OPTION');
  });

  it.each(['b.keras', 'b.h5'])('%s is read back, and computes what the source computes', async (name) => {
    const before = tf.memory().numTensors;
    await convert(placed('text_classifier.keras2.h5'), at(name), { force: true });
    expect(await differenceOf(at(name), 'text_classifier', '2')).toBeLessThanOrEqual(1e-5);
    expect(tf.memory().numTensors).toBe(before);
  });

  it('in memory gives the same bytes as in a file', async () => {
    const source = corpusFile('dense_mlp.keras3.keras');
    const { bytes, parameters } = await convertBytes(source, { to: 'onnx' });
    await convert(placed('dense_mlp.keras3.keras'), at('same.onnx'));
    expect(Buffer.from(bytes).equals(readFileSync(at('same.onnx')))).toBe(true);
    expect(parameters).toBeGreaterThan(0);
    const tfjs = await convertBytes(source);
    expect(tfjs.shards).toHaveLength(1);
  });
});

describe('an output that is a file', () => {
  it('is never written over unless asked, and nothing is left behind by a conversion that fails', async () => {
    const source = placed('dense_mlp.keras3.h5');
    writeFileSync(at('mine.h5'), 'mine');
    expect(await codeOf(() => convert(source, at('mine.h5')))).toBe('OUTPUT_EXISTS');
    expect(readFileSync(at('mine.h5'), 'utf8')).toBe('mine');
    const before = readdirSync(folder).sort();
    const damaged = at('damaged.h5');
    writeFileSync(damaged, readFileSync(source).subarray(0, 4000));
    expect(await codeOf(() => convert(damaged, at('mine.h5'), { force: true }))).toMatch(/^FORMAT_/);
    expect(await codeOf(() => convert(damaged, at('other.keras')))).toMatch(/^FORMAT_/);
    rmSync(damaged);
    expect(readdirSync(folder).sort()).toEqual(before);
    expect(readFileSync(at('mine.h5'), 'utf8')).toBe('mine');
    await convert(source, at('mine.h5'), { force: true });
    expect((await inspect(at('mine.h5'))).kind).toBe('keras-h5-model');
  });

  it.each(['c.onnx', 'c.keras', 'c.h5'])('%s can be stopped while it is written', async (name) => {
    const controller = new AbortController();
    const stopped = convert(placed('unet.keras3.keras'), at(name), {
      signal: controller.signal,
      onProgress: ({ phase }) => phase === 'convert' && controller.abort(),
    });
    expect(await codeOf(() => stopped)).toBe('ABORTED');
    expect(readdirSync(folder).filter((file) => file.includes(name))).toEqual([]);
  });

  it('has no use for quantization, weight files of a size, or a model without layers', async () => {
    const source = placed('dense_mlp.keras3.h5');
    expect(await codeOf(() => convert(source, at('q.onnx'), { quantize: 'uint8' }))).toBe('USAGE_OPTION');
    expect(await codeOf(() => convert(source, at('q.h5'), { shardSizeBytes: 4096 }))).toBe('USAGE_OPTION');
    expect(await codeOf(() => convert(source, at('q'), { weightsOnly: true }))).toBe('USAGE_OPTION');
    expect(await codeOf(() => convert(source, at('q'), { perChannel: true }))).toBe('USAGE_OPTION');
    expect(existsSync(at('q'))).toBe(false);
  });
});

describe('weights without a model', () => {
  const config = () =>
    JSON.parse(
      Buffer.from(
        JSON.stringify({ class_name: 'Sequential', config: { name: 'other', layers: [] } }),
      ).toString(),
    ) as Record<string, never>;

  it.each(['w.weights.h5', 'w.h5'])('%s: written, and read with the layers from elsewhere', async (name) => {
    const source = placed('text_classifier.keras3.keras');
    await convert(source, at(name), { weightsOnly: true });
    expect((await inspect(at(name))).kind).toBe(name === 'w.h5' ? 'keras-h5-weights' : 'keras-v3-weights');
    expect(await codeOf(() => convert(at(name), at('no-layers')))).toBe('FORMAT_UNSUPPORTED');
    // The layers: a TensorFlow.js model's topology says them too.
    await convert(source, at(`${name}-layers`));
    await convert(at(name), at(`${name}-again`), { config: at(`${name}-layers/model.json`) });
    expect(await differenceOf(at(`${name}-again`), 'text_classifier', '3')).toBeLessThanOrEqual(1e-5);
  });

  it('of another model, or with JSON that is no config, are refused', async () => {
    await convert(placed('text_classifier.keras3.keras'), at('x.weights.h5'));
    writeFileSync(at('odd.json'), '{"layers": []}');
    const with_ = (given: string | Record<string, never>) =>
      codeOf(() => convert(at('x.weights.h5'), at('x'), { config: given }));
    expect(await with_(at('odd.json'))).toBe('FORMAT_UNKNOWN');
    expect(await with_(config())).toMatch(/^(WEIGHTS|FORMAT)_/);
    expect(await with_(at('missing.json'))).toBe('FILE_NOT_FOUND');
  });

  it('beside a file without weights a config is an error, not a thing to pass over', async () => {
    await convert(placed('dense_mlp.keras3.h5'), at('beside'));
    const { modelTopology } = JSON.parse(readFileSync(at('beside/model.json'), 'utf8')) as {
      modelTopology: object;
    };
    writeFileSync(at('beside.json'), JSON.stringify(modelTopology));
    const run = () => convert(at('beside.json'), at('none'), { config: at('beside/model.json') });
    expect(await codeOf(run)).toBe('USAGE_OPTION');
    // Layers of the same names take the place of a whole model's.
    const replaced = await convert(at('beside'), at('replaced.h5'), { config: at('beside.json') });
    expect(replaced.parameters).toBe((await inspect(at('beside'))).parameters);
  });

  it('a config alone can be looked into, and says that it lacks weights', async () => {
    await convert(placed('dense_mlp.keras3.h5'), at('for-config'));
    const { modelTopology } = JSON.parse(readFileSync(at('for-config/model.json'), 'utf8')) as {
      modelTopology: object;
    };
    writeFileSync(at('config.json'), JSON.stringify(modelTopology));
    const looked = await inspect(at('config.json'));
    expect(looked.kind).toBe('keras-config');
    expect(looked.layers.length).toBeGreaterThan(2);
    expect(looked.problems.join()).toContain('without its weights');
    expect(await codeOf(() => convert(at('config.json'), at('nothing')))).toBe('FORMAT_UNSUPPORTED');
  });
});

describe('check', () => {
  it.each(['d', 'd.onnx', 'd.keras', 'd.h5', 'd.weights.h5'])(
    '%s is read back and run against the source by another engine',
    async (name) => {
      const before = tf.memory().numTensors;
      const { check } = await convert(placed('residual_block.keras3.keras'), at(name), { check: true });
      expect(check!.engines.source).not.toBe(check!.engines.output);
      expect(check!.largest).toBeLessThan(1e-5);
      expect(check!.outputs[0]!.range).toBeGreaterThan(0);
      expect(tf.memory().numTensors).toBe(before);
    },
  );

  it('tells of what quantization costs, without an error', async () => {
    const { check } = await convert(placed('residual_block.keras3.keras'), at('e'), {
      check: true,
      quantize: 'uint8',
    });
    expect(check!.largest).toBeGreaterThan(1e-5);
  });
});

describe('a scale for each channel', () => {
  it('costs less than one for the whole kernel, and comes back as the plain layers', async () => {
    const source = placed('separable_conv2d.keras3.keras');
    const [whole, channels] = await Promise.all([
      convert(source, at('whole'), { quantize: 'uint8', check: true }),
      convert(source, at('channels'), { quantize: 'uint8', perChannel: true, check: true }),
    ]);
    expect(channels.check!.largest).toBeLessThan(whole.check!.largest);
    expect(channels.warnings.join()).toContain('ChannelScaled');
    const back = await inspect(at('channels'));
    expect(back.layers.map(({ className }) => className)).not.toContain('ChannelScaled');
    expect(back.parameters).toBe((await inspect(source)).parameters);
    // What it computes is what its levels stand for, in this package as in plain TensorFlow.js.
    const error = await differenceOf(at('channels'), 'separable_conv2d', '3');
    expect(error).toBeGreaterThan(0);
    expect(error).toBeLessThan(0.05);
  });

  it.each(['conv2d', 'conv2d_transpose', 'depthwise_conv2d', 'conv1d_groups', 'embedding', 'nested_models'])(
    '%s: every kernel is within half a step of its own channel',
    async (model) => {
      const source = placed(`${model}.keras3.h5`);
      const { check } = await convert(source, at(`${model}-16`), {
        quantize: 'uint16',
        perChannel: true,
        check: true,
      });
      expect(check!.largest).toBeGreaterThan(0);
      expect(check!.largest).toBeLessThan(1e-3);
    },
  );
});

describe('weights that are no numbers', () => {
  it.each(['n', 'n.onnx', 'n.keras', 'n.h5'])(
    '%s: they are written as they are, with a warning',
    async (name) => {
      const clean = await convert(placed('dense_mlp.keras3.keras'), at(`clean-${name}`));
      expect(clean.warnings).toEqual([]);
      await convert(at('dense_mlp.keras3.keras'), at('nan-web'), { force: true });
      const shard = at('nan-web/group1-shard1of1.bin');
      const bytes = readFileSync(shard);
      bytes.writeFloatLE(NaN, 0);
      writeFileSync(shard, bytes);
      const { warnings } = await convert(at('nan-web'), at(name));
      expect(warnings.join()).toMatch(/kernel holds 1 values that are NaN or infinite/);
      // Of a file in memory, too.
      await convert(at('nan-web'), at('nan.h5'), { force: true });
      const { notes } = await convertBytes(readFileSync(at('nan.h5')), {
        to: outputFormatOf(name) as 'onnx',
      });
      expect(notes.join()).toMatch(/kernel(:0)? holds 1 values that are NaN or infinite/);
    },
  );
});
