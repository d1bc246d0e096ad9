// Holds the networks to real Keras, number for number, and prints a table: the largest difference from Keras on each
// engine, as a part of the range of Keras's values, and the time that a picture takes on the onnx engine.
//
//   node examples/keras-parity.mjs                    every network of which there is a golden
//   node examples/keras-parity.mjs resnet50 vgg16     these
//   node examples/keras-parity.mjs --engine onnx      on one engine only
//   node examples/keras-parity.mjs --small            at 97 x 110 pixels without top: quick
//   node examples/keras-parity.mjs --json             the figures, one network a line
//
// The weights are a formula of their place and shape, so no file is needed (tests/oracle/zoo_weights.py).
import { parseArgs } from 'node:util';
import * as tf from '@tensorflow/tfjs';
import { compileModel, disposeModel, loadArchitecture } from 'dovecote';
import { differenceFrom, goldenNames, readGolden } from './keras-parity/goldens.mjs';
import { fillWithSeededWeights, seededPictures } from './keras-parity/seeded-weights.mjs';

const BAR = 1e-5;
const RUNS = 5;

const options = {
  engine: { type: 'string' },
  small: { type: 'boolean', default: false },
  json: { type: 'boolean', default: false },
};

function readArguments() {
  try {
    const read = parseArgs({ allowPositionals: true, options });
    const { engine } = read.values;
    if (engine === undefined || engine === 'onnx' || engine === 'tfjs') return read;
    throw new Error(`There is no engine ${engine}: onnx or tfjs`);
  } catch (error) {
    console.error(
      `${error.message}\nusage: keras-parity.mjs [--small] [--json] [--engine onnx|tfjs] [NETWORK...]`,
    );
    process.exit(2);
  }
}

const { values: flags, positionals } = readArguments();
const engines = flags.engine === undefined ? ['onnx', 'tfjs'] : [flags.engine];
const known = await goldenNames();
const unknown = positionals.filter((name) => !known.includes(name));
if (unknown.length > 0) {
  console.error(`There is no golden for ${unknown.join(', ')}. There are: ${known.join(', ')}`);
  process.exit(2);
}

/** Milliseconds of one picture: the median of some runs, after one to warm up. */
async function timeOf(compiled, picture, shape) {
  const times = [];
  for (let run = 0; run <= RUNS; run++) {
    const start = performance.now();
    await compiled.run(picture, shape);
    if (run > 0) times.push(performance.now() - start);
  }
  return times.sort((a, b) => a - b)[RUNS >> 1];
}

async function measure(golden, expected) {
  const { includeTop, pooling, inputShape } = expected;
  const build = { ...golden.options, includeTop, pooling, inputShape, classifierActivation: 'linear' };
  const model = await loadArchitecture(golden.model, build);
  fillWithSeededWeights(tf, model, golden.gain);
  const row = { case: expected.case, parameters: model.countParams() };
  if (row.parameters !== expected.parameters)
    throw new Error(`${golden.model} has ${row.parameters} parameters, in Keras ${expected.parameters}`);
  const pictures = seededPictures(inputShape, golden.builtinPreprocessing);
  for (const engine of engines) {
    const compiled = await compileModel(model, { engine });
    const [{ data, shape }] = await compiled.run(pictures, [2, ...inputShape]);
    row[engine] = differenceFrom(expected.output, data, shape);
    if (engine === 'onnx') {
      const one = pictures.subarray(0, pictures.length / 2);
      row.milliseconds = await timeOf(compiled, one, [1, ...inputShape]);
    }
    await compiled.dispose();
  }
  await disposeModel(model);
  return row;
}

const small = (figure) => (figure === undefined ? '-' : figure.toExponential(1));
const widths = [30, 6, 12, 14, 10, 10, 8];
const line = (cells) =>
  cells.map((cell, i) => (i < 2 ? cell.padEnd(widths[i]) : cell.padStart(widths[i]))).join(' ');

if (!flags.json) console.log(line(['network', 'case', 'input', 'parameters', 'onnx', 'tfjs', 'ms/image']));
let missed = 0;
for (const name of positionals.length > 0 ? positionals : known) {
  const golden = await readGolden(name);
  for (const expected of golden.cases.filter((each) => (each.case === 'small') === flags.small)) {
    const row = await measure(golden, expected);
    const misses = engines.filter((engine) => !(row[engine] <= BAR));
    missed += misses.length;
    if (flags.json) {
      console.log(JSON.stringify({ network: name, ...row }));
      continue;
    }
    const size = expected.inputShape.slice(0, 2).join('x');
    const ms = row.milliseconds?.toFixed(1) ?? '-';
    const cells = [
      name,
      row.case,
      size,
      row.parameters.toLocaleString('en'),
      small(row.onnx),
      small(row.tfjs),
      ms,
    ];
    console.log(line(cells) + (misses.length > 0 ? `  beyond ${BAR} on ${misses.join(', ')}` : ''));
  }
}
if (!flags.json)
  console.log(
    `\n${missed === 0 ? 'All' : `All but ${missed}`} within ${BAR} of the range of Keras's values.`,
  );
process.exitCode = missed === 0 ? 0 : 1;
