import { PbfReader } from 'pbf';
import type { JsonObject, JsonValue, NamedTensor } from '../../src/base/types.ts';
import { parseKerasConfig } from '../../converters/keras/parse-config.ts';
import type { ModelGraph } from '../../converters/graph.ts';

/** What these tests look at in an ONNX file, read without the writer's code. */
export interface OnnxSummary {
  irVersion: number;
  opset: number;
  operators: string[];
  inputs: string[];
  outputs: string[];
  initializers: string[];
}

export function readOnnx(bytes: Uint8Array): OnnxSummary {
  const summary: OnnxSummary = {
    irVersion: 0,
    opset: 0,
    operators: [],
    inputs: [],
    outputs: [],
    initializers: [],
  };
  const strings = (wanted: number) => (tag: number, list: string[], pbf: PbfReader) => {
    if (tag === wanted) list.push(pbf.readString());
  };
  new PbfReader(bytes).readFields((tag, result, pbf) => {
    if (tag === 1) result.irVersion = pbf.readVarint();
    else if (tag === 8) {
      pbf.readMessage((field, _none, inner) => {
        if (field === 2) result.opset = inner.readVarint();
      }, null);
    } else if (tag === 7) {
      pbf.readMessage((field, graph, inner) => {
        if (field === 1) inner.readMessage(strings(4), graph.operators);
        else if (field === 5) inner.readMessage(strings(8), graph.initializers);
        else if (field === 11) inner.readMessage(strings(1), graph.inputs);
        else if (field === 12) inner.readMessage(strings(1), graph.outputs);
      }, result);
    }
  }, summary);
  return summary;
}

export function count(summary: OnnxSummary, operator: string): number {
  return summary.operators.filter((name) => name === operator).length;
}

export interface LayerSpec {
  className: string;
  name: string;
  config?: JsonObject;
  from?: string[];
}

/** A functional model from a list of layers; each reads the one before it unless `from` says otherwise. */
export function graphOf(inputShape: (number | null)[], layers: LayerSpec[], outputs?: string[]): ModelGraph {
  let previous = 'input';
  const specs: JsonValue[] = [
    {
      class_name: 'InputLayer',
      name: 'input',
      config: { name: 'input', batch_input_shape: [null, ...inputShape] },
      inbound_nodes: [],
    },
  ];
  for (const { className, name, config, from } of layers) {
    const inbound = (from ?? [previous]).map((source) => [source, 0, 0, {}]);
    specs.push({ class_name: className, name, config: { ...config, name }, inbound_nodes: [inbound] });
    previous = name;
  }
  return parseKerasConfig({
    class_name: 'Model',
    config: {
      name: 'test',
      layers: specs,
      input_layers: [['input', 0, 0]],
      output_layers: (outputs ?? [previous]).map((name) => [name, 0, 0]),
    },
  });
}

/** A tensor with the numbers 1, 2, 3, ... divided by ten. */
export function tensor(...shape: number[]): NamedTensor {
  const length = shape.reduce((product, side) => product * side, 1);
  const data = Float32Array.from({ length }, (_, index) => ((index % 23) - 9) / 10);
  return { name: 'weight', shape, dtype: 'float32', data };
}

/** A tensor of a golden: float32 in base64. */
export interface Encoded {
  shape: number[];
  data: string;
}

export function floatsOf({ data }: Encoded): Float32Array<ArrayBuffer> {
  return new Float32Array(Uint8Array.from(Buffer.from(data, 'base64')).buffer);
}

/** The weights of each layer of a golden. */
export function weightsOf(golden: Readonly<Record<string, Encoded[]>>): Map<string, NamedTensor[]> {
  const named = (encoded: Encoded, index: number): NamedTensor => ({
    name: `weight_${index}`,
    shape: encoded.shape,
    dtype: 'float32',
    data: floatsOf(encoded),
  });
  return new Map(Object.entries(golden).map(([layer, list]) => [layer, list.map(named)]));
}
