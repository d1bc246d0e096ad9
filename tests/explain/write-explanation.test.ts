import { mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as tf from '@tensorflow/tfjs';
import { parse } from 'parse5';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { disposeModel, getMetadata, setMetadata, writeExplanation } from '../../src/node.ts';
import { platform } from '../../src/platform.ts';
import { seededPhoto, smallNetwork } from './models.ts';

let root: string;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'dovecote-explanation-'));
  await platform().prepareTfjs();
});
afterAll(() => rm(root, { recursive: true }));

const photo = seededPhoto(240, 300);

describe('writeExplanation', () => {
  it('writes a page and its pictures, and says what the network said', async () => {
    const model = smallNetwork();
    const tensors = tf.memory().numTensors;
    const out = join(root, 'first');
    const found = await writeExplanation(model, photo, out, { label: 'dog' });
    expect(tf.memory().numTensors).toBe(tensors);
    expect(found).toMatchObject({ label: 'dog', classIndex: 3, layer: 'pool' });
    expect(found.predictions).toHaveLength(5);
    expect(found.files).toEqual([
      'grad-cam.png',
      'heatmap.png',
      'activations/01-add.png',
      'activations/02-conv2.png',
      'index.html',
    ]);
    expect((await readdir(out, { recursive: true })).sort()).toEqual([...found.files, 'activations'].sort());
    const size = async (name: string) => {
      const { width, height } = await sharp(join(out, name)).metadata();
      return [width, height];
    };
    expect(await size('grad-cam.png')).toEqual([608, 240]);
    expect(await size('heatmap.png')).toEqual([300, 240]);
    const page = await readFile(join(out, 'index.html'), 'utf8');
    for (const file of found.files.slice(0, -1)) expect(page).toContain(`src="${file}"`);
    expect(page).not.toMatch(/https?:|<script/);
    await disposeModel(model);
  });

  it('replaces an earlier explanation when asked, and nothing else ever', async () => {
    const model = smallNetwork();
    const out = join(root, 'again');
    await writeExplanation(model, photo, out, { layers: 'maps' });
    await expect(writeExplanation(model, photo, out)).rejects.toMatchObject({ code: 'OUTPUT_EXISTS' });
    await writeExplanation(model, photo, out, { layers: ['conv2'], force: true });
    expect(await readdir(join(out, 'activations'))).toEqual(['01-conv2.png']);
    await writeFile(join(out, 'activations', 'notes.txt'), 'mine');
    await expect(writeExplanation(model, photo, out, { force: true })).rejects.toMatchObject({
      code: 'OUTPUT_EXISTS',
      message: expect.stringContaining('notes.txt') as string,
    });
    expect(await readFile(join(out, 'activations', 'notes.txt'), 'utf8')).toBe('mine');
    expect((await readdir(root)).filter((name) => name.startsWith('.'))).toEqual([]);
    await disposeModel(model);
  });

  it('leaves nothing behind when it fails on the way', async () => {
    const model = smallNetwork();
    const out = join(root, 'failed');
    await expect(writeExplanation(model, photo, out, { layers: ['nothing'] })).rejects.toMatchObject({
      code: 'MODEL_OPTION',
    });
    expect((await readdir(root)).filter((name) => /failed/.test(name))).toEqual([]);
    await disposeModel(model);
  });

  it('takes names of classes for text, whatever stands in them', async () => {
    const model = smallNetwork();
    const label = '<img src=x onerror="alert(1)">&\'';
    setMetadata(model, { ...getMetadata(model)!, labels: [label, 'b', 'c', 'd', 'e'] });
    const out = join(root, 'hostile');
    await writeExplanation(model, photo, out, { classIndex: 0 });
    const page = await readFile(join(out, 'index.html'), 'utf8');
    expect(page).not.toContain('<img src=x');
    const names: string[] = [];
    const texts: string[] = [];
    const walk = (node: object): void => {
      const {
        nodeName,
        childNodes = [],
        value,
      } = node as {
        nodeName?: string;
        childNodes?: object[];
        value?: string;
      };
      names.push(nodeName ?? '');
      if (value !== undefined) texts.push(value);
      childNodes.forEach(walk);
    };
    walk(parse(page));
    expect(names.filter((name) => name === 'img')).toHaveLength(4);
    expect(texts).toContain(`Why "${label}"?`);
    await disposeModel(model);
  });
});
