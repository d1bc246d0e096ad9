import type { GraphLayer } from '../graph.ts';
import { snakeCase } from './snake-case.ts';
import { layerGroups, type WeightTree } from './weight-tree.ts';

/** Where Keras's own class has another name than the one that it is known by. */
const CLASS_NAMES: Readonly<Record<string, string>> = {
  GroupQueryAttention: 'GroupedQueryAttention',
  GroupedConv2D: 'Conv2D',
  GlobalAveragePooling2DKeepDims: 'GlobalAveragePooling2D',
  GlobalMaxPooling2DKeepDims: 'GlobalMaxPooling2D',
};

/** The class after which Keras names a layer's group. */
export function groupClass({ className, nested }: GraphLayer): string {
  if (nested !== undefined) return nested.kind === 'sequential' ? 'Sequential' : 'Functional';
  return Object.hasOwn(CLASS_NAMES, className) ? CLASS_NAMES[className]! : className;
}

/** The groups of one class, in the order of their numbers. */
function groupsOf(groups: ReadonlyMap<string, WeightTree>, base: string): (readonly [string, WeightTree])[] {
  const found: [number, string, WeightTree][] = [];
  for (const [name, group] of groups) {
    const counter = name === base ? '0' : name.startsWith(`${base}_`) ? name.slice(base.length + 1) : '';
    if (/^\d+$/.test(counter)) found.push([Number(counter), name, group]);
  }
  return found.sort(([a], [b]) => a - b).map(([, name, group]) => [name, group]);
}

/**
 * The group of each layer of a model, `undefined` for those that have none.
 *
 * Groups are named by class and counted, so the n-th layer of a class has the n-th group of it. Keras 2.12 counted each
 * layer twice: where there are as many groups as layers, their order alone decides. A model of a class of its own has a
 * group of that class's name, which nothing tells: it is found by the name that newer files state.
 */
export function groupsByLayer(
  layers: readonly GraphLayer[],
  tree: WeightTree,
): Map<GraphLayer, WeightTree | undefined> {
  const groups = layerGroups(tree);
  const byClass = new Map<string, GraphLayer[]>();
  for (const layer of layers) {
    const base = snakeCase(groupClass(layer));
    byClass.set(base, [...(byClass.get(base) ?? []), layer]);
  }
  const found = new Map<GraphLayer, WeightTree | undefined>();
  for (const [base, members] of byClass) {
    const ofClass = groupsOf(groups, base);
    const inOrder = ofClass.length === members.length;
    members.forEach((layer, i) => {
      const exact = groups.get(i === 0 ? base : `${base}_${i}`);
      found.set(layer, inOrder ? ofClass[i]![1] : exact);
    });
  }
  const taken = new Set(found.values());
  const byName = new Map(
    [...groups.values()].filter((group) => !taken.has(group)).map((group) => [group.name, group]),
  );
  for (const layer of layers) {
    if (found.get(layer) === undefined && layer.nested !== undefined)
      found.set(layer, byName.get(layer.name));
  }
  return found;
}
