import { describe, expect, it } from 'vitest';
import { columnsWithin, formatTable } from '../../src/cli/table.ts';

describe('formatTable', () => {
  it('aligns words to the left and figures to the right', () => {
    const rows = [
      { model: 'squeezenet', parameters: '1,235,496', 'top-1 %': 57.1, size: '4.94 MB' },
      { model: 'vgg16', parameters: '138,357,544', 'top-1 %': '-', size: '553 MB' },
    ];
    expect(formatTable(rows).split('\n')).toEqual([
      'model        parameters  top-1 %     size',
      'squeezenet    1,235,496     57.1  4.94 MB',
      'vgg16       138,357,544        -   553 MB',
    ]);
  });

  it('counts wide characters as two columns', () => {
    const lines = formatTable([
      { class: '蜜蜂', photos: 5 },
      { class: 'ants', photos: 10 },
    ]).split('\n');
    expect(lines).toEqual(['class  photos', '蜜蜂        5', 'ants       10']);
  });

  it('takes chosen columns with headings and alignment', () => {
    const rows = [{ a: 1, b: 'x', c: 'hidden' }];
    const columns = [{ key: 'b', heading: 'Letter', align: 'right' as const }, 'a'];
    expect(formatTable(rows, columns)).toBe('Letter  a\n     x  1');
  });

  it('leaves missing values blank, without blanks at line ends', () => {
    expect(formatTable([{ a: 'x', b: null }, { a: 'longer' }, { b: 'y' }])).toBe(
      'a       b\nx\nlonger\n        y',
    );
  });

  it('is the headings alone without rows', () => {
    expect(formatTable([], ['name', 'size'])).toBe('name  size');
  });

  it('does not let a file name move the cursor', () => {
    expect(formatTable([{ file: 'a\u001b[2Jb\n.png' }])).toBe('file\nab?.png');
  });

  it('takes a column with a word in it for words', () => {
    expect(formatTable([{ v: 'none' }, { v: '3' }])).toBe('v\nnone\n3');
  });
});

describe('columnsWithin', () => {
  const rows = [{ name: 'vgg16', size: '553 MB', licence: 'CC-BY-4.0', note: 'x' }];

  it('leaves columns out, in the given order, until a line fits', () => {
    const all = ['name', 'size', 'licence', 'note'];
    const width = formatTable(rows).split('\n')[0]!.length;
    expect(columnsWithin(rows, Infinity, ['licence', 'size'])).toEqual(all);
    expect(columnsWithin(rows, width, ['licence', 'size'])).toEqual(all);
    expect(columnsWithin(rows, width - 1, ['licence', 'size'])).toEqual(['name', 'size', 'note']);
    expect(columnsWithin(rows, 12, ['licence', 'size'])).toEqual(['name', 'note']);
  });

  it('keeps what it must not leave out, however narrow the terminal is', () => {
    expect(columnsWithin(rows, 1, ['licence'])).toEqual(['name', 'size', 'note']);
  });
});
