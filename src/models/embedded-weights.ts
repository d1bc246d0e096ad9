import { DovecoteError, FileError, FormatError, reasonOf } from '../base/errors.ts';
import type { EmbeddedWeights } from '../../zoo/card.ts';
import type { ReadOptions } from '../platform.ts';
import { platform } from '../platform.ts';

/**
 * The bytes of the network in the package, held to its size and hash.
 *
 * @throws FileError `FILE_NOT_FOUND` when it is not where the package has it (a bundle that left it behind);
 * FormatError `FORMAT_DAMAGED` when it is not the file that it should be; NetworkError and FileError when it is there
 * but cannot be read; AbortedError `ABORTED`
 */
export async function readEmbedded(file: EmbeddedWeights, options: ReadOptions = {}): Promise<Uint8Array> {
  const { embeddedModel } = await import('../embedded/index.ts');
  const { url } = embeddedModel;
  const { bytes, problem } = await platform()
    .readAsset({ url: url.href, ...file }, options)
    .catch((error: unknown) => {
      if (!isMissing(error)) throw error;
      throw new FileError(
        'FILE_NOT_FOUND',
        `The network of the package is not where it should be: ${reasonOf(error)}`,
        {
          given: url.href,
          expected: `the package's file ${file.fileName}`,
          nextStep: platform().name === 'node' ? nextInNode(file) : nextInBrowser(embeddedModel.name, file),
          cause: error,
        },
      );
    });
  if (problem === undefined) return bytes;
  throw new FormatError('FORMAT_DAMAGED', `The embedded network ${file.fileName} is damaged.`, {
    given: `${problem.given} at ${url.href}`,
    expected: problem.expected,
    nextStep: 'install the package again, and where a page or program was bundled, bundle it again',
  });
}

/** A server without the file answers with an error, or with its start page; the reader has refused both. */
function isMissing(error: unknown): boolean {
  return (
    error instanceof DovecoteError &&
    ['FILE_NOT_FOUND', 'NETWORK_STATUS', 'DOWNLOAD_CONTENT'].includes(error.code)
  );
}

function nextInNode({ fileName }: EmbeddedWeights): string {
  return (
    'where the program was bundled, mark dovecote as external, or put ' +
    `node_modules/dovecote/dist/${fileName} beside the bundle; else install the package again`
  );
}

function nextInBrowser(name: string, { fileName }: EmbeddedWeights): string {
  return (
    `let the bundler publish it, and say where: \`import address from 'dovecote/embedded/${fileName}?url'\` in Vite, ` +
    'the same without `?url` and with `--loader:.safetensors=file` in esbuild; ' +
    `or publish node_modules/dovecote/dist/${fileName} yourself; ` +
    `then load it by its address: \`loadModel('${name}', { weights: address })\``
  );
}
