// The report: one page that needs nothing but itself.
import { readFile } from 'node:fs/promises';
import { confusionMatrix, learningCurve, predictionBars } from './charts.mjs';
import { html, markup } from './html.mjs';

const percent = (share) => `${(100 * share).toFixed(1)} %`;

/**
 * @param {object} facts
 * @param {readonly { title: string, credit: string, src: string, predictions: readonly object[] }[]} facts.photos
 * @param {readonly object[]} facts.vendors With `title`, `author`, `licence`, `url`, `role`, and `samples`: `{ src, alt }`.
 * @param {object} facts.result What `fineTune` gave.
 * @param {{ accuracy: number, confusion: number[][] }} facts.reloaded The saved model's own answers.
 * @param {readonly { src?: string, actual: string, predicted: string, probability: number }[]} facts.mistakes Those without `src` are counted only.
 * @param {readonly { step: string, seconds: number }[]} facts.timings
 * @param {{ base: string, engine: string, seed: number, machine: string }} facts.setup
 * @param {readonly { what: string, command: string }[]} facts.next
 * @returns {Promise<string>} HTML
 */
export async function reportPage(facts) {
  const style = await readFile(new URL('report.css', import.meta.url), 'utf8');
  const sections = [
    ['photos', 'Photos', await photoSection(facts)],
    ['drawings', 'Drawings to train on', drawingSection(facts)],
    ['curves', 'Learning curves', await curveSection(facts)],
    ['confusion', 'What is taken for what', await confusionSection(facts)],
    ['mistakes', 'What it got wrong', mistakeSection(facts)],
    ['timings', 'Time and engine', timingSection(facts)],
    ['next', 'How to go on', nextSection(facts)],
    ['credits', 'Credits', creditSection(facts)],
  ];
  const { result } = facts;
  const page = html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <title>Dovecote: what the demo did</title>
        <style>
          ${markup(style)}
        </style>
      </head>
      <body>
        <header>
          <h1>What the demo did</h1>
          <p>
            ${facts.setup.base}, trained on ImageNet and carried in the package, looked at
            ${facts.photos.length} photos. Then it got a new head for ${result.classes.length} classes of
            emoji, from ${result.trainingImages} pictures by
            ${facts.vendors.filter(({ role }) => role === 'training').length} vendors, and was tried on
            ${result.validationImages} pictures by a vendor that it had never seen. Nothing was downloaded.
          </p>
          <dl class="figures">
            ${[
              ['right on the unseen vendor', percent(facts.reloaded.accuracy)],
              ['by guessing', percent(1 / result.classes.length)],
              ['until this page', `${totalSeconds(facts.timings).toFixed(1)} s`],
            ].map(
              ([name, figure]) =>
                html`<div>
                  <dt>${name}</dt>
                  <dd>${figure}</dd>
                </div>`,
            )}
          </dl>
          <nav aria-label="Sections">
            <ul>
              ${sections.map(([id, title]) => html`<li><a href="#${id}">${title}</a></li>`)}
            </ul>
          </nav>
        </header>
        <main>
          ${sections.map(
            ([id, title, content]) =>
              html`<section id="${id}" aria-labelledby="${id}-title">
                <h2 id="${id}-title">${title}</h2>
                ${content}
              </section>`,
          )}
        </main>
      </body>
    </html> `;
  return String(page);
}

async function photoSection({ photos, setup }) {
  const cards = photos.map(
    async ({ title, credit, src, predictions }) =>
      html`<figure class="card">
        <img class="photo" src="${src}" alt="${title}" />
        ${await predictionBars(predictions)}
        <figcaption>${title}. Photo: ${credit}.</figcaption>
      </figure>`,
  );
  return html`<p>
      The five most probable of ImageNet's 1000 classes, by ${setup.base}. It knows no astronauts and no
      people: there it names what it does know.
    </p>
    <div class="cards">${await Promise.all(cards)}</div>`;
}

const pictureList = (pictures) =>
  html`<ul class="pictures">
    ${pictures.map(
      ({ src, alt, caption = alt }) =>
        html`<li>
          <figure>
            <img src="${src}" alt="${alt}" />
            <figcaption>${caption}</figcaption>
          </figure>
        </li>`,
    )}
  </ul>`;

function drawingSection({ vendors, setup }) {
  return html`<p>
      Emoji, drawn at run time at random sizes, places and angles on plain colours, gradients, noise and
      pieces of the photos (seed ${setup.seed}). The last vendor was for validation only.
    </p>
    ${vendors.map(
      ({ title, author, role, samples }) =>
        html`<h3>${title} (${author}): ${role === 'training' ? 'training' : 'validation only'}</h3>
          ${pictureList(samples)}`,
    )}`;
}

async function curveSection({ result }) {
  const { history, bestEpoch } = result;
  const charts = [
    { title: 'accuracy', training: 'accuracy', validation: 'valAccuracy', format: '%' },
    { title: 'loss (cross-entropy, nats)', training: 'loss', validation: 'valLoss', format: '.1f' },
  ].map(
    async (measure) =>
      html`<figure class="card">
        ${await learningCurve(history, bestEpoch, measure)}
        <figcaption>${measure.title}</figcaption>
      </figure>`,
  );
  return html`<p>
      ${result.epochs} epochs; epoch ${bestEpoch} (dashed) was kept, for it did best on the validation
      pictures. As they picked the epoch, their figure flatters a little. Training figures include dropout.
    </p>
    <div class="cards">${await Promise.all(charts)}</div>`;
}

async function confusionSection({ result, reloaded }) {
  const { evaluation } = result;
  const rows = evaluation.perClass.map(
    ({ label, precision, recall, f1, support }) =>
      html`<tr>
        <th scope="row">${label}</th>
        ${[percent(precision), percent(recall), percent(f1), support].map((cell) => html`<td>${cell}</td>`)}
      </tr>`,
  );
  const agreement =
    JSON.stringify(reloaded.confusion) === JSON.stringify(evaluation.confusion)
      ? 'exactly what training had measured'
      : `not what training had measured (${percent(evaluation.accuracy)})`;
  return html`<p>
      The model was saved, loaded again from its folder, and asked about every validation picture:
      ${percent(reloaded.accuracy)} right, ${agreement}.
    </p>
    <div class="cards">
      <figure class="card">
        ${await confusionMatrix(result.classes, reloaded.confusion)}
        <figcaption>Confusion matrix: pictures in each cell, shaded by the share of the row.</figcaption>
      </figure>
      <div class="card scroll">
        <table>
          <caption class="note">
            Per class
          </caption>
          <thead>
            <tr>
              ${['class', 'precision', 'recall', 'F1', 'pictures'].map(
                (heading) => html`<th scope="col">${heading}</th>`,
              )}
            </tr>
          </thead>
          <tbody>
            ${rows}
          </tbody>
        </table>
      </div>
    </div>`;
}

function mistakeSection({ mistakes, result }) {
  if (mistakes.length === 0) return html`<p>Nothing: all ${result.validationImages} pictures are right.</p>`;
  const shown = mistakes.filter(({ src }) => src !== undefined);
  return html`<p>
      ${mistakes.length} of ${result.validationImages} pictures, the surest mistakes
      first${shown.length < mistakes.length ? `; ${shown.length} of them are shown` : ''}.
    </p>
    ${pictureList(
      shown.map(({ src, actual, predicted, probability }) => ({
        src,
        alt: `a drawing of the class ${actual}`,
        caption: `${actual}, taken for ${predicted} (${percent(probability)})`,
      })),
    )}`;
}

const totalSeconds = (timings) => timings.reduce((sum, { seconds }) => sum + seconds, 0);

function timingSection({ timings, setup }) {
  const row = ({ step, seconds }) =>
    html`<tr>
      <th scope="row">${step}</th>
      <td>${seconds.toFixed(1)} s</td>
    </tr>`;
  return html`<div class="scroll">
      <table>
        <thead>
          <tr>
            <th scope="col">step</th>
            <th scope="col">time</th>
          </tr>
        </thead>
        <tbody>
          ${timings.map(row)} ${row({ step: 'in all, before this page', seconds: totalSeconds(timings) })}
        </tbody>
      </table>
    </div>
    <p class="note">The network ran in ${setup.engine}; ${setup.machine}.</p>`;
}

function nextSection({ next }) {
  return html`${next.map(
    ({ what, command }) =>
      html`<p>${what}</p>
        <pre><code>${command}</code></pre>`,
  )}`;
}

function creditSection({ photos, vendors }) {
  return html`<ul>
      ${photos.map(({ title, credit }) => html`<li>Photo “${title}”: ${credit}</li>`)}
      ${vendors.map(
        ({ title, author, licence, url }) =>
          html`<li>
            Drawings “${title}”: ${author}, ${licence}, <a href="${url}">${url}</a>, placed on backgrounds
          </li>`,
      )}
    </ul>
    <p class="note">If you pass this page on, the drawings in it stay under these licences.</p>`;
}
