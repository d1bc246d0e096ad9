import { FormatError } from '../../src/base/errors.ts';
import type { JsonObject, JsonValue } from '../../src/base/types.ts';
import { excerpt, isJsonObject, stringOf } from '../json.ts';
import type { ReadLimits } from '../model-file.ts';

/** A node of TensorFlow's GraphDef. */
export interface GraphNode {
  readonly name: string;
  readonly op: string;
  /** Names of the nodes whose tensors it takes, as written: `node`, or `node:1` for another than the first output. */
  readonly inputs: readonly string[];
  readonly attributes: JsonObject;
}

export interface GraphDef {
  /** What the outputs need and nothing else; each node stands behind those that it reads. */
  readonly nodes: readonly GraphNode[];
  readonly outputs: readonly string[];
  /** The signature's shapes of inputs by name of the node; TensorFlow writes -1 for any size. */
  readonly inputShapes: ReadonlyMap<string, JsonValue>;
}

export function damagedGraph(fileName: string, summary: string, given?: unknown): FormatError {
  return new FormatError('FORMAT_DAMAGED', `${fileName} is damaged: ${summary}`, {
    given: given === undefined ? summary : excerpt(given),
    expected: 'the model.json of a graph model as tensorflowjs_converter writes it',
    nextStep: 'Fetch the model again, or convert it again.',
  });
}

/** `node:0` -> `node`. */
export function nodeNameOf(tensor: string): string {
  return tensor.replace(/:\d+$/, '');
}

function nodeOf(value: JsonValue, fileName: string): GraphNode {
  if (!isJsonObject(value)) throw damagedGraph(fileName, 'a node is not an object.', value);
  const name = stringOf(value.name);
  const op = stringOf(value.op);
  const inputs = value.input ?? [];
  const attributes = value.attr ?? {};
  if (name === undefined || name === '') throw damagedGraph(fileName, 'a node has no name.', value);
  if (op === undefined || op === '')
    throw damagedGraph(fileName, `the node ${excerpt(name)} has no op.`, value);
  if (!Array.isArray(inputs) || !inputs.every((input) => typeof input === 'string')) {
    throw damagedGraph(fileName, `the inputs of ${excerpt(name)} are no list of names.`, inputs);
  }
  if (!isJsonObject(attributes)) {
    throw damagedGraph(fileName, `the attributes of ${excerpt(name)} are no object.`, attributes);
  }
  // `^name` is an order of execution, not a tensor.
  return { name, op, attributes, inputs: inputs.filter((input) => !input.startsWith('^')) };
}

/** What the outputs depend on, inputs first. Iterative: a long chain must not overflow the stack. */
function inOrder(
  byName: ReadonlyMap<string, GraphNode>,
  outputs: readonly string[],
  fileName: string,
): GraphNode[] {
  const state = new Map<string, 'open' | 'done'>();
  const ordered: GraphNode[] = [];
  for (const output of outputs) {
    const stack = [output];
    while (stack.length > 0) {
      const name = stack.at(-1)!;
      const node = byName.get(name);
      if (node === undefined)
        throw damagedGraph(fileName, `there is no node "${excerpt(name)}", which is read.`);
      const before = state.get(name);
      if (before === undefined) {
        state.set(name, 'open');
        for (const input of [...node.inputs].reverse()) {
          const source = nodeNameOf(input);
          const seen = state.get(source);
          if (seen === 'open')
            throw damagedGraph(fileName, `its nodes form a cycle through "${excerpt(source)}".`);
          if (seen === undefined) stack.push(source);
        }
        continue;
      }
      stack.pop();
      if (before === 'open') {
        state.set(name, 'done');
        ordered.push(node);
      }
    }
  }
  return ordered;
}

/** The converter of TensorFlow.js 2 and later writes a signature, that of 1.x put it among the metadata. */
function signatureOf(modelJson: JsonObject): JsonObject | undefined {
  const metadata = modelJson.userDefinedMetadata;
  const signature = modelJson.signature ?? (isJsonObject(metadata) ? metadata.signature : undefined);
  return isJsonObject(signature) ? signature : undefined;
}

function tensorsOf(list: JsonValue | undefined): { node: string; shape?: JsonValue }[] {
  if (!isJsonObject(list)) return [];
  return Object.entries(list).flatMap(([key, info]) => {
    const name = isJsonObject(info) ? (stringOf(info.name) ?? key) : key;
    return [{ node: nodeNameOf(name), shape: isJsonObject(info) ? info.tensorShape : undefined }];
  });
}

/**
 * The graph of a graph model, checked: names are unique, what is read is there, nothing depends on itself.
 *
 * @throws FormatError `FORMAT_DAMAGED`, `FORMAT_LIMIT`
 */
export function parseGraphDef(modelJson: JsonObject, fileName: string, limits: ReadLimits): GraphDef {
  const topology = modelJson.modelTopology;
  const list = isJsonObject(topology) ? topology.node : undefined;
  if (!Array.isArray(list) || list.length === 0)
    throw damagedGraph(fileName, 'its modelTopology has no nodes.');
  if (list.length > limits.tensors) {
    throw new FormatError('FORMAT_LIMIT', `${fileName} is refused: its graph has ${list.length} nodes.`, {
      given: `${list.length} nodes`,
      expected: `at most ${limits.tensors} (limits.tensors)`,
      nextStep: 'If you trust the model, raise the limits.',
    });
  }
  const nodes = list.map((value) => nodeOf(value, fileName));
  const byName = new Map(nodes.map((node) => [node.name, node]));
  if (byName.size < nodes.length) throw damagedGraph(fileName, 'two of its nodes have the same name.');
  const signature = signatureOf(modelJson);
  const stated = tensorsOf(signature?.outputs).map(({ node }) => node);
  const read = new Set(nodes.flatMap((node) => node.inputs.map(nodeNameOf)));
  const unread = nodes.filter(({ name, op }) => !read.has(name) && op !== 'Const' && op !== 'NoOp');
  const outputs = stated.length > 0 ? stated : unread.map(({ name }) => name);
  // Where every node is read by another one, they go in circles.
  if (outputs.length === 0) throw damagedGraph(fileName, 'its nodes form a cycle.');
  return {
    nodes: inOrder(byName, outputs, fileName),
    outputs,
    inputShapes: new Map(tensorsOf(signature?.inputs).map(({ node, shape }) => [node, shape ?? null])),
  };
}
