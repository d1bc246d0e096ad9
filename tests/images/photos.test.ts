import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { Pixels } from '../../src/base/types.ts';
import { decodeImageNode } from '../../src/images/decode.node.ts';
import { DEFAULT_PIXEL_LIMIT } from '../../src/images/image-errors.ts';
import type { ResizeOptions } from '../../src/images/resize-options.ts';
import { hasShared, shared } from '../support/shared.ts';
import { goldenJson } from './goldens.ts';

interface PhotoCase {
  file: string;
  decoded: string;
  fill: string;
  cover: string;
  enlarged: string;
}

function digest({ data }: Pixels): string {
  return createHash('sha256').update(data).digest('hex');
}

describe.skipIf(!hasShared)('real photos come out as from Pillow, bit for bit', () => {
  it.each(goldenJson<PhotoCase[]>('photos.json'))(
    '$file',
    async ({ file, decoded, fill, cover, enlarged }) => {
      const bytes = readFileSync(shared(file));
      const decode = async (resize?: ResizeOptions): Promise<string> =>
        digest(await decodeImageNode(bytes, { name: file, pixelLimit: DEFAULT_PIXEL_LIMIT, resize }));
      expect({
        decoded: await decode(),
        fill: await decode({ width: 227, height: 227 }),
        cover: await decode({
          width: 224,
          height: 224,
          mode: 'cover',
          cropFraction: 0.875,
          filter: 'bicubic',
        }),
        enlarged: await decode({ width: 700, height: 600, filter: 'lanczos3' }),
      }).toEqual({ decoded, fill, cover, enlarged });
    },
  );
});
