import type * as tf from '@tensorflow/tfjs';
import prettyBytes from 'pretty-bytes';
import type { Shape } from './model-steps.ts';
import { symbolOf } from './operation-symbols.ts';
import type { SummaryRow, SummaryTotals } from './summary-rows.ts';
import { summaryRows, summaryTotals } from './summary-rows.ts';
import type { TableLine } from './summary-table.ts';
import { minimumWidth, renderTable } from './summary-table.ts';

export type { NestedTotals, SummaryRow, SummaryTotals } from './summary-rows.ts';
export { summaryRows, summaryTotals } from './summary-rows.ts';

export interface SummaryOptions {
  /** Longest line in columns, at least 64. Longer layer names lose their start. Default: no limit. */
  readonly width?: number;
  /** ANSI colours. Default false. */
  readonly color?: boolean;
}

/**
 * An ASCII table of a model, drawn as the data flows: each operation with its symbol, its weights and
 * multiply-adds, and below it the data that comes out, as height x width x channels. Where a layer is not fed by
 * the line above alone, a line `<-` says what feeds it. The layers of a model inside the model are indented. Ends
 * with the totals and a line feed.
 *
 * The manner is that of keras-sequential-ascii, widened to graphs with branches.
 *
 * @throws ModelError `MODEL_INPUT` for a sequential model whose input shape is not known yet
 */
export function summary(model: tf.LayersModel, options: SummaryOptions = {}): string {
  const rows = summaryRows(model);
  const width = Math.max(options.width ?? Infinity, minimumWidth);
  const title = `${modelKind(model)} "${model.name}"`;
  const table = renderTable(linesOfRows(rows, model.outputs.length > 1), width, options.color ?? false);
  return [title, '', ...table, '', ...linesOfTotals(summaryTotals(model, rows)), ''].join('\n');
}

function modelKind(model: tf.LayersModel): string {
  return model.getClassName() === 'Sequential' ? 'Sequential model' : 'Model';
}

function linesOfRows(rows: readonly SummaryRow[], tagOutputs: boolean): TableLine[] {
  const lines: TableLine[] = [];
  for (let index = 0; index < rows.length; index += 1) {
    const row = rows[index] as SummaryRow;
    const next = rows[index + 1];
    const activation = next !== undefined && isAppliedTo(next, row) ? next : undefined;
    if (activation !== undefined) index += 1;
    lines.push(...linesOfRow(row, activation, tagOutputs));
  }
  return lines;
}

/** An activation layer right behind a layer is shown on that layer's data line. */
function isAppliedTo(activation: SummaryRow, row: SummaryRow): boolean {
  return (
    isActivationLayer(activation) &&
    activation.followsPrevious &&
    activation.depth === row.depth &&
    !isActivationLayer(row) &&
    row.operation !== 'InputLayer' &&
    row.activation === null &&
    row.nested === null &&
    !row.isOutput
  );
}

function isActivationLayer(row: SummaryRow): boolean {
  return /^(Activation|ReLU|LeakyReLU|ELU|ThresholdedReLU|Softmax)$/.test(row.operation);
}

function linesOfRow(row: SummaryRow, activation: SummaryRow | undefined, tagOutputs: boolean): TableLine[] {
  const indent = '  '.repeat(row.depth);
  const name = row.call === 1 ? row.name : `${row.name}[${row.call}]`;
  const isOutput = tagOutputs && row.depth === 0 && (activation ?? row).isOutput;
  const dataLine = (shape: Shape, label: string, dataName: string): TableLine => ({
    kind: 'data',
    label: `${indent}${label}`,
    name: isOutput ? `${dataName} (output)`.trimStart() : dataName,
    dimensions: dimensionsOf(shape),
  });
  if (row.operation === 'InputLayer') {
    return row.outputShapes.map((shape) => dataLine(shape, 'Input', name));
  }

  const operation = {
    kind: 'operation' as const,
    label: `${indent}${row.operation}`,
    name,
    symbol: symbolOf(row.operation),
    ...countsOf(row),
  };
  const needsSource = !row.followsPrevious && row.inbound.length > 0;
  const source: TableLine[] = needsSource ? [{ kind: 'source', indent, names: row.inbound }] : [];
  if (row.nested !== null && row.nested.rows > 0) {
    return [...source, isOutput ? { ...operation, name: `${name} (output)` } : operation];
  }
  const data = row.outputShapes.map((shape) =>
    activation === undefined
      ? dataLine(shape, row.activation ?? '', '')
      : dataLine(shape, activation.activation ?? activation.operation, activation.name),
  );
  return [...source, operation, ...data];
}

function countsOf(row: SummaryRow): { weights: string; percent: string; multiplyAdds: string } {
  const multiplyAdds = formatMultiplyAdds(
    row.nested !== null && row.nested.rows > 0 ? row.nested.multiplyAdds : row.multiplyAdds,
  );
  if (row.call > 1) return { weights: 'shared', percent: '', multiplyAdds };
  if (row.nested === null) {
    return { weights: formatCount(row.parameters), percent: formatPercent(row.percent), multiplyAdds };
  }
  // In brackets: the rows inside count it again, one by one.
  const { parameters, percent } = row.nested;
  return {
    weights: `(${formatCount(parameters)})`,
    percent: `(${formatPercent(percent)})`,
    multiplyAdds: `(${multiplyAdds})`,
  };
}

/** Without the batch. */
function dimensionsOf(shape: Shape): string[] {
  return shape.slice(1).map((size) => (size === null ? '?' : String(size)));
}

function linesOfTotals(totals: SummaryTotals): string[] {
  const figures: readonly (readonly [string, string])[] = [
    ['Parameters', formatCount(totals.parameters)],
    ['  trainable', formatCount(totals.trainableParameters)],
    ['  non-trainable', formatCount(totals.nonTrainableParameters)],
    ['Size in memory', prettyBytes(totals.bytes)],
    ['Multiply-adds', formatMultiplyAdds(totals.multiplyAdds)],
  ];
  const widest = Math.max(...figures.map(([, figure]) => figure.length));
  return figures.map(([label, figure]) => `${label.padEnd(16)}${figure.padStart(widest)}`);
}

function formatCount(count: number): string {
  return count.toLocaleString('en-US');
}

function formatPercent(percent: number): string {
  return `${percent.toFixed(1)}%`;
}

/** Three digits and a unit: `349 M`. */
function formatMultiplyAdds(count: number | null): string {
  if (count === null) return '?';
  const units = ['', ' k', ' M', ' G', ' T'];
  let value = count;
  let unit = 0;
  while (value >= 999.5 && unit < units.length - 1) {
    value /= 1000;
    unit += 1;
  }
  const digits = unit === 0 || value >= 99.95 ? 0 : value >= 9.995 ? 1 : 2;
  return `${value.toFixed(digits)}${units[unit] ?? ''}`;
}
