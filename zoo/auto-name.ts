/**
 * Names for layers that Keras leaves unnamed, numbered for each network and not for each process: the first of a kind
 * has no number, the next ones have `_1`, `_2` and so on, as Keras 3 counts in a fresh session.
 */
export function autoNames(): (kind: string) => string {
  const counts = new Map<string, number>();
  return (kind) => {
    const count = counts.get(kind) ?? 0;
    counts.set(kind, count + 1);
    return count === 0 ? kind : `${kind}_${count}`;
  };
}
