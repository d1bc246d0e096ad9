import type * as tf from '@tensorflow/tfjs';
import { compileModel } from './compile-model.ts';
import type { CompiledModel, CompileOptions, EngineInput } from './compiled-model.ts';
import { disposedError } from './engine-errors.ts';
import { sameVersion, weightsVersion } from './model-weights.ts';

/** What a cached entry holds outside of JavaScript's heap. It must not refer to the model. */
interface Holder {
  sessions: Set<CompiledModel>;
}

interface Entry {
  readonly facade: CachedModel;
  readonly version: readonly object[];
}

const entries = new WeakMap<tf.LayersModel, Map<string, Promise<Entry>>>();

type Compile = (model: tf.LayersModel, options: CompileOptions) => Promise<CompiledModel>;

/** Pictures in memory get a number each time that their array is another one. */
const calibrations = new WeakMap<object, number>();
let calibrationCount = 0;

function keyOfCalibration(calibration: CompileOptions['calibration']): string | number | null {
  if (calibration === undefined || typeof calibration === 'string') return calibration ?? null;
  const known = calibrations.get(calibration) ?? ++calibrationCount;
  calibrations.set(calibration, known);
  return known;
}

/** Frees the sessions of a model that was dropped without `disposeEngines`. */
const dropped = new FinalizationRegistry<Holder>((holder) => {
  for (const session of holder.sessions) void session.dispose().catch(() => undefined);
});

/**
 * What `cachedCompile` gives out. It keeps its model alive, and changes its session under the holders' feet when the
 * weights have changed; a run that is under way ends in the old session.
 */
class CachedModel implements CompiledModel {
  #current: CompiledModel;
  #disposed = false;
  readonly #holder: Holder;
  readonly #model: tf.LayersModel;

  constructor(model: tf.LayersModel, compiled: CompiledModel, holder: Holder) {
    this.#model = model;
    this.#holder = holder;
    this.#current = compiled;
    if (compiled.engine === 'onnx') holder.sessions.add(compiled);
  }

  get engine() {
    return this.#current.engine;
  }
  get why() {
    return this.#current.why;
  }
  get device() {
    return this.#current.device;
  }
  get precision() {
    return this.#current.precision;
  }
  get inputShape() {
    return this.#current.inputShape;
  }
  get inputType() {
    return this.#current.inputType;
  }
  get outputs() {
    return this.#current.outputs;
  }
  run(data: EngineInput, shape: readonly number[]) {
    if (this.#disposed) return Promise.reject(disposedError(this.#model.name));
    return this.#current.run(data, shape);
  }

  async replace(compiled: CompiledModel): Promise<void> {
    const old = this.#current;
    this.#current = compiled;
    if (compiled.engine === 'onnx') this.#holder.sessions.add(compiled);
    this.#holder.sessions.delete(old);
    await old.dispose();
  }

  async dispose(): Promise<void> {
    this.#disposed = true;
    this.#holder.sessions.delete(this.#current);
    await this.#current.dispose();
  }
}

/**
 * Like `compileModel`, but once for each model and set of options. When the weights have changed since, the
 * session is made anew, also for those who got it before. `disposeEngines(model)` frees the sessions, and so does the
 * garbage collector some time after the model is gone; nobody needs to dispose a single result. `compile` is what makes
 * them.
 *
 * @throws as `compileModel`
 */
export async function cachedCompile(
  model: tf.LayersModel,
  options: CompileOptions = {},
  compile: Compile = compileModel,
): Promise<CompiledModel> {
  const {
    engine = 'auto',
    outputs = null,
    pixels = null,
    precision = 'float32',
    device = 'cpu',
    calibration,
  } = options;
  const key = JSON.stringify([engine, outputs, pixels, precision, device, keyOfCalibration(calibration)]);
  const cached = entries.get(model) ?? new Map<string, Promise<Entry>>();
  entries.set(model, cached);

  const known = cached.get(key);
  // Whoever comes while another compiles waits for that one; its result may have to be refreshed again.
  const next = refresh(model, options, compile, known);
  cached.set(key, next);
  try {
    return (await next).facade;
  } catch (error) {
    if (cached.get(key) === next) cached.delete(key);
    throw error;
  }
}

async function refresh(
  model: tf.LayersModel,
  options: CompileOptions,
  compile: Compile,
  known: Promise<Entry> | undefined,
): Promise<Entry> {
  const before = await known?.catch(() => undefined);
  const version = weightsVersion(model);
  // The tfjs engine reads the model's own weights at every run.
  if (before !== undefined && (before.facade.engine === 'tfjs' || sameVersion(before.version, version))) {
    return before;
  }
  const compiled = await compile(model, options);
  if (before !== undefined) {
    await before.facade.replace(compiled);
    return { facade: before.facade, version };
  }
  const holder: Holder = { sessions: new Set() };
  const facade = new CachedModel(model, compiled, holder);
  dropped.register(facade, holder);
  return { facade, version };
}

/** Frees every session that `cachedCompile` made of this model. The model stays, and can be compiled again. */
export async function disposeEngines(model: tf.LayersModel): Promise<void> {
  const cached = entries.get(model);
  entries.delete(model);
  const settled = await Promise.allSettled([...(cached?.values() ?? [])]);
  for (const result of settled) if (result.status === 'fulfilled') await result.value.facade.dispose();
}
