import { describe, expect, it } from 'vitest';
import { layerProblems, toTfjsTopology } from '../../converters/keras/tfjs-topology.ts';
import { buildOnnxModel } from '../../converters/onnx/index.ts';
import type { JsonObject } from '../../src/base/types.ts';
import { runOnnx } from '../converters-onnx/corpus.ts';
import { graphOf, tensor } from '../converters-onnx/support.ts';
import { codeOf } from './support.ts';

const only = (className: string, config: JsonObject, input = [5, 3]) =>
  graphOf(input, [{ className, name: 'layer', config }]);

/** glu halves the last axis. A layer with units says in Keras that it has as many features as units. */
describe('the activation glu', () => {
  it.each([
    ['Dense', { units: 4, activation: 'glu' }],
    ['Conv1D', { filters: 4, kernel_size: 2, activation: 'glu' }],
    ['LSTM', { units: 4, activation: 'glu' }],
    ['GRU', { units: 4, recurrent_activation: 'glu' }],
    [
      'TimeDistributed',
      { layer: { class_name: 'Dense', config: { name: 'inner', units: 4, activation: 'glu' } } },
    ],
  ])('of a %s is refused for tfjs', async (className, config) => {
    expect(await codeOf(() => toTfjsTopology(only(className, config)))).toBe('FORMAT_UNSUPPORTED_LAYER');
    expect(layerProblems(only(className, config))[0]).toMatch(/glu halves the last axis/);
  });

  it('as a layer of its own is this package’s', () => {
    expect(layerProblems(only('Activation', { activation: 'glu' }))).toEqual([]);
  });

  it('of a Dense is written as ONNX with half of its units', async () => {
    const graph = only('Dense', { units: 4, activation: 'glu', use_bias: false });
    const model = buildOnnxModel(graph, new Map([['layer', [tensor(3, 4)]]]));
    const [output] = await runOnnx(model, [{ shape: [1, 5, 3], data: Array<number>(15).fill(1) }]);
    expect(output!.shape).toEqual([1, 5, 2]);
    expect(model.outputs[0]!.shape).toEqual([null, 5, 2]);
  });

  it('of a recurrent layer is refused for ONNX', async () => {
    const graph = only('LSTM', { units: 2, activation: 'glu' });
    const weights = new Map([['layer', [tensor(3, 8), tensor(2, 8), tensor(8)]]]);
    expect(await codeOf(() => buildOnnxModel(graph, weights))).toBe('ENGINE_UNSUPPORTED_LAYER');
  });
});
