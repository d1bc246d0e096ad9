/**
 * `dovecote/worker`: the program of a Web Worker that does Dovecote's work beside the page. `openWorker` of
 * `dovecote/browser` talks to it.
 *
 * @module dovecote/worker
 */
import './browser.ts';
import { expose } from 'comlink';
import { WorkerService } from './browser/worker-service.ts';

expose(new WorkerService());
