import * as tf from '@tensorflow/tfjs';
import { reasonOf } from '../base/errors.ts';

/** The packages that give tfjs TensorFlow's own library, the faster first. Both are optional. */
const tfjsNodePackages = ['@tensorflow/tfjs-node-gpu', '@tensorflow/tfjs-node'] as const;
type TfjsNodePackage = (typeof tfjsNodePackages)[number];

export interface TfjsNodeAttempt {
  readonly package: TfjsNodePackage;
  readonly state: 'absent' | 'failed' | 'loaded';
  /** Why it was not loaded, in words. */
  readonly why?: string;
}

/** Imports a package by its name. */
export type ImportPackage = (name: TfjsNodePackage) => Promise<unknown>;

/** What came of each package, up to the first that registered the backend `tensorflow`. Never throws. */
export async function loadTfjsNode(
  importPackage: ImportPackage = (name) => import(name),
): Promise<TfjsNodeAttempt[]> {
  const attempts: TfjsNodeAttempt[] = [];
  for (const name of tfjsNodePackages) {
    const attempt = await attemptImport(name, importPackage);
    attempts.push(attempt);
    if (attempt.state === 'loaded') break;
  }
  return attempts;
}

async function attemptImport(name: TfjsNodePackage, importPackage: ImportPackage): Promise<TfjsNodeAttempt> {
  try {
    await importPackage(name);
  } catch (cause) {
    if (isAbsent(name, cause)) return { package: name, state: 'absent', why: 'not installed' };
    return { package: name, state: 'failed', why: `does not load: ${reasonOf(cause)}` };
  }
  if (tf.engine().registryFactory.tensorflow !== undefined) return { package: name, state: 'loaded' };
  return {
    package: name,
    state: 'failed',
    why: `registers its backend with another copy of tfjs than ${tf.version.tfjs}; install the same version`,
  };
}

/** Whether it is this package that is not found, and not one that it needs. */
function isAbsent(name: string, cause: unknown): boolean {
  const { code, message } = cause as { code?: unknown; message?: unknown };
  const notFound = code === 'ERR_MODULE_NOT_FOUND' || code === 'MODULE_NOT_FOUND';
  return notFound && new RegExp(`Cannot find (package|module) '${name}'`).test(String(message));
}
