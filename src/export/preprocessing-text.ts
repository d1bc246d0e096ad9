import type { InputRecipe } from '../pipeline/run-images.ts';

const FORMULAS: Readonly<Record<string, string>> = {
  none: 'x',
  unit: 'x / 255',
  tf: 'x / 127.5 - 1',
  torch: '(x / 255 - [0.485, 0.456, 0.406]) / [0.229, 0.224, 0.225]',
  caffe: 'x as BGR, minus [103.939, 116.779, 123.68]',
  lite: '(x - 127) / 128',
  teachable: 'x / 127 - 1',
  symmetric128: 'x / 128 - 1',
};

/** What a program in another language has to know to prepare pictures for the model. */
export function preprocessingOf(
  { inputSize, resize, preprocessing }: InputRecipe,
  labels: readonly string[],
  outputs: 'probabilities' | 'logits' = 'probabilities',
) {
  const [height, width] = inputSize;
  return {
    input: {
      shape: [null, height, width, 3],
      type: 'float32',
      layout: 'NHWC',
      colours: 'RGB, 0 to 255 before the formula',
    },
    resize: {
      ...resize,
      meaning: {
        fill: 'stretched to the input size',
        cover: `scaled so that the shorter side is the input's divided by cropFraction, the middle cut out`,
        contain: 'scaled to fit into the input size, borders added',
      }[resize.mode],
    },
    preprocessing: { mode: preprocessing, formula: FORMULAS[preprocessing] ?? preprocessing },
    output: {
      shape: [null, labels.length],
      meaning:
        outputs === 'logits'
          ? 'one logit for each label, in the order of labels; a softmax makes them probabilities'
          : 'one probability for each label, in the order of labels',
    },
    labels,
  };
}

/** `README.txt` of an export. */
export function readmeOf(name: string, formats: readonly string[], labels: readonly string[]): string {
  const lines: Readonly<Record<string, string>> = {
    tfjs: 'tfjs/           TensorFlow.js: tf.loadLayersModel("tfjs/model.json"); labels and preprocessing are in it',
    onnx: 'model.onnx      ONNX Runtime, any language; labels and preprocessing are in its metadata',
    keras: 'model.keras     Keras 3: keras.models.load_model("model.keras")',
    page: 'page/           a page that classifies photos in the browser: put it on any web server, or `npx serve page`',
  };
  return [
    `${name}: ${labels.length} classes, exported by dovecote`,
    '',
    ...formats.map((format) => lines[format]!),
    'labels.txt      names of the classes, in the order of the outputs',
    'preprocessing.json  how pictures are resized and scaled before the model',
    '',
  ].join('\n');
}
