// Reading, checking and splitting, and training on, a folder of many tiny pictures of which some are damaged, doubled or saved anew.
//   npm run build && node bench/nasty-folder.mjs [count ...]     (default: 2000 20000)
// Each size is measured in a process of its own: seconds, and the most memory that the process ever held.
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const script = fileURLToPath(import.meta.url);

if (process.argv[2] === '--measure') await measure(process.argv[3]);
else if (process.argv[2] === '--train') await train(process.argv[3]);
else {
  const counts = process.argv.slice(2).map(Number);
  const results = [];
  for (const count of counts.length > 0 ? counts : [2000, 20000]) {
    const folder = mkdtempSync(join(tmpdir(), 'dovecote nasty '));
    try {
      await fill(folder, count);
      const { stdout, stderr, status } = spawnSync(process.execPath, [script, '--measure', folder], {
        encoding: 'utf8',
      });
      if (status !== 0) throw new Error(stderr);
      const training = spawnSync(process.execPath, [script, '--train', folder], { encoding: 'utf8' });
      if (training.status !== 0) throw new Error(training.stderr);
      results.push({ files: count, ...JSON.parse(stdout), ...JSON.parse(training.stdout) });
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  }
  console.table(results);
}

/** Five classes with names of all scripts, one more of two photos; of every 100 files 5 are damaged, 2 double, 2 saved anew. */
async function fill(folder, count) {
  const { default: sharp } = await import('sharp');
  const classes = ['rose', 'růže', '薔薇', 'rosa rugosa', 'गुलाब'];
  for (const label of [...classes, 'lone']) mkdirSync(join(folder, label));
  let state = 1;
  const random = () => (state = (Math.imul(state, 1664525) + 1013904223) >>> 0) / 2 ** 32;
  const spots = async () => {
    const data = Uint8Array.from({ length: 75 }, () => 256 * random());
    return sharp(data, { raw: { width: 5, height: 5, channels: 3 } }).resize(32, 32, { kernel: 'cubic' });
  };
  let last;
  for (let index = 0; index < count; index++) {
    const label = index < 2 ? 'lone' : classes[index % classes.length];
    const kind = index % 100;
    let bytes;
    if (kind === 40 || kind === 41) bytes = last;
    else if (kind === 60 || kind === 61) bytes = await sharp(last).jpeg({ quality: 90 }).toBuffer();
    else bytes = await (await spots()).png().toBuffer();
    if (kind >= 90 && kind < 95) bytes = kind === 90 ? Buffer.alloc(0) : bytes.subarray(0, bytes.length / 3);
    else last = bytes;
    writeFileSync(join(folder, label, `photo ${index} ✿.png`), bytes);
  }
}

/** A new head on all of it: spots of random colours, so that no accuracy is to be expected. */
async function train(folder) {
  const { disposeModel, fineTune } = await import('dovecote');
  const from = performance.now();
  const { model, trainingImages, validationImages, skipped } = await fineTune('efficientnet-lite0', folder, {
    ...{ epochs: 2, cache: false },
  });
  await disposeModel(model);
  console.log(
    JSON.stringify({
      'train s': Number(((performance.now() - from) / 1000).toFixed(1)),
      'train RSS MB': Math.round(process.resourceUsage().maxRSS / 1024),
      'trained on': trainingImages,
      'validated on': validationImages,
      skipped: skipped.length,
    }),
  );
}

async function measure(folder) {
  const { checkDataset, readImageFolder, splitDataset } = await import('dovecote');
  const before = process.resourceUsage().maxRSS;
  const marks = [performance.now()];
  const dataset = await readImageFolder(folder);
  marks.push(performance.now());
  const report = await checkDataset(dataset);
  marks.push(performance.now());
  splitDataset(dataset, { validation: 0.2, test: 0.1 });
  marks.push(performance.now());
  const seconds = (step) => Number(((marks[step] - marks[step - 1]) / 1000).toFixed(2));
  console.log(
    JSON.stringify({
      unreadable: report.unreadable.length,
      same: report.duplicates.length,
      near: report.nearDuplicates.length,
      'read s': seconds(1),
      'check s': seconds(2),
      'split s': seconds(3),
      'RSS MB before': Math.round(before / 1000),
      'RSS MB most': Math.round(process.resourceUsage().maxRSS / 1000),
    }),
  );
}
