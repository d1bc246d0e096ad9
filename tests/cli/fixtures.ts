import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { readFileSync } from 'node:fs';
import sharp from 'sharp';
import { disposeModel, loadModel, saveModel } from '../../src/node.ts';
import { createRandom } from '../../src/base/random.ts';

export type Colour = readonly [red: number, green: number, blue: number];

export const red: Colour = [220, 30, 40];
export const blue: Colour = [30, 40, 220];

/** A folder for one test file, and what can be made in it. */
export class Workshop {
  readonly #name: string;
  #root: string | undefined;

  constructor(name: string) {
    this.#name = name;
  }

  /** Made when it is first asked for: where all tests of a file are skipped, nothing would remove it. */
  get root(): string {
    return (this.#root ??= mkdtempSync(join(tmpdir(), `dovecote-${this.#name}-`)));
  }

  path(...parts: string[]): string {
    return join(this.root, ...parts);
  }

  file(name: string, content: string | Uint8Array): string {
    const path = this.path(name);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, content);
    return path;
  }

  /** A picture of noise in one colour; the ending says the format. */
  async picture(name: string, colour: Colour, seed = 1, size = 64): Promise<string> {
    const random = createRandom(seed);
    const data = Uint8Array.from(
      { length: size * size * 3 },
      (_, at) => colour[at % 3]! * (0.6 + 0.4 * random()),
    );
    const path = this.path(name);
    mkdirSync(dirname(path), { recursive: true });
    await sharp(data, { raw: { width: size, height: size, channels: 3 } }).toFile(path);
    return path;
  }

  /** `folder/red` and `folder/blue` with `count` pictures each. */
  async colours(folder: string, count: number, seed = 0): Promise<string> {
    for (let index = 0; index < count; index++) {
      await this.picture(join(folder, 'red', `${index}.png`), red, seed + 2 * index + 1);
      await this.picture(join(folder, 'blue', `${index}.png`), blue, seed + 2 * index + 2);
    }
    return this.path(folder);
  }

  /** A saved SqueezeNet of random weights with 4 classes on 48 x 48 pixels: small and quick, but the whole graph. */
  async network(folder: string): Promise<string> {
    const model = await loadModel('squeezenet', {
      weights: null,
      classes: 4,
      inputShape: [48, 48, 3],
      seed: 3,
    });
    await saveModel(model, this.path(folder));
    await disposeModel(model);
    return this.path(folder);
  }

  /** One of the small Keras files of the converters' tests. */
  keras(name: string): string {
    const golden = new URL(`../converters/goldens/${name}.gz`, import.meta.url);
    return this.file(name, gunzipSync(readFileSync(golden)));
  }

  remove(): void {
    if (this.#root !== undefined) rmSync(this.#root, { recursive: true, force: true });
  }
}
