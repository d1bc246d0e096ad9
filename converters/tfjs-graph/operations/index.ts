import type { GraphNode } from '../graph-def.ts';
import type { Translation, Value } from '../translation.ts';
import { activationOperations } from './activation.ts';
import { affineOperations } from './affine.ts';
import { convolutionOperations } from './convolution.ts';
import { mergeOperations } from './merge.ts';
import { paddingOperations } from './padding.ts';
import { poolingOperations } from './pooling.ts';
import { shapeOperations } from './shape.ts';

/** How each operation of TensorFlow becomes layers. */
export const operations = new Map<string, (node: GraphNode, t: Translation) => Value>(
  Object.entries({
    ...activationOperations,
    ...affineOperations,
    ...convolutionOperations,
    ...mergeOperations,
    ...paddingOperations,
    ...poolingOperations,
    ...shapeOperations,
  }),
);
