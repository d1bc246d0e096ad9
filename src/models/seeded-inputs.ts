import type { GraphLayer, ModelGraph } from '../../converters/index.ts';
import { FormatError } from '../base/errors.ts';
import { createRandom } from '../base/random.ts';

/** One input of a model, row-major. */
export interface SeededInput {
  /** Of the input layer. */
  readonly name: string;
  readonly shape: readonly number[];
  readonly data: Float32Array | Int32Array;
}

const BATCH = 2;
/** Of a side that the model leaves open: pictures, and sequences. */
const OPEN_SIDE = { picture: 96, other: 12 };

const sizeOf = (value: unknown) => (typeof value === 'number' && value > 0 ? value : undefined);

/** How many different integers a layer takes, where it takes integers. */
function vocabularyOf({ className, config }: GraphLayer): number | undefined {
  if (className === 'Embedding') return sizeOf(config.input_dim);
  if (className === 'CategoryEncoding') return sizeOf(config.num_tokens);
  return undefined;
}

/** The smallest vocabulary of the layers that take the input as it is. */
function vocabularyBehind(graph: ModelGraph, name: string): number | undefined {
  const found = graph.layers.flatMap((layer): number[] => {
    const takes =
      layer.inbound.some((refs) => refs.some((ref) => ref.layer === name)) ||
      (graph.kind === 'sequential' && layer.inbound.length === 0 && graph.layers.indexOf(layer) === 1);
    if (!takes) return [];
    if (layer.nested !== undefined) {
      const { nested } = layer;
      return nested.inputs.flatMap((input) => vocabularyBehind(nested, input.layer) ?? []);
    }
    const own = vocabularyOf(layer);
    return own === undefined ? [] : [own];
  });
  return found.length === 0 ? undefined : Math.min(...found);
}

/**
 * Two examples for each input of a model: numbers in [-1, 1), or integers below the size of the vocabulary where the
 * input is looked up in one. Sides that the model leaves open are 96 in pictures and 12 elsewhere.
 *
 * @throws FormatError `FORMAT_UNSUPPORTED` for inputs that are neither numbers nor of a known rank
 */
export function seededInputs(graph: ModelGraph, seed: number): SeededInput[] {
  const random = createRandom(seed);
  return graph.inputs.map(({ layer: name }) => {
    const config = graph.layers.find((layer) => layer.name === name)?.config ?? {};
    const given = config.batch_input_shape;
    const dtype = typeof config.dtype === 'string' ? config.dtype : 'float32';
    if (!Array.isArray(given) || !/^(float|int|uint|bool)/.test(dtype)) {
      throw new FormatError('FORMAT_UNSUPPORTED', `No numbers can be made up for the input ${name}.`, {
        given: `shape ${JSON.stringify(given ?? null)}, dtype ${dtype}`,
        expected: 'an input of numbers whose rank is known',
        nextStep: 'convert without the check',
      });
    }
    const open = given.length === 4 ? OPEN_SIDE.picture : OPEN_SIDE.other;
    const shape = given.map((side, axis) => (axis === 0 ? BATCH : (sizeOf(side) ?? open)));
    const count = shape.reduce((product, side) => product * side, 1);
    const isInteger = !dtype.startsWith('float');
    const vocabulary = vocabularyBehind(graph, name) ?? (isInteger ? 2 : undefined);
    const next = () => (vocabulary === undefined ? 2 * random() - 1 : Math.floor(random() * vocabulary));
    const data = isInteger ? new Int32Array(count) : new Float32Array(count);
    for (let i = 0; i < count; i++) data[i] = next();
    return { name, shape, data };
  });
}
