// Loads every TensorFlow.js folder of a list and runs it on the corpus's inputs. Started by run.mjs.
//   node evaluate.mjs '{"root": ..., "folder": ..., "dovecote": true}'
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import * as tf from '@tensorflow/tfjs';

const { root, folder, dovecote } = JSON.parse(process.argv[2]);
if (dovecote) await import('dovecote/node');
await tf.setBackend('cpu');

function artifactsIn(place) {
  const json = JSON.parse(readFileSync(join(place, 'model.json'), 'utf8'));
  const weights = json.weightsManifest
    .flatMap((group) => group.paths)
    .map((path) => readFileSync(join(place, path)));
  return {
    ...json,
    weightSpecs: json.weightsManifest.flatMap((group) => group.weights),
    weightData: new Uint8Array(Buffer.concat(weights)).buffer,
  };
}

/** Largest difference as a share of the range, over all outputs. */
function difference(outputs, wanted) {
  if (outputs.length !== wanted.length) return Infinity;
  const differences = outputs.map((output, i) => {
    const values = output.dataSync();
    const { shape, data } = wanted[i];
    if (values.length !== data.length || output.shape.join() !== shape.join()) return Infinity;
    const range = Math.max(1, ...data.map(Math.abs));
    return Math.max(...data.map((value, at) => Math.abs(value - values[at]) / range));
  });
  const largest = Math.max(...differences);
  return Number.isNaN(largest) ? Infinity : largest;
}

async function outcomeOf(name) {
  const place = join(folder, name);
  if (!existsSync(join(place, 'model.json'))) return { ended: 'not converted' };
  const [model, version] = /^(.*)\.keras([23])\./.exec(name).slice(1);
  const golden = JSON.parse(readFileSync(join(root, 'tests/converters/corpus', `${model}.json`), 'utf8'));
  const wanted = golden.outputs[version] ?? golden.outputs[2];
  let loaded;
  try {
    loaded = await tf.loadLayersModel(tf.io.fromMemory(artifactsIn(place)));
  } catch (error) {
    return { ended: 'not loaded', why: String(error.message).split('\n')[0].slice(0, 120) };
  }
  try {
    const inputs = golden.inputs.map(({ shape, data }, i) => tf.tensor(data, shape, loaded.inputs[i].dtype));
    const outputs = [loaded.predict(inputs.length === 1 ? inputs[0] : inputs)].flat();
    const largest = difference(outputs, wanted);
    return largest <= 1e-5 ? { ended: 'equal', largest } : { ended: 'different', largest };
  } catch (error) {
    return { ended: 'does not run', why: String(error.message).split('\n')[0].slice(0, 120) };
  }
}

const names = readdirSync(join(root, 'tests/converters/corpus'))
  .filter((name) => name.endsWith('.gz'))
  .map((name) => name.slice(0, -3))
  .sort();
const outcomes = {};
for (const name of names) outcomes[name] = await outcomeOf(name);
process.stdout.write(JSON.stringify(outcomes));
