/**
 * `dovecote/embedded`: where the trained network lies that comes with the package. Importing this loads nothing; the
 * file is read, or in a browser fetched, when a model is loaded from it.
 *
 * @module dovecote/embedded
 */
import { efficientNetLite0 } from '../../zoo/cards/efficientnet-lite.ts';
import { assetUrl } from './asset-url.ts';

export interface EmbeddedModel {
  /** What `loadModel` calls it. */
  readonly name: string;
  readonly title: string;
  readonly fileName: string;
  /** Bytes. */
  readonly size: number;
  /** Hexadecimal. */
  readonly sha256: string;
  readonly licence: string;
  /** A `file:` URL in Node; in a browser the address that the bundler gave to the asset. */
  readonly url: URL;
}

/** EfficientNet-Lite0, trained on ImageNet: 8-bit weights, one scale for each output channel (safetensors). */
export const embeddedModel: EmbeddedModel = {
  name: efficientNetLite0.name,
  title: efficientNetLite0.title,
  ...efficientNetLite0.embedded!,
  licence: efficientNetLite0.licence,
  // Bundlers look for this expression, word for word, and take the file along. esbuild does not; see README.
  url: assetUrl(new URL('./efficientnet-lite0.int8.safetensors', import.meta.url)),
};
