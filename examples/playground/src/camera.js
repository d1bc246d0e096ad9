import { attempt, at } from './page.js';

/** A button that turns the camera on and off, and the video that shows it. */
export class Camera {
  #stream;

  constructor(button, video, onChange = () => undefined) {
    this.video = video;
    this.button = button;
    this.onChange = onChange;
    button.addEventListener('click', () => void attempt(() => (this.isOn ? this.stop() : this.start())));
    // There is none on pages without https.
    if (navigator.mediaDevices === undefined) button.hidden = true;
  }

  get isOn() {
    return this.#stream !== undefined;
  }

  async start() {
    try {
      this.#stream = await navigator.mediaDevices.getUserMedia({ video: { facingMode: 'environment' } });
    } catch (cause) {
      const why =
        cause.name === 'NotAllowedError'
          ? 'this page may not use it'
          : 'no camera was found, or another program has it';
      throw new Error(`The camera cannot be used: ${why}.`, { cause });
    }
    this.video.srcObject = this.#stream;
    this.video.hidden = false;
    await this.video.play();
    this.button.textContent = 'Stop the camera';
    this.onChange(true);
  }

  stop() {
    for (const track of this.#stream?.getTracks() ?? []) track.stop();
    this.#stream = undefined;
    this.video.srcObject = null;
    this.video.hidden = true;
    this.button.textContent = 'Use the camera';
    this.onChange(false);
  }

  /** What it shows now, as a file. */
  async shot(name) {
    const canvas = new OffscreenCanvas(this.video.videoWidth, this.video.videoHeight);
    canvas.getContext('2d').drawImage(this.video, 0, 0);
    const blob = await canvas.convertToBlob({ type: 'image/jpeg', quality: 0.92 });
    return new File([blob], name, { type: blob.type });
  }
}

/** Calls `act` again and again while a button is held, by pointer or key. */
export function whileHeld(button, act, pause = 150) {
  let held = false;
  const begin = async (event) => {
    if (event.type === 'keydown' && event.key !== ' ' && event.key !== 'Enter') return;
    event.preventDefault();
    if (held) return;
    held = true;
    button.classList.add('held');
    while (held) {
      await act();
      await new Promise((done) => setTimeout(done, pause));
    }
  };
  const end = () => {
    held = false;
    button.classList.remove('held');
  };
  button.addEventListener('pointerdown', (event) => void attempt(() => begin(event)));
  button.addEventListener('keydown', (event) => void attempt(() => begin(event)));
  for (const type of ['pointerup', 'pointerleave', 'pointercancel', 'keyup', 'blur'])
    button.addEventListener(type, end);
}

export const cameraButton = (name) => [at(`${name}-camera`), at(`${name}-video`)];
