// The main job, step by step, with the functions that a program of your own would call.
import { writeFile } from 'node:fs/promises';
import { availableParallelism, tmpdir } from 'node:os';
import { join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { classify, disposeModel, fineTune, listModels, saveModel } from 'dovecote';
import { loadVendor } from './drawings.mjs';
import { checkOutput, publishOutput, stageOutput } from './output-folder.mjs';
import { thumbnail } from './pictures.mjs';
import { reportPage } from './report.mjs';
import { base, outputFolder, photoFolder, photos, vendors } from './settings.mjs';
import { temporaryFolder } from './temporary-folders.mjs';
import { createProgress, fileLink, say, shortPath, title } from './terminal.mjs';
import { drawPictures, planPictures } from './training-folder.mjs';

const cli = fileURLToPath(new URL('../../dist/cli.js', import.meta.url));
const percent = (share) => `${(100 * share).toFixed(1)} %`;
const engines = { onnx: 'ONNX Runtime', tfjs: 'TensorFlow.js' };

/** Mistakes that are shown with their pictures; there are seldom more. */
const shownMistakes = 48;

/** @param {{ seed: number, signal: AbortSignal }} options */
export async function runDemo({ seed, signal }) {
  const output = resolve(outputFolder);
  await checkOutput(output);
  const staging = await stageOutput(output);
  const drawn = await temporaryFolder(tmpdir(), 'dovecote-demo-');
  const { onProgress, finish } = createProgress();
  const common = { onProgress, signal };
  const timings = [];
  const timed = async (step, work) => {
    const started = performance.now();
    const result = await work();
    finish();
    signal.throwIfAborted();
    timings.push({ step, seconds: (performance.now() - started) / 1000 });
    return result;
  };

  const network = listModels().find(({ name }) => name === base);
  title(`1. What is on these photos? ${network.title}, 1000 ImageNet classes`);
  const photoFiles = photos.map(({ file }) => join(photoFolder, file));
  const seen = await timed('load the network, classify the photos', () =>
    classify(photoFiles, { model: base, ...common }),
  );
  for (const { image, predictions, error } of seen) {
    if (error !== undefined) throw error;
    say(fileLink(image));
    predictions.slice(0, 3).forEach((prediction) => say(predictionLine(prediction)));
  }

  const artists = vendors.map(loadVendor);
  const named = (role) => artists.filter((artist) => artist.role === role).map((artist) => artist.title);
  title('2. Draw a folder to train on: emoji of several vendors');
  const plan = planPictures(artists);
  await timed('draw the pictures', () => drawPictures(drawn, plan, { seed, ...common }));
  const countOf = (role) => plan.filter(({ vendor }) => vendor.role === role).length;
  say(`training:   ${countOf('training')} pictures by ${named('training').join(', ')}`);
  say(
    `validation: ${countOf('validation')} pictures by ${named('validation').join(', ')}, never seen in training`,
  );

  title('3. Train a new head, all defaults; save it');
  const result = await timed('train', () =>
    fineTune(base, join(drawn, 'training'), { validation: join(drawn, 'validation'), seed, ...common }),
  );
  const modelFolder = join(staging, 'model');
  await timed('save the model', () => saveModel(result.model, modelFolder, { signal }));
  await disposeModel(result.model);
  say(`classes: ${result.classes.join(', ')}`);
  say(
    `validation accuracy ${percent(result.valAccuracy)} after epoch ${result.bestEpoch} of ${result.epochs}; guessing gives ${percent(1 / result.classes.length)}`,
  );

  title('4. Load it from its folder and use it');
  const unseen = plan.filter(({ vendor }) => vendor.role === 'validation');
  const answers = await timed('load the saved model, classify the validation pictures', () =>
    classify(
      unseen.map(({ file }) => join(drawn, file)),
      { model: modelFolder, ...common },
    ),
  );
  const answered = unseen.map(({ label, drawing, vendor }, index) => {
    const { image, predictions, error } = answers[index];
    if (error !== undefined) throw error;
    return { image, actual: label, drawing, vendor, predicted: predictions[0].label, predictions };
  });
  for (const label of result.classes) {
    const { image, vendor, drawing, predictions } = answered.find(({ actual }) => actual === label);
    say(`${relative(drawn, image)}, a drawing of "${drawing}" by ${vendor.author}`);
    predictions.slice(0, 2).forEach((prediction) => say(predictionLine(prediction)));
  }

  title('5. Write the report');
  const next = nextSteps();
  const reportFile = join(staging, 'report.html');
  const size = await timed('write the report', async () => {
    const page = await reportPage({
      photos: await Promise.all(
        photos.map(async ({ title: name, credit }, index) => ({
          title: name,
          credit,
          src: await thumbnail(photoFiles[index], 480),
          predictions: seen[index].predictions,
        })),
      ),
      vendors: await withSamples(artists, plan, drawn),
      result,
      reloaded: tally(answered, result.classes),
      mistakes: await mistakesOf(answered),
      timings,
      setup: {
        base: network.title,
        engine: engines[result.engine],
        seed,
        machine: `Node ${process.versions.node}, ${availableParallelism()} processor cores`,
      },
      next,
    });
    await writeFile(reportFile, page);
    return Buffer.byteLength(page);
  });
  await publishOutput(staging, output);
  say(`${fileLink(join(output, 'report.html'))} (${Math.round(size / 1000)} kB, open it in a browser)`);
  say(`${fileLink(join(output, 'model'))} (the new model)`);

  title(
    `Done in ${performance.now() < 1e3 ? '1' : (performance.now() / 1000).toFixed(1)} s. Now your own photos`,
  );
  next.forEach(({ what, command }) => say(`${what}\n  ${command.replaceAll('\n', '\n  ')}`));
}

const predictionLine = ({ label, probability }) => `  ${percent(probability).padStart(7)}  ${label}`;

/** Accuracy and confusion matrix of what the saved model answered. */
function tally(answered, classes) {
  const confusion = classes.map((actual) =>
    classes.map(
      (predicted) => answered.filter((each) => each.actual === actual && each.predicted === predicted).length,
    ),
  );
  const right = answered.filter(({ actual, predicted }) => actual === predicted).length;
  return { accuracy: right / answered.length, confusion };
}

/** The surest mistakes first. */
async function mistakesOf(answered) {
  const mistakes = answered
    .filter(({ actual, predicted }) => actual !== predicted)
    .map(({ predictions, ...each }) => ({ ...each, probability: predictions[0].probability }))
    .sort((left, right) => right.probability - left.probability);
  const pictures = mistakes.slice(0, shownMistakes).map(({ image }) => thumbnail(image, 96));
  const sources = await Promise.all(pictures);
  return mistakes.map((mistake, index) => ({ ...mistake, src: sources[index] }));
}

/** One picture of each class by each vendor. */
function withSamples(artists, plan, drawn) {
  return Promise.all(
    artists.map(async (vendor) => {
      const own = plan.filter((picture) => picture.vendor === vendor);
      const labels = [...new Set(own.map(({ label }) => label))];
      const samples = labels.map(async (label) => {
        const { file, drawing } = own.find((picture) => picture.label === label);
        return { src: await thumbnail(join(drawn, file), 96), alt: drawing };
      });
      return { ...vendor, icons: undefined, samples: await Promise.all(samples) };
    }),
  );
}

function nextSteps() {
  const dovecote = `node ${shortPath(cli)}`;
  return [
    { what: 'What is on a photo of yours:', command: `${dovecote} classify photo.jpg` },
    {
      what: 'What the new model says of it:',
      command: `${dovecote} classify photo.jpg --model ${outputFolder}/model`,
    },
    {
      what: 'A model of your own, from one folder of photos for each class (photos/cats/1.jpg, photos/dogs/1.jpg, ...):',
      command: `${dovecote} train photos/ --out my-model/\n${dovecote} classify photo.jpg --model my-model/`,
    },
  ];
}
