/**
 * How a picture becomes `width` x `height`:
 * - `fill`: both sides are stretched, the aspect ratio is lost (Keras's default);
 * - `cover`: the picture is scaled until it covers the target, the centre is kept;
 * - `contain`: the picture is scaled until it fits, the rest is `background`.
 */
export type ResizeMode = 'fill' | 'cover' | 'contain';

/**
 * Named after Pillow's filters, with antialiasing when shrinking:
 * `nearest` (no antialiasing), `bilinear` (triangle, support 1), `bicubic` (Catmull-Rom, a = -0.5, support 2),
 * `lanczos3` (support 3).
 */
export type ResizeFilter = 'nearest' | 'bilinear' | 'bicubic' | 'lanczos3';

export interface ResizeOptions {
  /** Pixels, at least 1. */
  readonly width: number;
  readonly height: number;
  /** Default `fill`. */
  readonly mode?: ResizeMode;
  /** Default `bilinear`. */
  readonly filter?: ResizeFilter;
  /**
   * For `cover` and `fill`: the picture is first scaled to `size / cropFraction` (`cover`: its shorter side; `fill`:
   * both sides), then the centre is cut out: 0.875 is "resize to 256, crop 224". Above 0, at most 1. Default 1.
   */
  readonly cropFraction?: number;
  /** For `contain`: RGB, 0 to 255. Default black. */
  readonly background?: readonly [number, number, number];
}
