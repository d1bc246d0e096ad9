import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { datasetFrom, labelledImages, readDataset, readImageCsv, readImageJsonl } from '../../src/node.ts';
import { failureOf } from '../weights/setup.ts';

let root: string;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'dovecote-tables-'));
});
afterAll(() => rm(root, { recursive: true }));

async function table(name: string, content: string | Uint8Array): Promise<string> {
  await writeFile(join(root, name), content);
  return join(root, name);
}

describe('a table of pictures', () => {
  it('is read with a byte order mark, CRLF, quotes, spaces and letters of all scripts', async () => {
    const file = await table(
      'all.csv',
      '\ufeffImage,label,note\r\n"a b/1, 2.jpg",ruže,x\r\n\r\nčest/猫.png,猫 🐈,"two\r\nlines"\r\nhttps://host/x.png,ruže,\r\n',
    );
    const { classes, images } = await readImageCsv(file);
    expect(classes).toEqual(['ruže', '猫 🐈']);
    expect(images).toEqual([
      { image: join(root, 'a b/1, 2.jpg'), label: 'ruže', name: join(root, 'a b/1, 2.jpg') },
      { image: join(root, 'čest/猫.png'), label: '猫 🐈', name: join(root, 'čest/猫.png') },
      { image: 'https://host/x.png', label: 'ruže', name: 'https://host/x.png' },
    ]);
  });

  it('takes other columns, another folder, semicolons, tabs and UTF-16', async () => {
    const csv = await table('semi.csv', 'kind;photo\nb;1.png\na;2.png\n');
    const own = { imageColumn: 'photo', labelColumn: 'kind', folder: '/photos' };
    expect((await readImageCsv(csv, own)).images.map(({ image }) => image)).toEqual([
      '/photos/1.png',
      '/photos/2.png',
    ]);
    const tsv = await table('tabs.tsv', Buffer.from('\ufefffile\tclass\n1,a.png\tb\n2.png\ta\n', 'utf16le'));
    const dataset = await readDataset(tsv);
    expect(dataset.classes).toEqual(['a', 'b']);
    expect(dataset.images[0]!.image).toBe(join(root, '1,a.png'));
  });

  it('says the parts that a column names', async () => {
    const file = await table('parts.csv', 'image,label,split\n1,a,train\n2,b,Val\n3,a,test\n');
    const { images } = await readImageCsv(file, { splitColumn: 'split' });
    expect(images.map(({ split }) => split)).toEqual(['training', 'validation', 'test']);
    const bad = await table('bad-parts.csv', 'image,label,split\n1,a,train\n2,b,constructor\n');
    const failure = await failureOf(readImageCsv(bad, { splitColumn: 'split' }));
    expect([failure.code, failure.summary]).toEqual(['DATASET_ROW', expect.stringContaining('Line 3 of')]);
  });

  it('is read from lines of JSON too', async () => {
    const file = await table(
      'list.jsonl',
      '\ufeff{"image": "x y.png", "label": "b"}\r\n\r\n{"label": 3, "image": "ü.png"}',
    );
    const { classes, images } = await readDataset(file);
    expect(classes).toEqual(['3', 'b']);
    expect(images.map(({ image }) => image)).toEqual([join(root, 'x y.png'), join(root, 'ü.png')]);
  });

  it('may be long: rows that lie across the pieces that are read', async () => {
    const rows = Array.from({ length: 20_000 }, (_, index) => `é${index}.png,${index % 2 ? 'odd' : 'even'}`);
    const file = await table('long.csv', `image,label\n${rows.join('\n')}\n`);
    const { images } = await readImageCsv(file);
    expect(images.length).toBe(20_000);
    expect(images[19_999]).toMatchObject({ image: join(root, 'é19999.png'), label: 'odd' });
    const lines = rows.map((_, index) => JSON.stringify({ image: `é${index}`, label: `${index % 2}` }));
    const list = await readImageJsonl(await table('long.jsonl', lines.join('\n')));
    expect(list.images[19_999]!.image).toBe(join(root, 'é19999'));
  });
});

describe('a bad row', () => {
  it.each([
    ['cells.csv', 'image,label\n1.png,a\n2.png\n', 'Line 3', 'it has 1 cells, the first line has 2'],
    ['label.csv', 'image,label\n1.png,a\n2.png,""\n', 'Line 3', '"label" is missing'],
    ['column.csv', 'name,label\n1.png,a\n', 'Line 1', 'there is no column "image or path'],
    ['quote.csv', 'image,label\n1.png,a\n"2.png,b\n', 'Line 3', 'it is not CSV'],
    ['json.jsonl', '{"image":"1","label":"a"}\n{"image"\n', 'Line 2', 'it is not JSON'],
    ['object.jsonl', '\n[1]\n', 'Line 2', 'it is no object'],
    ['missing.jsonl', '{"image":"1","label":"a"}\n{"image":"1"}\n', 'Line 2', 'there is no column "label'],
    ['text.jsonl', '{"image":{},"label":"a"}\n', 'Line 1', '"image" is no text'],
  ])('of %s is told with its number', async (name, content, line, problem) => {
    const failure = await failureOf(readDataset(await table(name, content)));
    expect(failure.code).toBe('DATASET_ROW');
    expect(failure.summary).toContain(`${line} of ${join(root, name)}`);
    expect(failure.summary).toContain(problem);
  });

  it('is told apart from files that are no tables', async () => {
    const codes = async (path: string) => (await failureOf(readDataset(path))).code;
    expect(await codes(await table('latin.csv', Buffer.from('image,label\n\xe9.png,a\n', 'latin1')))).toBe(
      'DATASET_FORMAT',
    );
    expect(await codes(await table('photos.xlsx', 'PK'))).toBe('DATASET_FORMAT');
    expect(await codes(join(root, 'nothing.csv'))).toBe('DATASET_NOT_FOUND');
    expect(await codes(join(root, 'nothing'))).toBe('DATASET_NOT_FOUND');
    expect(await codes(await table('empty.csv', ''))).toBe('DATASET_EMPTY');
    expect(await codes(await table('one.csv', 'image,label\n1,a\n'))).toBe('DATASET_ONE_CLASS');
    const stop = AbortSignal.abort();
    const file = await table('stop.csv', 'image,label\n1,a\n2,b\n');
    expect((await failureOf(readImageCsv(file, { signal: stop }))).code).toBe('ABORTED');
  });
});

describe('whatever a caller has', () => {
  it('becomes a data set', async () => {
    await mkdir(join(root, 'folder.csv', 'a'), { recursive: true });
    await mkdir(join(root, 'folder.csv', 'b'), { recursive: true });
    await writeFile(join(root, 'folder.csv', 'a', '1.png'), '');
    await writeFile(join(root, 'folder.csv', 'b', '1.png'), '');
    const folder = await datasetFrom(join(root, 'folder.csv'));
    expect(folder.classes).toEqual(['a', 'b']);
    expect(await datasetFrom(folder)).toBe(folder);
    const images = [
      { image: new Uint8Array(2), label: 'b' },
      { image: new Uint8Array(3), label: 'a' },
    ];
    expect(await datasetFrom(images)).toEqual(labelledImages(images));
    expect((await failureOf(datasetFrom(3 as never))).code).toBe('USAGE_ARGUMENT');
  });
});
