import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { JsonObject } from '../../src/base/types.ts';
import { OPERATIONS } from '../../converters/keras/operation-list.ts';
import { parseKerasConfig } from '../../converters/keras/parse-config.ts';
import { buildOnnxModel } from '../../converters/onnx/index.ts';
import { onnxOperationNames } from '../../converters/onnx/layers/tensor-operation.ts';
import type { Listed } from './corpus.ts';
import { expectOutputs } from './corpus.ts';

interface Golden {
  name: string;
  /** Its version. */
  keras: string;
  config: JsonObject;
  inputs: Listed[];
  outputs: Listed[];
}

const file = new URL('./goldens/operations.json', import.meta.url);
const { cases } = JSON.parse(readFileSync(file, 'utf8')) as { cases: Golden[] };

/** Keras has an activation of this name, which the corpus holds, and no operation. */
const NOT_IN_GOLDENS = ['mish'];

const graphOf = ({ config, name, keras }: Golden) =>
  parseKerasConfig(config, { fileName: name, kerasVersion: keras });

describe('operations between layers give what Keras gives', () => {
  it.each(cases.map((golden) => [golden.name, golden] as const))('%s', async (_, golden) => {
    const model = buildOnnxModel(graphOf(golden), new Map());
    await expectOutputs(model, golden.inputs, golden.outputs, 2e-6);
  });
});

describe('the list of operations', () => {
  it('can be written, all of it', () => {
    expect(onnxOperationNames()).toEqual(Object.keys(OPERATIONS).sort());
  });

  it('is in the goldens but for what is named', () => {
    const used = new Set(
      cases.flatMap((golden) => graphOf(golden).layers.map(({ config }) => config.operation)),
    );
    expect(
      Object.keys(OPERATIONS)
        .filter((name) => !used.has(name))
        .sort(),
    ).toEqual(NOT_IN_GOLDENS);
  });
});
