/** RGB pixels on a canvas. */
export function drawPixels(canvas, { data, width, height }) {
  const image = new ImageData(width, height);
  for (let from = 0, to = 0; from < data.length; from += 3, to += 4) {
    image.data[to] = data[from];
    image.data[to + 1] = data[from + 1];
    image.data[to + 2] = data[from + 2];
    image.data[to + 3] = 255;
  }
  [canvas.width, canvas.height] = [width, height];
  canvas.getContext('2d').putImageData(image, 0, 0);
}

/** Pixels of a side of a tile, at most: a screen shows no more of 64 of them. */
const LARGEST = 56;

/** The channels of a feature map `[rows, columns, channels]` as tiles, each from its least value, dark, to its largest. */
export function drawTiles(canvas, { data, shape: [rows, columns, channels] }) {
  const step = Math.ceil(Math.max(rows, columns) / LARGEST);
  const [height, width] = [Math.ceil(rows / step), Math.ceil(columns / step)];
  const across = Math.min(channels, 8);
  const gap = 1;
  const image = new ImageData(
    across * (width + gap) - gap,
    Math.ceil(channels / across) * (height + gap) - gap,
  );
  const pixels = new Uint32Array(image.data.buffer);
  const values = new Float32Array(height * width);
  for (let channel = 0; channel < channels; channel++) {
    let [least, largest] = [Infinity, -Infinity];
    for (let y = 0, place = 0; y < rows; y += step) {
      for (let x = 0; x < columns; x += step, place++) {
        const value = data[(y * columns + x) * channels + channel];
        values[place] = value;
        if (value < least) least = value;
        if (value > largest) largest = value;
      }
    }
    const scale = largest > least ? 255 / (largest - least) : 0;
    const [left, top] = [(channel % across) * (width + gap), Math.floor(channel / across) * (height + gap)];
    for (let y = 0, place = 0; y < height; y++) {
      const start = (top + y) * image.width + left;
      for (let x = 0; x < width; x++, place++) {
        // Grey and opaque, as one number: red, green, blue and alpha from its low byte on.
        pixels[start + x] = 0xff000000 | (0x010101 * Math.round((values[place] - least) * scale));
      }
    }
  }
  [canvas.width, canvas.height] = [image.width, image.height];
  canvas.getContext('2d').putImageData(image, 0, 0);
}
