import { beforeAll, describe, it } from 'vitest';
import { platform } from '../../src/platform.ts';
import { checkCase, goldenNames, readGolden } from '../support/keras-parity.ts';

/** With and without top at the default input size; tests/zoo/keras-parity.test.ts has small pictures. */
const names = await goldenNames();

beforeAll(async () => {
  await platform().prepareTfjs();
});

describe.each(names)('%s equals Keras', async (name) => {
  const golden = await readGolden(name);
  const cases = golden.cases.filter((each) => each.case !== 'small');
  it.each(cases)('$case, $inputShape', async (expected) => {
    await checkCase(golden, expected, { engines: ['onnx', 'tfjs'] });
  });
});
