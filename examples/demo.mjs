// The main job in one go, without the internet: classify photos, train on drawings, use the new model, write a report.
//   npm run demo
//   npm run demo -- --seed 2
import { parseArgs } from 'node:util';

// What the report says, that nothing was downloaded, is to be true by construction.
process.env.DOVECOTE_OFFLINE = '1';

const stop = new AbortController();
const exitCodes = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 };
for (const [name, code] of Object.entries(exitCodes)) {
  process.on(name, () => {
    if (stop.signal.aborted) process.exit(code);
    process.exitCode = code;
    stop.abort(new Error(name));
  });
}

// `npm run demo | head`: whoever reads has seen enough.
process.stdout.on('error', () => process.exit(1));

try {
  const { seed, runDemo } = await prepare();
  await runDemo({ seed, signal: stop.signal });
} catch (error) {
  process.stderr.write(`\n${explain(error)}\n`);
  process.exitCode ??= 1;
}

/** Loads what the demo is made of, which is not there before `npm install`. */
async function prepare() {
  const { DemoError } = await import('./demo/errors.mjs');
  const { seed: defaultSeed } = await import('./demo/settings.mjs');
  const seed = seedOf(defaultSeed, DemoError);
  try {
    const { runDemo } = await import('./demo/run.mjs');
    return { seed, runDemo };
  } catch (error) {
    if (error.code !== 'ERR_MODULE_NOT_FOUND') throw error;
    throw /^Cannot find module .*[\\/]dist[\\/]/.test(error.message)
      ? new DemoError('The package is not built: there is no dist folder.', 'npm run build')
      : new DemoError(
          `A package that the demo needs is not installed (${error.message.split('\n')[0]}).`,
          'npm install, without --omit=dev',
        );
  }
}

function seedOf(defaultSeed, DemoError) {
  const next = 'npm run demo, or npm run demo -- --seed 2';
  let given;
  try {
    given = parseArgs({ options: { seed: { type: 'string' } } }).values.seed;
  } catch (error) {
    throw new DemoError(`The demo does not understand this: ${error.message}`, next);
  }
  if (given === undefined) return defaultSeed;
  if (!/^\d{1,9}$/.test(given)) throw new DemoError(`--seed takes a whole number, not "${given}".`, next);
  return Number(given);
}

function explain(error) {
  if (stop.signal.aborted) return 'demo: stopped; nothing was left behind';
  // DovecoteError and DemoError say what to do.
  if (typeof error.nextStep === 'string' || error.constructor.name === 'DemoError')
    return `demo: ${error.message}`;
  if (typeof error.syscall === 'string')
    return `demo: ${error.message}\n  next: make room, or run it in a folder where you may write`;
  return `demo: this should not have happened; please report it.\n${error.stack}`;
}
