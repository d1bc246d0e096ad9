// Networks in 8 bits: how fast, and how often they say what float32 says.
//   node bench/precision.mjs [NETWORK...] [--short]
// The trained networks (in the package, and SqueezeNet in ../shared) say how exact 8 bits are; the others have a formula for
// weights and show the speed only. Ranges come from one half of the photos, agreement is measured on the other.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import * as tf from '@tensorflow/tfjs';
import { compileModel, disposeModel, getMetadata, loadArchitecture, loadModel, setMetadata } from 'dovecote';
import { readGolden } from '../examples/keras-parity/goldens.mjs';
import { fillWithSeededWeights } from '../examples/keras-parity/seeded-weights.mjs';
import { rounded, saveResults, shared } from './support.mjs';

const { positionals, values: flags } = parseArgs({
  allowPositionals: true,
  options: { short: { type: 'boolean', default: false } },
});
const photos = join(shared, 'datasets', 'hymenoptera_data');
if (!existsSync(photos)) {
  console.log('Calibration needs the photos in ../shared, which is not beside this checkout.');
  process.exit(0);
}
const TRAINED = {
  'efficientnet-lite0': {},
  squeezenet: { weights: join(shared, 'weights', 'squeezenet_v1.1_keras2.0.9.h5') },
};
const ALL = [
  ...Object.keys(TRAINED),
  ...['mobilenetv2', 'resnet50', 'vgg16', 'inceptionv3', 'xception', 'efficientnetb0', 'mobilenetv3large'],
];
const networks = positionals.length > 0 ? positionals : flags.short ? ['efficientnet-lite0'] : ALL;

async function modelOf(name) {
  if (TRAINED[name] !== undefined) return loadModel(name, TRAINED[name]);
  const { gain } = await readGolden(name);
  const model = await loadArchitecture(name);
  const untrained = await loadModel(name, { weights: null, seed: 1 });
  setMetadata(model, getMetadata(untrained));
  await disposeModel(untrained);
  fillWithSeededWeights(tf, model, gain);
  return model;
}

const results = { networks: {} };
const lines = [
  '| network | precision | ms float32 | ms | times as fast | size | same first label |',
  '|---|---|---|---|---|---|---|',
];
for (const name of networks) {
  const model = await modelOf(name);
  for (const precision of ['int8', 'float16']) {
    const compiled = await compileModel(model, {
      precision,
      calibration: photos,
      pixels: getMetadata(model).preprocessing,
    });
    const { msPerImage, bytes, sameTop1, compared } = compiled.precision;
    const trained = TRAINED[name] !== undefined;
    const row = {
      precision,
      ms: { float32: rounded(msPerImage.float32), reduced: rounded(msPerImage.reduced) },
      timesAsFast: rounded(msPerImage.float32 / msPerImage.reduced),
      size: rounded(bytes.reduced / bytes.float32),
      ...(trained ? { sameTop1: rounded(sameTop1, 3), compared } : {}),
    };
    results.networks[`${name} ${precision}`] = row;
    const same = trained ? `${rounded(100 * sameTop1, 1)} % of ${compared}` : 'not trained';
    const size = `${rounded(100 * row.size, 0)} %`;
    const cells = [name, precision, row.ms.float32, row.ms.reduced, row.timesAsFast, size, same];
    lines.push(`| ${cells.join(' | ')} |`);
    await compiled.dispose();
  }
  await disposeModel(model);
}
console.log(lines.join('\n'));
await saveResults('precision', results, lines);
