// Transfer learning on hymenoptera (244 photos of ants and bees, 153 to validate on): mean validation accuracy over seeds of
// both bases, the head alone and fine-tuned, beside Keras with the same weights, pictures and recipe.
//   node bench/transfer.mjs [--seeds 5] [--short]
//   node bench/transfer.mjs --choices [--seeds 5]    what crops, flips, L2, schedules and so on give, on the frozen bases
//     DOVECOTE_PYTHON: a Python with Keras 3, TensorFlow and Pillow; without it Keras is left out
// Seconds are those of one training without a feature cache, network loaded, in this process.
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs, promisify } from 'node:util';
import { disposeModel, fineTune } from '../dist/node.js';
import { root, saveResults, shared } from './support.mjs';

const { values: flags } = parseArgs({
  options: {
    seeds: { type: 'string' },
    choices: { type: 'boolean', default: false },
    short: { type: 'boolean', default: false },
  },
});
const data = join(shared, 'datasets', 'hymenoptera_data');
const weights = join(shared, 'weights', 'squeezenet_v1.1_keras2.0.9.h5');
if (![data, weights].every(existsSync)) {
  console.log('The photos and weights of ../shared are not beside this checkout.');
  process.exit(0);
}
const seeds = Number(flags.seeds ?? (flags.short ? 1 : 5));
const BASES = {
  'efficientnet-lite0': {
    options: {},
    fineTuned: { unfrozenEpochs: 3, unfreezeFrom: 'block7a_expand_conv' },
  },
  squeezenet: { options: { weights }, fineTuned: { unfrozenEpochs: 5, unfreezeFrom: 'fire6/squeeze1x1' } },
};
const short = flags.short ? { epochs: 5 } : {};
const mean = (list) => list.reduce((sum, value) => sum + value, 0) / list.length;

async function train(base, options, count = seeds) {
  const runs = [];
  for (let seed = 1; seed <= count; seed++) {
    const result = await fineTune(base, join(data, 'train'), {
      ...{ validation: join(data, 'val'), seed, cache: false, ...short },
      ...BASES[base].options,
      ...options,
    });
    await disposeModel(result.model);
    runs.push({
      accuracy: result.valAccuracy,
      frozen: result.stages[0].evaluation.accuracy,
      seconds: result.seconds,
    });
  }
  return {
    accuracy: mean(runs.map(({ accuracy }) => accuracy)),
    seconds: mean(runs.map(({ seconds }) => seconds)),
    each: runs.map(({ accuracy }) => accuracy),
  };
}

const percent = (share) => (100 * share).toFixed(2);
const rowOf = (name, who, { accuracy, each, seconds }) =>
  `| ${name} | ${who} | ${percent(accuracy)} | ${each.map((value) => percent(value)).join(', ')} | ${seconds.toFixed(1)} |`;
const results = { seeds, main: {}, choices: {} };
const lines = ['| recipe | who | mean accuracy, % | each seed | s |', '|---|---|---|---|---|'];
const say = (line) => {
  lines.push(line);
  console.log(line);
};
lines.forEach((line) => console.log(line));
for (const [base, { fineTuned }] of flags.choices ? [] : Object.entries(BASES)) {
  const unfrozen = flags.short ? { ...fineTuned, unfrozenEpochs: 1 } : fineTuned;
  for (const [recipe, options] of Object.entries({ frozen: {}, 'fine-tuned': unfrozen })) {
    const found = await train(base, options);
    results.main[`${base}, ${recipe}`] = found;
    say(rowOf(`${base}, ${recipe}`, 'dovecote', found));
  }
}

const python = process.env.DOVECOTE_PYTHON;
if (python !== undefined && !flags.short && !flags.choices) {
  const folder = await mkdtemp(join(tmpdir(), 'dovecote-transfer-'));
  const run = promisify(execFile);
  for (const [base, { fineTuned }] of Object.entries(BASES)) {
    const file = join(folder, `${base}.keras`);
    const source =
      base === 'squeezenet' ? weights : join(root, 'dist', 'efficientnet-lite0.int8.safetensors');
    await run(process.execPath, [join(root, 'dist', 'cli.js'), 'convert', source, file, '--quiet']);
    const recipe = { base, file, data, seeds, ...fineTuned };
    const { stdout } = await run(
      python,
      [join(root, 'bench', 'peers', 'transfer.py'), JSON.stringify(recipe)],
      {
        maxBuffer: 64e6,
      },
    );
    for (const [name, found] of Object.entries(JSON.parse(stdout))) {
      results.main[`${base}, ${name}, Keras`] = found;
      say(rowOf(`${base}, ${name}`, 'Keras 3', found));
    }
  }
  await rm(folder, { recursive: true });
}

if (flags.choices) {
  const crop = { horizontalFlip: false, colour: 0 };
  const CHOICES = {
    'the recipe': {},
    'without L2': { l2: 0 },
    'without dropout': { dropout: 0 },
    'without balanced classes': { classWeights: 'none' },
    'cosine schedule': { schedule: 'cosine' },
    'one-cycle schedule': { schedule: 'oneCycle' },
    'AdamW, weight decay 0.01': { weightDecay: 0.01 },
    'label smoothing 0.1': { labelSmoothing: 0.1 },
    'mixup 0.2': { mixup: 0.2 },
    'flips, 15 epochs': { epochs: 15, augment: { minimumArea: 1, colour: 0 } },
    'crops, 15 epochs': { epochs: 15, augment: crop },
    'flips, crops, colours, 15 epochs': { epochs: 15, augment: true },
    'no augmentation, 15 epochs': { epochs: 15 },
  };
  for (const base of Object.keys(BASES)) {
    for (const [name, options] of Object.entries(CHOICES)) {
      const found = await train(base, options, 'augment' in options ? Math.min(seeds, 3) : seeds);
      results.choices[`${base}, ${name}`] = found;
      say(rowOf(`${base}, frozen: ${name}`, 'dovecote', found));
    }
  }
}
if (!flags.short) await saveResults(flags.choices ? 'transfer-choices' : 'transfer', results, lines);
