import { escapeHtml } from '../base/escape-html.ts';
import type { EvaluationReport } from './evaluate-model.ts';
import { STYLE } from './report-style.ts';

export interface PageParts {
  /** What was measured, and on what, as the user wrote it. */
  readonly model: string;
  readonly data: string;
  readonly report: EvaluationReport;
  /** SVG. */
  readonly charts: readonly { readonly title: string; readonly text: string; readonly svg: string }[];
  /** Of `report.mostWrong`, in its order: data URLs of small pictures, or undefined where there is none. */
  readonly thumbnails: readonly (string | undefined)[];
}

/** So many classes fit into a matrix that can be read. */
const MATRIX_CLASSES = 20;
const MOST_PAIRS = 20;
const MOST_SKIPPED = 50;

const percent = (share: number, digits = 1) => `${(100 * share).toFixed(digits)} %`;
const number = (value: number | null) => (value === null ? '–' : value.toFixed(3));

/** One page without scripts and without anything from elsewhere. */
export function reportPage({ model, data, report, charts, thumbnails }: PageParts): string {
  const { accuracy, interval, images } = report;
  const title = `${percent(accuracy)} of ${images} photos`;
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="generator" content="dovecote">
<title>${escapeHtml(`${title}: ${model}`)}</title>
<style>${STYLE}</style>
</head>
<body>
<main>
<h1>${title}</h1>
<p class="lead">${escapeHtml(model)} on ${escapeHtml(data)}. With 95 % confidence the accuracy on photos like these is between ${percent(interval[0])} and ${percent(interval[1])}.</p>
${figures(report)}
${charts.length === 0 ? '' : `<h2>How sure it is</h2>\n<div class="charts">${charts.map(chartFigure).join('\n')}</div>`}
${report.classes.length <= MATRIX_CLASSES ? matrix(report) : pairs(report)}
${classTable(report)}
${wrongPictures(report, thumbnails)}
${skippedFiles(report)}
<footer>${report.tta ? 'With test-time augmentation. ' : ''}${report.imagesPerSecond.toFixed(1)} photos per second on the engine ${report.engine}.</footer>
</main>
</body>
</html>
`;
}

function figures(report: EvaluationReport): string {
  const { topK, balancedAccuracy, macro, rocAuc, kappa, mcc, loss, brier, calibration, classes } = report;
  const rows: [name: string, value: string, meaning: string][] = [
    ...(classes.length > topK.k
      ? ([[`Top ${topK.k}`, percent(topK.accuracy), 'the class is among so many guesses']] as [
          string,
          string,
          string,
        ][])
      : []),
    ['Balanced accuracy', percent(balancedAccuracy), 'mean over classes, however many photos each has'],
    ['F1', number(macro.f1), 'mean over classes of precision and recall together'],
    ['ROC AUC', number(rocAuc), 'how well classes are told from the others; 0.5 is guessing'],
    ["Cohen's kappa", number(kappa), 'agreement beyond chance; 1 is perfect'],
    ['MCC', number(mcc), 'correlation of answers and truth; 1 is perfect'],
    ['Loss', number(loss), 'cross-entropy in nats'],
    ['Brier score', number(brier), 'squared distance from the truth; 0 is perfect'],
    ['Calibration error', percent(calibration.ece), 'how far confidence is from accuracy'],
  ];
  const body = rows.map(
    ([name, value, meaning]) =>
      `<div><dt>${escapeHtml(name)}</dt><dd><b>${value}</b> <span>${escapeHtml(meaning)}</span></dd></div>`,
  );
  return `<dl class="figures">${body.join('\n')}</dl>`;
}

function chartFigure({ title, text, svg }: PageParts['charts'][number]): string {
  return `<figure>${svg}<figcaption><b>${escapeHtml(title)}</b> ${escapeHtml(text)}</figcaption></figure>`;
}

/** Shaded by the share of the row. */
function matrix({ classes, confusion }: EvaluationReport): string {
  const head = classes.map((label) => `<th scope="col"><span>${escapeHtml(label)}</span></th>`).join('');
  const rows = classes.map((label, actual) => {
    const total = confusion[actual]!.reduce((sum, value) => sum + value, 0);
    const cells = confusion[actual]!.map((count, predicted) => {
      const share = total === 0 ? 0 : count / total;
      const tone = predicted === actual ? 'right' : 'wrong';
      return `<td style="background: color-mix(in srgb, var(--${tone}) ${Math.round(75 * share)}%, transparent)">${count}</td>`;
    });
    return `<tr><th scope="row">${escapeHtml(label)}</th>${cells.join('')}</tr>`;
  });
  return `<h2>What is taken for what</h2>
<p class="note">Confusion matrix: rows are what is on the photo, columns what the model says.</p>
<div class="scroll" tabindex="0" role="region" aria-label="Confusion matrix"><table class="matrix">
<caption>Confusion matrix</caption>
<thead><tr><td></td>${head}</tr></thead>
<tbody>${rows.join('\n')}</tbody>
</table></div>`;
}

/** Of too many classes for a matrix: those that are taken for each other most often. */
function pairs({ classes, confusion }: EvaluationReport): string {
  const found = confusion
    .flatMap((row, actual) => row.map((count, predicted) => ({ actual, predicted, count })))
    .filter(({ actual, predicted, count }) => actual !== predicted && count > 0)
    .sort((left, right) => right.count - left.count)
    .slice(0, MOST_PAIRS);
  if (found.length === 0) return '';
  const rows = found.map(
    ({ actual, predicted, count }) =>
      `<tr><th scope="row">${escapeHtml(classes[actual]!)}</th><td class="text">${escapeHtml(classes[predicted]!)}</td><td>${count}</td></tr>`,
  );
  return `<h2>What is taken for what</h2>
<p class="note">The pairs that are confused most often.</p>
<div class="scroll" tabindex="0" role="region" aria-label="Confused classes"><table>
<caption>Confused classes</caption>
<thead><tr><th scope="col">on the photo</th><th scope="col">the model says</th><th scope="col">photos</th></tr></thead>
<tbody>${rows.join('\n')}</tbody>
</table></div>`;
}

function classTable({ perClass }: EvaluationReport): string {
  const rows = perClass
    .filter(({ support, precision }) => support > 0 || precision > 0)
    .map(
      ({ label, precision, recall, f1, support, rocAuc }) =>
        `<tr><th scope="row">${escapeHtml(label)}</th><td>${percent(precision)}</td><td>${percent(recall)}</td><td>${number(f1)}</td><td>${number(rocAuc)}</td><td>${support}</td></tr>`,
    );
  return `<h2>Class by class</h2>
<p class="note">Precision: of what gets the label, the share that has it. Recall: of what has it, the share that gets it.</p>
<div class="scroll" tabindex="0" role="region" aria-label="Measures of each class"><table>
<caption>Measures of each class</caption>
<thead><tr><th scope="col">class</th><th scope="col">precision</th><th scope="col">recall</th><th scope="col">F1</th><th scope="col">ROC AUC</th><th scope="col">photos</th></tr></thead>
<tbody>${rows.join('\n')}</tbody>
</table></div>`;
}

function wrongPictures({ mostWrong }: EvaluationReport, thumbnails: PageParts['thumbnails']): string {
  if (mostWrong.length === 0) return '<h2>The most wrong photos</h2>\n<p>There are none.</p>';
  const pictures = mostWrong.map(({ image, actual, predicted, probability, probabilityOfActual }, index) => {
    const source = thumbnails[index];
    const alt = `${actual}, taken for ${predicted}`;
    const picture =
      source === undefined
        ? '<div class="none">no picture</div>'
        : `<img src="${source}" alt="${escapeHtml(alt)}">`;
    return `<figure>${picture}<figcaption><b>${escapeHtml(predicted)}</b> ${percent(probability)}<br>is ${escapeHtml(actual)} (${percent(probabilityOfActual)})<br><span class="path">${escapeHtml(image)}</span></figcaption></figure>`;
  });
  return `<h2>The most wrong photos</h2>
<p>Wrong answers that it was most sure of. Look whether the label is right before you blame the model.</p>
<div class="wrong">${pictures.join('\n')}</div>`;
}

function skippedFiles({ skipped }: EvaluationReport): string {
  if (skipped.length === 0) return '';
  const items = skipped
    .slice(0, MOST_SKIPPED)
    .map(
      ({ image, reason }) => `<li><span class="path">${escapeHtml(image)}</span>: ${escapeHtml(reason)}</li>`,
    );
  const more = skipped.length > MOST_SKIPPED ? `<li>and ${skipped.length - MOST_SKIPPED} more</li>` : '';
  return `<h2>Files that were not read</h2>\n<ul>${items.join('\n')}${more}</ul>`;
}
