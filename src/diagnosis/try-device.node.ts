import { execFile } from 'node:child_process';
// By another name than programs give it that esbuild makes one file of: those declare `createRequire` at the top.
import { createRequire as requireFrom } from 'node:module';
import { promisify } from 'node:util';
import { reasonOf } from '../base/errors.ts';
import { withoutPlace } from '../engines/engine-errors.ts';

const run = promisify(execFile);

/** A driver may take long to find its card. */
const TIMEOUT_MS = 30_000;

/** Prints `{ answer }` or `{ why }`. */
const program = `
const [path, device, model] = process.argv.slice(1);
const ort = require(path);
ort.env.logLevel = 'fatal';
(async () => {
  const session = await ort.InferenceSession.create(Buffer.from(model, 'base64'), {
    executionProviders: [device, 'cpu'], logSeverityLevel: 4,
  });
  const input = new ort.Tensor('float32', Float32Array.of(5, 7), [1, 1, 1, 2]);
  const results = await session.run({ [session.inputNames[0]]: input });
  return { answer: results[session.outputNames[0]].data[0] };
})().catch((error) => ({ why: String(error.message) })).then((found) => {
  process.stdout.write(JSON.stringify(found), () => process.exit(0));
});
`;

interface Found {
  readonly answer?: number;
  readonly why?: string;
}

/**
 * Runs a small network of two numbers on a GPU, in a process of its own: a driver that is broken may end the process or
 * hang, and prints as it likes. The reason why it does not run there; undefined when it answers `expected` to 5 and 7.
 */
export async function whyNotOn(
  device: string,
  model: Uint8Array,
  expected: number,
): Promise<string | undefined> {
  const args = ['-e', program, '--', requireFrom(import.meta.url).resolve('onnxruntime-node'), device];
  try {
    const bytes = Buffer.from(model).toString('base64');
    const { stdout } = await run(process.execPath, [...args, bytes], { timeout: TIMEOUT_MS });
    const { answer, why = `it computes ${answer} for ${expected}` } = JSON.parse(stdout) as Found;
    return answer === expected ? undefined : withoutPlace(why.split('\n')[0]!);
  } catch (error) {
    const { signal, killed } = error as { signal?: string | null; killed?: boolean };
    if (killed) return `it did not answer within ${TIMEOUT_MS / 1000} s`;
    return signal ? `trying it ends the process (${signal})` : reasonOf(error);
  }
}
