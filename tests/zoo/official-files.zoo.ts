import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, it } from 'vitest';
import { platform } from '../../src/platform.ts';
import {
  expectKerasOutputs,
  kerasPython,
  readGolden,
  SHOWN,
  writeOfficialFile,
  writeWithKeras,
} from '../support/official-files.ts';

/** The shown ones, and one of every other family. */
const families = [
  ...SHOWN,
  'resnet50v2',
  'inceptionresnetv2',
  'mobilenet',
  'mobilenetv2',
  'mobilenetv3small',
  'mobilenetv3large',
  'nasnetmobile',
  'efficientnetb0',
  'efficientnetv2b0',
  'convnexttiny',
];
const python = await kerasPython();
let folder: string;

beforeAll(async () => {
  await platform().prepareTfjs();
  folder = await mkdtemp(join(tmpdir(), 'dovecote-official-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

describe("vgg16's weights in a file of Keras's layout", () => {
  it('make the network of Keras', async () => {
    const path = join(folder, 'vgg16.h5');
    await writeOfficialFile(path, await readGolden('vgg16'), true);
    await expectKerasOutputs(await readGolden('vgg16'), path);
    await rm(path);
  });
});

describe.skipIf(python === undefined).each(families)('%s.h5 of real Keras 2', (name) => {
  it('makes the network of Keras', async () => {
    await writeWithKeras(python!, folder, name);
    await expectKerasOutputs(await readGolden(name), join(folder, `${name}.h5`));
    await rm(join(folder, `${name}.h5`));
    await rm(join(folder, `${name}_notop.h5`));
  });
});
