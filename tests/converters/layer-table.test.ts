import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { layerTable, layerTableMarkdown } from '../../converters/keras/layer-table.ts';

const names = JSON.parse(
  readFileSync(new URL('./goldens/keras-layer-names.json', import.meta.url), 'utf8'),
) as Record<'2' | '3', string[]>;

it.each(['2', '3'] as const)('every layer of Keras %s is in the table', (version) => {
  const rows = layerTable().filter(({ keras }) => keras.includes(version));
  expect(rows.map(({ name }) => name)).toEqual(names[version]);
});

it('what is refused says why, and nothing else does', () => {
  for (const { reading, reason } of layerTable()) expect(reason !== undefined).toBe(reading === 'refused');
});

it('the documentation holds the table', () => {
  const text = readFileSync(new URL('../../docs/layers.md', import.meta.url), 'utf8');
  const cells = (table: string) =>
    table.split('\n').map((line) => line.split('|').map((cell) => cell.trim()));
  const rows = (table: string) =>
    cells(table).filter(([first, name]) => first === '' && /^[A-Z]/.test(name ?? ''));
  expect(rows(text)).toEqual(rows(layerTableMarkdown()));
});
