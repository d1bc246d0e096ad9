import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdtemp, rm, stat } from 'node:fs/promises';
import { createServer } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { numbersOf, type ModelFile } from '../../converters/index.ts';
import { withOpenFile } from '../../src/models/read-open-file.ts';
import { disposeModel, loadModel } from '../../src/node.ts';
import type { OpenFile } from '../../src/platform.ts';
import { openCached, openLocation } from '../../src/weights/index.node.ts';
import { itOnLoopback } from '../support/network.ts';
import {
  expectKerasOutputs,
  KerasWriter,
  kerasPython,
  readGolden,
  SHOWN,
  writeOfficialFile,
} from '../support/official-files.ts';

/** VGG16 takes 550 MB; it is in official-files.zoo.ts. */
const names = SHOWN.filter((name) => name !== 'vgg16');
const python = await kerasPython();
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'dovecote-official-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** All that a file holds, its numbers as hashes. */
async function contentsOf(file: OpenFile) {
  return withOpenFile(file, { fileName: 'x' }, hashed);
}

function hashed({ layers, ...rest }: ModelFile) {
  const bearing = layers.filter(({ weights }) => weights.length > 0);
  return {
    ...rest,
    layers: bearing.map(({ layer, weights }) => ({
      layer,
      weights: weights.map((weight) => ({
        name: weight.name,
        shape: weight.shape,
        dtype: weight.dtype,
        sha256: createHash('sha256').update(numbersOf(weight)).digest('hex'),
      })),
    })),
  };
}

describe.each(names)("%s's weights in a file of Keras's layout", (name) => {
  it('make the network of Keras', async () => {
    const path = join(folder, `${name}.h5`);
    await writeOfficialFile(path, await readGolden(name), true);
    await expectKerasOutputs(await readGolden(name), path);
    await rm(path);
  });
});

describe('a file without top', () => {
  it('fills the network without top, and the network with top says what is missing', async () => {
    const path = join(folder, 'densenet121_notop.h5');
    await writeOfficialFile(path, await readGolden('densenet121'), false);
    const model = await loadModel('densenet121', { weights: path, includeTop: false });
    expect(model.countParams()).toBe(7_037_504);
    await disposeModel(model);
    await expect(loadModel('densenet121', { weights: path })).rejects.toMatchObject({
      code: 'WEIGHTS_COUNT',
      nextStep: expect.stringContaining('includeTop: false') as string,
    });
    await expect(loadModel('resnet50', { weights: path })).rejects.toMatchObject({
      code: 'WEIGHTS_COUNT',
      summary: expect.stringContaining('DenseNet121') as string,
    });
    await rm(path);
  });
});

describe('on a server', () => {
  itOnLoopback('a file comes into the cache and is read from there, piece by piece', async () => {
    const golden = await readGolden('densenet121');
    const path = join(folder, 'served.h5');
    await writeOfficialFile(path, golden, true);
    const { size } = await stat(path);
    const server = createServer((_, response) => {
      response.setHeader('content-length', size);
      createReadStream(path).pipe(response);
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/densenet121.h5`;
    try {
      await expectKerasOutputs(golden, url);
      const remote = { url, fileName: 'densenet121.h5' };
      const cached = await openCached(remote, { cacheFolder: join(folder, 'cache') });
      expect(cached.bytes).not.toBeInstanceOf(Uint8Array);
      expect(await contentsOf(cached)).toEqual(await contentsOf(await openLocation(path)));
    } finally {
      server.close();
      await rm(path);
    }
  });
});

describe.skipIf(python === undefined)('real Keras 2', () => {
  it('writes the file that is written here without it', async () => {
    const golden = await readGolden('densenet121');
    const writer = new KerasWriter(python!, folder);
    const { top: theirs } = await writer.write('densenet121').finally(() => writer.close());
    const ours = join(folder, 'ours.h5');
    await writeOfficialFile(ours, golden, true);
    const mine = await contentsOf(await openLocation(ours));
    expect(mine.layers.length).toBeGreaterThan(200);
    expect(mine).toEqual(await contentsOf(await openLocation(theirs)));
    await expectKerasOutputs(golden, theirs);
  });
});
