import type { BaselineName } from './compare-baselines.ts';

/** Scaled features, one array for each row. */
export interface Rows {
  readonly rows: readonly number[][];
  readonly labels: readonly number[];
}

export interface Problem {
  readonly training: Rows;
  readonly validation: Rows;
  readonly classes: number;
  readonly seed: number;
}

interface Classifier {
  readonly name: BaselineName;
  /** Training rows that it can take in about ten seconds. */
  readonly rowsFor: (problem: Problem) => number;
  /** The class of each validation row. */
  readonly run: (problem: Problem) => number[] | Promise<number[]>;
}

const widthOf = ({ training }: Problem) => training.rows[0]!.length;

/** Steps of gradient descent; multiplications that they may take together. */
const MOST_STEPS = 200;
const LEAST_STEPS = 20;
const LOGISTIC_WORK = 6e8;

/** The most trees, and the rows with which there are so many: the time goes with the square of the rows. */
const MOST_TREES = 100;
const LEAST_TREES = 20;
const FULL_FOREST_ROWS = 250;
const FOREST_ROWS = 500;

const NEIGHBOURS = 5;
/** Differences that the distances of all pairs may take. */
const DISTANCE_WORK = 6e8;

const logisticRegression: Classifier = {
  name: 'logistic regression',
  rowsFor: () => Infinity,
  async run(problem) {
    const [{ Matrix }, library] = await Promise.all([import('ml-matrix'), import('ml-logistic-regression')]);
    const { training, validation, classes } = problem;
    const withBias = ({ rows }: Rows) => rows.map((row) => [...row, 1]);
    const rows = withBias(training);
    const work = rows.length * rows[0]!.length * classes;
    const numSteps = Math.max(LEAST_STEPS, Math.min(MOST_STEPS, Math.floor(LOGISTIC_WORK / work)));
    const model = new library.default({ numSteps, learningRate: 4 / largestEigenvalue(rows) });
    // The library counts the classes that there are: one without rows would shift the others.
    const present = [...new Set(training.labels)].sort((a, b) => a - b);
    const labels = training.labels.map((label) => present.indexOf(label));
    model.train(new Matrix(rows), Matrix.columnVector(labels));
    return model.predict(new Matrix(withBias(validation))).map((index) => present[index]!);
  },
};

/**
 * Of the product of the rows' matrix with itself, by the power method. A quarter of it bounds the curvature of the logistic
 * loss, so that steps of one over that never overshoot.
 */
function largestEigenvalue(rows: readonly number[][]): number {
  let vector = new Float64Array(rows[0]!.length).fill(1);
  let value = 0;
  for (let round = 0; round < 12; round++) {
    const next = new Float64Array(vector.length);
    for (const row of rows) {
      let product = 0;
      for (let column = 0; column < row.length; column++) product += row[column]! * vector[column]!;
      for (let column = 0; column < row.length; column++) next[column]! += row[column]! * product;
    }
    value = Math.sqrt(next.reduce((sum, each) => sum + each * each, 0));
    if (value === 0) return 1;
    vector = next.map((each) => each / value);
  }
  return value;
}

const randomForest: Classifier = {
  name: 'random forest',
  rowsFor: () => FOREST_ROWS,
  async run(problem) {
    const { RandomForestClassifier } = await import('ml-random-forest');
    const { training, validation, seed } = problem;
    const share = (FULL_FOREST_ROWS / training.rows.length) ** 2;
    const model = new RandomForestClassifier({
      seed: seed % 2 ** 31,
      maxFeatures: Math.ceil(Math.sqrt(widthOf(problem))),
      replacement: false,
      nEstimators: Math.round(Math.max(LEAST_TREES, Math.min(MOST_TREES, MOST_TREES * share))),
      useSampleBagging: true,
      noOOB: true,
    });
    model.train([...training.rows], [...training.labels]);
    return model.predict([...validation.rows]);
  },
};

const nearestNeighbours: Classifier = {
  name: 'k-nearest neighbours',
  rowsFor: (problem) =>
    Math.max(NEIGHBOURS, Math.floor(DISTANCE_WORK / (problem.validation.rows.length * widthOf(problem)))),
  async run({ training, validation }) {
    const library = await import('ml-knn');
    const k = Math.min(NEIGHBOURS, training.rows.length);
    return new library.default([...training.rows], [...training.labels], { k }).predict([...validation.rows]);
  },
};

const mostFrequentClass: Classifier = {
  name: 'most frequent class',
  rowsFor: () => Infinity,
  run({ training, validation, classes }) {
    const counts = new Array<number>(classes).fill(0);
    training.labels.forEach((label) => counts[label]!++);
    const most = counts.indexOf(Math.max(...counts));
    return validation.labels.map(() => most);
  },
};

export const classifiers: readonly Classifier[] = [
  logisticRegression,
  randomForest,
  nearestNeighbours,
  mostFrequentClass,
];
