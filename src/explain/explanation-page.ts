import { escapeHtml } from '../base/escape-html.ts';
import type { Prediction } from '../classify/classify.ts';
import type { Activation } from './layer-activations.ts';
import type { GradCam } from './grad-cam.ts';

/** A layer's picture, by its path beside the page. */
export interface PictureOfLayer extends Pick<Activation, 'name' | 'className' | 'shape' | 'channels'> {
  readonly file: string;
}

export interface PageContents {
  /** Path or URL of the photo, as it was given. */
  readonly image: string;
  readonly model: string;
  readonly gradCam: Omit<GradCam, 'heatmap'>;
  readonly predictions: readonly Prediction[];
  readonly layers: readonly PictureOfLayer[];
}

/** Files beside the page. */
export const GRAD_CAM_FILE = 'grad-cam.png';
export const HEATMAP_FILE = 'heatmap.png';

const STYLE = `
  :root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif; }
  body { margin: 0 auto; padding: 1rem; max-width: 72rem; }
  h1 { font-size: 1.6rem; line-height: 1.2; overflow-wrap: anywhere; }
  h2 { font-size: 1.2rem; margin-top: 2rem; }
  figure { margin: 0; }
  img { display: block; max-width: 100%; height: auto; border-radius: 4px; }
  figcaption { font-size: 0.9rem; overflow-wrap: anywhere; }
  .maps { display: flex; flex-wrap: wrap; gap: 1rem; }
  .maps img { max-height: 32rem; }
  .layers { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(18rem, 100%), 1fr)); gap: 1.5rem 1rem; }
  .layers img { width: 100%; }
  table { border-collapse: collapse; }
  td { padding: 0.15rem 1rem 0.15rem 0; }
  td + td { text-align: right; font-variant-numeric: tabular-nums; }
  td.bar { width: 10rem; padding: 0; text-align: left; }
  td.bar div { height: 0.7rem; background: #bc3754; border-radius: 2px; min-width: 1px; }
  .explained { font-weight: 600; }
  .scale { height: 0.7rem; margin-top: 1rem; max-width: 16rem; border-radius: 2px;
    background: linear-gradient(90deg, #000004, #210c4a, #57106e, #8a226a, #bc3754, #e35933, #f98c0a, #f9c932, #fcffa4); }
  .ends { display: flex; justify-content: space-between; max-width: 16rem; font-size: 0.85rem; }`;

/** The page of an explanation: no scripts, nothing from elsewhere; its pictures lie beside it. */
export function explanationPage({ image, model, gradCam, predictions, layers }: PageContents): string {
  const { label, probability, layer, width, height } = gradCam;
  const title = `Why "${label}"?`;
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escapeHtml(title)}</title>
<style>${STYLE}
</style>
</head>
<body>
<h1>${escapeHtml(title)}</h1>
<p>${escapeHtml(image)}, by ${escapeHtml(model)}: ${percent(probability)} for "${escapeHtml(label)}".</p>
<h2>Where the network looked</h2>
<p>Places that speak for the class (Grad-CAM), seen in the ${height} x ${width} places of the layer ${escapeHtml(layer)}. What the network was not shown is left as it is.</p>
<div class="maps">
<figure><img src="${GRAD_CAM_FILE}" alt="The photo, and the photo with the places that speak for the class coloured"></figure>
<figure><img src="${HEATMAP_FILE}" alt="The heat map alone"></figure>
</div>
<div class="scale"></div>
<div class="ends"><span>says nothing for it</span><span>says most for it</span></div>
<h2>What else it could be</h2>
<table>
${predictions.map((each) => predictionRow(each, gradCam.classIndex)).join('\n')}
</table>
${layers.length === 0 ? '' : layerSection(layers)}
</body>
</html>
`;
}

function predictionRow({ index, label, probability }: Prediction, explained: number): string {
  const mark = index === explained ? ' class="explained"' : '';
  const width = (100 * probability).toFixed(2);
  return `<tr${mark}><td>${escapeHtml(label)}</td><td>${percent(probability)}</td><td class="bar"><div style="width: ${width}%"></div></td></tr>`;
}

function layerSection(layers: readonly PictureOfLayer[]): string {
  const figures = layers.map(({ name, className, shape, channels, file }) => {
    const shown =
      shape.length === 3 && shape[2]! < channels ? `, ${shape[2]} of ${channels} channels shown` : '';
    const size = [...shape.slice(0, -1), channels].join(' x ');
    const source = file.split('/').map(encodeURIComponent).join('/');
    return `<figure><a href="${source}"><img src="${source}" loading="lazy" alt="Activations of the layer ${escapeHtml(name)}"></a><figcaption>${escapeHtml(name)} (${escapeHtml(className)})<br>${size}${shown}</figcaption></figure>`;
  });
  return `<h2>What the layers make of it</h2>
<p>One square for each channel, from its smallest value (black) to its largest (white).</p>
<div class="layers">
${figures.join('\n')}
</div>`;
}

function percent(probability: number): string {
  return `${(100 * probability).toFixed(1)} %`;
}
