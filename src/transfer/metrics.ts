export interface ClassMetrics {
  readonly label: string;
  /** Of the pictures given this label, the share that has it. 0 when none was given it. */
  readonly precision: number;
  /** Of the pictures that have this label, the share that was given it. 0 when none has it. */
  readonly recall: number;
  readonly f1: number;
  /** Pictures of this class. */
  readonly support: number;
}

export interface Evaluation {
  readonly accuracy: number;
  /** Mean cross-entropy in nats, without the penalty on the weights. */
  readonly loss: number;
  /** `confusion[actual][predicted]`, counts. */
  readonly confusion: readonly (readonly number[])[];
  readonly perClass: readonly ClassMetrics[];
}

/**
 * @param probabilities Row-major `[images, classes]`.
 * @param actual Class index of each image.
 */
export function evaluate(
  probabilities: Float32Array,
  actual: readonly number[],
  classes: readonly string[],
): Evaluation {
  const width = classes.length;
  const confusion = classes.map(() => new Array<number>(width).fill(0));
  let loss = 0;
  let right = 0;
  actual.forEach((label, image) => {
    const row = probabilities.subarray(image * width, (image + 1) * width);
    const predicted = row.reduce((best, value, index) => (value > (row[best] as number) ? index : best), 0);
    (confusion[label] as number[])[predicted]! += 1;
    if (predicted === label) right++;
    loss -= Math.log(Math.max(row[label] as number, 1e-7));
  });
  const count = Math.max(actual.length, 1);
  return {
    accuracy: right / count,
    loss: loss / count,
    confusion,
    perClass: classes.map((label, index) => classMetrics(label, index, confusion)),
  };
}

/** Precision, recall, F1 and support of one class. */
export function classMetrics(
  label: string,
  index: number,
  confusion: readonly (readonly number[])[],
): ClassMetrics {
  const hits = confusion[index]?.[index] ?? 0;
  const support = (confusion[index] ?? []).reduce((sum, count) => sum + count, 0);
  const given = confusion.reduce((sum, row) => sum + (row[index] ?? 0), 0);
  const precision = given === 0 ? 0 : hits / given;
  const recall = support === 0 ? 0 : hits / support;
  const f1 = precision + recall === 0 ? 0 : (2 * precision * recall) / (precision + recall);
  return { label, precision, recall, f1, support };
}
