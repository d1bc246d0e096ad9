// Says what is on a photo.
//   node examples/classify.mjs photo.jpg [weights.h5]
import { classify, disposeModel, loadModel } from 'dovecote';

const [photo, weights = 'imagenet'] = process.argv.slice(2);
if (photo === undefined) throw new Error('usage: node examples/classify.mjs photo.jpg [weights.h5]');

const model = await loadModel('squeezenet', { weights });
const { predictions } = await classify(photo, { model, topK: 3 });
for (const { label, probability } of predictions) {
  console.log(`${(100 * probability).toFixed(1).padStart(5)} %  ${label}`);
}
await disposeModel(model);
