import { DovecoteError, FormatError } from '../base/errors.ts';
import type { JsonObject, JsonValue, NamedTensor, WeightTensor } from '../base/types.ts';
import type { ModelFile } from '../../converters/index.ts';
import { expectedWeights, parseKerasConfig } from '../../converters/index.ts';
import type { ModelMetadata } from './metadata.ts';
import { metadataAsJson } from './metadata.ts';

/** Of luminance, as `@teachablemachine/image` 0.8.5 weighs red, green and blue. */
const GREY_WEIGHTS = [0.2989, 0.587, 0.114] as const;
const GREY_LAYER = 'grayscale';
/** What a missing file is on a disk and on a server; some servers answer with their start page. */
const MISSING = ['FILE_NOT_FOUND', 'DOWNLOAD_CONTENT'];

interface Export {
  /** The Sequential of the truncated MobileNet and its pooling. */
  readonly base: JsonObject;
  readonly baseName: string;
  readonly network: JsonObject;
  /** `[height, width, channels]`. */
  readonly input: readonly [number, number, number];
  readonly classes: number;
}

const objectOf = (value: JsonValue | undefined): JsonObject | undefined =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? value : undefined;

function nameOf(layer: JsonObject | undefined): string {
  const name = objectOf(layer?.config)?.name;
  return typeof name === 'string' ? name : '';
}

/** Layers of a Sequential or Model; tfjs 1 wrote those of a Sequential as a bare list. */
function layersOf(model: JsonObject | undefined): JsonObject[] {
  const config = model?.config;
  const list = Array.isArray(config) ? config : objectOf(config)?.layers;
  return Array.isArray(list) ? list.map(objectOf).filter((layer) => layer !== undefined) : [];
}

/**
 * The parts of an image model of Teachable Machine, known by its structure: a Sequential of two, of which the first is
 * a truncated MobileNet with a pooling, the second ends in a softmax.
 */
function exportIn(config: JsonObject | undefined): Export | undefined {
  const [base, head, ...more] = layersOf(config);
  const [network, pooling, ...others] = layersOf(base);
  const nested = [config, base, head].every((model) => model?.class_name === 'Sequential');
  if (!nested || base === undefined || more.length > 0 || others.length > 0) return undefined;
  if (pooling?.class_name !== 'GlobalAveragePooling2D' && pooling?.class_name !== 'Flatten') return undefined;
  const last = objectOf(layersOf(head).at(-1)?.config);
  const shape = objectOf(layersOf(network)[0]?.config)?.batch_input_shape;
  const baseName = nameOf(base);
  const isNetwork = network?.class_name === 'Model' || network?.class_name === 'Functional';
  if (!isNetwork || last?.activation !== 'softmax' || typeof last.units !== 'number') return undefined;
  if (baseName === '' || !Array.isArray(shape) || shape.length !== 4) return undefined;
  const input = shape.slice(1) as [number, number, number];
  if (!input.every((size) => Number.isInteger(size)) || ![1, 3].includes(input[2])) return undefined;
  return { base, baseName, network, input, classes: last.units };
}

/** `readSibling` gives the bytes of a file beside the model.json. */
export type ReadSibling = (name: string) => Promise<Uint8Array>;

/**
 * Gives an image model of Teachable Machine what its metadata.json tells, so that it is used like any other: labels,
 * the square crop, the size. One that was trained on greyscale takes colour pictures and makes them grey itself. Other
 * models are handed back as they are. Without a metadata.json the labels are missing, and a note says so.
 *
 * @throws FormatError `FORMAT_DAMAGED` for a metadata.json that is damaged or of another model; what `readSibling`
 *   throws, unless there is no such file
 */
export async function describeTeachable(file: ModelFile, readSibling: ReadSibling): Promise<ModelFile> {
  if (file.kind !== 'tfjs-layers-model' || file.userDefinedMetadata?.dovecote !== undefined) return file;
  const found = exportIn(file.config);
  if (found === undefined) return file;
  const labels = await readLabels(found, file, readSibling);
  const metadata: ModelMetadata = {
    version: 1,
    labels: labels ?? [],
    preprocessing: 'teachable',
    inputSize: [found.input[0], found.input[1]],
    resize: { mode: 'cover', filter: 'bilinear', cropFraction: 1 },
    features: found.baseName,
    source: 'https://teachablemachine.withgoogle.com',
  };
  const missing =
    labels === undefined ? ['there is no metadata.json beside it: its classes have no names'] : [];
  const described: ModelFile = {
    ...file,
    userDefinedMetadata: { ...file.userDefinedMetadata, ...metadataAsJson(metadata) },
    notes: [...file.notes, 'an image model of Teachable Machine', ...missing],
  };
  return found.input[2] === 1 ? takingColour(described, found) : described;
}

async function readLabels(
  { classes }: Export,
  { fileName }: ModelFile,
  readSibling: ReadSibling,
): Promise<string[] | undefined> {
  const bytes = await readSibling('metadata.json').catch((error: unknown) => {
    if (isMissing(error)) return undefined;
    throw error;
  });
  if (bytes === undefined) return undefined;
  const damaged = (given: string, cause?: unknown) =>
    new FormatError(
      'FORMAT_DAMAGED',
      `The metadata.json beside ${fileName} is damaged or of another model.`,
      {
        given,
        expected: `the metadata.json of this export: JSON with the names of its ${classes} classes as "labels"`,
        nextStep: 'export the model again, or take metadata.json away to use it without names',
        cause,
      },
    );
  let json: unknown;
  try {
    json = JSON.parse(new TextDecoder().decode(bytes));
  } catch (error) {
    throw damaged(`${bytes.length} bytes that are not JSON`, error);
  }
  const labels = objectOf(json as JsonValue)?.labels;
  if (!Array.isArray(labels)) throw damaged('no list of labels');
  if (!labels.every((label) => typeof label === 'string')) throw damaged('labels that are not text');
  if (labels.length !== classes) throw damaged(`${labels.length} labels for ${classes} classes`);
  return labels;
}

function isMissing(error: unknown): boolean {
  if (!(error instanceof DovecoteError)) return false;
  return (
    MISSING.includes(error.code) ||
    (error.code === 'NETWORK_STATUS' && /\b(403|404|410)\b/.test(error.summary))
  );
}

/**
 * A model of one channel gets a 1x1 convolution in front that makes grey of red, green and blue. What prepares
 * pictures is linear, so that it may come before: `grey / 127 - 1` is the same sum of `x / 127 - 1`, but for a bias
 * because the three weights do not quite sum up to 1.
 */
function takingColour(file: ModelFile, { network, input: [height, width] }: Export): ModelFile {
  const config = structuredClone(file.config!);
  const inner = layersOf(layersOf(layersOf(config)[0])[0]);
  const [inputLayer] = inner;
  const inputName = nameOf(inputLayer);
  objectOf(inputLayer?.config)!.batch_input_shape = [null, height, width, 3];
  for (const layer of inner) redirect(layer.inbound_nodes, inputName);
  const grey: JsonObject = {
    class_name: 'Conv2D',
    name: GREY_LAYER,
    config: {
      name: GREY_LAYER,
      filters: 1,
      kernel_size: [1, 1],
      strides: [1, 1],
      padding: 'valid',
      activation: 'linear',
      use_bias: true,
      trainable: false,
    },
    inbound_nodes: [[[inputName, 0, 0, {}]]],
  };
  const target = objectOf(layersOf(layersOf(config)[0])[0]?.config)!;
  target.layers = [inner[0]!, grey, ...inner.slice(1)];
  const sum = GREY_WEIGHTS.reduce<number>((total, weight) => total + weight, 0);
  const tensors = new Map<string, WeightTensor>(
    [
      ...file.layers.flatMap(({ weights }) => weights),
      tensor(`${GREY_LAYER}/kernel`, [1, 1, 3, 1], GREY_WEIGHTS),
      tensor(`${GREY_LAYER}/bias`, [1], [sum - 1]),
    ].map((each) => [each.name, each]),
  );
  const layers = expectedWeights(parseKerasConfig(config, { fileName: file.fileName })).map(
    ({ layer, weights }) => ({ layer, weights: weights.flatMap(({ name }) => tensors.get(name) ?? []) }),
  );
  const note = `trained on greyscale: the layer "${GREY_LAYER}" makes colour pictures grey`;
  return {
    ...file,
    config,
    layers,
    notes: [...file.notes, `${nameOf(network)} was ${note}`],
  };
}

function tensor(name: string, shape: number[], values: readonly number[]): NamedTensor {
  return { name, shape, dtype: 'float32', data: Float32Array.from(values) };
}

/** What read the input reads the grey picture. */
function redirect(nodes: JsonValue | undefined, from: string): void {
  if (!Array.isArray(nodes)) return;
  for (const node of nodes) {
    for (const ref of Array.isArray(node) ? node : []) {
      if (Array.isArray(ref) && ref[0] === from) ref[0] = GREY_LAYER;
    }
  }
}
