import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { parseKerasConfig } from '../../converters/keras/parse-config.ts';
import { writeOnnxModel } from '../../converters/onnx/index.ts';
import type { JsonObject } from '../../src/base/types.ts';
import { createOnnxSessionNode } from '../../src/engines/ort-session.node.ts';
import type { Encoded } from './support.ts';
import { floatsOf, weightsOf } from './support.ts';

interface Golden {
  name: string;
  config: JsonObject;
  weights: Record<string, Encoded[]>;
  input: Encoded;
  output: Encoded;
}

const file = new URL('./goldens/keras-layers.json', import.meta.url);
const { cases } = JSON.parse(readFileSync(file, 'utf8')) as { cases: Golden[] };

describe('an ONNX graph written from a Keras config gives what Keras gives', () => {
  for (const golden of cases) {
    for (const fold of [true, false]) {
      it(`${golden.name}${fold ? '' : ', nothing folded'}`, async () => {
        const graph = parseKerasConfig(golden.config);
        const bytes = writeOnnxModel(graph, weightsOf(golden.weights), { fold });
        const session = await createOnnxSessionNode(bytes);
        const [output] = await session.run(floatsOf(golden.input), golden.input.shape);
        await session.release();
        expect(output!.shape).toEqual(golden.output.shape);
        const expected = floatsOf(golden.output);
        const scale = expected.reduce((max, value) => Math.max(max, Math.abs(value)), 1);
        output!.data.forEach((value, index) => {
          expect(Math.abs(value - expected[index]!) / scale).toBeLessThanOrEqual(2e-6);
        });
      });
    }
  }
});
