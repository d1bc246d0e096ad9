import { DovecoteError } from '../src/base/errors.ts';
import type { JsonObject, JsonValue, WeightTensor } from '../src/base/types.ts';
import type { GraphLayer, ModelGraph, TensorRef } from './graph.ts';
import { isJsonObject, shapeOf, stringOf } from './json.ts';
import { parseKerasConfig } from './keras/parse-config.ts';
import { isCustomClass } from './keras/tfjs-support.ts';
import { layerProblems, ownLayerNotes } from './keras/tfjs-topology.ts';
import type { ModelFile } from './model-file.ts';
import { streamOnnxModel } from './onnx/index.ts';
import { resolveModelFile } from './resolve-model.ts';
import { countOf } from './tensors.ts';
import { weightsByKey } from './weights-by-key.ts';

export interface InspectedLayer {
  readonly name: string;
  /** Keras 2's name of the class; absent in weights-only files. */
  readonly className?: string;
  /** What a `TensorOperation` computes, for example `add`. */
  readonly operation?: string;
  /** Of the layer's first call, `null` for any size; absent where it is not known. */
  readonly outputShape?: readonly (number | null)[];
  readonly weights: readonly { name: string; shape: readonly number[]; dtype: string }[];
  readonly parameters: number;
}

export interface Inspection {
  readonly fileName: string;
  readonly kind: ModelFile['kind'];
  readonly kerasVersion: string;
  readonly backend?: string;
  readonly model?: { readonly name: string; readonly kind: ModelGraph['kind'] };
  readonly inputs: readonly { name: string; shape: readonly (number | null)[]; dtype: string }[];
  readonly outputs: readonly string[];
  readonly layers: readonly InspectedLayer[];
  /** Of a graph model: TensorFlow's operations and how often each occurs. */
  readonly operations?: Readonly<Record<string, number>>;
  /** Numbers in all weights together, whether trainable or not. */
  readonly parameters: number;
  /** Layers whose class is not one of Keras's; their code is never executed. */
  readonly customObjects: readonly { layer: string; className: string }[];
  /** What plain TensorFlow.js lacks of it and this package registers: one line, or none. */
  readonly ownLayers: readonly string[];
  /** Why the file cannot be converted, one line for each reason; empty when it can. */
  readonly problems: readonly string[];
  readonly notes: readonly string[];
}

type NamedLayer = Pick<InspectedLayer, 'name' | 'className' | 'operation'>;

const weightInfo = ({ name, shape, dtype }: WeightTensor) => ({ name, shape: [...shape], dtype });
const parametersOf = (tensors: readonly WeightTensor[]) =>
  tensors.reduce((sum, tensor) => sum + countOf(tensor), 0);

function everyLayer(graph: ModelGraph, prefix = ''): { label: string; layer: GraphLayer }[] {
  return graph.layers.flatMap((layer) => [
    { label: prefix + layer.name, layer },
    ...(layer.nested === undefined ? [] : everyLayer(layer.nested, `${prefix}${layer.name} > `)),
  ]);
}

function graphOf(file: ModelFile, problems: string[]): ModelGraph | undefined {
  if (file.config === undefined) return undefined;
  try {
    return parseKerasConfig(file.config, { fileName: file.fileName, kerasVersion: file.kerasVersion });
  } catch (error) {
    if (!(error instanceof DovecoteError)) throw error;
    problems.push(error.summary);
    return undefined;
  }
}

function inputOf(graph: ModelGraph, ref: TensorRef) {
  const layer = graph.layers.find((item) => item.name === ref.layer);
  const dtype = stringOf(layer?.config.dtype) ?? 'float32';
  return { name: ref.layer, shape: shapeOf(layer?.config.batch_input_shape) ?? [], dtype };
}

/** Called once, with one output. */
const hasOneOutput = ({ inbound, nested, config }: GraphLayer) =>
  inbound.length <= 1 && (nested?.outputs.length ?? 1) === 1 && config.return_state !== true;

/** The shapes of layers' outputs, as the ONNX writer infers them; none where it cannot. No number is read. */
function outputShapes(file: ModelFile): ReadonlyMap<string, readonly (number | null)[]> {
  try {
    const { graph, layers } = resolveModelFile(file);
    const outputs = graph.layers.filter(hasOneOutput).map(({ name }) => name);
    const written = streamOnnxModel(graph, weightsByKey(graph, layers), { outputs, fold: false });
    return new Map(written.outputs.map(({ name, shape }) => [name, shape]));
  } catch (error) {
    if (!(error instanceof DovecoteError)) throw error;
    return new Map();
  }
}

/** The types that layers compute in, other than float32, and how many do. */
function policies(config: JsonObject | undefined): ReadonlyMap<string, number> {
  const found = new Map<string, number>();
  const walk = (value: JsonValue | undefined, depth: number) => {
    if (!isJsonObject(value) || !isJsonObject(value.config) || depth > 64) return;
    const { dtype, layers, layer } = value.config;
    const inner = isJsonObject(dtype) && isJsonObject(dtype.config) ? dtype.config.name : dtype;
    const name = stringOf(inner);
    if (name !== undefined && /^(mixed_|b?float16|float64)/.test(name))
      found.set(name, (found.get(name) ?? 0) + 1);
    if (Array.isArray(layers)) layers.forEach((each) => walk(each, depth + 1));
    walk(layer, depth + 1);
  };
  walk(config, 0);
  return found;
}

/** Everything in a file that can be told without converting it. Nothing in it is executed. */
export function inspectModel(file: ModelFile): Inspection {
  const problems: string[] = file.refusal === undefined ? [] : [file.refusal.summary];
  const graph = graphOf(file, problems);
  const all = graph === undefined ? [] : everyLayer(graph);
  const custom = all.filter(
    ({ layer }) => layer.nested === undefined && isCustomClass(layer.className, layer.config),
  );
  if (graph !== undefined) problems.push(...layerProblems(graph));
  const shapes: ReturnType<typeof outputShapes> =
    graph === undefined || file.layers.length === 0 ? new Map() : outputShapes(file);
  const weights = new Map(file.layers.map((layer) => [layer.layer, layer.weights]));
  const named =
    graph?.layers.map(({ name, className, config }): NamedLayer => {
      const operation = className === 'TensorOperation' ? stringOf(config.operation) : undefined;
      return { name, className, ...(operation === undefined ? {} : { operation }) };
    }) ?? [];
  const known = new Set(named.map((layer) => layer.name));
  const rest = file.layers.filter(
    (layer) => !known.has(layer.layer) && (graph === undefined || layer.weights.length > 0),
  );
  const everything: NamedLayer[] = [...named, ...rest.map((layer) => ({ name: layer.layer }))];
  const layers = everything.map((layer): InspectedLayer => {
    const tensors = weights.get(layer.name) ?? [];
    const outputShape = shapes.get(layer.name);
    return {
      ...layer,
      ...(outputShape === undefined ? {} : { outputShape }),
      weights: tensors.map(weightInfo),
      parameters: parametersOf(tensors),
    };
  });
  const lower = [...policies(file.config)].map(
    ([policy, count]) => `${count} layer${count === 1 ? '' : 's'} of ${policy}: computed in float32 here`,
  );
  return {
    fileName: file.fileName,
    kind: file.kind,
    kerasVersion: file.kerasVersion,
    ...(file.backend === undefined ? {} : { backend: file.backend }),
    ...(graph === undefined ? {} : { model: { name: graph.name, kind: graph.kind } }),
    inputs: graph?.inputs.map((ref) => inputOf(graph, ref)) ?? [],
    outputs: graph?.outputs.map((ref) => ref.layer) ?? [],
    layers,
    ...(file.graphModel === undefined ? {} : { operations: file.graphModel.operations }),
    parameters: layers.reduce((sum, layer) => sum + layer.parameters, 0),
    customObjects: custom.map(({ label, layer }) => ({ layer: label, className: layer.className })),
    ownLayers: graph === undefined || problems.length > 0 ? [] : ownLayerNotes(graph),
    problems,
    notes: [...file.notes, ...lower],
  };
}

const KINDS: Record<ModelFile['kind'], string> = {
  'keras-h5-model': 'Keras model (HDF5)',
  'keras-h5-weights': 'Keras weights without a model (HDF5)',
  'keras-v3': 'Keras model (.keras)',
  'keras-v3-weights': 'Keras 3 weights without a model (HDF5)',
  'keras-config': 'Keras config without weights (JSON)',
  'tfjs-layers-model': 'TensorFlow.js layers model',
  'tfjs-graph-model': 'TensorFlow.js graph model',
  'safetensors-weights': 'weights without a model (safetensors)',
};

const shapeText = (shape: readonly (number | null)[]) =>
  `[${shape.map((size) => size ?? 'null').join(', ')}]`;
const grouped = (count: number) => String(count).replace(/\B(?=(\d{3})+$)/g, ',');

function table(rows: readonly (readonly string[])[]): string[] {
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)));
  return rows.map((row) =>
    row
      .map((cell, i) => cell.padEnd(widths[i]!))
      .join('  ')
      .trimEnd(),
  );
}

/** A weight's name without the layer's. */
const ownPart = (name: string, layer: string) =>
  name.startsWith(`${layer}/`) ? name.slice(layer.length + 1) : name;

/** An inspection as text of several lines, without colours. */
export function formatInspection(inspection: Inspection): string {
  const { model, inputs, outputs, layers } = inspection;
  const lines = [`${inspection.fileName}: ${KINDS[inspection.kind]}`];
  if (inspection.kerasVersion !== '') {
    const backend = inspection.backend === undefined ? '' : `, backend ${inspection.backend}`;
    lines.push(`Keras ${inspection.kerasVersion}${backend}`);
  }
  if (model !== undefined) lines.push(`model "${model.name}" (${model.kind})`);
  if (inputs.length > 0)
    lines.push(
      `inputs:  ${inputs.map(({ name, shape, dtype }) => `${name} ${shapeText(shape)} ${dtype}`).join(', ')}`,
    );
  if (outputs.length > 0) lines.push(`outputs: ${outputs.join(', ')}`);
  const rows = layers.map((layer) => [
    layer.name,
    layer.operation === undefined ? (layer.className ?? '') : `operation ${layer.operation}`,
    layer.outputShape === undefined ? '' : shapeText(layer.outputShape),
    grouped(layer.parameters),
    layer.weights
      .map(({ name, shape, dtype }) => `${ownPart(name, layer.name)} ${shapeText(shape)} ${dtype}`)
      .join('; '),
  ]);
  const heads = ['layer', 'class', 'output', 'parameters', 'weights'];
  // Columns that say nothing are left out.
  const kept = heads.map((_, column) => column !== 2 || rows.some((row) => row[column] !== ''));
  lines.push('', ...table([heads, ...rows].map((row) => row.filter((_, column) => kept[column]))), '');
  lines.push(`${layers.length} layers, ${grouped(inspection.parameters)} parameters`);
  if (inspection.operations !== undefined) {
    const list = Object.entries(inspection.operations).map(([op, count]) => `${op} x ${count}`);
    lines.push(`operations: ${list.join(', ')}`);
  }
  if (inspection.customObjects.length > 0) {
    const list = inspection.customObjects.map(({ layer, className }) => `${layer} (${className})`);
    lines.push(`custom objects: ${list.join(', ')}`);
  }
  if (inspection.problems.length > 0)
    lines.push('cannot be converted:', ...inspection.problems.map((line) => `  ${line}`));
  const notes = [...inspection.notes, ...inspection.ownLayers];
  if (notes.length > 0) lines.push('notes:', ...notes.map((line) => `  ${line}`));
  return lines.join('\n');
}
