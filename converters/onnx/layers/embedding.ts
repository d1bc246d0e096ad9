import { countOf } from '../config.ts';
import type { LayerCall, LayerEmitter } from '../emitter.ts';
import { checkedWeight, inputOf } from '../emitter.ts';
import type { Value } from '../value.ts';
import { plainValue, valueType } from '../value.ts';

/** One row of the table for each index; indices that are not integers are cut to integers. */
function embedding(call: LayerCall): Value {
  const { builder } = call;
  const input = inputOf(call);
  const width = countOf(call, 'output_dim');
  const dims = [countOf(call, 'input_dim'), width];
  const table = builder.weights(
    `${call.weightKey}:embeddings`,
    dims,
    checkedWeight(call, 0, 'embeddings', dims).tensor,
  );
  const x = builder.plain(input);
  const indices = valueType(input) === 'int32' ? x : builder.cast(x, 'int32');
  return plainValue(builder.node('Gather', [table, indices]), [...input.shape, width]);
}

export const embeddingEmitters: Readonly<Record<string, LayerEmitter>> = {
  Embedding: { emit: embedding, takesIntegers: true },
};
