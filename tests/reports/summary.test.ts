import * as tf from '@tensorflow/tfjs';
import { stripVTControlCharacters } from 'node:util';
import { describe, expect, it, vi } from 'vitest';
import { symbolOf } from '../../src/reports/operation-symbols.ts';
import { summary } from '../../src/reports/summary.ts';
import { lookUp } from '../../zoo/registry.ts';
import { residualModel, siameseModel } from './models.ts';

function squeezeNet(): tf.LayersModel {
  const entry = lookUp('squeezenet');
  return entry?.build(entry.card, {}, { kernel: 'zeros' }) as tf.LayersModel;
}

describe('summary', () => {
  it('draws the data as it flows through branches, shared layers and merges', () => {
    expect(summary(residualModel())).toBe(String.raw`Model "residual"

OPERATION                DATA DIMENSIONS     WEIGHTS(N)  WEIGHTS(%)   MACS

Input photo              #####  32 x 32 x 3
Conv2D stem               \|/   -----------         224       26.7%  221 k
                         #####  32 x 32 x 8
BatchNormalization norm   m|s   -----------          32        3.8%      0
relu6 active             #####  32 x 32 x 8
Conv2D twice              \|/   -----------         584       69.5%  590 k
                         #####  32 x 32 x 8
Conv2D twice[2]           \|/   -----------      shared              590 k
                         #####  32 x 32 x 8
<- twice[2], active
Add sum                   \+/   -----------           0        0.0%      0
                         #####  32 x 32 x 8

Parameters          840
  trainable         824
  non-trainable      16
Size in memory  3.36 kB
Multiply-adds    1.40 M
`);
  });

  it('indents a model inside a model, and names inputs and outputs', () => {
    expect(summary(siameseModel())).toBe(String.raw`Model "siamese"

OPERATION                            DATA DIMENSIONS     WEIGHTS(N)  WEIGHTS(%)      MACS

Input left                           #####  32 x 32 x 3
Sequential backbone (output)         {...}  -----------       (112)     (86.2%)  (97.2 k)
  Conv2D inner_conv                   \|/   -----------         112       86.2%    97.2 k
                                     #####  30 x 30 x 4
  GlobalAveragePooling2D inner_pool  Y^avg  -----------           0        0.0%         0
                                     #####            4
Input right                          #####  32 x 32 x 3
Sequential backbone[2]               {...}  -----------      shared                97.2 k
                                     #####            4
<- backbone, backbone[2]
Concatenate joined                    \&/   -----------           0        0.0%         0
                                     #####            8
Dense verdict                        XXXXX  -----------          18       13.8%        16
softmax (output)                     #####            2

Parameters        130
  trainable       130
  non-trainable     0
Size in memory  520 B
Multiply-adds   194 k
`);
  });

  it('writes totals of SqueezeNet as its card has them', () => {
    const text = summary(squeezeNet());
    expect(text).toMatch(/^Parameters +1,235,496$/m);
    expect(text).toMatch(/^Size in memory +4\.94 MB$/m);
    expect(text).toContain('<- fire2/relu_expand1x1, fire2/relu_expand3x3\nConcatenate fire2/concat ');
    expect(text).toMatch(/^softmax loss +##### +1000$/m);
  });

  it('is plain ASCII, without blanks at line ends', () => {
    const text = summary(squeezeNet());
    expect(text).toMatch(/^[\n\x20-\x7e]*$/);
    expect(text).not.toMatch(/ $/m);
  });

  it.each([64, 80, 100])('keeps to %i columns', (width) => {
    for (const model of [squeezeNet(), siameseModel()]) {
      const lines = summary(model, { width }).split('\n');
      expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(width);
    }
  });

  it('shortens a long name at its start, where names are alike', () => {
    const name = `block17_with_a_very_long_name/${'branch_'.repeat(8)}conv2d`;
    const model = tf.sequential({ layers: [tf.layers.dense({ units: 2, name, inputShape: [3] })] });
    expect(summary(model)).toContain(`Dense ${name} `);
    expect(summary(model, { width: 80 })).toMatch(/^Dense \.\..*branch_conv2d /m);
  });

  it('names a size that varies', () => {
    const layer = tf.layers.conv2d({ filters: 4, kernelSize: 1, inputShape: [null, null, 3] });
    const text = summary(tf.sequential({ layers: [layer] }));
    expect(text).toMatch(/##### +\? x \? x 4/);
    expect(text).toMatch(/^Multiply-adds +\?$/m);
  });

  it('colours only when asked to, and then says the same', () => {
    const colored = summary(siameseModel(), { color: true });
    expect(colored).toContain('\u001b[');
    const plainLines = summary(siameseModel()).split('\n');
    const coloredLines = stripVTControlCharacters(colored).split('\n');
    expect(coloredLines.map((line) => line.trimEnd())).toEqual(plainLines);
  });

  it('makes no tensors and prints nothing', () => {
    const model = siameseModel();
    const printed = vi.spyOn(console, 'log');
    const before = tf.memory().numTensors;
    summary(model);
    expect(tf.memory().numTensors).toBe(before);
    expect(printed).not.toHaveBeenCalled();
    printed.mockRestore();
  });

  it('leaves the model as it was', () => {
    const model = residualModel();
    const before = model.toJSON(null, true) as string;
    summary(model);
    expect(model.toJSON(null, true)).toBe(before);
  });
});

describe('symbols of operations', () => {
  it('fit their column', () => {
    for (const operation of ['Conv2D', 'Dense', 'Reshape', 'GlobalAveragePooling2D', 'LSTM', 'MyOwnLayer']) {
      expect(symbolOf(operation).length).toBeLessThanOrEqual(5);
    }
  });

  it('see through TimeDistributed', () => {
    expect(symbolOf('TimeDistributed(Dense)')).toBe(symbolOf('Dense'));
  });

  it('have one for layers that nobody knows', () => {
    expect(symbolOf('MyOwnLayer')).toBe('.....');
  });
});
