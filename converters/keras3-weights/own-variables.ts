import type { JsonObject, JsonValue, WeightTensor } from '../../src/base/types.ts';
import { isJsonObject, stringOf } from '../json.ts';
import { GroupNames } from './snake-case.ts';
import type { WeightTree } from './weight-tree.ts';

/** Layers whose variables belong to a cell. */
export const WITH_CELL = new Set(['SimpleRNN', 'LSTM', 'GRU', 'ConvLSTM1D', 'ConvLSTM2D', 'ConvLSTM3D']);
/** Layers of attention hold dense layers, under these names in Keras 3 and with a `_` in front of them in Keras 2. */
const ATTENTION = new Set(['MultiHeadAttention', 'GroupQueryAttention', 'GroupedQueryAttention']);
export const ATTENTION_PARTS = ['query_dense', 'key_dense', 'value_dense', 'output_dense'];

const at = (group: WeightTree | undefined, name: string) => group?.children.get(name);

function wrapped(value: JsonValue | undefined, group: WeightTree | undefined) {
  if (!isJsonObject(value) || !isJsonObject(value.config) || group === undefined) return [];
  const className = stringOf(value.class_name) ?? '';
  return ownVariables(className, value.config, group);
}

/** A cell, or the cells of which one is made. */
function cellVariables(value: JsonValue | undefined, group: WeightTree | undefined): WeightTensor[] {
  if (group === undefined) return [];
  const config = isJsonObject(value) && isJsonObject(value.config) ? value.config : {};
  const cells = Array.isArray(config.cells) ? config.cells.filter(isJsonObject) : [];
  const names = new GroupNames();
  const inner = cells.flatMap((cell) =>
    cellVariables(cell, at(at(group, 'cells'), names.next(stringOf(cell.class_name) ?? ''))),
  );
  return [...group.variables, ...inner];
}

/**
 * The variables of one layer that is no model, in the order in which Keras 2's files hold them.
 *
 * @param group The layer's own group.
 */
export function ownVariables(className: string, config: JsonObject, group: WeightTree): WeightTensor[] {
  if (className === 'TimeDistributed') return wrapped(config.layer, at(group, 'layer'));
  if (className === 'Bidirectional') {
    return [
      ...wrapped(config.layer, at(group, 'forward_layer')),
      ...wrapped(config.backward_layer ?? config.layer, at(group, 'backward_layer')),
    ];
  }
  if (className === 'SpectralNormalization') {
    // Its own are the layer's kernel once more, and what it keeps of the last step.
    const own = group.variables.slice(1);
    return [...wrapped(config.layer, at(group, 'layer')), ...own];
  }
  if (className === 'RNN') return cellVariables(config.cell, at(group, 'cell'));
  if (WITH_CELL.has(className)) return [...(at(group, 'cell') ?? group).variables];
  if (ATTENTION.has(className)) {
    return ATTENTION_PARTS.flatMap((part) => [
      ...(at(group, part) ?? at(group, `_${part}`) ?? { variables: [] }).variables,
    ]);
  }
  return [...group.variables];
}
