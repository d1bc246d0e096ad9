import * as tf from '@tensorflow/tfjs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { sourceOf } from '../../converters/byte-source.ts';
import { readLimits } from '../../converters/model-file.ts';
import { openArchive } from '../../converters/zip/archive.ts';
import type { ExportFileFormat, FileInMemory } from '../../src/node.ts';
import {
  classify,
  disposeModel,
  exportFile,
  getMetadata,
  loadModel,
  loadModelFiles,
} from '../../src/node.ts';
import { platform } from '../../src/platform.ts';
import { colourModel, colourPicture } from '../support/tiny-model.ts';

let folder: string;
let picture: Buffer;

beforeAll(async () => {
  await platform().prepareTfjs();
  folder = await mkdtemp(join(tmpdir(), 'dovecote-export-file-'));
  picture = await colourPicture(30, 200, 60);
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const bytesOf = async (file: File) => new Uint8Array(await file.arrayBuffer());

async function membersOf(bytes: Uint8Array): Promise<FileInMemory[]> {
  const archive = await openArchive(sourceOf(bytes), {
    fileName: 'colour.zip',
    limits: readLimits(bytes.length),
  });
  return Promise.all(
    archive.names.map(async (name) => ({
      name,
      bytes: await archive.bytes(name, 'tensorBytes'),
    })),
  );
}

describe('exportFile', () => {
  it('makes an archive for TensorFlow.js, whose files are the model with labels and preprocessing', async () => {
    const model = colourModel();
    const expected = await classify(picture, { model });
    const before = tf.memory().numTensors;
    const file = await exportFile(model, 'tfjs');
    expect(tf.memory().numTensors).toBe(before);
    expect(file.name).toBe('colour.zip');
    const members = await membersOf(await bytesOf(file));
    expect(members.map(({ name }) => name).sort()).toEqual([
      'README.txt',
      'group1-shard1of1.bin',
      'labels.txt',
      'model.json',
      'preprocessing.json',
    ]);
    const again = await loadModelFiles(members);
    expect((await classify(picture, { model: again })).predictions).toEqual(expected.predictions);
    await disposeModel(again);
    expect(tf.memory().numTensors).toBe(before);
    await disposeModel(model);
  });

  it.each(['keras', 'h5'] as const)('makes a %s file that computes the same', async (format) => {
    const model = colourModel();
    const metadata = getMetadata(model)!;
    const expected = await classify(picture, { model });
    const file = await exportFile(model, format);
    await disposeModel(model);
    const path = join(folder, file.name);
    await writeFile(path, await bytesOf(file));
    const again = await loadModel(path);
    const { labels, preprocessing, resize } = metadata;
    const { predictions } = await classify(picture, { model: again, labels, preprocessing, resize });
    expect(predictions).toEqual(expected.predictions);
    await disposeModel(again);
  });

  it('makes an ONNX file with labels and preprocessing in it', async () => {
    const model = colourModel();
    const text = Buffer.from(await bytesOf(await exportFile(model, 'onnx'))).toString('latin1');
    expect(text).toContain('["red","green","blue"]');
    expect(text).toContain('"mode":"none"');
    await disposeModel(model);
  });

  it('takes names for classes that have none, which are not left with the model', async () => {
    const model = colourModel();
    model.setUserDefinedMetadata({});
    const options = { labels: ['a', 'b', 'c'], preprocessing: 'none' } as const;
    const members = await membersOf(await bytesOf(await exportFile(model, 'tfjs', options)));
    expect(Buffer.from(members.find(({ name }) => name === 'labels.txt')!.bytes).toString()).toBe(
      'a\nb\nc\n',
    );
    expect(getMetadata(model)).toBeUndefined();
    await expect(exportFile(model, 'tfjs', { preprocessing: 'none' })).rejects.toMatchObject({
      code: 'USAGE_ARGUMENT',
    });
    await disposeModel(model);
  });

  it('refuses other formats, disposed models, and what is no classifier', async () => {
    const model = colourModel();
    await expect(exportFile(model, 'pmml' as ExportFileFormat)).rejects.toMatchObject({
      code: 'USAGE_ARGUMENT',
    });
    await disposeModel(model);
    await expect(exportFile(model, 'onnx')).rejects.toMatchObject({ code: 'MODEL_INPUT' });
    const regression = tf.sequential({ layers: [tf.layers.dense({ units: 1, inputShape: [4] })] });
    await expect(exportFile(regression, 'onnx')).rejects.toMatchObject({ code: 'MODEL_INPUT' });
    regression.dispose();
  });
});

describe('loadModelFiles', () => {
  it('says which file is missing', async () => {
    const model = colourModel();
    const members = await membersOf(await bytesOf(await exportFile(model, 'tfjs')));
    await disposeModel(model);
    const before = tf.memory().numTensors;
    await expect(loadModelFiles(members.filter(({ name }) => !name.endsWith('.bin')))).rejects.toMatchObject({
      code: 'FILE_NOT_FOUND',
      message: expect.stringContaining('group1-shard1of1.bin') as string,
    });
    await expect(loadModelFiles([])).rejects.toMatchObject({ code: 'FILE_NOT_FOUND' });
    expect(tf.memory().numTensors).toBe(before);
  });
});
