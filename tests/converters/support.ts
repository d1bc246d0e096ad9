import * as tf from '@tensorflow/tfjs';
import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { DovecoteError } from '../../src/base/errors.ts';
import type { TfjsArtifacts } from '../../converters/index.ts';

/** Loads artifacts as plain tfjs does, after a trip through JSON text as a file would make. */
export async function toTensorflow(
  artifacts: Pick<TfjsArtifacts, 'modelJson' | 'shards'>,
): Promise<tf.LayersModel> {
  const json = JSON.parse(JSON.stringify(artifacts.modelJson)) as tf.io.ModelJSON;
  const weightSpecs = json.weightsManifest.flatMap((group) => group.weights);
  const bytes = Buffer.concat(artifacts.shards.map((shard) => shard.bytes));
  const weightData = bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength);
  const modelTopology = json.modelTopology;
  return tf.loadLayersModel(
    tf.io.fromMemory({
      modelTopology,
      weightSpecs,
      weightData,
      userDefinedMetadata: json.userDefinedMetadata,
    }),
  );
}

export function golden(name: string): Uint8Array {
  return new Uint8Array(gunzipSync(readFileSync(new URL(`./goldens/${name}.gz`, import.meta.url))));
}

/** The error's code, or what else happened. */
export async function codeOf(run: () => unknown): Promise<string> {
  try {
    await run();
  } catch (error) {
    return error instanceof DovecoteError ? error.code : `not coded: ${String(error)}`;
  }
  return 'no error';
}
