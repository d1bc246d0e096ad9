import { dirname, resolve } from 'node:path';
import { DatasetError } from '../base/errors.ts';
import type { DatasetPart, ImageDataset, LabelledImage } from './labelled-images.ts';
import { compareNames, requireUsable } from './labelled-images.ts';

export interface ImageTableOptions {
  /** Column (CSV) or property (JSONL) of the picture's path or URL. Default: the first of `image`, `path`, `file`, `filename`, `file_name`. */
  readonly imageColumn?: string;
  /** Of the class. Default: the first of `label`, `class`, `category`. */
  readonly labelColumn?: string;
  /** Of the part: `train`, `validation` or `test`. Default: none. */
  readonly splitColumn?: string;
  /** What relative paths start from. Default: the folder of the table. */
  readonly folder?: string;
  readonly signal?: AbortSignal;
}

export interface TableColumns {
  readonly image: string;
  readonly label: string;
  readonly split?: string;
}

const imageNames = ['image', 'path', 'file', 'filename', 'file_name'];
const labelNames = ['label', 'class', 'category'];

const partNames: Readonly<Record<string, DatasetPart>> = {
  train: 'training',
  training: 'training',
  val: 'validation',
  valid: 'validation',
  validation: 'validation',
  dev: 'validation',
  test: 'test',
  testing: 'test',
};

/** The columns to read, of those that are there. @throws DatasetError `DATASET_ROW` */
export function columnsOf(
  names: readonly string[],
  options: ImageTableOptions,
  file: string,
  line: number,
): TableColumns {
  const find = (asked: string | undefined, usual: readonly string[], what: string): string => {
    const lower = new Map([...names].reverse().map((name) => [name.toLowerCase(), name]));
    const found =
      asked === undefined
        ? usual.map((name) => lower.get(name)).find((name) => name !== undefined)
        : names.includes(asked)
          ? asked
          : undefined;
    if (found !== undefined) return found;
    const expected = asked ?? usual.join(' or ');
    throw badRow(file, line, `there is no ${what} "${expected}"`, names.join(', ') || 'nothing', {
      expected: `a ${what} ${expected}`,
      nextStep: `name the columns with imageColumn and labelColumn`,
    });
  };
  return {
    image: find(options.imageColumn, imageNames, 'column'),
    label: find(options.labelColumn, labelNames, 'column'),
    ...(options.splitColumn === undefined ? {} : { split: find(options.splitColumn, [], 'column') }),
  };
}

/** Collects the rows of a table as pictures. */
export class TableRows {
  readonly #images: LabelledImage[] = [];
  readonly #file: string;
  readonly #folder: string;

  constructor(file: string, folder = dirname(file)) {
    this.#file = file;
    this.#folder = folder;
  }

  /** @throws DatasetError `DATASET_ROW` */
  add(row: Readonly<Record<string, unknown>>, columns: TableColumns, line: number): void {
    const image = this.#text(row[columns.image], columns.image, line);
    const label = this.#text(row[columns.label], columns.label, line);
    const source = /^(https?|data|file):/i.test(image) ? image : resolve(this.#folder, image);
    const name = source.startsWith('data:') ? `line ${line} of ${this.#file}` : source;
    if (columns.split === undefined) {
      this.#images.push({ image: source, label, name });
      return;
    }
    const given = this.#text(row[columns.split], columns.split, line);
    const key = given.toLowerCase();
    const split = Object.hasOwn(partNames, key) ? partNames[key] : undefined;
    if (split === undefined) {
      throw badRow(this.#file, line, `"${given}" is no part of a data set`, `${columns.split}: ${given}`, {
        expected: Object.keys(partNames).join(', '),
        nextStep: 'correct the line, or read the table without its split column',
      });
    }
    this.#images.push({ image: source, label, name, split });
  }

  /** @throws DatasetError `DATASET_EMPTY`, `DATASET_ONE_CLASS` */
  dataset(): ImageDataset {
    const classes = [...new Set(this.#images.map((image) => image.label))].sort(compareNames);
    const dataset = { classes, images: this.#images, skipped: [] };
    requireUsable(dataset, this.#file);
    return dataset;
  }

  #text(value: unknown, column: string, line: number): string {
    const text = typeof value === 'number' || typeof value === 'boolean' ? String(value) : value;
    if (typeof text === 'string' && text.trim() !== '') return text.trim();
    const problem =
      value === undefined || value === null || text === ''
        ? `"${column}" is missing`
        : `"${column}" is no text`;
    throw badRow(this.#file, line, problem, value === undefined ? 'nothing' : JSON.stringify(value));
  }
}

/** `DATASET_ROW`, with the number of the line, counted from 1. */
export function badRow(
  file: string,
  line: number,
  problem: string,
  given: string,
  {
    expected = 'the path of a picture and the name of its class',
    nextStep = 'correct the line, or take it out',
    cause,
  }: { expected?: string; nextStep?: string; cause?: unknown } = {},
): DatasetError {
  return new DatasetError('DATASET_ROW', `Line ${line} of ${file} cannot be used: ${problem}.`, {
    given: given.length > 200 ? `${given.slice(0, 200)}...` : given,
    expected,
    nextStep,
    cause,
  });
}
