/**
 * Multiply-adds of each network with top at its default input size: of its convolutions and dense layers, without
 * biases, as `dovecote summary` counts them. Written by tools/zoo-table/make.mjs.
 */
export const multiplyAdds: Readonly<Record<string, number>> = {};
