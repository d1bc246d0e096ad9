import type * as tf from '@tensorflow/tfjs';
import { ModelError } from '../base/errors.ts';
import { wrongOption } from '../base/checks.ts';
import { requireModel } from '../models/require-model.ts';
import type { Call } from './graph-calls.ts';
import { callsOf } from './graph-calls.ts';

/** A run of layers whose feature maps have one size. */
export interface Stage {
  /** From 0, the input's. */
  readonly index: number;
  /** Height and width of its feature maps; `null` where they depend on the picture. */
  readonly size: readonly [height: number | null, width: number | null];
  /** Names of the layers, in the model's order; those of a nested model without its name. */
  readonly layers: readonly string[];
}

/**
 * The stages of a convolutional network, from the input to the output: a new one begins where the feature maps become
 * smaller for good (not within a squeeze-and-excite block). A head without feature maps belongs to the last stage.
 *
 * @throws ModelError `MODEL_INPUT` for what is no layers model
 */
export function stagesOf(model: tf.LayersModel): Stage[] {
  requireModel(model, 'model');
  return stageCalls(callsOf(model).calls).map(({ calls, size }, index) => ({
    index,
    size,
    layers: [...new Set(calls.map(({ layer }) => layer.name))],
  }));
}

function stageCalls(calls: readonly Call[]) {
  // The largest map from here to the end: it shrinks only where no later layer goes back to more.
  const largest = calls.map(areaOf);
  for (let at = largest.length - 2; at >= 0; at--) largest[at] = Math.max(largest[at]!, largest[at + 1]!);
  const stages: { calls: Call[]; size: [number | null, number | null]; area: number }[] = [];
  calls.forEach((call, at) => {
    const area = largest[at]!;
    const current = stages.at(-1);
    // What merely prepares the picture is no stage of its own.
    const isBegun = current?.calls.some(({ layer }) => layer.weights.length > 0) ?? false;
    if (current !== undefined && (area >= current.area || area <= 1)) {
      current.calls.push(call);
      return;
    }
    const found = calls.slice(at).find((each) => areaOf(each) === area)?.shapes[0];
    const size: [number | null, number | null] = [found?.[1] ?? null, found?.[2] ?? null];
    if (current === undefined || isBegun) stages.push({ calls: [call], size, area });
    else Object.assign(current, { calls: [...current.calls, call], size, area });
  });
  return stages;
}

/** Pixels of the largest feature map that a call gives; 0 where it gives none, or only adds a border for the next one. */
function areaOf({ layer, shapes }: Call): number {
  if (/^ZeroPadding/.test(layer.getClassName())) return 0;
  const maps = shapes.filter((shape) => shape.length === 4);
  return Math.max(0, ...maps.map((shape) => (shape[1] ?? 0) * (shape[2] ?? 0)));
}

/**
 * Marks layers as not trainable: all of the model, or all before `upTo`, a layer's name or a stage's number as in
 * `unfreezeFrom`; the others stay as they are. A frozen BatchNormalization runs as in inference.
 *
 * @throws ModelError `MODEL_INPUT`
 */
export function freeze(model: tf.LayersModel, upTo?: string | number): void {
  requireModel(model, 'model');
  const { calls } = callsOf(model);
  const end = upTo === undefined ? calls.length : startOf(model, calls, upTo, 'upTo');
  calls.slice(0, end).forEach(({ layer }) => (layer.trainable = false));
}

export interface UnfreezeOptions {
  /**
   * Whether BatchNormalization is trained as well. Default false: its statistics, of millions of pictures, are kept; small
   * batches would spoil them.
   */
  readonly batchNormalization?: boolean;
}

/**
 * Makes the end of a model trainable and freezes what stands before: from a layer on, by its name, or from a stage on, by
 * its number: 0 is the first, -1 the last, with the head.
 *
 * ```js
 * unfreezeFrom(model, -1);            // the last stage and the head
 * unfreezeFrom(model, 'block5_conv1'); // from this layer on
 * ```
 *
 * @throws ModelError `MODEL_INPUT` where there is no such layer or stage
 */
export function unfreezeFrom(
  model: tf.LayersModel,
  start: string | number,
  { batchNormalization = false }: UnfreezeOptions = {},
): void {
  requireModel(model, 'model');
  const { calls } = callsOf(model);
  const from = startOf(model, calls, start, 'start');
  // A shared layer that is called before and behind is frozen.
  const earlier = new Set(calls.slice(0, from).map(({ layer }) => layer));
  openNested(model);
  for (const { layer } of calls) {
    const isNormalization = /BatchNormalization$/.test(layer.getClassName());
    layer.trainable = !earlier.has(layer) && (batchNormalization || !isNormalization);
  }
}

/** A nested model that is not trainable hides the layers in it, whatever they say. */
function openNested(model: tf.LayersModel): void {
  for (const layer of model.layers) {
    if ((layer as Partial<tf.LayersModel>).layers === undefined) continue;
    layer.trainable = true;
    openNested(layer as tf.LayersModel);
  }
}

/** The index of the first call of a layer or a stage. */
function startOf(
  model: tf.LayersModel,
  calls: readonly Call[],
  start: string | number,
  option: string,
): number {
  if (typeof start === 'string') {
    const index = calls.findIndex(({ layer }) => layer.name === start);
    if (index >= 0) return index;
    throw new ModelError('MODEL_INPUT', `"${model.name}" has no layer "${start}".`, {
      given: `${option}: ${start}`,
      expected: 'the name of a layer',
      nextStep: '`dovecote summary` shows the names of the layers',
    });
  }
  if (!Number.isInteger(start)) throw wrongOption(option, start, "a layer's name or a stage's number");
  const stages = stageCalls(calls);
  const number = start < 0 ? stages.length + start : start;
  const stage = stages[number];
  if (stage !== undefined) return calls.indexOf(stage.calls[0]!);
  throw new ModelError('MODEL_INPUT', `"${model.name}" has no stage ${start}.`, {
    given: `${option}: ${start}`,
    expected: `0 to ${stages.length - 1}, or -1 (the last) to -${stages.length}`,
    nextStep: '`stagesOf(model)` tells the stages and their layers',
  });
}
