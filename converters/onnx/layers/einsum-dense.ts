import { activate } from '../activations.ts';
import { textOf } from '../config.ts';
import type { LayerCall, LayerEmitter } from '../emitter.ts';
import { checkedWeight, inputOf, unsupportedLayer } from '../emitter.ts';
import { einsumShape } from '../operations/products.ts';
import type { Value } from '../value.ts';
import { plainValue } from '../value.ts';

const EQUATION = /^(\.\.\.)?([a-zA-Z]+)(\.\.\.)?,([a-zA-Z]+)->(\.\.\.)?([a-zA-Z]+)(\.\.\.)?$/;

interface Einsum {
  /** Without spaces. */
  readonly equation: string;
  readonly input: string;
  readonly kernel: string;
  readonly output: string;
  /** Which side of the input's letters the unnamed axes stand on. */
  readonly ellipsis: 'left' | 'right' | undefined;
}

function parsed(call: LayerCall): Einsum {
  const equation = textOf(call.config, 'equation', '').replaceAll(' ', '');
  const match = EQUATION.exec(equation);
  if (match !== null) {
    const [, left, input = '', right, kernel = '', outputLeft, output = '', outputRight] = match;
    const fits = left === outputLeft && right === outputRight && (left === undefined || right === undefined);
    const ellipsis = left !== undefined ? 'left' : right !== undefined ? 'right' : undefined;
    if (fits) return { equation, input, kernel, output, ellipsis };
  }
  throw unsupportedLayer(call.layer, `its equation is ${JSON.stringify(call.config.equation) ?? 'missing'}`);
}

/** Whether it is the product of the input's last axis with the kernel's first, as Dense has it. */
function isMatrixProduct({ input, kernel, output, ellipsis }: Einsum): boolean {
  const rest = input.slice(0, -1);
  return (
    ellipsis !== 'right' &&
    input.at(-1) === kernel[0] &&
    output === rest + kernel.slice(1) &&
    new Set(output + kernel[0]).size === output.length + 1
  );
}

function einsumDense(call: LayerCall): Value {
  const { builder, config, weightKey } = call;
  const input = inputOf(call);
  const einsum = parsed(call);
  const kernel = checkedWeight(
    call,
    0,
    'kernel',
    [...einsum.kernel].map(() => null),
  );
  const shape = einsumShape(call, einsum.equation, [input.shape, kernel.shape]);
  const x = builder.plain(input);

  let product: string;
  if (isMatrixProduct(einsum)) {
    const [rows = 1, ...rest] = kernel.shape;
    const width = rest.reduce((total, size) => total * size, 1);
    const matrix = builder.weights(`${weightKey}:kernel`, [rows, width], kernel.tensor);
    product = builder.node('MatMul', [x, matrix]);
    if (rest.length !== 1) {
      product = builder.reshape(product, [...input.shape.slice(0, -1).map(() => 0), ...rest]);
    }
  } else {
    const weights = builder.weights(`${weightKey}:kernel`, kernel.shape, kernel.tensor);
    product = builder.node('Einsum', [x, weights], { equation: { s: einsum.equation } });
  }
  if (config.bias_axes != null && config.bias_axes !== '') {
    // Its shape has ones where the axes behind the first of `bias_axes` have no bias.
    const rank = call.weights[1]?.shape.length ?? 1;
    const bias = checkedWeight(
      call,
      1,
      'bias',
      Array.from({ length: rank }, () => null),
    );
    const name = builder.weights(`${weightKey}:bias`, bias.shape, bias.tensor);
    product = builder.node('Add', [product, name]);
  }
  return activate(call, plainValue(product, shape), config.activation);
}

export const einsumDenseEmitters: Readonly<Record<string, LayerEmitter>> = {
  EinsumDense: { emit: einsumDense },
};
