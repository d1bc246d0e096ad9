// Charts as SVG. Colours are the page's custom properties, so that light and dark need one drawing.
import * as vega from 'vega';
import { compile } from 'vega-lite';
import { escapeHtml, markup } from './html.mjs';

/** Units of the viewBox: what a phone shows without shrinking. */
const chartWidth = 340;

const ink = { labelColor: 'var(--text)', titleColor: 'var(--muted)', labelFontSize: 12, titleFontSize: 12 };
const config = {
  aria: false,
  background: null,
  font: 'system-ui, sans-serif',
  view: { stroke: null },
  axis: {
    ...ink,
    titleFontWeight: 'normal',
    gridColor: 'var(--line)',
    domainColor: 'var(--line)',
    tickColor: 'var(--line)',
  },
  legend: ink,
  text: { color: 'var(--text)', fontSize: 12 },
};

/**
 * @param {object} spec A Vega-Lite specification.
 * @param {string} description What a screen reader says instead of the picture.
 */
async function draw(spec, description) {
  const { spec: compiled } = compile({
    width: chartWidth,
    autosize: { type: 'fit-x', contains: 'padding' },
    padding: 2,
    ...spec,
    config,
  });
  const svg = await new vega.View(vega.parse(compiled), { renderer: 'none' }).toSVG();
  return markup(svg.replace('<svg ', `<svg role="img" aria-label="${escapeHtml(description)}" `));
}

const percent = (share) => `${(100 * share).toFixed(1)} %`;

/** The most probable classes of one photo, as bars. */
export function predictionBars(predictions) {
  const order = predictions.map(({ label }) => label);
  return draw(
    {
      data: { values: predictions.map(({ label, probability }) => ({ label, probability })) },
      height: 26 * predictions.length,
      encoding: {
        y: {
          field: 'label',
          type: 'nominal',
          sort: order,
          axis: { title: null, ticks: false, domain: false, labelLimit: 200, labelPadding: 6 },
        },
        // Room for the figure beside a bar of 100 %.
        x: { field: 'probability', type: 'quantitative', scale: { domain: [0, 1.3] }, axis: null },
      },
      layer: [
        { mark: { type: 'bar', color: 'var(--accent)', cornerRadiusEnd: 2 } },
        {
          mark: { type: 'text', align: 'left', dx: 5 },
          encoding: { text: { field: 'probability', format: '.1%' } },
        },
      ],
    },
    predictions.map(({ label, probability }) => `${label} ${percent(probability)}`).join(', '),
  );
}

/**
 * One measure over the epochs, on the training and on the validation pictures.
 *
 * @param {readonly object[]} history Epochs as `fineTune` reports them.
 * @param {number} bestEpoch
 * @param {{ title: string, training: string, validation: string, format: string }} measure Names of the fields.
 */
export function learningCurve(history, bestEpoch, { title, training, validation, format }) {
  const values = history.flatMap((report) => [
    { epoch: report.epoch, part: 'training', value: report[training] },
    { epoch: report.epoch, part: 'validation', value: report[validation] },
  ]);
  const best = history.find(({ epoch }) => epoch === bestEpoch);
  return draw(
    {
      height: 220,
      layer: [
        {
          data: { values },
          mark: { type: 'line', strokeWidth: 2, point: history.length < 3 },
          encoding: {
            x: { field: 'epoch', type: 'quantitative', axis: { tickMinStep: 1, grid: false } },
            y: {
              field: 'value',
              type: 'quantitative',
              title,
              axis: { format },
              scale: { zero: format === '%' },
            },
            color: {
              field: 'part',
              type: 'nominal',
              scale: { domain: ['training', 'validation'], range: ['var(--second)', 'var(--accent)'] },
              legend: { title: null, orient: 'top' },
            },
          },
        },
        {
          data: { values: [{ epoch: bestEpoch }] },
          mark: { type: 'rule', color: 'var(--muted)', strokeDash: [4, 4] },
          encoding: { x: { field: 'epoch', type: 'quantitative' } },
        },
      ],
    },
    `${title} over ${history.length} epochs; at the best epoch, ${bestEpoch}: training ${best[training].toFixed(3)}, validation ${best[validation].toFixed(3)}`,
  );
}

/**
 * @param {readonly string[]} classes
 * @param {readonly (readonly number[])[]} confusion `confusion[actual][predicted]`, counts.
 */
export function confusionMatrix(classes, confusion) {
  const values = confusion.flatMap((row, actual) => {
    const total = Math.max(
      1,
      row.reduce((sum, count) => sum + count, 0),
    );
    return row.map((count, predicted) => ({ actual, predicted, count, share: count / total }));
  });
  // Numbers as keys, names as labels: two classes may look alike to a chart.
  const names = { labelExpr: `${JSON.stringify(classes)}[datum.value]`, ticks: false, domain: false };
  const keys = classes.map((_, index) => index);
  return draw(
    {
      data: { values },
      height: 40 * classes.length,
      encoding: {
        y: {
          field: 'actual',
          type: 'ordinal',
          scale: { domain: keys },
          axis: { ...names, title: 'what is on the picture', labelLimit: 90 },
        },
        x: {
          field: 'predicted',
          type: 'ordinal',
          scale: { domain: keys },
          axis: { ...names, title: 'what the model says', orient: 'top', labelAngle: -40, labelLimit: 90 },
        },
      },
      layer: [
        {
          mark: { type: 'rect', color: 'var(--accent)', stroke: 'var(--page)', strokeWidth: 2 },
          encoding: {
            fillOpacity: {
              field: 'share',
              type: 'quantitative',
              scale: { domain: [0, 1], range: [0.06, 1] },
              legend: null,
            },
          },
        },
        {
          mark: 'text',
          encoding: {
            text: { field: 'count', type: 'quantitative' },
            color: {
              condition: { test: 'datum.share > 0.5', value: 'var(--on-accent)' },
              value: 'var(--text)',
            },
          },
        },
      ],
    },
    classes
      .map((label, actual) => {
        const said = classes.flatMap((other, predicted) =>
          confusion[actual][predicted] > 0 ? [`${confusion[actual][predicted]} ${other}`] : [],
        );
        return `${label}: taken for ${said.join(', ') || 'nothing'}`;
      })
      .join('; '),
  );
}
