import * as tf from '@tensorflow/tfjs';
import { ModelError } from '../base/errors.ts';

export type Shape = readonly (number | null)[];
export type Layer = tf.layers.Layer;

/** One call of one layer of a model. A shared layer has several. */
export interface ModelStep {
  readonly layer: Layer;
  /** Set when the layer is itself a model. */
  readonly nested?: tf.LayersModel;
  /** 0 for the first call of the layer inside this model. */
  readonly call: number;
  readonly inputs: readonly StepOutput[];
  readonly inputShapes: readonly Shape[];
  readonly outputShapes: readonly Shape[];
  /** Whether one of this call's outputs is an output of the model. */
  readonly isOutput: boolean;
}

/** One of the outputs of a step. */
export interface StepOutput {
  readonly step: ModelStep;
  readonly tensor: number;
}

interface Draft {
  readonly layer: Layer;
  readonly order: number;
  readonly sources: tf.SymbolicTensor[];
  readonly inputShapes: Shape[];
  readonly outputShapes: Shape[];
  isOutput: boolean;
  readonly consumers: Draft[];
  waitsFor: number;
}

/**
 * The calls that a model makes, in an order in which the data can flow: each branch is followed as long as it
 * goes before the next one starts, so that most steps stand right below the step that feeds them.
 *
 * @throws ModelError `MODEL_INPUT` for a sequential model whose input shape is not known yet
 */
export function modelSteps(model: tf.LayersModel): ModelStep[] {
  if (model.outputs.length === 0) {
    throw new ModelError('MODEL_INPUT', `The model "${model.name}" has no input shape yet.`, {
      given: `a sequential model of ${model.layers.length} layers`,
      expected: 'a model whose first layer knows its inputShape',
      nextStep: 'Give the first layer an inputShape.',
    });
  }
  const { drafts, draftOf } = collectDrafts(model);
  return numberCalls(orderByFlow(drafts), draftOf);
}

function shapesOf(tensors: readonly tf.SymbolicTensor[]): Shape[] {
  return tensors.map((tensor) => tensor.shape);
}

/**
 * Walks from the outputs to the inputs. tfjs flattens a model that is the first layer of a sequential model into
 * it; its outputs are recognised here, so that it is shown as the one layer that the user added.
 */
function collectDrafts(model: tf.LayersModel): {
  drafts: Draft[];
  draftOf: (tensor: tf.SymbolicTensor) => Draft;
} {
  const found = new Map<string, Draft>();
  const inputIds = new Set(model.inputs.map((tensor) => tensor.id));
  const first = model.layers[0];
  const flattened = model instanceof tf.Sequential && first instanceof tf.LayersModel ? first : undefined;
  const flattenedOutputs = new Set(flattened?.outputs.map((tensor) => tensor.id));

  const keyOf = (tensor: tf.SymbolicTensor) =>
    flattenedOutputs.has(tensor.id) ? 'flattened' : `${tensor.sourceLayer.id}/${tensor.nodeIndex}`;

  const newDraft = (tensor: tf.SymbolicTensor): Draft => {
    const progress = { isOutput: false, consumers: [], waitsFor: 0 };
    if (flattened !== undefined && flattenedOutputs.has(tensor.id)) {
      const [inputShapes, outputShapes] = [shapesOf(flattened.inputs), shapesOf(flattened.outputs)];
      return { layer: flattened, order: -1, sources: [], inputShapes, outputShapes, ...progress };
    }
    const node = tensor.sourceLayer.inboundNodes[tensor.nodeIndex];
    if (node === undefined) throw new Error(`layer ${tensor.sourceLayer.name} lost call ${tensor.nodeIndex}`);
    return {
      layer: node.outboundLayer,
      order: node.id,
      sources: inputIds.has(tensor.id) ? [] : node.inputTensors,
      inputShapes: shapesOf(node.inputTensors),
      outputShapes: shapesOf(node.outputTensors),
      ...progress,
    };
  };

  const pending = [...model.outputs];
  for (let tensor = pending.pop(); tensor !== undefined; tensor = pending.pop()) {
    if (found.has(keyOf(tensor))) continue;
    const draft = newDraft(tensor);
    found.set(keyOf(tensor), draft);
    pending.push(...draft.sources);
  }
  const draftOf = (tensor: tf.SymbolicTensor) => found.get(keyOf(tensor)) as Draft;
  for (const output of model.outputs) draftOf(output).isOutput = true;
  const drafts = [...found.values()].sort((a, b) => a.order - b.order);
  for (const draft of drafts) {
    const feeding = new Set(draft.sources.map(draftOf));
    draft.waitsFor = feeding.size;
    for (const source of feeding) source.consumers.push(draft);
  }
  return { drafts, draftOf };
}

/** Topological order, depth first. */
function orderByFlow(drafts: readonly Draft[]): Draft[] {
  const ordered: Draft[] = [];
  const ready = drafts.filter((draft) => draft.waitsFor === 0).reverse();
  for (let draft = ready.pop(); draft !== undefined; draft = ready.pop()) {
    ordered.push(draft);
    for (const consumer of [...draft.consumers].reverse()) {
      consumer.waitsFor -= 1;
      if (consumer.waitsFor === 0) ready.push(consumer);
    }
  }
  return ordered;
}

function numberCalls(ordered: readonly Draft[], draftOf: (tensor: tf.SymbolicTensor) => Draft): ModelStep[] {
  const calls = new Map<Layer, number>();
  const stepOf = new Map<Draft, ModelStep>();
  for (const draft of ordered) {
    const call = calls.get(draft.layer) ?? 0;
    calls.set(draft.layer, call + 1);
    stepOf.set(draft, {
      layer: draft.layer,
      nested: draft.layer instanceof tf.LayersModel ? draft.layer : undefined,
      call,
      inputs: draft.sources.map((tensor) => ({
        step: stepOf.get(draftOf(tensor)) as ModelStep,
        tensor: tensor.tensorIndex,
      })),
      inputShapes: draft.inputShapes,
      outputShapes: draft.outputShapes,
      isOutput: draft.isOutput,
    });
  }
  return [...stepOf.values()];
}
