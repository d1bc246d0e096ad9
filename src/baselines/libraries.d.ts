/** What is used of libraries without types. */
declare module 'ml-logistic-regression' {
  import type { Matrix } from 'ml-matrix';

  export default class LogisticRegression {
    constructor(options: { readonly numSteps: number; readonly learningRate: number });
    /** @param Y One column with class indices. */
    train(X: Matrix, Y: Matrix): void;
    predict(X: Matrix): number[];
  }
}

declare module 'ml-knn' {
  export default class KNN {
    constructor(rows: number[][], labels: number[], options: { readonly k: number });
    predict(rows: number[][]): number[];
  }
}
