import type { DovecoteWorker } from '../../src/browser/worker-client.ts';
import type { WorkerPageGlobals } from './worker-page.ts';

declare global {
  /** `dovecote/browser`, in functions that run in the page. */
  const pages: WorkerPageGlobals['pages'];
  /** The worker that the tests have started. */
  const worker: DovecoteWorker;
}
