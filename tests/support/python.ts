import { spawnSync } from 'node:child_process';

/**
 * The Python named by DOVECOTE_PYTHON, if it has all of these modules: judges of what is written, which `npm test` never
 * needs. Undefined, and a line that says what is then not tested, without it. Modules are found, not imported, for
 * TensorFlow takes seconds. Throws where the Python that was named does not run.
 */
export function pythonWith(modules: readonly string[], untested: string): string | undefined {
  const python = process.env['DOVECOTE_PYTHON'];
  const missing = python === undefined ? 'DOVECOTE_PYTHON is not set' : lacking(python, modules);
  if (missing === undefined) return python;
  // eslint-disable-next-line no-console
  console.warn(`skipping: ${untested} (${missing})`);
  return undefined;
}

function lacking(python: string, modules: readonly string[]): string | undefined {
  const script =
    'import sys, importlib.util as u; print(*[m for m in sys.argv[1:] if u.find_spec(m) is None])';
  const { status, stdout, error } = spawnSync(python, ['-c', script, ...modules], { encoding: 'utf8' });
  if (error !== undefined || status !== 0)
    throw new Error(`DOVECOTE_PYTHON, ${python}, does not run`, { cause: error });
  return stdout.trim() === '' ? undefined : `${python} has no ${stdout.trim()}`;
}
