/** Runs in the browser: gives the tests the browser entry and tfjs. */
import * as tf from '@tensorflow/tfjs';
import * as dovecote from '../../src/browser.ts';
import '../../src/onnx-web.ts';

/** What the page's globals are, for the functions that tests evaluate in it. */
export interface PageGlobals {
  readonly dovecote: typeof dovecote;
  readonly tf: typeof tf;
}

Object.assign(globalThis, { dovecote, tf } satisfies PageGlobals);
