import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Sharp } from 'sharp';
import sharp from 'sharp';
import { createRandom } from '../../src/base/random.ts';

/** A picture of soft spots, another one for each seed. */
export async function spots(seed: number, size = 96): Promise<Sharp> {
  const random = createRandom(seed);
  const data = Uint8Array.from({ length: 6 * 6 * 3 }, () => Math.floor(256 * random()));
  const png = await sharp(data, { raw: { width: 6, height: 6, channels: 3 } })
    .resize(size, size, { kernel: 'cubic' })
    .png()
    .toBuffer();
  return sharp(png);
}

export const spotsPng = async (seed: number, size?: number) => (await spots(seed, size)).png().toBuffer();

/** Writes files below a folder; names may have slashes. */
export function writeFiles(root: string, files: Readonly<Record<string, Uint8Array | string>>): string {
  for (const [name, content] of Object.entries(files)) {
    const path = join(root, name);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, content);
  }
  return root;
}
