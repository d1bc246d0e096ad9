import { beforeAll, describe, it } from 'vitest';
import { platform } from '../../src/platform.ts';
import { checkCase, goldenNames, readGolden } from './keras-parity.ts';

/** Networks of more weights than that have a file of tests for themselves, so that two can run side by side. */
const LARGE = 80e6;

/** Holds networks to Keras with and without top at their default input size, on both engines. */
export async function describeFullParity(wanted: 'large' | 'others'): Promise<void> {
  beforeAll(async () => {
    await platform().prepareTfjs();
  });
  for (const name of await goldenNames()) {
    const golden = await readGolden(name);
    const [top] = golden.cases;
    if (top!.parameters > LARGE !== (wanted === 'large')) continue;
    describe(`${name} equals Keras`, () => {
      const cases = golden.cases.filter((each) => each.case !== 'small');
      it.each(cases)('$case, $inputShape', async (expected) => {
        await checkCase(golden, expected, { engines: ['onnx', 'tfjs'] });
      });
    });
  }
}
