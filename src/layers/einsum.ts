import * as tf from '@tensorflow/tfjs';

/** An einsum of two operands whose axes all have a letter. */
export interface Contraction {
  readonly left: string;
  readonly right: string;
  readonly output: string;
}

/**
 * `ab,bc->ac` in parts; an ellipsis becomes as many capital letters as there are axes without a name. Undefined where
 * the equation is not of two operands, repeats a letter within one, or has one in the output that no operand has.
 */
export function parseContraction(
  equation: string,
  leftRank: number,
  rightRank: number,
): Contraction | undefined {
  const match = /^([a-z.]*),([a-z.]*)->([a-z.]*)$/.exec(equation.replaceAll(/\s/g, ''));
  if (match === null) return undefined;
  const [left, right, output] = match.slice(1) as [string, string, string];
  const missing = Math.max(
    left.includes('...') ? leftRank - left.length + 3 : 0,
    right.includes('...') ? rightRank - right.length + 3 : 0,
  );
  if (missing < 0 || missing > 26) return undefined;
  const letters = String.fromCharCode(...Array.from({ length: missing }, (_, i) => 65 + i));
  // An operand with fewer axes is broadcast: its ellipsis stands for the last of them.
  const named = (part: string, rank: number) =>
    part.replace('...', letters.slice(letters.length - Math.max(0, rank - part.length + 3)));
  const parts = {
    left: named(left, leftRank),
    right: named(right, rightRank),
    output: output.replace('...', letters),
  };
  const all = Object.values(parts);
  const once = all.every((part) => !part.includes('.') && new Set(part).size === part.length);
  const known = [...parts.output].every(
    (letter) => parts.left.includes(letter) || parts.right.includes(letter),
  );
  const fits = parts.left.length === leftRank && parts.right.length === rightRank;
  return once && known && fits ? parts : undefined;
}

/** The axes of `from` brought into the order of `to`, which has the same letters. */
function ordered(x: tf.Tensor, from: string, to: string): tf.Tensor {
  return from === to
    ? x
    : tf.transpose(
        x,
        Array.from(to, (letter) => from.indexOf(letter)),
      );
}

/** Letters that nothing else has are summed over at once. */
function reduced(x: tf.Tensor, letters: string, kept: string): { x: tf.Tensor; letters: string } {
  const alone = Array.from(letters, (letter, axis) => (kept.includes(letter) ? -1 : axis)).filter(
    (i) => i >= 0,
  );
  if (alone.length === 0) return { x, letters };
  return {
    x: tf.sum(x, alone),
    letters: Array.from(letters)
      .filter((c) => kept.includes(c))
      .join(''),
  };
}

/** The einsum by one matrix product: what both have and the output keeps are its batch axes. */
export function contract(contraction: Contraction, a: tf.Tensor, b: tf.Tensor): tf.Tensor {
  const { output } = contraction;
  return tf.tidy(() => {
    const left = reduced(a, contraction.left, contraction.right + output);
    const right = reduced(b, contraction.right, contraction.left + output);
    const pick = (letters: string, test: (letter: string) => boolean) =>
      Array.from(letters).filter(test).join('');
    const shared = pick(left.letters, (c) => right.letters.includes(c));
    const batch = pick(shared, (c) => output.includes(c));
    const summed = pick(shared, (c) => !output.includes(c));
    const rows = pick(left.letters, (c) => !shared.includes(c));
    const columns = pick(right.letters, (c) => !shared.includes(c));
    const x = ordered(left.x, left.letters, batch + rows + summed);
    const y = ordered(right.x, right.letters, batch + summed + columns);
    const sizes = new Map<string, number>();
    const measure = (letters: string, shape: number[]) =>
      Array.from(letters).forEach((letter, axis) => sizes.set(letter, shape[axis] as number));
    measure(batch + rows + summed, x.shape);
    measure(batch + summed + columns, y.shape);
    const size = (letters: string) =>
      tf.util.sizeFromShape(Array.from(letters, (letter) => sizes.get(letter) as number));
    const flat = batch === '' ? [] : [size(batch)];
    const z = tf.matMul(
      tf.reshape(x, [...flat, size(rows), size(summed)]),
      tf.reshape(y, [...flat, size(summed), size(columns)]),
    );
    const letters = batch + rows + columns;
    const shaped = tf.reshape(
      z,
      Array.from(letters, (letter) => sizes.get(letter) as number),
    );
    return ordered(shaped, letters, output);
  });
}

/**
 * Other names for an equation's capitals: tfjs takes them in a saved config for the beginnings of words, so that they
 * would not come back.
 */
export function smallLetters(equation: string): (text: string) => string {
  const used = new Set(equation);
  const free = [...'abcdefghijklmnopqrstuvwxyz'].filter((letter) => !used.has(letter));
  const names = new Map<string, string>();
  for (const letter of used) {
    if (!/[A-Z]/.test(letter)) continue;
    const at = free.indexOf(letter.toLowerCase());
    names.set(letter, free.splice(Math.max(0, at), 1)[0] ?? letter);
  }
  return (text) => text.replaceAll(/[A-Z]/g, (letter) => names.get(letter) ?? letter);
}
