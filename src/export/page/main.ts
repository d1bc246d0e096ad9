/** The program of an exported page. TensorFlow.js is the page's global `tf`. */
import * as tf from '@tensorflow/tfjs';
import '../../../zoo/layers/index.ts';
import '../../layers/index.ts';
import { reasonOf } from '../../base/errors.ts';
import { endsWithLogits, softmax, topIndices } from '../../classify/probabilities.ts';
import { decodeImageBrowser } from '../../images/decode.browser.ts';
import { loadPixels } from '../../images/load-image.ts';
import { preprocessPixels } from '../../images/preprocess.ts';
import type { ModelMetadata } from '../../models/metadata.ts';
import type { Platform } from '../../platform.ts';
import { registerPlatform } from '../../platform.ts';

// Pictures are all that this page reads.
registerPlatform({ name: 'browser', decodeImage: decodeImageBrowser } as Platform);

const SHOWN = 5;
const element = <Type extends HTMLElement>(id: string) => document.getElementById(id) as Type;
const [status, list, drop] = [element('status'), element('list'), element('drop')];
const [photo, video] = [element<HTMLImageElement>('photo'), element<HTMLVideoElement>('video')];
const [camera, shot] = [element<HTMLButtonElement>('camera'), element<HTMLButtonElement>('shot')];
const file = element<HTMLInputElement>('file');

interface Loaded {
  readonly model: tf.LayersModel;
  readonly metadata: ModelMetadata;
}
const loading: Promise<Loaded> = load();

function say(text: string, isBad = false): void {
  status.textContent = text;
  status.className = isBad ? 'bad' : 'muted';
}

async function load(): Promise<Loaded> {
  await tf.ready();
  const model = await tf.loadLayersModel('model.json', { fetchFunc: fetchWhole });
  // Written by `exportModel`, which has checked it. The labels of the zoo would come along with its reader.
  const { dovecote: metadata } = (model.getUserDefinedMetadata() ?? {}) as { dovecote?: ModelMetadata };
  if (metadata === undefined) throw new Error('the model does not say how its pictures are prepared');
  return { model, metadata };
}

/** TensorFlow.js would take what a server says of a missing file for weights. */
async function fetchWhole(address: RequestInfo | URL, options?: RequestInit): Promise<Response> {
  const response = await fetch(address, options);
  if (response.ok) return response;
  throw new Error(`the server has no ${response.url} (${response.status})`);
}

/** Probabilities in the order of the labels. */
async function classify(image: Blob | HTMLVideoElement): Promise<Float32Array> {
  const { model, metadata } = await loading;
  const { inputSize, resize, preprocessing } = metadata;
  const [height, width] = inputSize;
  const pixels = await loadPixels(image, { size: inputSize, ...resize, name: 'the photo' });
  const values = new Float32Array(height * width * 3);
  preprocessPixels(pixels, preprocessing, values, 0);
  const output = tf.tidy(() => model.predict(tf.tensor4d(values, [1, height, width, 3])) as tf.Tensor);
  const row = Float32Array.from(await output.data());
  output.dispose();
  return endsWithLogits(model) ? softmax(row) : row;
}

/** Counts what was asked: an answer that comes after a newer question is not shown. */
let asked = 0;

async function show(image: Blob | HTMLVideoElement): Promise<void> {
  const question = ++asked;
  list.replaceChildren();
  say('Looking at it.');
  try {
    const began = performance.now();
    const probabilities = await classify(image);
    const { labels } = (await loading).metadata as { labels: readonly string[] };
    if (question !== asked) return;
    list.replaceChildren(
      ...topIndices(probabilities, SHOWN).map((index) => rowOf(labels[index]!, probabilities[index]!)),
    );
    say(`Done in ${Math.round(performance.now() - began)} ms.`);
  } catch (error) {
    if (question === asked) say(`It cannot be classified: ${reasonOf(error)}`, true);
  }
}

function rowOf(label: string, probability: number): HTMLLIElement {
  const item = document.createElement('li');
  const row = document.createElement('div');
  row.className = 'row';
  const [name, share] = [document.createElement('span'), document.createElement('span')];
  name.textContent = label;
  share.textContent = `${(100 * probability).toFixed(1)} %`;
  row.append(name, share);
  const track = document.createElement('div');
  track.className = 'track';
  track.setAttribute('aria-hidden', 'true');
  const bar = document.createElement('div');
  bar.style.width = `${100 * probability}%`;
  track.append(bar);
  item.append(row, track);
  return item;
}

async function take(chosen: File | undefined): Promise<void> {
  if (chosen === undefined) return;
  if (chosen.type !== '' && !chosen.type.startsWith('image/')) {
    asked++;
    list.replaceChildren();
    photo.hidden = true;
    say(`"${chosen.name}" is no photo (${chosen.type}). Choose a JPEG, PNG, WebP or GIF file.`, true);
    return;
  }
  stopCamera();
  URL.revokeObjectURL(photo.src);
  photo.src = URL.createObjectURL(chosen);
  photo.hidden = false;
  await show(chosen);
}

function stopCamera(): void {
  for (const track of (video.srcObject as MediaStream | null)?.getTracks() ?? []) track.stop();
  video.srcObject = null;
  video.hidden = true;
  shot.hidden = true;
  camera.textContent = 'Use the camera';
}

file.addEventListener('change', () => void take(file.files?.[0]).then(() => (file.value = '')));
// Anywhere: beside the box the browser would leave the page and open the photo.
document.addEventListener('dragover', (event) => {
  event.preventDefault();
  drop.classList.add('over');
});
document.addEventListener('dragleave', () => drop.classList.remove('over'));
document.addEventListener('drop', (event) => {
  event.preventDefault();
  drop.classList.remove('over');
  void take(event.dataTransfer?.files[0]);
});
document.addEventListener('paste', (event) => void take(event.clipboardData?.files[0]));
// Not there on pages without https.
if ((navigator.mediaDevices as MediaDevices | undefined) !== undefined) camera.hidden = false;
camera.addEventListener('click', () => {
  if (video.srcObject !== null) {
    stopCamera();
    return;
  }
  navigator.mediaDevices.getUserMedia({ video: { facingMode: 'environment' } }).then(
    async (stream) => {
      photo.hidden = true;
      video.hidden = false;
      video.srcObject = stream;
      camera.textContent = 'Stop the camera';
      await video.play();
      shot.hidden = false;
      shot.focus();
    },
    (error: unknown) => say(`The camera cannot be used: ${reasonOf(error)}`, true),
  );
});
shot.addEventListener('click', () => void show(video));

loading.then(
  () => say('Ready.'),
  (error: unknown) => {
    if (location.protocol !== 'file:') say(`The model cannot be loaded: ${reasonOf(error)}`, true);
  },
);
// For programs that embed the page, and for tests.
Object.assign(globalThis, { dovecotePage: { ready: loading.then(() => true), classify } });
