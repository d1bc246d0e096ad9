// A Python peer of the benchmark as a child process that stays up; see peer.py.
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const program = fileURLToPath(new URL('peer.py', import.meta.url));

/** Resolves to undefined, and says why on the console, where that Python or its packages are missing. */
export async function startPeer(kind, python) {
  const child = spawn(python, [program, kind], { stdio: ['pipe', 'pipe', 'ignore'] });
  const gone = new Promise((resolve) => {
    child.on('error', (error) => resolve({ missing: error.message }));
    child.on('exit', (code, signal) => resolve({ missing: `it ended with ${code ?? signal}` }));
    child.stdin.on('error', (error) => resolve({ missing: error.message }));
  });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const answer = () =>
    Promise.race([gone, lines.next().then(({ value }) => JSON.parse(value ?? '{"missing":"no answer"}'))]);
  const first = await answer();
  if (first.missing !== undefined) {
    console.log(`${kind}: not compared with, ${python} has not got it (${first.missing})`);
    child.kill();
    return undefined;
  }
  return {
    version: first.version,
    /** Whether its process has ended. */
    isGone: () => child.exitCode !== null || child.signalCode !== null,
    /** `{ error }` where it could not, or ended over it. */
    async ask(command) {
      child.stdin.write(`${JSON.stringify(command)}\n`);
      const { missing, ...found } = await answer();
      return missing === undefined ? found : { error: missing };
    },
    stop: () => child.kill(),
  };
}
