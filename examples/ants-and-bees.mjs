// Ants against bees, PyTorch's folder for its lesson on transfer learning: the head alone, then the end of the network, too.
//   node examples/ants-and-bees.mjs hymenoptera_data [--base NAME] [--weights FILE] [--short]
// Measured on 2 cores: EfficientNet-Lite0 95.4 % of 153 photos with the head alone in 3.9 s, not more with 14 layers trained
// (46 s); SqueezeNet (--weights, --from fire6/squeeze1x1) 90.5 %, then 90.9 % (means of 5 seeds: bench/transfer.mjs).
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { buildClassifier, disposeModel, Learner, loadModel, ProgressBar, stagesOf } from 'dovecote';

const { positionals, values: flags } = parseArgs({
  allowPositionals: true,
  options: {
    base: { type: 'string', default: 'efficientnet-lite0' },
    weights: { type: 'string' },
    from: { type: 'string', default: 'block7a_expand_conv' },
    short: { type: 'boolean', default: false },
  },
});
const [folder] = positionals;
if (folder === undefined) {
  console.error(
    'usage: node examples/ants-and-bees.mjs hymenoptera_data [--base NAME] [--weights FILE] [--short]',
  );
  process.exit(2);
}

// fineTune() does all of this in one call; here are its parts.
const base = await loadModel(flags.base, flags.weights === undefined ? {} : { weights: flags.weights });
const model = buildClassifier(base, { classes: ['ants', 'bees'] });
const learner = await Learner.create(model, join(folder, 'train'), {
  validation: join(folder, 'val'),
  seed: 1,
});

console.log(
  `stages of the network: ${stagesOf(model)
    .map(({ size }) => size.join('x'))
    .join(', ')}`,
);
const { frozen, unfrozen } = await learner.fineTune(flags.short ? 3 : 60, flags.short ? 1 : 4, {
  frozen: { patience: 15, classWeights: 'balanced' },
  unfreezeFrom: flags.from,
  unfrozen: { schedule: 'cosine', classWeights: 'balanced', callbacks: [new ProgressBar()] },
});
console.log(`the head alone: ${percent(frozen)}, ${frozen.seconds.toFixed(1)} s`);
const layers = `${unfrozen.trainedLayers} layers from ${flags.from} on`;
const better = unfrozen.bestEpoch === 0 ? ' (no epoch was better)' : '';
console.log(`${layers}: ${percent(unfrozen)}${better}, ${unfrozen.seconds.toFixed(1)} s`);
await disposeModel(model);

function percent({ evaluation: { accuracy } }) {
  return `${(100 * accuracy).toFixed(1)} % of ${learner.validation.images.length} photos`;
}
