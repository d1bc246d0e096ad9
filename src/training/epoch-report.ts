import type { Evaluation } from '../transfer/metrics.ts';

export interface EpochReport {
  /** From 1. */
  readonly epoch: number;
  /** Mean weighted cross-entropy of the epoch's steps, in nats, without penalties on the weights. */
  readonly loss: number;
  readonly accuracy: number;
  readonly valLoss: number;
  readonly valAccuracy: number;
}

/** More right answers, or as many with the lower loss. */
export function isBetter(candidate: Evaluation, best: Evaluation): boolean {
  return (
    candidate.accuracy > best.accuracy || (candidate.accuracy === best.accuracy && candidate.loss < best.loss)
  );
}

export function noteOf({ loss, valAccuracy }: EpochReport): string {
  return `loss ${loss.toFixed(3)}, validation accuracy ${valAccuracy.toFixed(3)}`;
}
