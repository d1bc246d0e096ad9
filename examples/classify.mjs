// Says what is on a photo, with the network that is in the package: nothing is downloaded.
//   node examples/classify.mjs examples/photos/chelsea.jpg
import { classify } from 'dovecote';

const [photo] = process.argv.slice(2);
if (photo === undefined) throw new Error('usage: node examples/classify.mjs photo.jpg');

const { predictions } = await classify(photo, { topK: 3 });
for (const { label, probability } of predictions) {
  console.log(`${(100 * probability).toFixed(1).padStart(5)} %  ${label}`);
}
