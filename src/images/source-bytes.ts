import { platform } from '../platform.ts';
import { bytesOfDataUrl } from './data-url.ts';
import type { ImageSource } from './image-source.ts';
import { classifySource, describeSource } from './image-source.ts';

/**
 * The encoded bytes of a picture; undefined for what has none: pixels, tensors and elements of a page.
 *
 * @throws what reading a file or URL throws
 */
export async function bytesOfSource(
  source: ImageSource,
  signal?: AbortSignal,
): Promise<Uint8Array | undefined> {
  const name = describeSource(source, 0);
  const classified = classifySource(source, name);
  switch (classified.kind) {
    case 'location':
      return platform().readBytes(classified.location, { ...(signal && { signal }), label: name });
    case 'data-url':
      return bytesOfDataUrl(classified.url, name);
    case 'bytes':
      return classified.bytes;
    case 'blob':
      return new Uint8Array(await classified.blob.arrayBuffer());
    case 'dom':
    case 'pixels':
    case 'rgba':
    case 'tensor':
      return undefined;
  }
}
