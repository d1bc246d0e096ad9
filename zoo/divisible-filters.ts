/**
 * The multiple of 8 that is nearest to a number of filters, at least 8 and not below 90 percent of it: how the networks
 * of the MobileNet family scale their widths.
 */
export function divisibleFilters(filters: number): number {
  const rounded = Math.max(8, Math.floor((filters + 4) / 8) * 8);
  return rounded < 0.9 * filters ? rounded + 8 : rounded;
}
