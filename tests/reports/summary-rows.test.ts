import * as tf from '@tensorflow/tfjs';
import { describe, expect, it } from 'vitest';
import { ModelError } from '../../src/base/errors.ts';
import type { SummaryRow } from '../../src/reports/summary-rows.ts';
import { summaryRows, summaryTotals } from '../../src/reports/summary-rows.ts';
import { lookUp } from '../../zoo/registry.ts';
import { backbone, residualModel, siameseModel } from './models.ts';

function rowNamed(rows: readonly SummaryRow[], name: string, call = 1): SummaryRow {
  const row = rows.find((candidate) => candidate.name === name && candidate.call === call);
  if (row === undefined) throw new Error(`no row ${name}`);
  return row;
}

function squeezeNet(): tf.LayersModel {
  const entry = lookUp('squeezenet');
  if (entry === undefined) throw new Error('no squeezenet');
  return entry.build(entry.card, {}, { kernel: 'zeros' });
}

const total = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0);

describe('summaryRows', () => {
  it('lists every layer of SqueezeNet once, and counts what its card says', () => {
    const model = squeezeNet();
    const rows = summaryRows(model);
    expect(rows.map((row) => row.name).sort()).toEqual(model.layers.map((layer) => layer.name).sort());
    expect(summaryTotals(model, rows).parameters).toBe(lookUp('squeezenet')?.card.parameters.top);
    expect(total(rows.map((row) => row.parameters))).toBe(model.countParams());
  });

  it('says that a fire module joins its two expand convolutions', () => {
    const rows = summaryRows(squeezeNet());
    const concat = rowNamed(rows, 'fire2/concat');
    expect(concat.inbound).toEqual(['fire2/relu_expand1x1', 'fire2/relu_expand3x3']);
    expect(concat.followsPrevious).toBe(false);
    expect(concat.outputShapes).toEqual([[null, 56, 56, 128]]);
  });

  it('never lists a layer before what feeds it', () => {
    for (const model of [squeezeNet(), residualModel(), siameseModel()]) {
      const seen = new Set<string>();
      for (const row of summaryRows(model).filter((candidate) => candidate.depth === 0)) {
        for (const source of row.inbound) expect(seen, `${row.name} <- ${source}`).toContain(source);
        seen.add(row.call === 1 ? row.name : `${row.name}[${row.call}]`);
      }
    }
  });

  it('follows a branch to its end before the next one starts', () => {
    const names = summaryRows(squeezeNet()).map((row) => row.name);
    const start = names.indexOf('fire4/squeeze1x1');
    expect(names.slice(start, start + 7)).toEqual([
      'fire4/squeeze1x1',
      'fire4/relu_squeeze1x1',
      'fire4/expand1x1',
      'fire4/relu_expand1x1',
      'fire4/expand3x3',
      'fire4/relu_expand3x3',
      'fire4/concat',
    ]);
  });

  it('counts the weights of a shared layer at its first call, and its work at each', () => {
    const model = residualModel();
    const rows = summaryRows(model);
    const [first, second] = [rowNamed(rows, 'twice'), rowNamed(rows, 'twice', 2)];
    expect([first.parameters, second.parameters]).toEqual([3 * 3 * 8 * 8 + 8, 0]);
    expect(second.inbound).toEqual(['twice']);
    expect(second.multiplyAdds).toBe(first.multiplyAdds);
    expect(rowNamed(rows, 'sum').inbound).toEqual(['twice[2]', 'active']);
    expect(total(rows.map((row) => row.parameters))).toBe(model.countParams());
  });

  it('makes percentages that add up to 100.0 exactly, in tenths', () => {
    for (const model of [squeezeNet(), residualModel(), siameseModel(), thirds()]) {
      const tenths = summaryRows(model).map((row) => row.percent * 10);
      for (const value of tenths) expect(value).toBeCloseTo(Math.round(value), 9);
      expect(total(tenths.map(Math.round))).toBe(1000);
    }
  });

  it('gives 0 percent to each layer of a model without weights', () => {
    const model = tf.sequential({ layers: [tf.layers.flatten({ inputShape: [4, 4, 1] })] });
    expect(summaryRows(model).map((row) => row.percent)).toEqual([0, 0]);
  });

  it('lists the layers of a model inside a model below it, once, and counts their work at each call', () => {
    const rows = summaryRows(siameseModel());
    const [first, second] = [rowNamed(rows, 'backbone'), rowNamed(rows, 'backbone', 2)];
    const inside = rows.slice(rows.indexOf(first) + 1, rows.indexOf(first) + 3);
    expect(inside.map((row) => [row.name, row.depth])).toEqual([
      ['inner_conv', 1],
      ['inner_pool', 1],
    ]);
    expect(first.nested).toMatchObject({ rows: 2, parameters: 3 * 3 * 3 * 4 + 4 });
    expect(second.nested?.rows).toBe(0);
    expect(second.multiplyAdds).toBe(first.nested?.multiplyAdds);
    expect(rows.filter((row) => row.name === 'inner_conv')).toHaveLength(1);
    expect(rowNamed(rows, 'joined').inbound).toEqual(['backbone', 'backbone[2]']);
  });

  it('marks all outputs', () => {
    const outputs = summaryRows(siameseModel()).filter((row) => row.depth === 0 && row.isOutput);
    expect(outputs.map((row) => [row.name, row.call])).toEqual([
      ['backbone', 1],
      ['verdict', 1],
    ]);
  });

  it('shows a model that starts a sequential model as one layer, with its input', () => {
    const model = tf.sequential({ layers: [backbone(), tf.layers.dense({ units: 3, name: 'head' })] });
    const rows = summaryRows(model);
    expect(rows.map((row) => [row.depth, row.operation, row.name])).toEqual([
      [0, 'Sequential', 'backbone'],
      [1, 'InputLayer', 'inner_conv_input'],
      [1, 'Conv2D', 'inner_conv'],
      [1, 'GlobalAveragePooling2D', 'inner_pool'],
      [0, 'Dense', 'head'],
    ]);
    expect(rowNamed(rows, 'head')).toMatchObject({ inbound: ['backbone'], followsPrevious: true });
    expect(total(rows.map((row) => row.parameters))).toBe(model.countParams());
  });

  it('tells trainable from frozen weights', () => {
    const model = residualModel();
    model.getLayer('twice').trainable = false;
    const totals = summaryTotals(model, summaryRows(model));
    // The statistics of the normalisation (two of 8) are never trained.
    expect(totals.nonTrainableParameters).toBe(3 * 3 * 8 * 8 + 8 + 16);
    expect(totals.trainableParameters).toBe(3 * 3 * 3 * 8 + 8 + 16);
    expect(totals.bytes).toBe(4 * totals.parameters);
  });

  it('knows that nothing is trainable in a frozen model', () => {
    const model = residualModel();
    model.trainable = false;
    expect(summaryTotals(model, summaryRows(model)).trainableParameters).toBe(0);
  });

  it('makes no tensors', () => {
    const model = siameseModel();
    const before = tf.memory().numTensors;
    summaryTotals(model, summaryRows(model));
    expect(tf.memory().numTensors).toBe(before);
  });

  it('refuses a sequential model without an input shape', () => {
    const model = tf.sequential();
    expect(() => summaryRows(model)).toThrow(ModelError);
    expect(() => summaryRows(model)).toThrow(/inputShape/);
  });
});

/** Three equal layers: a third of 100.0 each cannot be written in tenths. */
function thirds(): tf.LayersModel {
  return tf.sequential({
    layers: [1, 2, 3].map(() => tf.layers.dense({ units: 4, inputShape: [4] })),
  });
}

describe('multiply-adds', () => {
  const workOf = (layer: tf.layers.Layer) => {
    const rows = summaryRows(tf.sequential({ layers: [layer] }));
    return rows.at(-1)?.multiplyAdds;
  };
  const inputShape = [10, 12, 6];

  it.each([
    ['Conv2D', tf.layers.conv2d({ filters: 5, kernelSize: [3, 2], inputShape }), 8 * 11 * 5 * (3 * 2 * 6)],
    [
      'Conv2D with strides',
      tf.layers.conv2d({ filters: 5, kernelSize: 3, strides: 2, padding: 'same', inputShape }),
      5 * 6 * 5 * (3 * 3 * 6),
    ],
    [
      'DepthwiseConv2D',
      tf.layers.depthwiseConv2d({ kernelSize: 3, depthMultiplier: 2, inputShape }),
      8 * 10 * 12 * 9,
    ],
    [
      'SeparableConv2D',
      tf.layers.separableConv2d({ filters: 5, kernelSize: 3, inputShape }),
      8 * 10 * 6 * 9 + 8 * 10 * 5 * 6,
    ],
    [
      'Conv2DTranspose',
      tf.layers.conv2dTranspose({ filters: 5, kernelSize: 3, inputShape }),
      10 * 12 * 6 * 5 * 9,
    ],
    ['Conv1D', tf.layers.conv1d({ filters: 5, kernelSize: 3, inputShape: [10, 6] }), 8 * 5 * 18],
    ['Dense', tf.layers.dense({ units: 7, inputShape: [9] }), 63],
    ['Dense without bias', tf.layers.dense({ units: 7, useBias: false, inputShape: [9] }), 63],
    [
      'TimeDistributed(Dense)',
      tf.layers.timeDistributed({ layer: tf.layers.dense({ units: 7 }), inputShape: [4, 9] }),
      4 * 63,
    ],
    ['BatchNormalization', tf.layers.batchNormalization({ inputShape }), 0],
    ['MaxPooling2D', tf.layers.maxPooling2d({ inputShape }), 0],
    ['LSTM, which is not counted', tf.layers.lstm({ units: 3, inputShape: [4, 9] }), null],
    [
      'Conv2D of a variable size',
      tf.layers.conv2d({ filters: 5, kernelSize: 3, inputShape: [null, null, 6] }),
      null,
    ],
  ])('%s', (_name, layer, expected) => {
    expect(workOf(layer)).toBe(expected);
  });

  it('are counted for one image, whatever the batch', () => {
    const layer = tf.layers.dense({ units: 7, batchInputShape: [16, 9] });
    expect(workOf(layer)).toBe(63);
  });

  it('of SqueezeNet 1.1 at 224 x 224 are 0.35 G, as torchvision lists them', () => {
    const entry = lookUp('squeezenet');
    const model = entry?.build(
      entry.card,
      { inputShape: [224, 224, 3] },
      { kernel: 'zeros' },
    ) as tf.LayersModel;
    const { multiplyAdds } = summaryTotals(model, summaryRows(model));
    expect(((multiplyAdds ?? 0) / 1e9).toFixed(2)).toBe('0.35');
  });
});
