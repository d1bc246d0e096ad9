import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, it } from 'vitest';
import {
  expectKerasOutputs,
  KerasWriter,
  kerasPython,
  readGolden,
  SHOWN,
  writeOfficialFile,
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
  'efficientnetv2s',
  'convnexttiny',
];
const python = await kerasPython();
let folder: string;

beforeAll(async () => {
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

describe.skipIf(python === undefined)('files of real Keras 2', () => {
  let writer: KerasWriter;
  beforeAll(() => {
    writer = new KerasWriter(python!, folder);
  });
  afterAll(() => writer.close());

  it.each(families)('%s with top and without make the networks of Keras', async (name) => {
    const golden = await readGolden(name);
    const { top, noTop } = await writer.write(name);
    await expectKerasOutputs(golden, top);
    await rm(top);
    await expectKerasOutputs(golden, noTop, { includeTop: false });
    await rm(noTop);
  });
});
