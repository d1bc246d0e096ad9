import { textAttribute } from '../attributes.ts';
import type { GraphNode } from '../graph-def.ts';
import type { LayerDraft, Translation, Value } from '../translation.ts';
import { UnsupportedNode } from '../translation.ts';

/** Rows and columns of zeros around a feature map; `pads` has before and after for each of NHWC. */
export function zeroPadded(
  t: Translation,
  name: string,
  input: LayerDraft,
  pads: readonly (number | null)[],
): LayerDraft {
  const whole = pads.every((pad) => Number.isInteger(pad) && pad! >= 0);
  const [before, after, top, bottom, left, right, first, last] = pads as number[];
  if (pads.length !== 8 || input.shape.length !== 4 || !whole || before! + after! + first! + last! > 0) {
    throw new UnsupportedNode(`it pads by [${pads.join(', ')}], not rows and columns`);
  }
  const [batch, rows, columns, channels] = input.shape;
  return t.add({
    name,
    className: 'ZeroPadding2D',
    config: {
      padding: [
        [top!, bottom!],
        [left!, right!],
      ],
      data_format: 'channels_last',
    },
    inputs: [input],
    shape: [
      batch!,
      rows == null ? null : rows + top! + bottom!,
      columns == null ? null : columns + left! + right!,
      channels!,
    ],
  });
}

function pad(node: GraphNode, t: Translation): Value {
  const mode = textAttribute(node, 'mode', 'CONSTANT');
  const value = node.op === 'PadV2' ? t.constant(node, 2, 'value').data[0] : 0;
  if (mode !== 'CONSTANT' || value !== 0) throw new UnsupportedNode('it pads with something else than zeros');
  const pads = t.sizes(node, 1, 'padding');
  return { kind: 'layer', layer: zeroPadded(t, node.name, t.layer(node, 0), pads) };
}

export const paddingOperations = { Pad: pad, PadV2: pad } as const;
