// Side by side with tensorflowjs_converter on the converter's corpus: how many files each converts to something that
// TensorFlow.js loads and that computes what Keras computes.
//   python tests/oracle/tensorflowjs_corpus.py FOLDER
//   node tools/compare-converters/run.mjs [--theirs FOLDER] [--list]
import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs, promisify } from 'node:util';
import { gunzipSync } from 'node:zlib';
import { DovecoteError, convert } from 'dovecote/node';

const { values } = parseArgs({
  options: { theirs: { type: 'string' }, list: { type: 'boolean', default: false } },
});
const root = fileURLToPath(new URL('../..', import.meta.url));
const corpus = join(root, 'tests/converters/corpus');
const work = mkdtempSync(join(tmpdir(), 'dovecote-compare-'));

async function evaluate(folder, dovecote) {
  const script = fileURLToPath(new URL('evaluate.mjs', import.meta.url));
  const { stdout } = await promisify(execFile)(
    process.execPath,
    [script, JSON.stringify({ root, folder, dovecote })],
    { maxBuffer: 2 ** 28 },
  );
  return JSON.parse(stdout.slice(stdout.indexOf('{')));
}

try {
  const refused = {};
  for (const packed of readdirSync(corpus).filter((name) => name.endsWith('.gz'))) {
    const name = packed.slice(0, -3);
    const source = join(work, 'source.bin');
    writeFileSync(source, gunzipSync(readFileSync(join(corpus, packed))));
    try {
      await convert(source, join(work, 'ours', name), { to: 'tfjs' });
    } catch (error) {
      if (!(error instanceof DovecoteError)) throw error;
      refused[name] = error.code;
    }
  }
  const columns = {
    'dovecote, loaded by plain tfjs': await evaluate(join(work, 'ours'), false),
    'dovecote, loaded with it imported': await evaluate(join(work, 'ours'), true),
    ...(values.theirs === undefined
      ? {}
      : {
          'tensorflowjs_converter, plain tfjs': await evaluate(values.theirs, false),
          'tensorflowjs_converter, with dovecote': await evaluate(values.theirs, true),
        }),
  };
  for (const kind of ['keras2.h5', 'keras2.keras', 'keras3.h5', 'keras3.keras']) {
    console.log(`\n${kind}`);
    for (const [title, outcomes] of Object.entries(columns)) {
      const own = Object.entries(outcomes).filter(([name]) => name.endsWith(kind));
      const count = (ended) => own.filter(([, outcome]) => outcome.ended === ended).length;
      const loaded = own.filter(([, { ended }]) => !['not converted', 'not loaded'].includes(ended)).length;
      console.log(
        `  ${title.padEnd(38)} ${own.length} files: ${own.length - count('not converted')} converted, ` +
          `${loaded} loaded, ${count('equal')} equal`,
      );
    }
  }
  if (values.list) {
    for (const [title, outcomes] of Object.entries(columns)) {
      console.log(`\n${title}`);
      for (const [name, outcome] of Object.entries(outcomes))
        if (outcome.ended !== 'equal')
          console.log(`  ${name}: ${outcome.ended} ${outcome.why ?? outcome.largest ?? refused[name] ?? ''}`);
    }
  }
} finally {
  rmSync(work, { recursive: true, force: true });
}
