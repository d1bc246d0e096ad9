import { classifierOrFeatures, modelBuilder, rowOf } from './builder.ts';
import { heNormal, normalCell, normalise, reductionCell } from './nasnet-cells.ts';

interface Plan {
  /** Normal cells between two reductions: N in the paper's `N @ P`. */
  readonly repeats: number;
  /** Channels of the last feature map: P. */
  readonly penultimate: number;
  readonly stem: number;
  /** Whether the cell behind a reduction sees the cell before it as its previous one, and not the reduction's own input. */
  readonly skipReduction: boolean;
}

/** NASNet-A (4 @ 1056) and (6 @ 4032) of the paper. */
const plans: Readonly<Record<string, Plan>> = {
  nasnetmobile: { repeats: 4, penultimate: 1056, stem: 32, skipReduction: false },
  nasnetlarge: { repeats: 6, penultimate: 4032, stem: 96, skipReduction: true },
};

/**
 * NASNetMobile and NASNetLarge (Zoph et al. 2017, arXiv 1707.07012) as in `keras/src/applications/nasnet.py`. Each cell
 * reads the two before it; the filters double at each reduction.
 *
 * Input `[batch, height, width, 3]`, -1 to 1 (mode `tf`). Output `[batch, classes]`, or
 * `[batch, rows, columns, 1056 or 4032]` without top (a vector of as many when pooled).
 *
 * @throws ModelError `MODEL_OPTION`
 */
export const buildNasNet = modelBuilder((network, image, settings) => {
  const { repeats, penultimate, stem, skipReduction } = rowOf(plans, settings.card);
  // The last cells concatenate 6 branches of four times as many filters.
  const filters = penultimate / 24;

  let x = network.conv2d(image, {
    name: 'stem_conv1',
    filters: stem,
    kernelSize: 3,
    strides: 2,
    useBias: false,
    random: heNormal,
  });
  x = normalise(network, x, 'stem_bn1');
  let previous = x;
  const step = (makeCell: typeof normalCell, id: string, width: number, { keepPrevious = false } = {}) => {
    const made = makeCell(network, x, previous, { id, filters: width });
    if (!keepPrevious) previous = x;
    x = made;
  };

  step(reductionCell, 'stem_1', filters / 4);
  step(reductionCell, 'stem_2', filters / 2);
  [1, 2, 4].forEach((widening, stage) => {
    const width = filters * widening;
    const first = stage * repeats;
    if (stage > 0) step(reductionCell, `reduce_${first}`, width, { keepPrevious: skipReduction });
    // Keras counts from 0 before the first reduction, from 1 behind it.
    const offset = stage > 0 ? 1 : 0;
    for (let repeat = 0; repeat < repeats; repeat++) step(normalCell, `${first + repeat + offset}`, width);
  });
  x = network.activation(x, { activation: 'relu' });
  return classifierOrFeatures(network, x, settings, { namedPool: 'never' });
});
