import stringWidth from 'fast-string-width';

/** One line of the drawn table, before it is laid out. */
export type TableLine =
  | {
      readonly kind: 'data';
      readonly label: string;
      readonly name: string;
      readonly dimensions: readonly string[];
    }
  | {
      readonly kind: 'operation';
      readonly label: string;
      readonly name: string;
      readonly symbol: string;
      readonly weights: string;
      readonly percent: string;
      readonly multiplyAdds: string;
    }
  | { readonly kind: 'source'; readonly indent: string; readonly names: readonly string[] };

export const minimumWidth = 64;

/** With fewer columns for operation and name, a column of figures is left out. */
const readableLabel = 28;

const dataSymbol = '#####';
const arrow = '<- ';
const gap = '  ';

interface Layout {
  readonly label: number;
  readonly symbol: number;
  /** Width of each dimension, the last one the channels. */
  readonly dimensions: readonly number[];
  readonly rule: number;
  readonly weights: number;
  readonly percent: number;
  /** 0 when the column is left out. */
  readonly multiplyAdds: number;
  readonly line: number;
}

/** Lines of at most `width` columns (Infinity: as wide as the names are), without trailing blanks. */
export function renderTable(lines: readonly TableLine[], width: number, color: boolean): string[] {
  const layout = layOut(lines, width);
  const paint = color ? ansi : plain;
  return [headingOf(layout, paint), '', ...lines.flatMap((line) => renderLine(line, layout, paint))].map(
    (line) => line.trimEnd(),
  );
}

type Paint = Readonly<Record<'strong' | 'data' | 'faint', (text: string) => string>>;
const same = (text: string) => text;
const plain: Paint = { strong: same, data: same, faint: same };
const ansi: Paint = {
  strong: (text) => `\u001b[1m${text}\u001b[22m`,
  data: (text) => `\u001b[36m${text}\u001b[39m`,
  faint: (text) => `\u001b[2m${text}\u001b[22m`,
};

const headings = {
  label: 'OPERATION',
  dimensions: 'DATA DIMENSIONS',
  weights: 'WEIGHTS(N)',
  percent: 'WEIGHTS(%)',
  multiplyAdds: 'MACS',
};

function layOut(lines: readonly TableLine[], width: number): Layout {
  const operations = lines.filter((line) => line.kind === 'operation');
  const data = lines.filter((line) => line.kind === 'data');
  const rank = Math.max(1, ...data.map((line) => line.dimensions.length));
  const dimensions = Array.from({ length: rank }, (_, axis) =>
    Math.max(1, ...data.map((line) => (line.dimensions[line.dimensions.length - rank + axis] ?? '').length)),
  );
  const symbol = dataSymbol.length;
  const drawn = dimensions.reduce((sum, size) => sum + size, 0) + 3 * (rank - 1);
  const rule = Math.max(drawn, headings.dimensions.length - symbol - gap.length);
  const weights = longest(
    headings.weights,
    operations.map((line) => line.weights),
  );
  const percent = longest(
    headings.percent,
    operations.map((line) => line.percent),
  );
  const widest = longest(
    headings.multiplyAdds,
    operations.map((line) => line.multiplyAdds),
  );
  const natural = longest(
    headings.label,
    [...operations, ...data].map((line) => titleOf(line.label, line.name)),
  );
  const withoutMultiplyAdds = symbol + rule + weights + percent + 4 * gap.length;
  const enough = Math.min(natural, readableLabel);
  // In a narrow terminal, the names are worth more than the multiply-adds.
  const multiplyAdds = width - withoutMultiplyAdds - widest - gap.length >= enough ? widest : 0;
  const fixed = withoutMultiplyAdds + (multiplyAdds > 0 ? multiplyAdds + gap.length : 0);
  const label = Math.max(headings.label.length, Math.min(natural, width - fixed));
  return {
    label,
    symbol,
    dimensions,
    rule,
    weights,
    percent,
    multiplyAdds,
    line: Math.min(width, label + fixed),
  };
}

function headingOf(layout: Layout, paint: Paint): string {
  const line = [
    padEnd(headings.label, layout.label),
    padEnd(headings.dimensions, layout.symbol + gap.length + layout.rule),
    headings.weights.padStart(layout.weights),
    headings.percent.padStart(layout.percent),
    ...(layout.multiplyAdds > 0 ? [headings.multiplyAdds.padStart(layout.multiplyAdds)] : []),
  ].join(gap);
  return paint.strong(line);
}

function renderLine(line: TableLine, layout: Layout, paint: Paint): string[] {
  switch (line.kind) {
    case 'source':
      return wrapSource(line.indent, line.names, layout.line).map(paint.faint);
    case 'data': {
      const label = padEnd(shorten(line.label, line.name, layout.label), layout.label);
      return [[label, paint.data(dataSymbol), drawDimensions(line.dimensions, layout)].join(gap).trimEnd()];
    }
    case 'operation': {
      const label = padEnd(shorten(line.label, line.name, layout.label), layout.label);
      return [
        [
          paint.strong(label),
          centre(line.symbol, layout.symbol),
          paint.faint('-'.repeat(layout.rule)),
          line.weights.padStart(layout.weights),
          line.percent.padStart(layout.percent),
          ...(layout.multiplyAdds > 0 ? [line.multiplyAdds.padStart(layout.multiplyAdds)] : []),
        ].join(gap),
      ];
    }
  }
}

/** The channels of all lines stand in one column. */
function drawDimensions(dimensions: readonly string[], layout: Layout): string {
  const missing = layout.dimensions.length - dimensions.length;
  const drawn = layout.dimensions.map((size, axis) => (dimensions[axis - missing] ?? '').padStart(size));
  const text = drawn.reduce(
    (soFar, cell, axis) => `${soFar}${axis > missing ? ' x ' : axis > 0 ? '   ' : ''}${cell}`,
    '',
  );
  return text.padStart(layout.rule);
}

function wrapSource(indent: string, names: readonly string[], width: number): string[] {
  const start = `${indent}${arrow}`;
  const next = ' '.repeat(start.length);
  const lines: string[] = [];
  let current = start;
  for (const [index, name] of names.entries()) {
    const piece = index < names.length - 1 ? `${name},` : name;
    const fitted = keepEnd(piece, width - start.length);
    const joined = current.endsWith(' ') ? `${current}${fitted}` : `${current} ${fitted}`;
    if (stringWidth(joined) > width && current.trim() !== arrow.trim()) {
      lines.push(current);
      current = `${next}${fitted}`;
    } else {
      current = joined;
    }
  }
  return [...lines, current];
}

function titleOf(label: string, name: string): string {
  return label.trim() === '' ? `${label}${name}` : name === '' ? label : `${label} ${name}`;
}

/** The operation is kept, the name loses its start: the ends of layer names tell them apart. */
function shorten(label: string, name: string, width: number): string {
  const title = titleOf(label, name);
  if (stringWidth(title) <= width) return title;
  const left = width - stringWidth(label) - 1;
  return left >= 4 ? `${label} ${keepEnd(name, left)}` : `${label.slice(0, Math.max(1, width - 2))}..`;
}

function keepEnd(text: string, width: number): string {
  if (stringWidth(text) <= width) return text;
  let end = [...text];
  while (end.length > 0 && stringWidth(end.join('')) > width - 2) end = end.slice(1);
  return `..${end.join('')}`;
}

function padEnd(text: string, width: number): string {
  return text + ' '.repeat(Math.max(0, width - stringWidth(text)));
}

function centre(text: string, width: number): string {
  const left = Math.floor((width - text.length) / 2);
  return `${' '.repeat(Math.max(0, left))}${text}`.padEnd(width);
}

function longest(heading: string, texts: readonly string[]): number {
  return Math.max(stringWidth(heading), ...texts.map((text) => stringWidth(text)));
}
