/** `MaxPooling2D` -> `max_pooling2d`, by Keras's own rule: so do weight files call the groups of a class's objects. */
export function snakeCase(className: string): string {
  return className
    .replace(/[^\p{L}\p{N}_]+/gu, '')
    .replace(/(.)([A-Z][a-z]+)/g, '$1_$2')
    .replace(/([a-z])([A-Z])/g, '$1_$2')
    .toLowerCase();
}

/** Names within one container: the first of a kind has the plain name, others are counted: `dense`, `dense_1`. */
export class GroupNames {
  readonly #used = new Map<string, number>();

  next(className: string): string {
    const name = snakeCase(className);
    const count = this.#used.get(name) ?? 0;
    this.#used.set(name, count + 1);
    return count === 0 ? name : `${name}_${count}`;
  }
}
