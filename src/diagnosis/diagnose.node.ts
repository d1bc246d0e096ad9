import { constants } from 'node:fs';
import { access, readFile, statfs } from 'node:fs/promises';
import { availableParallelism, cpus, freemem, release, totalmem, type as systemName } from 'node:os';
import { dirname } from 'node:path';
import * as tf from '@tensorflow/tfjs';
import { reasonOf } from '../base/errors.ts';
import { cpuFeatures } from '../engines/cpu-features.node.ts';
import { createOnnxSessionNode, gpusOf, loadOnnxRuntimeNode } from '../engines/ort-session.node.ts';
import { onnxRuntimeSettings } from '../engines/ort-settings.ts';
import { prepareTfjsNode, tfjsNodeAttempts } from '../engines/tfjs-backend.node.ts';
import { writtenAsOnnx } from '../engines/onnx-engine.ts';
import { featureCacheSize } from '../training/feature-store.node.ts';
import type { CacheEntry } from '../weights/index.node.ts';
import { cacheFolder, listCache } from '../weights/index.node.ts';
import type { Diagnosis } from './diagnosis.ts';
import { remarksOn } from './remarks.ts';
import { whyNotOn } from './try-device.node.ts';

/**
 * What this machine has for Dovecote: engines and devices, each tried with a small network, threads, instruction sets,
 * tfjs's backends, the decoder of pictures, the cache and the space that is left for it; and what would make it faster.
 * What does not work is part of the answer. Nothing is downloaded, written or left behind; tfjs's backend is picked as
 * any other call picks it.
 */
export async function diagnose(): Promise<Diagnosis> {
  const [dovecote, onnx, sharp, cache] = await Promise.all([ownVersion(), onOnnx(), onSharp(), onCache()]);
  const found = {
    dovecote,
    system: {
      node: process.versions.node,
      platform: process.platform,
      arch: process.arch,
      release: `${systemName()} ${release()}`,
      processor: cpus()[0]?.model.trim() ?? 'unknown',
      cores: availableParallelism(),
      cpuFeatures: cpuFeatures(),
      memory: { total: totalmem(), free: freemem() },
    },
    engine: onnx.works ? ('onnx' as const) : ('tfjs' as const),
    onnx,
    tfjs: await onTfjs(),
    sharp,
    cache,
  };
  return { ...found, remarks: remarksOn(found) };
}

async function ownVersion(): Promise<string> {
  // The same for the sources and for what is built from them.
  for (const above of ['../package.json', '../../package.json']) {
    const text = await readFile(new URL(above, import.meta.url), 'utf8').catch(() => undefined);
    if (text !== undefined) return (JSON.parse(text) as { version: string }).version;
  }
  return 'unknown';
}

async function onOnnx(): Promise<Diagnosis['onnx']> {
  const threads = onnxRuntimeSettings().threads ?? availableParallelism();
  try {
    const ort = await loadOnnxRuntimeNode();
    const model = await smallNetwork();
    const devices: Diagnosis['onnx']['devices'][number][] = [];
    for (const name of [...gpusOf(ort), 'cpu' as const]) {
      const why = name === 'cpu' ? await whyNotHere(model) : await whyNotOn(name, model, ANSWER);
      devices.push({ name, works: why === undefined, why });
    }
    const why = devices.at(-1)?.why;
    return { works: why === undefined, version: ort.env.versions.node, why, threads, devices };
  } catch (error) {
    return { works: false, why: reasonOf(error), threads, devices: [] };
  }
}

/** What the small network makes of 5 and 7: 2 * 5 + 3 * 7. */
const ANSWER = 31;

/** A 1x1 convolution, from 2 channels to 1. */
async function smallNetwork(): Promise<Uint8Array> {
  await prepareTfjsNode({ hostOnly: true });
  const model = tf.sequential({
    layers: [tf.layers.conv2d({ filters: 1, kernelSize: 1, inputShape: [1, 1, 2], useBias: false })],
  });
  tf.tidy(() => model.setWeights([tf.tensor4d([2, 3], [1, 1, 2, 1])]));
  try {
    return (await writtenAsOnnx(model)).bytes;
  } finally {
    model.dispose();
  }
}

/** The reason why the network does not run on the CPU. */
async function whyNotHere(model: Uint8Array): Promise<string | undefined> {
  try {
    const session = await createOnnxSessionNode(model);
    try {
      const [result] = await session.run(Float32Array.of(5, 7), [1, 1, 1, 2]);
      const answer = result?.data[0];
      return answer === ANSWER ? undefined : `it computes ${answer} for ${ANSWER}`;
    } finally {
      await session.release();
    }
  } catch (error) {
    return reasonOf(error);
  }
}

async function onTfjs(): Promise<Diagnosis['tfjs']> {
  const why = await prepareTfjsNode().then(
    () => undefined,
    (error: unknown) => reasonOf(error),
  );
  const backend = tf.getBackend();
  const native = onTfjsNode(backend);
  const wasm = await import('@tensorflow/tfjs-backend-wasm').then(
    (module) => ({ works: true, version: module.version_wasm }),
    (error: unknown) => ({ works: false, why: reasonOf(error) }),
  );
  const backends = [
    ...native,
    { name: 'wasm', package: '@tensorflow/tfjs-backend-wasm', ...wasm },
    { name: 'cpu', works: true },
  ];
  return { version: tf.version.tfjs, backend, why, backends };
}

function onTfjsNode(backend: string): Diagnosis['tfjs']['backends'][number][] {
  const attempts = tfjsNodeAttempts();
  if (attempts.length > 0) {
    return attempts.map(({ package: name, state, why }) => ({
      name: 'tensorflow',
      package: name,
      works: state === 'loaded',
      why,
    }));
  }
  const works = backend === 'tensorflow';
  return [{ name: 'tensorflow', works, why: works ? undefined : `not tried, as ${backend} was picked` }];
}

async function onSharp(): Promise<Diagnosis['sharp']> {
  try {
    const { default: sharp } = await import('sharp');
    return { works: true, version: sharp.versions.sharp, libvips: sharp.versions.vips };
  } catch (error) {
    return { works: false, why: reasonOf(error) };
  }
}

async function onCache(): Promise<Diagnosis['cache']> {
  const folder = cacheFolder();
  const existing = await nearestFolder(folder);
  let why: string | undefined;
  let entries: readonly CacheEntry[] = [];
  try {
    await access(existing, constants.W_OK);
    entries = await listCache({ all: true });
  } catch (error) {
    why = reasonOf(error);
  }
  const { networks, size } = await featureCacheSize();
  const space = await statfs(existing).catch(() => undefined);
  return {
    folder,
    writable: why === undefined,
    files: entries.length,
    size: entries.reduce((sum, entry) => sum + entry.size, 0),
    features: { networks, size },
    free: space && space.bavail * space.bsize,
    why,
  };
}

/** The folder, or the nearest above it that exists: in that one it would be made. */
async function nearestFolder(folder: string): Promise<string> {
  const exists = await access(folder).then(
    () => true,
    () => false,
  );
  return exists || dirname(folder) === folder ? folder : nearestFolder(dirname(folder));
}
