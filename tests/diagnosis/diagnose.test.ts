import * as tf from '@tensorflow/tfjs';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Diagnosis } from '../../src/node.ts';
import { diagnose } from '../../src/node.ts';
import { remarksOn } from '../../src/diagnosis/remarks.ts';
import { whyNotOn } from '../../src/diagnosis/try-device.node.ts';
import { writtenAsOnnx } from '../../src/engines/onnx-engine.ts';
import { ensureBuilt } from '../support/dist.ts';
import { jsonOf, runCli } from '../support/run-cli.ts';

describe('diagnose', () => {
  it('finds what these tests run on, and leaves no tensors', async () => {
    const before = tf.memory().numTensors;
    const found = await diagnose();
    expect(tf.memory().numTensors).toBe(before);
    expect(found.dovecote).toMatch(/^\d+\.\d+\.\d+/);
    expect(found.system).toMatchObject({ node: process.versions.node, arch: process.arch });
    expect(found.engine).toBe('onnx');
    expect(found.onnx).toMatchObject({ works: true, why: undefined, threads: availableParallelism() });
    expect(found.onnx.version).toMatch(/^1\.\d+/);
    expect(found.onnx.devices.at(-1)).toMatchObject({ name: 'cpu', works: true });
    for (const { works, why } of found.onnx.devices) expect(works).toBe(why === undefined);
    expect(found.tfjs).toMatchObject({ version: tf.version.tfjs, backend: tf.getBackend() });
    expect(found.tfjs.backends.find(({ name }) => name === 'wasm')).toMatchObject({ works: true });
    expect(found.sharp).toMatchObject({ works: true });
    expect(found.cache.free).toBeGreaterThan(0);
  });

  const sound: Omit<Diagnosis, 'remarks'> = {
    dovecote: '1.0.0',
    system: {
      node: '22.0.0',
      platform: 'linux',
      arch: 'x64',
      release: 'Linux 6',
      processor: 'a processor',
      cores: 8,
      cpuFeatures: ['avx2', 'fma', 'avx512_vnni'],
      memory: { total: 16e9, free: 8e9 },
    },
    engine: 'onnx',
    onnx: { works: true, threads: 8, devices: [{ name: 'cpu', works: true }] },
    tfjs: {
      version: '4.22.0',
      backend: 'tensorflow',
      backends: [{ name: 'tensorflow', package: '@tensorflow/tfjs-node', works: true }],
    },
    sharp: { works: true },
    cache: {
      folder: '/cache',
      writable: true,
      files: 0,
      size: 0,
      features: { networks: 0, size: 0 },
      free: 1e11,
    },
  };
  const kinds = (found: Partial<typeof sound>) => remarksOn({ ...sound, ...found }).map(({ kind }) => kind);
  const what = (found: Partial<typeof sound>) =>
    remarksOn({ ...sound, ...found }).map((remark) => remark.what);
  const processor = (cpuFeatures: readonly string[], arch = 'x64') => ({
    ...sound.system,
    cpuFeatures,
    arch,
  });
  const trainedIn = (backend: string, why: string) => ({
    ...sound.tfjs,
    backend,
    backends: [{ name: 'tensorflow', package: '@tensorflow/tfjs-node', works: false, why }],
  });

  it('has nothing to say where all is well', () => {
    expect(remarksOn(sound)).toEqual([]);
  });

  it('says why it is not the faster engine, processor or backend', () => {
    expect(what({ onnx: { works: false, why: 'it is gone', threads: 8, devices: [] } })).toEqual([
      expect.stringMatching(/ten times as long: it is gone/),
    ]);
    const gpu = { ...sound.onnx, devices: [{ name: 'cuda' as const, works: true }, ...sound.onnx.devices] };
    expect(what({ onnx: gpu })).toEqual([expect.stringContaining('A GPU works with cuda')]);
    expect(what({ system: processor(['avx']) })).toEqual([
      expect.stringContaining('no AVX2'),
      expect.stringContaining('no 8-bit dot products'),
    ]);
    expect(what({ system: processor(['asimd'], 'arm64') })).toEqual([]);
    expect(kinds({ tfjs: trainedIn('wasm', 'not installed') })).toEqual(['advice']);
    expect(kinds({ tfjs: trainedIn('cpu', 'not installed') })).toEqual(['advice', 'problem']);
  });

  it('names what is broken', () => {
    expect(what({ tfjs: trainedIn('wasm', 'does not load: isNullOrUndefined is no function') })).toEqual([
      expect.stringContaining('@tensorflow/tfjs-node is installed and is not used: does not load'),
    ]);
    expect(kinds({ tfjs: trainedIn('wasm', 'does not load') })).toEqual(['problem']);
    expect(kinds({ sharp: { works: false, why: 'no libvips' } })).toEqual(['problem']);
    expect(kinds({ cache: { ...sound.cache, writable: false, why: 'EACCES' } })).toEqual(['problem']);
    expect(kinds({ cache: { ...sound.cache, free: 1e8 } })).toEqual(['advice']);
  });
});

describe('a device that is tried', () => {
  it('works when it answers, and else gives the reason', async () => {
    const model = tf.sequential({
      layers: [tf.layers.conv2d({ filters: 1, kernelSize: 1, inputShape: [1, 1, 2], useBias: false })],
    });
    tf.tidy(() => model.setWeights([tf.tensor4d([2, 3], [1, 1, 2, 1])]));
    const { bytes } = await writtenAsOnnx(model);
    model.dispose();
    await expect(whyNotOn('cpu', bytes, 31)).resolves.toBeUndefined();
    await expect(whyNotOn('cpu', bytes, 32)).resolves.toBe('it computes 31 for 32');
    await expect(whyNotOn('cpu', bytes.subarray(0, 20), 31)).resolves.toMatch(/model|protobuf/i);
  });
});

describe('dovecote doctor', () => {
  let folder: string;
  beforeAll(async () => {
    await ensureBuilt();
    folder = mkdtempSync(join(tmpdir(), 'dovecote-doctor-'));
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it('prints the findings, or their JSON, and makes no cache', async () => {
    const env = { DOVECOTE_CACHE: join(folder, 'cache') };
    const [text, json] = await Promise.all([
      runCli(['doctor'], { cwd: folder, env }),
      runCli(['doctor', '--json'], { cwd: folder, env }),
    ]);
    expect(text).toMatchObject({ stderr: '', code: 0 });
    expect(text.stdout).toMatch(
      /^classifying and frozen layers: engine onnx\n {2}onnxruntime-node +yes +1\.\d+/m,
    );
    expect(text.stdout).toMatch(/^training: tfjs 4\.\d+\.\d+, backend \w+$/m);
    expect(text.stdout).toMatch(/^ {2}cpu +yes$/m);
    expect(text.stdout).toContain(env.DOVECOTE_CACHE);
    const found = jsonOf<Diagnosis>(json);
    expect(found.cache).toMatchObject({ folder: env.DOVECOTE_CACHE, writable: true, files: 0 });
    expect(existsSync(env.DOVECOTE_CACHE)).toBe(false);
  });

  it('ends with exit code 1 when something fails: the cache is a file', async () => {
    writeFileSync(join(folder, 'file'), 'x');
    const result = await runCli(['doctor'], { cwd: folder, env: { DOVECOTE_CACHE: join(folder, 'file') } });
    expect(result.code).toBe(1);
    expect(result.stdout).toMatch(/^problem: Weights cannot be kept in .*file:/m);
  });

  it('refuses a backend that tfjs does not have', async () => {
    const env = { DOVECOTE_TFJS_BACKEND: 'gpu' };
    const result = await runCli(['doctor'], { cwd: folder, env });
    expect(result.stdout).toMatch(/There is no such backend of tfjs/);
    expect(result.code).toBe(1);
  });
});
