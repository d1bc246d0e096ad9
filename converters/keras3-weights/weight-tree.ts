import { FormatError } from '../../src/base/errors.ts';
import type { WeightTensor } from '../../src/base/types.ts';
import type { Hdf5File } from '../hdf5/file.ts';
import { overLimit, type ReadLimits } from '../model-file.ts';

/** A group of a `.weights.h5` file: an object of Keras with its own variables and the objects that it holds. */
export interface WeightTree {
  /** From the file's root, without a slash at its start. */
  readonly path: string;
  /** The object's name, which newer files state. */
  readonly name?: string;
  /** By the numbers that they are stored under, from 0 on. */
  readonly variables: readonly WeightTensor[];
  readonly children: ReadonlyMap<string, WeightTree>;
}

/** What belongs to training; it is left out. */
const OF_TRAINING = new Set(['optimizer', 'metrics', '_compile_metrics', '_loss_tracker', 'loss_tracker']);
const MAX_DEPTH = 64;

interface Reading {
  readonly file: Hdf5File;
  readonly fileName: string;
  readonly limits: ReadLimits;
  groups: number;
}

function damaged(fileName: string, summary: string): FormatError {
  return new FormatError('FORMAT_DAMAGED', `${fileName} is damaged: ${summary}.`, {
    given: summary,
    expected: 'a weight file as Keras writes it',
    nextStep: 'Save the model or its weights again with Keras.',
  });
}

function variablesOf({ file, fileName }: Reading, path: string): WeightTensor[] {
  const keys = file.children(`/${path}`);
  // Others than numbers are the work of a custom layer, which is refused where it is met.
  const numbers = keys.filter((key) => /^\d{1,6}$/.test(key)).map(Number);
  numbers.sort((a, b) => a - b);
  if (numbers.some((number, i) => number !== i)) {
    throw damaged(fileName, `${path} lacks a variable: it has ${numbers.slice(0, 8).join(', ')}`);
  }
  return numbers.map((number) => file.tensor(`/${path}/${number}`, `${path}/${number}`));
}

function readGroup(reading: Reading, path: string, depth: number): WeightTree {
  const { file, fileName, limits } = reading;
  reading.groups += 1;
  // Hard links can lead back to a group that holds them.
  if (depth > MAX_DEPTH) throw damaged(fileName, `its groups are more than ${MAX_DEPTH} deep`);
  if (reading.groups > limits.tensors) {
    throw overLimit(fileName, `it has more than ${limits.tensors} groups`, limits, 'tensors');
  }
  const children = new Map<string, WeightTree>();
  let variables: WeightTensor[] = [];
  let name: string | undefined;
  for (const child of file.children(`/${path}`)) {
    const inner = path === '' ? child : `${path}/${child}`;
    if (path === '' && OF_TRAINING.has(child)) {
      file.notes.add('what belongs to training (optimizer, metrics) was left out');
    } else if (!file.isGroup(`/${inner}`)) continue;
    else if (child === 'vars') {
      variables = variablesOf(reading, inner);
      if (file.attributeNames(`/${inner}`).has('name')) [name] = file.strings(`/${inner}`, 'name');
    } else children.set(child, readGroup(reading, inner, depth + 1));
  }
  return { path, ...(name === undefined ? {} : { name }), variables, children };
}

/** True for the root of a `.weights.h5` file. */
export function holdsWeightTree(file: Hdf5File): boolean {
  const names = new Set(file.children('/'));
  return names.has('layers') || names.has('_layer_checkpoint_dependencies');
}

/** @throws FormatError `FORMAT_DAMAGED`, `FORMAT_LIMIT`, and what reading tensors throws. */
export function readWeightTree(file: Hdf5File, fileName: string, limits: ReadLimits): WeightTree {
  return readGroup({ file, fileName, limits, groups: 0 }, '', 0);
}

/** The objects that a model holds as its layers. */
export function layerGroups(tree: WeightTree): ReadonlyMap<string, WeightTree> {
  // Keras 2.12 walked another attribute of the model.
  return (
    tree.children.get('layers')?.children ??
    tree.children.get('_layer_checkpoint_dependencies')?.children ??
    new Map<string, WeightTree>()
  );
}
