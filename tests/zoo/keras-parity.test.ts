import { beforeAll, describe, expect, it } from 'vitest';
import { platform } from '../../src/platform.ts';
import { listCards } from '../../zoo/registry.ts';
import { checkBuilt, checkCase, goldenNames, readGolden } from '../support/keras-parity.ts';

/** More weights than that are for `npm run test:zoo`, which has every network at its full size. */
const MOST_PARAMETERS = 70e6;
/** Small enough to be held to Keras with their top and at their full size here too. */
const WITH_TOP = [
  'mobilenet',
  'mobilenetv2',
  'mobilenetv3small',
  'densenet121',
  'efficientnetb0',
  'nasnetmobile',
];

const goldens = await Promise.all(
  (await goldenNames()).map((name) => readGolden(name).then((golden) => ({ name, golden }))),
);
const checked = goldens.flatMap(({ name, golden }) => {
  const cases = golden.cases.filter(
    (each) =>
      (each.case === 'small' && each.parameters <= MOST_PARAMETERS) ||
      (each.case === 'top' && WITH_TOP.includes(name)),
  );
  // A suite without a test is a failure, and the largest networks have none here.
  return cases.length === 0 ? [] : [[name, golden, cases] as const];
});

beforeAll(async () => {
  await platform().prepareTfjs();
});

describe.each(checked)('%s equals Keras', (_, golden, cases) => {
  it.each(cases)('$case, $inputShape', async (expected) => {
    const differences = await checkCase(golden, expected, { engines: ['onnx', 'tfjs'] });
    expect(Object.keys(differences)).toEqual(['onnx', 'tfjs']);
  });
});

describe.each(goldens.map(({ name, golden }) => [name, golden] as const))('%s with top', (_, golden) => {
  const expected = golden.cases.find((each) => each.case === 'top')!;
  it('has the layers of Keras under their names, in their order', () => checkBuilt(golden, expected));
});

describe('the goldens', () => {
  it('are of every network of Keras Applications in the zoo', () => {
    const held = new Set(goldens.map(({ golden }) => golden.model));
    const others = ['efficientnet-lite'];
    const wanted = listCards().filter(({ family }) => !others.includes(family));
    expect([...held].toSorted()).toEqual(wanted.map(({ name }) => name).toSorted());
  });
});
