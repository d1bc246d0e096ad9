/** Learning rate of a step, from 0 to `totalSteps - 1`. */
export type Schedule = (step: number, totalSteps: number) => number;

export interface CosineOptions {
  /** Highest rate. */
  readonly peak: number;
  /** Share of the steps in which the rate rises to the highest one in a straight line, 0 to below 1. Default 0. */
  readonly warmUp?: number;
  /** The last rate, as a share of the highest. Default 0. */
  readonly alpha?: number;
}

/** Keras's `CosineDecay`: with warm-up a straight line from 0, then half a cosine from the peak down to `alpha` times it. */
export function cosineSchedule({ peak, warmUp = 0, alpha = 0 }: CosineOptions): Schedule {
  return (step, totalSteps) => {
    const rising = Math.round(warmUp * totalSteps);
    if (step < rising) return (peak * (step + 1)) / (rising + 1);
    const done = Math.min((step - rising) / Math.max(totalSteps - rising, 1), 1);
    return peak * (alpha + ((1 - alpha) * (1 + Math.cos(Math.PI * done))) / 2);
  };
}

/** The full rate throughout, but for a warm-up in a straight line. */
export function constantSchedule({ peak, warmUp = 0 }: Pick<CosineOptions, 'peak' | 'warmUp'>): Schedule {
  return (step, totalSteps) => {
    const rising = Math.round(warmUp * totalSteps);
    return step < rising ? (peak * (step + 1)) / (rising + 1) : peak;
  };
}

export interface OneCycleOptions {
  readonly peak: number;
  /** Share of the steps in which the rate rises. Default 0.25. */
  readonly rising?: number;
  /** The first rate is the highest divided by this. Default 25. */
  readonly divisor?: number;
  /** The last rate is the first one divided by this. Default 10000. */
  readonly finalDivisor?: number;
}

/** Smith's one-cycle policy along two half cosines, with the numbers of PyTorch's `OneCycleLR`. */
export function oneCycleSchedule(options: OneCycleOptions): Schedule {
  const { peak, rising = 0.25, divisor = 25, finalDivisor = 1e4 } = options;
  const first = peak / divisor;
  const last = first / finalDivisor;
  const between = (from: number, to: number, share: number) =>
    to + ((from - to) * (1 + Math.cos(Math.PI * share))) / 2;
  return (step, totalSteps) => {
    const top = rising * totalSteps - 1;
    if (step <= top) return between(first, peak, top <= 0 ? 1 : step / top);
    return between(peak, last, Math.min((step - top) / Math.max(totalSteps - 1 - top, 1), 1));
  };
}
