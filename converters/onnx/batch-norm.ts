import type { GraphLayer } from '../graph.ts';
import { flagOf, numberOf } from './config.ts';
import type { Affine, LayerCall } from './emitter.ts';
import { unsupportedLayer, weightOf } from './emitter.ts';

/** The axis that a BatchNormalization keeps, counted from the front. */
export function batchNormAxis(layer: GraphLayer, rank: number): number {
  const given = layer.config.axis ?? -1;
  const axis = Array.isArray(given) && given.length === 1 ? given[0] : given;
  if (typeof axis !== 'number' || axis < -rank || axis >= rank || axis === 0 || axis === -rank) {
    throw unsupportedLayer(layer, `its axis is ${JSON.stringify(given)} and its input has ${rank} axes`);
  }
  return axis < 0 ? axis + rank : axis;
}

/** What inference needs of gamma, beta, moving mean and moving variance, in double precision. */
export function batchNormWeights(
  call: Pick<LayerCall, 'layer' | 'config' | 'weights'>,
  channels: number | null,
): Affine {
  let index = 0;
  const next = (role: string) => weightOf(call, index++, role, [channels]);
  const gamma = flagOf(call.config, 'scale', true) ? next('gamma') : undefined;
  const beta = flagOf(call.config, 'center', true) ? next('beta') : undefined;
  const mean = next('moving mean');
  const variance = next('moving variance');
  const epsilon = numberOf(call.config, 'epsilon', 1e-3);
  const scale = Float64Array.from(variance, (value, i) => (gamma?.[i] ?? 1) / Math.sqrt(value + epsilon));
  const shift = Float64Array.from(mean, (value, i) => (beta?.[i] ?? 0) - value * (scale[i] as number));
  return { scale, shift };
}
