/** Runs in the browser: gives the tests the entry for pages, and what they check it with. */
import * as dovecote from '../../src/browser/entry.ts';

/** What the page's globals are, for the functions that tests evaluate in it. */
export interface WorkerPageGlobals {
  readonly pages: typeof dovecote;
}

Object.assign(globalThis, { pages: dovecote } satisfies WorkerPageGlobals);
