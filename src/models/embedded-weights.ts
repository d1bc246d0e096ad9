import { AbortedError, FileError, FormatError, reasonOf } from '../base/errors.ts';
import type { EmbeddedWeights } from '../../zoo/card.ts';
import type { ReadOptions } from '../platform.ts';
import { platform } from '../platform.ts';
import { mismatch } from '../weights/published-file.ts';

/**
 * The bytes of the network in the package, held to its size and hash.
 *
 * @throws FileError `FILE_NOT_FOUND` when it is not where the package has it (a bundle that left it behind);
 * FormatError `FORMAT_DAMAGED` when it is not the file that it should be; AbortedError `ABORTED`
 */
export async function readEmbedded(file: EmbeddedWeights, options: ReadOptions = {}): Promise<Uint8Array> {
  const { embeddedModel } = await import('../embedded/index.ts');
  const { url } = embeddedModel;
  const bytes = await platform()
    .readBytes(url, { label: file.fileName, ...options })
    .catch((cause: unknown) => {
      if (cause instanceof AbortedError) throw cause;
      throw new FileError('FILE_NOT_FOUND', `The embedded network cannot be read: ${reasonOf(cause)}`, {
        given: url.href,
        expected: `the package's file ${file.fileName}`,
        nextStep: `where a bundler left it behind, publish node_modules/dovecote/dist/${file.fileName} yourself and pass its address as \`weights\`; else install the package again`,
        cause,
      });
    });
  const problem = await mismatch(bytes, file);
  if (problem === undefined) return bytes;
  throw new FormatError('FORMAT_DAMAGED', `The embedded network ${file.fileName} is damaged.`, {
    given: `${problem.given} at ${url.href}`,
    expected: problem.expected,
    nextStep: 'install the package again',
  });
}
