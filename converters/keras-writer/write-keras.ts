import type { JsonObject, LayerWeights } from '../../src/base/types.ts';
import type { ByteSink } from '../byte-sink.ts';
import type { ModelGraph } from '../graph.ts';
import { writeHdf5, type WriteHdf5Options } from '../hdf5-writer/write-hdf5.ts';
import { writeArchive, type Checksum } from '../zip/write-archive.ts';
import { keras2Context, keras2Model } from './keras2-model.ts';
import { kerasNames } from './layer-names.ts';
import type { WriteContext } from './layer-config.ts';
import type { KerasTarget } from './layer-options.ts';
import { loadOrder } from './load-order.ts';
import { masksForKeras3 } from './masks.ts';
import { writingNotes } from './notes.ts';
import { KERAS2_VERSION, keras2WeightGroups } from './keras2-weights.ts';
import { keras3Context, keras3Model } from './keras3-model.ts';
import { keras3WeightGroups } from './keras3-weights.ts';

/** The release whose configs are written. */
const KERAS3_VERSION = '3.15.1';

export interface ModelToWrite {
  readonly graph: ModelGraph;
  /** The weights of each of the graph's layers, in the order of `expectedWeights(graph)`. */
  readonly layers: readonly LayerWeights[];
}

export interface WrittenKeras {
  /** What a user may want to know. */
  readonly notes: readonly string[];
}

export interface WriteKerasOptions extends WriteHdf5Options {
  /** What computes the checksums of a `.keras` file. Default: JavaScript. */
  readonly checksum?: Checksum;
  /** Shown in errors. Default `the model`. */
  readonly fileName?: string;
  /** When the file was saved, as a `.keras` file states it. Default now. */
  readonly date?: Date;
}

interface Prepared {
  /** With names that the version allows, which `names` gives by the model's own. */
  readonly named: ModelGraph;
  readonly names: ReadonlyMap<string, string>;
  /** With masks that the version finds, too. */
  readonly whole: ModelGraph;
  readonly context: WriteContext;
  readonly config: JsonObject;
}

/** The model with names and masks that the version allows, and its config. */
function prepared(graph: ModelGraph, target: KerasTarget, fileName = 'the model'): Prepared {
  const { graph: named, names } = kerasNames(graph, target);
  if (target === 2) {
    const context = keras2Context(fileName);
    const config = keras2Model(named, { name: named.name }, context);
    return { named, names, whole: named, context, config };
  }
  const context = keras3Context(fileName);
  const whole = masksForKeras3(named, context);
  return { named, names, whole, context, config: keras3Model(whole, { name: whole.name }, context) };
}

/** The model's layers in the order in which Keras loads their weights, each with its own. */
function ordered({ named, names, whole, context }: Prepared, layers: readonly LayerWeights[]) {
  const byName = new Map(named.layers.map((layer) => [layer.name, layer]));
  // Layers that only state masks have no weights.
  const own = loadOrder(whole, context).flatMap(({ name }) => byName.get(name) ?? []);
  const weights = layers.map((item) => ({ ...item, layer: names.get(item.layer) ?? item.layer }));
  return [{ ...named, layers: own }, weights] as const;
}

/** The `config` that Keras 2 stores. @throws FormatError `FORMAT_UNSUPPORTED_LAYER` for what Keras 2 cannot say. */
export function keras2Config(graph: ModelGraph, fileName?: string): JsonObject {
  return prepared(graph, 2, fileName).config;
}

/** The `config.json` that Keras 3 stores. @throws FormatError `FORMAT_UNSUPPORTED_LAYER` for what Keras 3 cannot say. */
export function keras3Config(graph: ModelGraph, fileName?: string): JsonObject {
  return prepared(graph, 3, fileName).config;
}

/** TensorFlow takes a first operand that is a whole number for an integer, and refuses to subtract a float from it. */
function withFloats(json: string): string {
  return json.replace(/\["_CONSTANT_VALUE",-1,[^{}"]*,\{/g, (text) =>
    text.replace(/(?<=[[,])(-?\d+)(?=[\],])(?<!VALUE",-1)/g, '$1.0'),
  );
}

/**
 * Writes a whole-model `.h5` file of Keras 2, piece by piece, into an empty sink. `tf_keras.models.load_model` loads it.
 *
 * @throws FormatError `FORMAT_UNSUPPORTED_LAYER` for layers and options that Keras 2 does not have; what reading the
 *   tensors and writing throw.
 */
export async function writeKerasH5(
  model: ModelToWrite,
  sink: ByteSink,
  options: WriteKerasOptions = {},
): Promise<WrittenKeras> {
  const ready = prepared(model.graph, 2, options.fileName);
  const config = withFloats(JSON.stringify(ready.config));
  const attributes = { backend: 'tensorflow', keras_version: KERAS2_VERSION, model_config: config };
  const weights = keras2WeightGroups(...ordered(ready, model.layers), 'model_weights');
  await writeHdf5([{ path: '', attributes }, ...weights], sink, options);
  return { notes: writingNotes(model.graph, 2) };
}

/** Writes the weights alone as Keras 2's `model.save_weights("NAME.h5")`. @throws what reading and writing throw */
export async function writeKerasH5Weights(
  model: ModelToWrite,
  sink: ByteSink,
  options: WriteKerasOptions = {},
): Promise<void> {
  const ready = prepared(model.graph, 2, options.fileName);
  await writeHdf5(keras2WeightGroups(...ordered(ready, model.layers), ''), sink, options);
}

/** Writes the weights alone as Keras 3's `model.save_weights("NAME.weights.h5")`. @throws what reading and writing throw */
export async function writeKeras3Weights(
  model: ModelToWrite,
  sink: ByteSink,
  options: WriteKerasOptions = {},
): Promise<void> {
  const ready = prepared(model.graph, 3, options.fileName);
  await writeHdf5(keras3WeightGroups(...ordered(ready, model.layers)), sink, options);
}

function dateSaved(date: Date): string {
  const [day, time] = date.toISOString().split('T') as [string, string];
  return `${day}@${time.slice(0, 8)}`;
}

/**
 * Writes a `.keras` file of Keras 3, piece by piece, into an empty sink. `keras.models.load_model` loads it. Nothing is
 * compiled in it.
 *
 * @throws FormatError `FORMAT_UNSUPPORTED_LAYER` for layers and options that Keras 3 does not have, `FORMAT_LIMIT` above
 *   4 GiB; what reading the tensors and writing throw.
 */
export async function writeKeras3(
  model: ModelToWrite,
  sink: ByteSink,
  options: WriteKerasOptions = {},
): Promise<WrittenKeras> {
  const ready = prepared(model.graph, 3, options.fileName);
  const config = { ...ready.config, compile_config: null };
  const metadata = { keras_version: KERAS3_VERSION, date_saved: dateSaved(options.date ?? new Date()) };
  const text = (value: JsonObject) => (to: ByteSink) => {
    to.write(new TextEncoder().encode(JSON.stringify(value)), 0);
  };
  await writeArchive(
    [
      { name: 'metadata.json', write: text(metadata) },
      { name: 'config.json', write: text(config) },
      {
        name: 'model.weights.h5',
        write: (to) => writeHdf5(keras3WeightGroups(...ordered(ready, model.layers)), to, options),
      },
    ],
    sink,
    options.checksum,
  );
  return { notes: writingNotes(model.graph, 3) };
}
