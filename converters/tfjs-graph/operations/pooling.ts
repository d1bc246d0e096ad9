import { flagAttribute, requireChannelsLast, textAttribute, windowAttribute } from '../attributes.ts';
import type { GraphNode } from '../graph-def.ts';
import type { Translation, Value } from '../translation.ts';
import { UnsupportedNode, windowSize } from '../translation.ts';

const pool =
  (className: string) =>
  (node: GraphNode, t: Translation): Value => {
    requireChannelsLast(node);
    const input = t.layer(node, 0);
    if (input.shape.length !== 4)
      throw new UnsupportedNode(`its input has ${input.shape.length} axes, not 4`);
    const given = textAttribute(node, 'padding', 'VALID');
    if (given !== 'SAME' && given !== 'VALID') throw new UnsupportedNode(`its padding is ${given}`);
    const padding = given === 'SAME' ? 'same' : 'valid';
    const size = windowAttribute(node, 'ksize', [1, 1]);
    const strides = windowAttribute(node, 'strides', [1, 1]);
    const [batch, rows, columns, channels] = input.shape;
    const layer = t.add({
      name: node.name,
      className,
      config: { pool_size: size, strides, padding, data_format: 'channels_last' },
      inputs: [input],
      shape: [
        batch!,
        windowSize(rows!, size[0], strides[0], 1, padding),
        windowSize(columns!, size[1], strides[1], 1, padding),
        channels!,
      ],
    });
    return { kind: 'layer', layer };
  };

const globalPool =
  (className: string) =>
  (node: GraphNode, t: Translation): Value => {
    const input = t.layer(node, 0);
    const rank = input.shape.length;
    const axes = t.sizes(node, 1, 'axes').map((axis) => (axis !== null && axis < 0 ? axis + rank : axis));
    if (rank !== 4 || [...axes].sort().join() !== '1,2') {
      throw new UnsupportedNode(`it goes over the axes ${axes.join(', ')} of ${rank}`);
    }
    const channels = input.shape[3]!;
    const config = { data_format: 'channels_last' };
    const layer = t.add({ name: node.name, className, config, inputs: [input], shape: [null, channels] });
    if (!flagAttribute(node, 'keep_dims')) return { kind: 'layer', layer };
    if (channels === null) throw new UnsupportedNode('the number of its channels is not known');
    const kept = t.add({
      name: `${node.name}/keep_dims`,
      className: 'Reshape',
      config: { target_shape: [1, 1, channels] },
      inputs: [layer],
      shape: [null, 1, 1, channels],
    });
    return { kind: 'layer', layer: kept };
  };

export const poolingOperations = {
  AvgPool: pool('AveragePooling2D'),
  MaxPool: pool('MaxPooling2D'),
  Mean: globalPool('GlobalAveragePooling2D'),
  Max: globalPool('GlobalMaxPooling2D'),
} as const;
