import { downloadFile } from 'dovecote/browser';
import { at, attempt, make, onChosen, onDrop, say, sayProgress } from './page.js';

/** Files of a model, what is in them, and another format of them. */
export class Convert {
  #files = [];

  constructor(models, showTab) {
    this.models = models;
    onChosen(at('convert-file'), (files) => this.#take(files));
    onDrop(at('convert-drop'), (files) => this.#take(files));
    at('to').addEventListener('change', () => (at('quantize-field').hidden = at('to').value !== 'tfjs'));
    at('convert-form').addEventListener('submit', (event) => {
      event.preventDefault();
      void attempt(() => this.#convert());
    });
    at('open-model').addEventListener(
      'click',
      () =>
        void attempt(async () => {
          await this.#open();
          showTab('look');
          at('tab-look').focus();
        }),
    );
  }

  async #take(files) {
    at('converted').hidden = true;
    await this.models.ready;
    this.#files = files.map(({ file }) => file);
    const main = this.#files.find(({ name }) => name === 'model.json') ?? this.#files[0];
    say(`Reading ${main.name}.`, null);
    at('inspection').textContent = await this.models.worker.inspect(this.#files);
    at('convert-name').textContent = main.name;
    at('convert-notes').replaceChildren();
    at('converted').hidden = false;
    say('Ready.');
  }

  async #convert() {
    const to = at('to').value;
    const { file, notes, parameters } = await this.models.worker.convert(this.#files, {
      to,
      ...(to === 'tfjs' && { quantize: at('quantize').value }),
      onProgress: sayProgress,
    });
    downloadFile(file);
    at('convert-notes').replaceChildren(...notes.map((note) => make('li', { textContent: note })));
    say(
      `${file.name} (${(file.size / 1e6).toFixed(1)} MB, ${parameters.toLocaleString('en')} parameters) was downloaded.`,
    );
  }

  async #open() {
    say('Loading the model.', null);
    const model = await this.models.worker.loadModelFiles(this.#files);
    if (model.facts.classes.length === 0) {
      await model.dispose();
      throw new Error(
        'It is no classifier that says how photos are prepared for it and what its classes are called, so that this page cannot use it.',
      );
    }
    this.models.add('opened', `${at('convert-name').textContent} (opened)`, model);
    say('Ready.');
  }
}
