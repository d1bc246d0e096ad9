// Trains a new head on a folder of photos (one subfolder for each class) and uses it.
//   node examples/train.mjs folder out-folder
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { classify, disposeModel, fineTune, saveModel } from 'dovecote';

const [folder, output] = process.argv.slice(2);
if (output === undefined) throw new Error('usage: node examples/train.mjs folder out-folder');

// The base is in the package; its name could be any of `dovecote list`.
const result = await fineTune('efficientnet-lite0', folder, {
  validationSplit: 0.25,
  seed: 1,
  onEpoch: ({ epoch, loss, valAccuracy }) => {
    if (epoch % 10 === 0)
      console.log(`epoch ${epoch}: loss ${loss.toFixed(3)}, accuracy ${valAccuracy.toFixed(3)}`);
  },
});
console.log(`${result.classes.join(' against ')}: validation accuracy ${result.valAccuracy.toFixed(3)}`);
await saveModel(result.model, output);
await disposeModel(result.model);

const [firstClass] = result.classes;
const [photo] = (await readdir(join(folder, firstClass))).filter((name) => /\.(jpe?g|png)$/i.test(name));
const { image, predictions } = await classify(join(folder, firstClass, photo), { model: output });
console.log(`${image}: ${predictions[0].label} ${(100 * predictions[0].probability).toFixed(1)} %`);
