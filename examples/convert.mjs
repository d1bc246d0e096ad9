// Converts a Keras .h5 file and loads the result with plain TensorFlow.js.
//   node examples/convert.mjs model.h5 out-folder
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as tf from '@tensorflow/tfjs';
import { convert } from 'dovecote';

const [input, output] = process.argv.slice(2);
if (output === undefined) throw new Error('usage: node examples/convert.mjs model.h5 out-folder');

const result = await convert(input, output, { quantize: 'float16' });
console.log(`${result.layers} layers, ${result.parameters} parameters, ${result.bytes} bytes in ${output}`);

// In a browser this would be tf.loadLayersModel('web-model/model.json').
const { modelTopology, weightsManifest } = JSON.parse(await readFile(join(output, 'model.json'), 'utf8'));
const weightSpecs = weightsManifest.flatMap((group) => group.weights);
const shards = await Promise.all(
  weightsManifest.flatMap((group) => group.paths).map((path) => readFile(join(output, path))),
);
const weightData = new Uint8Array(Buffer.concat(shards)).buffer;
const model = await tf.loadLayersModel(tf.io.fromMemory({ modelTopology, weightSpecs, weightData }));
console.log(`plain tfjs loads it: ${model.name}, output ${JSON.stringify(model.outputs[0].shape)}`);
model.dispose();
