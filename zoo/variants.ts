import type { BuildOptions } from './build-options.ts';
import type { ModelCard } from './card.ts';

/** The options that pick one of the published widths and makes of a network. */
export type VariantOptions = Pick<BuildOptions, 'alpha' | 'minimalistic'>;

/** What a card says of one width and make. */
export interface Variant extends Pick<ModelCard, 'parameters' | 'features' | 'accuracy' | 'weights'> {
  readonly alpha: number;
  readonly minimalistic: boolean;
}

/** All published widths and makes of a network; first the one that the card itself describes. */
export function variantsOf(card: ModelCard): Variant[] {
  return [
    { ...card, alpha: 1, minimalistic: false },
    ...(card.variants ?? []).map((variant) => ({ minimalistic: false, ...variant })),
  ];
}

/** The published width and make that the options mean, or undefined where there is none. */
export function variantOf(card: ModelCard, options: VariantOptions): Variant | undefined {
  const { alpha = 1, minimalistic = false } = options;
  return variantsOf(card).find((each) => each.alpha === alpha && each.minimalistic === minimalistic);
}

/** The last layer without top, also of a width that is not published: only the make decides on it. */
export function featureLayerOfVariant(card: ModelCard, { minimalistic = false }: VariantOptions): string {
  return (variantsOf(card).find((each) => each.minimalistic === minimalistic) ?? card).features.layer;
}

/** The same for a network that is there, which may have a top. */
export function featureLayerIn(
  layerNames: ReadonlySet<string>,
  card: ModelCard,
  options: VariantOptions,
): string {
  const layer = featureLayerOfVariant(card, options);
  const { withTop } = card.features;
  return !layerNames.has(layer) && withTop !== undefined && layerNames.has(withTop) ? withTop : layer;
}

/** Only what differs from the default, for metadata and calls: `{ alpha: 0.25 }`; undefined for the default. */
export function differingOptions({
  alpha = 1,
  minimalistic = false,
}: VariantOptions): VariantOptions | undefined {
  if (alpha === 1 && !minimalistic) return undefined;
  return { ...(alpha === 1 ? undefined : { alpha }), ...(minimalistic ? { minimalistic } : undefined) };
}

/** `MobileNet`, `MobileNet (alpha 0.25)`, `MobileNetV3Small (minimalistic)`. */
export function variantTitle(card: ModelCard, { alpha = 1, minimalistic = false }: VariantOptions): string {
  const differences = [...(alpha === 1 ? [] : [`alpha ${alpha}`]), ...(minimalistic ? ['minimalistic'] : [])];
  return differences.length === 0 ? card.title : `${card.title} (${differences.join(', ')})`;
}

/** As it is typed on the command line: `mobilenet --alpha 0.25`. */
export function variantFlags(card: ModelCard, { alpha = 1, minimalistic = false }: VariantOptions): string {
  return [
    card.name,
    ...(alpha === 1 ? [] : [`--alpha ${alpha}`]),
    ...(minimalistic ? ['--minimalistic'] : []),
  ].join(' ');
}
