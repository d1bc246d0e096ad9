import { relative, sep } from 'node:path';
import { pathToFileURL } from 'node:url';
import cliProgress from 'cli-progress';
import { createSupportsHyperlinks } from 'supports-hyperlinks';

const linksWork = createSupportsHyperlinks(process.stdout);

/** A path as a person in the working directory would write it. */
export function shortPath(path) {
  const short = relative(process.cwd(), path);
  return short === '' || short.startsWith(`..${sep}..`) ? path : short;
}

/** The path, to click on where the terminal knows links (OSC 8). */
export function fileLink(path, text = shortPath(path)) {
  if (!linksWork) return text;
  return `\u001b]8;;${pathToFileURL(path).href}\u0007${text}\u001b]8;;\u0007`;
}

export function say(text = '') {
  process.stdout.write(`${text}\n`);
}

export function title(text) {
  say(`\n${text}\n${'-'.repeat(text.length)}`);
}

/**
 * A bar on a terminal for what is going on, and nothing elsewhere. Give `onProgress` to functions of the package; call
 * `finish` before writing something else.
 */
export function createProgress(stream = process.stderr) {
  if (!stream.isTTY || process.env.TERM === 'dumb') return { onProgress() {}, finish() {} };
  let bar;
  let phase;
  const finish = () => {
    bar?.stop();
    bar = undefined;
  };
  const onProgress = ({ phase: current, done, total = 0, unit, note = '' }) => {
    const payload = { current, unit, note };
    if (bar === undefined || phase !== current) {
      finish();
      phase = current;
      bar = new cliProgress.SingleBar({
        stream,
        format: '{current} [{bar}] {value}/{total} {unit} {note}',
        barCompleteChar: '=',
        barIncompleteChar: '-',
        barsize: 24,
        hideCursor: true,
        clearOnComplete: true,
        // Ctrl-C is handled in demo.mjs.
        gracefulExit: false,
      });
      bar.start(total, done, payload);
    } else bar.update(done, payload);
    if (done === total) finish();
  };
  // The cursor comes back whatever happens.
  process.on('exit', finish);
  return { onProgress, finish };
}
