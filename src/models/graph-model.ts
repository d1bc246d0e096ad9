import type { ModelFile } from '../../converters/index.ts';
import { parseKerasConfig } from '../../converters/index.ts';
import type { PreprocessingMode } from '../../zoo/card.ts';
import type { ModelMetadata } from './metadata.ts';
import { metadataAsJson } from './metadata.ts';

/** Networks of TF-Slim, which see pictures from -1 to 1. */
const SLIM = /^(Mobilenet|Inception)V\d/i;

/**
 * What a network that rescales its input itself takes: TensorFlow Hub's take 0 to 1 and compute `2 x - 1`; others take
 * 0 to 255.
 */
function preprocessingOf({ graphModel }: ModelFile): PreprocessingMode | undefined {
  const rescaling = graphModel?.inputRescaling;
  if (rescaling === undefined) return SLIM.test(graphModel?.network ?? '') ? 'tf' : undefined;
  const { scale, offset } = rescaling;
  const is = (wantedScale: number, wantedOffset: number) =>
    Math.abs(scale / wantedScale - 1) < 1e-4 && Math.abs(offset - wantedOffset) < 1e-4;
  if (is(2, -1)) return 'unit';
  return is(2 / 255, -1) || is(1 / 255, 0) ? 'none' : undefined;
}

/**
 * Gives a graph model what is needed to use it, where its structure tells: the range of its input from the arithmetic
 * that it begins with, and ImageNet's labels where a class "background" was left out. Other files are handed back as
 * they are.
 */
export function describeGraphModel(file: ModelFile): ModelFile {
  const { graphModel, config, fileName } = file;
  const preprocessing = preprocessingOf(file);
  if (graphModel === undefined || config === undefined || preprocessing === undefined) return file;
  const graph = parseKerasConfig(config, { fileName });
  const input = graph.layers.find(({ name }) => name === graph.inputs[0]?.layer);
  const shape = input?.config.batch_input_shape;
  if (graph.inputs.length !== 1 || !Array.isArray(shape) || shape.length !== 4) return file;
  const [height, width] = shape.slice(1).map((size) => (typeof size === 'number' ? size : 224)) as [
    number,
    number,
  ];
  const metadata: ModelMetadata = {
    version: 1,
    labels: graphModel.background ? 'imagenet' : [],
    preprocessing,
    inputSize: [height, width],
    // `@tensorflow-models/mobilenet` stretches pictures too.
    resize: { mode: 'fill', filter: 'bilinear', cropFraction: 1 },
    ...(graphModel.features === undefined ? {} : { features: graphModel.features }),
  };
  return {
    ...file,
    userDefinedMetadata: metadataAsJson(metadata),
    notes: [...file.notes, `assumed from its structure: pictures prepared as "${preprocessing}"`],
  };
}
