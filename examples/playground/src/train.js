import { downloadFile } from 'dovecote/browser';
import { Camera, cameraButton, whileHeld } from './camera.js';
import { at, attempt, complain, isPhoto, make, onChosen, onDrop, say, sayProgress } from './page.js';

/** Thumbnails of a class. */
const SHOWN = 10;
const percent = (share) => `${(100 * share).toFixed(1)} %`;

/** Classes made of photos, a head trained on them in the worker, and what comes of it. */
export class Train {
  #classes = [];
  #stop;
  #curves;
  #model;

  constructor(models, showTab) {
    this.models = models;
    this.camera = new Camera(...cameraButton('train'), (isOn) => {
      for (const each of this.#classes) each.hold.hidden = !isOn;
    });
    onChosen(at('train-folder'), (files) => this.#sort(files));
    onDrop(at('train-drop'), (files) => this.#sort(files));
    at('add-class').addEventListener('click', () => this.#addClass().input.focus());
    at('train-form').addEventListener('submit', (event) => {
      event.preventDefault();
      void attempt(() => this.#train());
    });
    at('stop').addEventListener('click', () => this.#stop?.abort());
    at('test').addEventListener('click', () => {
      models.choose('own');
      showTab('look');
      at('tab-look').focus();
    });
    for (const button of document.querySelectorAll('[data-export]')) {
      button.addEventListener('click', () => void attempt(() => this.#export(button.dataset.export)));
    }
    at('keep').addEventListener('click', () => void attempt(() => this.#keep()));
    this.#count();
  }

  /** The folder that a file lies in names its class. */
  #sort(files) {
    const photos = files.filter(isPhoto);
    const loose = photos.filter(({ path }) => !path.includes('/'));
    for (const photo of photos) {
      const folder = photo.path.split('/').at(-2);
      if (folder !== undefined) this.#classNamed(folder).photos.push(photo);
    }
    for (const each of this.#classes) this.#draw(each);
    if (loose.length > 0)
      throw new Error(`${loose.length} photos lie in no folder: drop them on a class, or drop their folder.`);
    if (photos.length === 0) throw new Error('There are no photos among these files.');
    const others = files.length - photos.length;
    say(`${photos.length} photos added${others > 0 ? `, ${others} other files left out` : ''}.`);
  }

  #classNamed(name) {
    return this.#classes.find((each) => each.input.value.trim() === name) ?? this.#addClass(name);
  }

  #addClass(name = '') {
    const number = this.#classes.length + 1;
    const id = `class-${crypto.randomUUID?.() ?? number}`;
    const input = make('input', { type: 'text', id: `${id}-name`, value: name || `class ${number}` });
    const count = make('span', { className: 'muted' });
    const thumbs = make('div', { className: 'thumbs' });
    const file = make('input', {
      type: 'file',
      id: `${id}-file`,
      accept: 'image/*',
      multiple: true,
      className: 'visually-hidden',
    });
    const hold = make('button', { type: 'button', textContent: 'Hold to record', hidden: !this.camera.isOn });
    const remove = make('button', { type: 'button', className: 'quiet', textContent: 'Remove' });
    const item = make(
      'li',
      { className: 'card' },
      make('label', { htmlFor: input.id, textContent: 'Name of the class' }),
      input,
      count,
      thumbs,
      make(
        'div',
        { className: 'buttons' },
        file,
        make('label', { htmlFor: file.id, className: 'button', textContent: 'Add photos' }),
        hold,
        remove,
      ),
    );
    const made = { input, count, thumbs, hold, item, photos: [] };
    const take = (files) => {
      const photos = files.filter(isPhoto);
      made.photos.push(...photos);
      this.#draw(made);
      if (photos.length < files.length)
        complain(new Error(`${files.length - photos.length} files are no photos and were left out.`));
    };
    onChosen(file, take);
    onDrop(item, take);
    whileHeld(hold, async () =>
      take([{ path: `${id}/${made.photos.length}.jpg`, file: await this.camera.shot('camera.jpg') }]),
    );
    remove.addEventListener('click', () => {
      this.#classes = this.#classes.filter((each) => each !== made);
      thumbs.querySelectorAll('img').forEach((image) => URL.revokeObjectURL(image.src));
      item.remove();
      this.#count();
      at('add-class').focus();
    });
    input.addEventListener('input', () => this.#count());
    this.#classes.push(made);
    at('classes').append(item);
    this.#draw(made);
    return made;
  }

  #draw(made) {
    const { photos, thumbs, count } = made;
    count.textContent = `${photos.length} photo${photos.length === 1 ? '' : 's'}`;
    for (const { file, path } of photos.slice(thumbs.childElementCount, SHOWN)) {
      thumbs.append(
        make('img', { src: URL.createObjectURL(file), alt: path, decoding: 'async', loading: 'lazy' }),
      );
    }
    this.#count();
  }

  #count() {
    const names = this.#classes.map(({ input }) => input.value.trim());
    const few = this.#classes.filter(({ photos }) => photos.length < 2);
    const problem =
      this.#classes.length < 2
        ? 'Two classes or more are needed.'
        : names.some((name) => name === '')
          ? 'Every class needs a name.'
          : new Set(names).size < names.length
            ? 'Two classes have the same name.'
            : few.length > 0
              ? `Every class needs two photos or more; better thirty. ${few[0].input.value} has ${few[0].photos.length}.`
              : '';
    at('train-hint').textContent = problem;
    at('train').disabled = problem !== '' || this.#stop !== undefined;
  }

  async #train() {
    const data = this.#classes.flatMap(({ input, photos }) =>
      photos.map(({ file, path }) => ({ image: file, label: input.value.trim(), name: path })),
    );
    this.#stop = new AbortController();
    this.#count();
    at('stop').hidden = false;
    at('curves').hidden = false;
    try {
      this.#curves ??= await curves();
      const [accuracy, loss] = this.#curves;
      accuracy.clear();
      loss.clear();
      const result = await (
        await this.models.ready
      ).fineTune(data, {
        epochs: Number(at('epochs').value),
        seed: Number(at('seed').value),
        augment: at('augment').checked,
        signal: this.#stop.signal,
        onProgress: sayProgress,
        onEpoch: (epoch) => {
          accuracy.add(epoch.epoch, epoch.accuracy, epoch.valAccuracy);
          loss.add(epoch.epoch, epoch.loss, epoch.valLoss);
        },
      });
      this.#model = result.model;
      this.models.add('own', `Yours: ${result.classes.join(', ')}`, result.model);
      this.#report(result);
      say(`Trained in ${result.seconds.toFixed(1)} s.`);
    } finally {
      this.#stop = undefined;
      at('stop').hidden = true;
      this.#count();
    }
  }

  #report({
    valAccuracy,
    evaluation,
    classes,
    trainingImages,
    validationImages,
    bestEpoch,
    epochs,
    skipped,
  }) {
    at('trained').hidden = false;
    at('trained-text').textContent =
      `${percent(valAccuracy)} right on ${validationImages} photos that it did not learn from; it learnt from ${trainingImages}. ` +
      `Best after epoch ${bestEpoch} of ${epochs}.`;
    const most = Math.max(...evaluation.confusion.flat(), 1);
    const cell = (count, isRight) => {
      const found = make('td', { textContent: count, className: isRight ? 'right' : 'wrong' });
      found.style.setProperty('--share', count / most);
      return found;
    };
    at('confusion').replaceChildren(
      make(
        'thead',
        {},
        make('tr', {}, make('td'), ...classes.map((name) => make('th', { scope: 'col', textContent: name }))),
      ),
      make(
        'tbody',
        {},
        ...evaluation.confusion.map((row, actual) =>
          make(
            'tr',
            {},
            make('th', { scope: 'row', textContent: classes[actual] }),
            ...row.map((count, predicted) => cell(count, actual === predicted)),
          ),
        ),
      ),
    );
    at('skipped').textContent =
      skipped.length === 0
        ? ''
        : `Left out: ${skipped.map(({ image, reason }) => `${image} (${reason})`).join('; ')}`;
  }

  async #export(format) {
    say('Writing the file.', null);
    const file = await this.#model.exportFile(format);
    downloadFile(file);
    say(`${file.name} (${(file.size / 1e6).toFixed(1)} MB) was downloaded.`);
  }

  async #keep() {
    const name = this.#classes.map(({ input }) => input.value.trim()).join(' or ');
    const kept = await this.models.keep(this.#model, name);
    say(`Kept in this browser as "${kept}": it is in the list of models when you come back.`);
  }
}

/** One after the other, with pauses: a page answers at once when none of its tasks is long. */
async function curves() {
  const { Curves } = await import('./charts.js');
  const share = (value) => `${Math.round(100 * value)} %`;
  const made = [];
  for (const [id, names, format] of [
    ['chart-accuracy', ['training', 'validation'], share],
    ['chart-loss', ['training loss', 'validation loss'], (value) => Number(value).toFixed(2)],
  ]) {
    await new Promise((done) => setTimeout(done));
    made.push(new Curves(at(id), names, format));
  }
  return made;
}
