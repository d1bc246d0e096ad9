import { DovecoteError } from '../src/base/errors.ts';
import type { WeightTensor } from '../src/base/types.ts';
import type { GraphLayer, ModelGraph, TensorRef } from './graph.ts';
import { shapeOf } from './json.ts';
import { parseKerasConfig } from './keras/parse-config.ts';
import { isCustomClass } from './keras/tfjs-support.ts';
import { layerProblems } from './keras/tfjs-topology.ts';
import type { ModelFile } from './model-file.ts';
import { countOf } from './tensors.ts';

export interface InspectedLayer {
  readonly name: string;
  /** Keras 2's name of the class; absent in weights-only files. */
  readonly className?: string;
  readonly weights: readonly { name: string; shape: readonly number[]; dtype: string }[];
  readonly parameters: number;
}

export interface Inspection {
  readonly fileName: string;
  readonly kind: ModelFile['kind'];
  readonly kerasVersion: string;
  readonly backend?: string;
  readonly model?: { readonly name: string; readonly kind: ModelGraph['kind'] };
  readonly inputs: readonly { name: string; shape: readonly (number | null)[] }[];
  readonly outputs: readonly string[];
  readonly layers: readonly InspectedLayer[];
  /** Of a graph model: TensorFlow's operations and how often each occurs. */
  readonly operations?: Readonly<Record<string, number>>;
  /** Numbers in all weights together, whether trainable or not. */
  readonly parameters: number;
  /** Layers whose class is not one of Keras's; their code is never executed. */
  readonly customObjects: readonly { layer: string; className: string }[];
  /** Why the file cannot be converted, one line for each reason; empty when it can. */
  readonly problems: readonly string[];
  readonly notes: readonly string[];
}

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
  return { name: ref.layer, shape: shapeOf(layer?.config.batch_input_shape) ?? [] };
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
  const weights = new Map(file.layers.map((layer) => [layer.layer, layer.weights]));
  const named: { name: string; className?: string }[] =
    graph?.layers.map(({ name, className }) => ({ name, className })) ?? [];
  const known = new Set(named.map((layer) => layer.name));
  const rest = file.layers.filter(
    (layer) => !known.has(layer.layer) && (graph === undefined || layer.weights.length > 0),
  );
  const layers = [...named, ...rest.map((layer) => ({ name: layer.layer }))].map((layer): InspectedLayer => {
    const tensors = weights.get(layer.name) ?? [];
    return { ...layer, weights: tensors.map(weightInfo), parameters: parametersOf(tensors) };
  });
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
    problems,
    notes: file.notes,
  };
}

const KINDS: Record<ModelFile['kind'], string> = {
  'keras-h5-model': 'Keras model (HDF5)',
  'keras-h5-weights': 'Keras weights without a model (HDF5)',
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
    lines.push(`inputs:  ${inputs.map(({ name, shape }) => `${name} ${shapeText(shape)}`).join(', ')}`);
  if (outputs.length > 0) lines.push(`outputs: ${outputs.join(', ')}`);
  const rows = layers.map((layer) => [
    layer.name,
    layer.className ?? '',
    grouped(layer.parameters),
    layer.weights.map(({ name, shape, dtype }) => `${name} ${shapeText(shape)} ${dtype}`).join('; '),
  ]);
  lines.push('', ...table([['layer', 'class', 'parameters', 'weights'], ...rows]), '');
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
  if (inspection.notes.length > 0) lines.push('notes:', ...inspection.notes.map((line) => `  ${line}`));
  return lines.join('\n');
}
