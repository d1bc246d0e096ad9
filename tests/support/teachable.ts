import * as tf from '@tensorflow/tfjs';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

export const teachableLabels = ['apple', 'banana', 'nothing'];

export const teachableMetadata = {
  tfjsVersion: '1.3.1',
  tmVersion: '2.4.5',
  packageVersion: '0.8.4-alpha2',
  packageName: '@teachablemachine/image',
  timeStamp: '2024-05-01T10:00:00.000Z',
  userMetadata: {},
  modelName: 'tm-my-image-model',
  labels: teachableLabels,
  imageSize: 224,
};

/** MobileNetV2 0.35 up to its last activation, a pooling, and the head that the site trains. */
export function teachableModel(
  network: tf.LayersModel,
  lastLayer: string,
  lastUnits = teachableLabels.length,
): tf.Sequential {
  const output = network.getLayer(lastLayer).output as tf.SymbolicTensor;
  const truncated = tf.model({ inputs: network.inputs, outputs: output });
  const base = tf.sequential();
  base.add(truncated);
  base.add(tf.layers.globalAveragePooling2d({}));
  const kernel = (seed: number) => tf.initializers.varianceScaling({ scale: 4, seed });
  const [width] = base.outputs[0]!.shape.slice(1) as [number];
  const head = tf.sequential({
    layers: [
      tf.layers.dense({ inputShape: [width], units: 100, activation: 'relu', kernelInitializer: kernel(1) }),
      tf.layers.dense({
        units: lastUnits,
        activation: 'softmax',
        useBias: false,
        kernelInitializer: kernel(2),
      }),
    ],
  });
  const joint = tf.sequential();
  joint.add(base);
  joint.add(head);
  return joint;
}

/** The three files that the site's download holds. */
export async function writeTeachable(
  folder: string,
  model: tf.LayersModel,
  meta: object | undefined,
): Promise<string> {
  await mkdir(folder, { recursive: true });
  await model.save(
    tf.io.withSaveHandler(async ({ modelTopology, weightSpecs, weightData }) => {
      const weightsManifest = [{ paths: ['weights.bin'], weights: weightSpecs }];
      await writeFile(join(folder, 'model.json'), JSON.stringify({ modelTopology, weightsManifest }));
      await writeFile(join(folder, 'weights.bin'), new Uint8Array(weightData as ArrayBuffer));
      return { modelArtifactsInfo: { dateSaved: new Date(), modelTopologyType: 'JSON' } };
    }),
  );
  if (meta !== undefined) await writeFile(join(folder, 'metadata.json'), JSON.stringify(meta));
  return folder;
}
