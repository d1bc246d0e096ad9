import { FormatError } from '../../src/base/errors.ts';
import type { JsonObject, JsonValue } from '../../src/base/types.ts';
import type { GraphLayer, ModelGraph } from '../graph.ts';
import { excerpt, isJsonObject, stringOf } from '../json.ts';
import type { LayerCall } from './calls.ts';
import { inboundCall } from './inbound-nodes.ts';
import { bidirectional, fromKeras3, qualifiedClass } from './keras3-config.ts';
import type { KerasMajor } from './keras3.ts';
import { toKeras2Layer } from './legacy.ts';
import type { MaskedCalls } from './masks.ts';
import { kerasClass } from './own-layers.ts';
import { isKeras3Operation, keras3Rule } from './operations-keras3.ts';
import { keras2Rule } from './operations-keras2.ts';
import { operationOf, type Operation } from './operations.ts';
import { isCustomClass } from './tfjs-support.ts';

export interface Context {
  readonly file: string;
  readonly depth: number;
  readonly major: KerasMajor;
  /** All Keras 1 layers that tell their ordering say `th`. */
  readonly channelsFirst: boolean;
  /** Classes of this package stay as they are. */
  readonly ownClasses: boolean;
  /** Reads a model within a model. */
  readonly parseModel: (className: string, config: JsonObject, name: string, context: Context) => ModelGraph;
  /** A graph as the config of a Keras 2 model, for models within wrappers. */
  readonly modelConfig: (graph: ModelGraph) => JsonObject;
}

export interface RawLayer {
  readonly className: string;
  readonly config: JsonObject;
  readonly name: string;
  readonly module: JsonValue | undefined;
  readonly inboundNodes: readonly JsonValue[];
}

const FUNCTIONAL = new Set(['Functional', 'Model', 'Container', 'Network', 'Graph']);
/** Layers whose Keras 1 config does not tell their dimension ordering: it was the writer's default. */
const WITHOUT_ORDERING = new Set(['ZeroPadding2D', 'Cropping2D', 'UpSampling2D']);

export function damaged(context: Context, summary: string, given?: unknown): FormatError {
  return new FormatError('FORMAT_DAMAGED', `The model config of ${context.file} is damaged: ${summary}`, {
    given: given === undefined ? summary : excerpt(given),
    expected: 'a config as Keras writes it',
    nextStep: 'Save the model again with Keras (model.save), or check that the file was copied whole.',
  });
}

/** True for `{class_name, config}` that describes a model rather than a layer, custom subclasses included. */
export function isModelConfig(className: string, config: JsonValue | undefined): boolean {
  if (className === 'Sequential' || FUNCTIONAL.has(className)) return true;
  return isJsonObject(config) && Array.isArray(config.layers) && config.input_layers !== undefined;
}

export function rawLayer(value: JsonValue, context: Context): RawLayer {
  if (!isJsonObject(value)) throw damaged(context, 'a layer is not an object.', value);
  const plainName = stringOf(value.class_name);
  if (plainName === undefined) throw damaged(context, 'a layer has no class_name.', value);
  const given = value.config;
  // Keras before 2.2.3 writes a Sequential's config as the bare list of its layers.
  const config: JsonValue | undefined = Array.isArray(given) ? { layers: given } : given;
  const className = isModelConfig(plainName, config) ? plainName : qualifiedClass(value, plainName);
  if (!isJsonObject(config)) throw damaged(context, `the ${className} layer has no config.`, value);
  const name = stringOf(value.name) ?? stringOf(config.name);
  if (name === undefined && !isModelConfig(className, config)) {
    throw damaged(context, `a ${className} layer has no name.`, config);
  }
  const nodes = value.inbound_nodes ?? [];
  if (!Array.isArray(nodes))
    throw damaged(context, `inbound_nodes of ${name ?? className} is not a list.`, nodes);
  return {
    className,
    config,
    name: name ?? className.toLowerCase(),
    module: value.module,
    inboundNodes: nodes,
  };
}

/** A layer that stands in another one's config: of a wrapper, of a recurrent layer's cells. */
function innerLayer(value: JsonValue, context: Context): JsonValue {
  if (!isJsonObject(value) || typeof value.class_name !== 'string') return value;
  const inner = { ...context, depth: context.depth + 1 };
  const config: JsonValue | undefined = Array.isArray(value.config) ? { layers: value.config } : value.config;
  if (!isJsonObject(config)) return value;
  if (isModelConfig(value.class_name, config)) {
    const name = stringOf(config.name) ?? value.class_name.toLowerCase();
    return context.modelConfig(context.parseModel(value.class_name, config, name, inner));
  }
  const layer = normalLayer(qualifiedClass(value, value.class_name), config, inner);
  return { class_name: layer.className, config: layer.config };
}

/** A layer in the words of Keras 2, and the layers in its config with it. */
function normalLayer(
  className: string,
  given: JsonObject,
  context: Context,
): { className: string; config: JsonObject } {
  if (context.depth > 32) throw damaged(context, 'layers are wrapped more than 32 times.');
  const keras2 = context.major === 3 ? fromKeras3(className, given) : given;
  // What this package wrote for tfjs is Keras's layer again.
  const own = className.startsWith('Keras') && !context.ownClasses ? kerasClass(className) : className;
  const layer = toKeras2Layer(own, keras2);
  const config = { ...layer.config };
  for (const key of ['layer', 'backward_layer', 'cell']) {
    if (config[key] !== undefined && config[key] !== null) config[key] = innerLayer(config[key], context);
  }
  if (Array.isArray(config.cells)) config.cells = config.cells.map((cell) => innerLayer(cell, context));
  const whole = layer.className === 'Bidirectional' && context.major === 3 ? bidirectional(config) : config;
  return { className: layer.className, config: whole };
}

function operationRule(raw: RawLayer, call: LayerCall, context: Context) {
  if (context.major === 3) {
    return isKeras3Operation(raw, isCustomClass(raw.className, raw.config))
      ? { title: raw.className, rule: keras3Rule(raw.className, call.args.length), config: raw.config }
      : undefined;
  }
  if (raw.className !== 'TFOpLambda' && raw.className !== 'SlicingOpLambda') return undefined;
  const title = stringOf(raw.config.function) ?? raw.className;
  return { title: `tf.${title}`, rule: keras2Rule(title), config: {} };
}

/** An operation as a `TensorOperation`, or as an `UnknownOperation` that says why it is none. */
function operationLayer(
  raw: RawLayer,
  calls: readonly LayerCall[],
  context: Context,
): GraphLayer | undefined {
  const [first] = calls;
  if (first === undefined) return undefined;
  const known = operationRule(raw, first, context);
  if (known === undefined) return undefined;
  const { title, rule, config } = known;
  const { name } = raw;
  const unknown = (reason: string): GraphLayer => ({
    name,
    className: 'UnknownOperation',
    config: { name, operation: title, reason },
    inbound: calls.map((call) => inboundCall('', call, context.major).refs),
  });
  if (rule === undefined) return unknown('it is not one of the operations that are read');
  const operations: Operation[] = [];
  for (const call of calls) {
    const operation = operationOf(rule, call, config);
    if (typeof operation === 'string') return unknown(operation);
    operations.push(operation);
  }
  if (new Set(operations.map((operation) => JSON.stringify(operation.config))).size > 1) {
    return unknown('its calls differ in their arguments');
  }
  return {
    name,
    className: 'TensorOperation',
    config: { name, ...operations[0]!.config },
    inbound: operations.map((operation) => operation.refs),
  };
}

/** One layer with all of its calls. */
export function parseLayer(raw: RawLayer, calls: readonly LayerCall[], context: Context): MaskedCalls {
  const { name } = raw;
  const operation = operationLayer(raw, calls, context);
  if (operation !== undefined) return { layer: operation, masks: [] };
  const inboundCalls = calls.map((call) => inboundCall(raw.className, call, context.major));
  const inbound = inboundCalls.map((call) => call.refs);
  const masks = inboundCalls.map((call) => call.masks);
  const { options, callArguments } = callOptions(inboundCalls);
  const extra = callArguments.some((item) => Object.keys(item).length > 0) ? { callArguments } : {};
  if (isModelConfig(raw.className, raw.config)) {
    const inner = { ...context, depth: context.depth + 1 };
    const nested = context.parseModel(raw.className, raw.config, name, inner);
    const className = nested.kind === 'sequential' ? 'Sequential' : 'Model';
    const { trainable } = raw.config;
    const config = { name, ...(trainable === undefined ? {} : { trainable }) };
    return { layer: { name, className, config, inbound, nested, ...extra }, masks };
  }
  const layer = normalLayer(raw.className, { ...raw.config, name }, context);
  const ordering: JsonObject = {};
  if (
    context.channelsFirst &&
    WITHOUT_ORDERING.has(layer.className) &&
    layer.config.data_format === undefined
  ) {
    ordering.data_format = 'channels_first';
  }
  return {
    layer: {
      name,
      className: layer.className,
      config: { ...layer.config, ...options, ...ordering },
      inbound,
      ...extra,
    },
    masks,
  };
}

/** Options of calls become the layer's when all calls agree; else they stay with the calls. */
function callOptions(calls: readonly { options: JsonObject; kwargs: JsonObject }[]): {
  options: JsonObject;
  callArguments: JsonObject[];
} {
  const agree = new Set(calls.map(({ options }) => JSON.stringify(options))).size <= 1;
  if (agree) return { options: calls[0]?.options ?? {}, callArguments: calls.map(({ kwargs }) => kwargs) };
  return { options: {}, callArguments: calls.map(({ options, kwargs }) => ({ ...options, ...kwargs })) };
}
