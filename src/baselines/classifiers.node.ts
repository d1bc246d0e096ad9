import { createRandom, shuffled } from '../base/random.ts';
import type { BaselineName } from './compare-baselines.node.ts';

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
  /** Gives the event loop its turn. @throws AbortedError */
  readonly pause: () => Promise<void>;
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
const LEAST_ROWS = 200;

const TREES = 100;
/** Rows of a tree times themselves, its features, the classes and the trees: how the library's time grows. */
const FOREST_WORK = 4.3e8;
const LEAST_TREE_ROWS = 16;

const NEIGHBOURS = 5;
/** Differences that the distances of all pairs may take. */
const DISTANCE_WORK = 6e8;

const logisticRegression: Classifier = {
  name: 'logistic regression',
  rowsFor: (problem) =>
    Math.max(LEAST_ROWS, Math.floor(LOGISTIC_WORK / (LEAST_STEPS * widthOf(problem) * problem.classes))),
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

/**
 * Each tree gets a random part of the rows, as large as its time allows: the library tries all places of a split one by one.
 * Many small parts make a good forest too (Breiman, "Pasting small votes for classification in large databases and on-line",
 * 1999).
 */
const randomForest: Classifier = {
  name: 'random forest',
  rowsFor: () => Infinity,
  async run(problem) {
    const { RandomForestClassifier } = await import('ml-random-forest');
    const { training, validation, classes, seed, pause } = problem;
    const maxFeatures = Math.ceil(Math.sqrt(widthOf(problem)));
    const affordable = Math.floor(Math.sqrt(FOREST_WORK / (maxFeatures * classes * TREES)));
    const rowsOfTree = Math.max(LEAST_TREE_ROWS, affordable);
    const random = createRandom(seed);
    const votes = validation.rows.map(() => new Array<number>(classes).fill(0));
    for (let tree = 0; tree < TREES; tree++) {
      await pause();
      const order = shuffled([...training.rows.keys()], random).slice(0, rowsOfTree);
      const forest = new RandomForestClassifier({
        nEstimators: 1,
        seed: Math.floor(random() * 2 ** 31),
        maxFeatures,
        replacement: false,
        // Where a tree gets all rows, a bootstrap sample of them makes it differ from the others.
        useSampleBagging: order.length === training.rows.length,
        noOOB: true,
      });
      forest.train(
        order.map((row) => training.rows[row]!),
        order.map((row) => training.labels[row]!),
      );
      forest.predict([...validation.rows]).forEach((label, row) => votes[row]![label]!++);
    }
    return votes.map((counts) => counts.indexOf(Math.max(...counts)));
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
