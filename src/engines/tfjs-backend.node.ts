import * as tf from '@tensorflow/tfjs';
import { EngineError, UsageError } from '../base/errors.ts';
import type { ImportPackage, TfjsNodeAttempt } from './tfjs-node-package.node.ts';
import { loadTfjsNode } from './tfjs-node-package.node.ts';
import { repairWasmHeap } from './wasm-heap.ts';

export interface PrepareTfjsOptions {
  /** A place for tensors is enough for now. */
  readonly hostOnly?: boolean;
  /** How tfjs-node and tfjs-node-gpu are imported. */
  readonly importPackage?: ImportPackage;
}

/** The backends that Node has, fastest first. */
const tfjsBackends = ['tensorflow', 'wasm', 'cpu'] as const;
type TfjsBackend = (typeof tfjsBackends)[number];

/**
 * Picks tfjs's backend in Node: the one that the program has picked; else the one that `DOVECOTE_TFJS_BACKEND` names; else
 * `tensorflow` where tfjs-node-gpu or tfjs-node is installed and loads; else WASM; else cpu. This package prints nothing.
 * `hostOnly` makes it cpu until the next call without it.
 *
 * @throws UsageError `USAGE_ARGUMENT` (no such backend in `DOVECOTE_TFJS_BACKEND`), EngineError `ENGINE_UNAVAILABLE` (it
 *   names one that does not work)
 */
export async function prepareTfjsNode({
  hostOnly = false,
  importPackage,
}: PrepareTfjsOptions = {}): Promise<void> {
  if (hostOnly && preparing === undefined) return pickHost();
  // tfjs drops a backend that is still starting when it is set again, so callers share one attempt.
  preparing ??= pickBackend(importPackage).finally(() => (preparing = undefined));
  return preparing;
}

/** What came of tfjs-node and tfjs-node-gpu when the backend was picked; empty when nobody had to look. */
export function tfjsNodeAttempts(): readonly TfjsNodeAttempt[] {
  return attempts;
}

/** The backend that `DOVECOTE_TFJS_BACKEND` names. */
function namedBackend(): TfjsBackend | undefined {
  const name = (process.env.DOVECOTE_TFJS_BACKEND ?? '').trim();
  if (name === '') return undefined;
  const known = tfjsBackends.find((each) => each === name);
  if (known !== undefined) return known;
  throw new UsageError('USAGE_ARGUMENT', 'There is no such backend of tfjs.', {
    given: `DOVECOTE_TFJS_BACKEND=${name}`,
    expected: tfjsBackends.join(', '),
    nextStep: 'set DOVECOTE_TFJS_BACKEND to one of them, or leave it out for the fastest',
  });
}

let preparing: Promise<void> | undefined;
/** Whether cpu was only picked as a place for tensors. */
let onlyHost = false;
let attempts: readonly TfjsNodeAttempt[] = [];

function picked(): string | undefined {
  // Its type leaves out that it starts as undefined, and that `engine().reset()` makes it null.
  return tf.getBackend() ?? undefined;
}

async function pickHost(): Promise<void> {
  if (picked() !== undefined) return tf.ready();
  silenceCpuBackend();
  await tf.setBackend('cpu');
  onlyHost = true;
}

async function pickBackend(importPackage?: ImportPackage): Promise<void> {
  silenceCpuBackend();
  await pickFastest(importPackage);
  repairWasmHeap();
}

async function pickFastest(importPackage?: ImportPackage): Promise<void> {
  const current = picked();
  if (current !== undefined && !(onlyHost && current === 'cpu')) return tf.ready();
  const named = namedBackend();
  for (const name of named === undefined ? tfjsBackends : [named]) {
    if (!(await settle(start(name, importPackage)))) continue;
    onlyHost = false;
    return;
  }
  throw backendFails(named ?? 'cpu');
}

async function start(name: TfjsBackend, importPackage?: ImportPackage): Promise<boolean> {
  // The program may have imported tfjs-node itself.
  if (name === 'tensorflow' && tf.engine().registryFactory.tensorflow === undefined) {
    attempts = await loadTfjsNode(importPackage);
    if (!attempts.some(({ state }) => state === 'loaded')) return false;
  }
  // Importing it registers it; in Node it finds its .wasm files beside itself.
  if (name === 'wasm') await import('@tensorflow/tfjs-backend-wasm');
  return tf.setBackend(name);
}

async function settle(attempt: Promise<boolean>): Promise<boolean> {
  try {
    return await attempt;
  } catch {
    return false;
  }
}

function backendFails(name: TfjsBackend): EngineError {
  const why = attempts.map((attempt) => `${attempt.package}: ${attempt.why ?? 'it does not start'}`);
  return new EngineError('ENGINE_UNAVAILABLE', `The backend ${name} of tfjs does not work here.`, {
    given: [`DOVECOTE_TFJS_BACKEND=${name}`, ...(name === 'tensorflow' ? why : [])].join('; '),
    expected:
      name === 'tensorflow' ? 'an installed @tensorflow/tfjs-node or @tensorflow/tfjs-node-gpu' : name,
    nextStep: 'leave DOVECOTE_TFJS_BACKEND out; `dovecote doctor` shows what works here',
  });
}

/** The cpu backend prints a banner at its first tensor, in Node only. */
function silenceCpuBackend(): void {
  const cpu = tf.findBackend('cpu') as { firstUse?: boolean } | null;
  if (cpu?.firstUse === true) cpu.firstUse = false;
}
