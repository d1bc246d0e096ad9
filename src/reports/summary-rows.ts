import type * as tf from '@tensorflow/tfjs';
import { multiplyAdds, wrappedLayer } from './multiply-adds.ts';
import type { Layer, ModelStep, Shape, StepOutput } from './model-steps.ts';
import { modelSteps } from './model-steps.ts';

/** One call of one layer. */
export interface SummaryRow {
  readonly name: string;
  /** `Conv2D`; a wrapper names what it wraps: `TimeDistributed(Dense)`. */
  readonly operation: string;
  /** The activation of the layer, `null` for none or `linear`. */
  readonly activation: string | null;
  /** 0 for the layers of the model itself, 1 for those of a model inside it, and so on. */
  readonly depth: number;
  /** 1 for the first call of the layer, 2 for the second call of a shared one. */
  readonly call: number;
  /** What feeds this call: `name`, `name[2]` for the second call of a layer, `name:1` for its second output. */
  readonly inbound: readonly string[];
  /** Whether the only thing that feeds this call is the row above. */
  readonly followsPrevious: boolean;
  /** With the batch as first axis; `null` for a size that varies. */
  readonly inputShapes: readonly Shape[];
  readonly outputShapes: readonly Shape[];
  /** Whether this call makes an output of the model that it belongs to. */
  readonly isOutput: boolean;
  /** Weights of this row that no row above has counted. 0 for a model: its layers follow and hold them. */
  readonly parameters: number;
  readonly trainableParameters: number;
  /** Share of all parameters in percent, in tenths; all rows together make 100.0 (0 without parameters). */
  readonly percent: number;
  /** For a model that is used as a layer: what the rows make that follow inside it (0 at its later calls). */
  readonly nested: NestedTotals | null;
  /** Multiply-adds of convolutions and dense layers for one image, without biases; `null` where unknown. */
  readonly multiplyAdds: number | null;
}

export interface NestedTotals {
  /** How many of the next rows are inside. */
  readonly rows: number;
  readonly parameters: number;
  readonly percent: number;
  readonly multiplyAdds: number | null;
}

export interface SummaryTotals {
  readonly parameters: number;
  readonly trainableParameters: number;
  readonly nonTrainableParameters: number;
  /** Bytes of all weights as they are held in memory. */
  readonly bytes: number;
  /** `null` when it is unknown for a layer. */
  readonly multiplyAdds: number | null;
}

interface Draft extends Omit<SummaryRow, 'percent' | 'nested'> {
  readonly rowsInside: number | null;
}

/**
 * The table of `summary` as data: one row for each call of a layer, in an order in which the data can flow. The
 * layers of a model that is used as a layer follow its row with `depth` one higher. No tensors are made.
 *
 * @throws ModelError `MODEL_INPUT` for a sequential model whose input shape is not known yet
 */
export function summaryRows(model: tf.LayersModel): SummaryRow[] {
  const counter = new WeightCounter(model);
  const drafts = rowsOf(model, { depth: 0, isFed: false, counter });
  const tenths = shareOut(
    drafts.map((row) => row.parameters),
    1000,
  );
  return drafts.map(({ rowsInside, ...row }, index) => {
    const percent = (tenths[index] ?? 0) / 10;
    if (rowsInside === null) return { ...row, percent, nested: null };
    const [from, to] = [index + 1, index + 1 + rowsInside];
    const inside = drafts.slice(from, to);
    const nested = {
      rows: rowsInside,
      parameters: sum(inside.map((row) => row.parameters)),
      percent: sum(tenths.slice(from, to)) / 10,
      multiplyAdds: sumKnown(inside.map((row) => row.multiplyAdds)),
    };
    return { ...row, percent, nested };
  });
}

/** Totals over rows that came from `summaryRows(model)`; each shared weight is counted once. */
export function summaryTotals(model: tf.LayersModel, rows: readonly SummaryRow[]): SummaryTotals {
  const parameters = sum(rows.map((row) => row.parameters));
  const trainableParameters = sum(rows.map((row) => row.trainableParameters));
  const bytes = [...new Set(model.weights)].map(
    (weight) => sizeOf(weight.shape) * bytesPerValue(weight.dtype),
  );
  return {
    parameters,
    trainableParameters,
    nonTrainableParameters: parameters - trainableParameters,
    bytes: sum(bytes),
    multiplyAdds: sumKnown(rows.map((row) => row.multiplyAdds)),
  };
}

interface Context {
  readonly depth: number;
  /** Whether a row above shows what goes into this model. */
  readonly isFed: boolean;
  readonly counter: WeightCounter;
}

function rowsOf(model: tf.LayersModel, context: Context): Draft[] {
  const rows: Draft[] = [];
  const steps = modelSteps(model);
  let above: ModelStep | undefined;
  for (const step of steps) {
    const source = step.inputs[0];
    const hidden = context.isFed && isPlainEntry(step, steps, model);
    if (!hidden) {
      const followsPrevious =
        step.inputs.length === 1 && source?.step === above && source?.step.outputShapes.length === 1;
      rows.push(...rowsOfStep(step, followsPrevious, context));
    }
    above = step;
  }
  return rows;
}

/** The one input of a model inside a model, when it feeds one layer: the data line above it shows the same. */
function isPlainEntry(step: ModelStep, steps: readonly ModelStep[], model: tf.LayersModel): boolean {
  const fed = steps.filter((other) => other.inputs.some((input) => input.step === step));
  return step.layer.getClassName() === 'InputLayer' && model.inputs.length === 1 && fed.length === 1;
}

function rowsOfStep(step: ModelStep, followsPrevious: boolean, { depth, counter }: Context): Draft[] {
  const { layer, nested } = step;
  const inner = { depth: depth + 1, isFed: step.inputs.length > 0 };
  // The layers inside a model are listed at its first call only.
  const inside =
    nested === undefined || counter.hasListed(nested) ? [] : rowsOf(nested, { ...inner, counter });
  const ownMultiplyAdds =
    nested === undefined
      ? multiplyAdds(layer, step.inputShapes[0], step.outputShapes[0])
      : inside.length > 0
        ? 0
        : sumKnown(
            rowsOf(nested, { ...inner, counter: new WeightCounter(nested) }).map((row) => row.multiplyAdds),
          );
  const own: Draft = {
    name: layer.name,
    operation: operationOf(layer),
    activation: activationOf(layer),
    depth,
    call: step.call + 1,
    inbound: step.inputs.map(referenceTo),
    followsPrevious,
    inputShapes: step.inputShapes,
    outputShapes: step.outputShapes,
    isOutput: step.isOutput,
    ...(nested === undefined ? counter.count(layer) : { parameters: 0, trainableParameters: 0 }),
    multiplyAdds: ownMultiplyAdds,
    rowsInside: nested === undefined ? null : inside.length,
  };
  return [own, ...inside];
}

function referenceTo({ step, tensor }: StepOutput): string {
  const call = step.call === 0 ? '' : `[${step.call + 1}]`;
  return `${step.layer.name}${call}${tensor === 0 ? '' : `:${tensor}`}`;
}

function operationOf(layer: Layer): string {
  const wrapped = wrappedLayer(layer);
  const className = layer.getClassName();
  return wrapped === undefined ? className : `${className}(${wrapped.getClassName()})`;
}

const activationLayers: Readonly<Record<string, string>> = {
  ReLU: 'relu',
  LeakyReLU: 'leaky_relu',
  ELU: 'elu',
  ThresholdedReLU: 'thresholded_relu',
  Softmax: 'softmax',
};

function activationOf(layer: Layer): string | null {
  const { activation, maxValue } = layer as Layer & {
    activation?: { getClassName?(): string } | null;
    maxValue?: number | null;
  };
  const ofLayer = activationLayers[layer.getClassName()];
  if (ofLayer !== undefined) return `${ofLayer}${maxValue ?? ''}`;
  const name = activation?.getClassName?.() ?? null;
  return name === 'linear' ? null : name;
}

/** Counts each weight once, however many layers and calls share it. */
class WeightCounter {
  private readonly counted = new Set<unknown>();
  private readonly listed = new Set<tf.LayersModel>();
  private readonly trainable: ReadonlySet<unknown>;

  constructor(model: tf.LayersModel) {
    this.trainable = new Set(model.trainableWeights);
  }

  count(layer: Layer): { parameters: number; trainableParameters: number } {
    const fresh = layer.weights.filter((weight) => !this.counted.has(weight));
    for (const weight of fresh) this.counted.add(weight);
    const trainable = fresh.filter((weight) => this.trainable.has(weight));
    return {
      parameters: sum(fresh.map((weight) => sizeOf(weight.shape))),
      trainableParameters: sum(trainable.map((weight) => sizeOf(weight.shape))),
    };
  }

  hasListed(model: tf.LayersModel): boolean {
    if (this.listed.has(model)) return true;
    this.listed.add(model);
    return false;
  }
}

/**
 * Splits `units` in proportion to the counts, in whole units that add up to `units`: rounded down, and what is
 * left goes to the largest remainders.
 */
function shareOut(counts: readonly number[], units: number): number[] {
  const total = sum(counts);
  if (total === 0) return counts.map(() => 0);
  const exact = counts.map((count) => (count * units) / total);
  const shares = exact.map(Math.floor);
  const byRemainder = exact.map((value, index) => ({ index, remainder: value - Math.floor(value) }));
  byRemainder.sort((a, b) => b.remainder - a.remainder || a.index - b.index);
  for (const { index } of byRemainder.slice(0, units - sum(shares))) shares[index] = (shares[index] ?? 0) + 1;
  return shares;
}

function sizeOf(shape: Shape): number {
  return shape.reduce<number>((product, size) => product * (size ?? 1), 1);
}

function bytesPerValue(dtype: string): number {
  return dtype === 'bool' ? 1 : 4;
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

function sumKnown(values: readonly (number | null)[]): number | null {
  return values.reduce<number | null>((total, v) => (total === null || v === null ? null : total + v), 0);
}
