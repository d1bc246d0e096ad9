import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** The folder of real weights and photos that may stand beside the checkout. */
export const sharedFolder = fileURLToPath(new URL('../../../shared', import.meta.url));

export const hasShared = existsSync(sharedFolder);

/** Path of a file in the shared folder. */
export function shared(path: string): string {
  return `${sharedFolder}/${path}`;
}

if (!hasShared) {
  // eslint-disable-next-line no-console
  console.warn(
    'skipping what needs real weights and photos: there is no folder ../shared beside the checkout',
  );
}
