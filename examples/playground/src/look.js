import { Camera, cameraButton } from './camera.js';
import { drawPixels, drawTiles } from './draw.js';
import { at, attempt, clearComplaint, complain, isPhoto, make, onChosen, onDrop, say } from './page.js';
import sample from '../../photos/chelsea.jpg';

const SHOWN = 5;

/** Photos and what the chosen model says of them, of their places, and in its layers. */
export class Look {
  #photos = [];
  #current;
  #isStale = false;
  /** Counts what was asked: an answer that comes after a newer question is not shown. */
  #asked = 0;
  #layersAsked = 0;

  constructor(models) {
    this.models = models;
    this.camera = new Camera(...cameraButton('look'), (isOn) => (at('look-shot').hidden = !isOn));
    onChosen(at('look-file'), (files) => this.take(files));
    onDrop(at('look-drop'), (files) => this.take(files));
    at('look-sample').addEventListener('click', () => void attempt(() => this.#takeSample()));
    at('look-shot').addEventListener('click', () => void attempt(() => this.#shoot()));
    document.addEventListener('paste', ({ clipboardData }) => {
      const files = [...clipboardData.files].map((file) => ({ path: file.name, file }));
      if (files.length > 0) void attempt(() => this.take(files));
    });
    models.onChange(() => {
      this.#isStale = true;
      this.refresh();
    });
    at('cam').addEventListener('click', () => void attempt(() => this.#explain()));
    at('cam-off').addEventListener('click', () => void attempt(() => this.#drawPhoto()));
    at('layer').addEventListener('input', () => void attempt(() => this.#showLayer()));
    at('layer-back').addEventListener('click', () => this.#step(-1));
    at('layer-next').addEventListener('click', () => this.#step(1));
  }

  async take(files) {
    const photos = files.filter(isPhoto);
    const others = files.length - photos.length;
    for (const { path, file } of photos) this.#add(path, file);
    const last = this.#photos.at(-1);
    if (photos.length > 0) await this.#show(last);
    if (others > 0) complain(new Error(`${others} of ${files.length} files are no photos and were left out`));
  }

  /** Asks the model that is chosen now, once somebody looks. */
  refresh() {
    if (!this.#isStale || this.#current === undefined || at('panel-look').hidden) return;
    void attempt(() => this.#show(this.#current));
  }

  async #takeSample() {
    const file = new File([await (await fetch(sample)).blob()], 'chelsea.jpg', { type: 'image/jpeg' });
    await this.take([{ path: 'chelsea.jpg', file }]);
  }

  async #shoot() {
    const file = await this.camera.shot(`camera ${this.#photos.length + 1}.jpg`);
    await this.take([{ path: file.name, file }]);
  }

  #add(path, file) {
    const image = make('img', {
      src: URL.createObjectURL(file),
      alt: '',
      decoding: 'async',
      loading: 'lazy',
    });
    const name = make('span', { textContent: path, className: 'name' });
    const found = make('span', { className: 'found' });
    const button = make('button', { type: 'button' }, image, name, found);
    const photo = { path, file, button, found };
    button.addEventListener('click', () => void attempt(() => this.#show(photo)));
    this.#photos.push(photo);
    at('strip').append(make('li', {}, button));
  }

  async #show(photo) {
    const question = ++this.#asked;
    this.#current = photo;
    this.#isStale = false;
    for (const { button } of this.#photos)
      button.setAttribute('aria-pressed', String(button === photo.button));
    say(`Looking at ${photo.path}.`, null);
    const model = await this.models.chosen();
    const began = performance.now();
    let predictions;
    try {
      ({ predictions } = await model.classify(photo.file, { topK: SHOWN }));
    } catch (error) {
      if (question === this.#asked) at('answer').hidden = true;
      throw error;
    }
    if (question !== this.#asked) return;
    const took = performance.now() - began;
    clearComplaint();
    at('labels').replaceChildren(...predictions.map(barOf));
    at('timing').textContent = `${Math.round(took)} ms, decoding included.`;
    photo.found.textContent = `${nameOf(predictions[0])}, ${percent(predictions[0].probability)}`;
    at('cam-class').replaceChildren(
      ...predictions.map(({ label, index }) =>
        make('option', { value: index, textContent: nameOf({ label }) }),
      ),
    );
    at('answer').hidden = false;
    at('photo-caption').textContent = photo.path;
    at('layer').max = Math.max(0, model.facts.featureMaps.length - 1);
    at('layer').value = Math.min(at('layer').value, at('layer').max);
    await this.#drawPhoto();
    await this.#showLayer();
    say('Ready.');
  }

  async #drawPhoto() {
    const { file, path } = this.#current;
    at('cam-off').hidden = true;
    const bitmap = await createImageBitmap(file);
    const canvas = at('photo');
    [canvas.width, canvas.height] = [bitmap.width, bitmap.height];
    canvas.getContext('2d').drawImage(bitmap, 0, 0);
    bitmap.close();
    canvas.setAttribute('aria-label', `The photo ${path}`);
  }

  async #explain() {
    const { file, path } = this.#current;
    const question = this.#asked;
    const classIndex = Number(at('cam-class').value);
    say('Looking for the places.', null);
    const model = await this.models.chosen();
    const { overlay, label, probability } = await model.gradCam(file, { classIndex, overlay: true });
    if (question !== this.#asked) return;
    drawPixels(at('photo'), overlay);
    at('photo').setAttribute(
      'aria-label',
      `The photo ${path}, coloured where it speaks for ${nameOf({ label })}`,
    );
    at('photo-caption').textContent =
      `${path}: what speaks for ${nameOf({ label })} (${percent(probability)})`;
    at('cam-off').hidden = false;
    say('Ready.');
  }

  #step(by) {
    at('layer').value = Number(at('layer').value) + by;
    void attempt(() => this.#showLayer());
  }

  async #showLayer() {
    const question = ++this.#layersAsked;
    const model = await this.models.chosen();
    const index = Number(at('layer').value);
    const layer = model.facts.featureMaps[index];
    at('layer').disabled = layer === undefined;
    at('layer-back').disabled = index === 0;
    at('layer-next').disabled = index >= model.facts.featureMaps.length - 1;
    if (layer === undefined) return;
    at('layer').setAttribute('aria-valuetext', layer.name);
    const [found] = await model.activations(this.#current.file, { layers: [layer.name], maxChannels: 64 });
    if (question !== this.#layersAsked) return;
    const [rows, columns, shown] = found.shape;
    at('layer-name').textContent =
      `${index + 1} of ${model.facts.featureMaps.length}: ${layer.name} (${layer.className}), ` +
      `${rows} × ${columns}, ${shown < found.channels ? `the first ${shown} of ` : ''}${found.channels} channels`;
    drawTiles(at('tiles'), found);
    at('tiles').setAttribute(
      'aria-label',
      `Activations of ${layer.name}: ${shown} tiles of ${columns} by ${rows}`,
    );
  }
}

const percent = (share) => `${(100 * share).toFixed(1)} %`;
const nameOf = ({ label }) => label.replaceAll('_', ' ');

function barOf({ label, probability }) {
  const bar = make('span', { className: 'bar' });
  bar.style.width = `${100 * probability}%`;
  return make(
    'li',
    {},
    make(
      'span',
      { className: 'row' },
      make('span', { textContent: nameOf({ label }) }),
      make('span', { textContent: percent(probability) }),
    ),
    make('span', { className: 'track', ariaHidden: 'true' }, bar),
  );
}
