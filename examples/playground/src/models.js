import { openWorker } from 'dovecote/browser';
import { at, attempt, make, say, sayProgress } from './page.js';

const KEPT = 'indexeddb://';

/** The worker, the models in it, and the list of them in the page. */
export class Models {
  #models = new Map();
  #changed = [];

  constructor() {
    at('model').addEventListener('change', () => this.#choose());
    at('forget').addEventListener('click', () => void attempt(() => this.#forget()));
    /** The network of the package, which is the base of everything here: it is fetched at once. */
    this.ready = this.#start();
  }

  async #start() {
    say('Starting the worker.', null);
    this.worker = await openWorker(
      new Worker(new URL('./dovecote-worker.js', import.meta.url), { type: 'module' }),
    );
    const base = await this.worker.loadModel(undefined, { onProgress: sayProgress });
    this.add('base', 'EfficientNet-Lite0, 1000 classes of ImageNet', base);
    for (const { location } of await this.worker.savedModels()) {
      this.#list(location, `${location.slice(KEPT.length)} (kept here)`);
    }
    say('Ready.');
    return base;
  }

  onChange(listener) {
    this.#changed.push(listener);
  }

  /** The model that is chosen, loaded if it is only kept so far. */
  async chosen() {
    await this.ready;
    const key = at('model').value;
    if (!this.#models.has(key)) {
      say('Loading the model.', null);
      this.#models.set(key, await this.worker.loadModel(key));
      say('Ready.');
    }
    return this.#models.get(key);
  }

  /** A model under a key: what was there before is let go. */
  add(key, label, model) {
    void this.#models.get(key)?.dispose();
    this.#models.set(key, model);
    this.#list(key, label);
    at('model').value = key;
    this.#choose();
  }

  choose(key) {
    at('model').value = key;
    this.#choose();
  }

  async keep(model, name) {
    for (let count = 1; ; count++) {
      const tried = count === 1 ? name : `${name} ${count}`;
      try {
        await model.save(`${KEPT}${tried}`);
        this.#list(`${KEPT}${tried}`, `${tried} (kept here)`);
        return tried;
      } catch (error) {
        // One that was kept before stays.
        if (error.code !== 'OUTPUT_EXISTS') throw error;
      }
    }
  }

  async #forget() {
    const key = at('model').value;
    await this.worker.removeSavedModel(key);
    await this.#models.get(key)?.dispose();
    this.#models.delete(key);
    at('model').selectedOptions[0].remove();
    this.#choose();
  }

  #list(key, label) {
    const known = [...at('model').options].find(({ value }) => value === key);
    if (known === undefined) at('model').append(make('option', { value: key, textContent: label }));
    else known.textContent = label;
  }

  #choose() {
    at('forget').hidden = !at('model').value.startsWith(KEPT);
    for (const listener of this.#changed) listener();
  }
}
