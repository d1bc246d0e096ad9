// What the demo works with. Change a line and run it again.
import { fileURLToPath } from 'node:url';

/** The network to start from; its trained weights lie in the package. */
export const base = 'efficientnet-lite0';

/** The same seed draws the same pictures and trains the same model. */
export const seed = 1;

/** Where the report and the trained model go, in the working directory. */
export const outputFolder = 'demo-output';

export const photoFolder = fileURLToPath(new URL('../photos/', import.meta.url));

/** File names in `examples/photos`; where they come from is in the README.md there. */
export const photos = [
  { file: 'chelsea.jpg', title: 'Chelsea the cat', credit: 'Stefan van der Walt, CC0' },
  { file: 'coffee.jpg', title: 'A cup of coffee', credit: 'Rachel Michetti, Pikolo Espresso Bar, CC0' },
  { file: 'astronaut.jpg', title: 'Eileen Collins, astronaut', credit: 'NASA, public domain' },
  { file: 'rocket.jpg', title: 'Falcon 9 with DSCOVR', credit: 'SpaceX, public domain' },
];

/** Chelsea is missing on purpose: half a cat behind a dog would be a wrong label. */
export const backgroundPhotos = ['coffee.jpg', 'astronaut.jpg', 'rocket.jpg'];

/**
 * Who drew the emoji: packages of Iconify, with the drawings' own licences. One vendor is for validation only: training
 * never sees a line of its hand.
 */
export const vendors = [
  { set: 'noto-v1', role: 'training' },
  { set: 'twemoji', role: 'training' },
  { set: 'openmoji', role: 'training' },
  { set: 'emojione', role: 'training' },
  { set: 'fxemoji', role: 'training' },
  { set: 'fluent-emoji-flat', role: 'validation' },
];

/**
 * The drawings that show a class. Not every vendor has each, and names differ by hyphens (`tropical-fish`,
 * `tropicalfish`).
 */
export const classes = {
  bird: ['bird', 'duck', 'eagle', 'owl', 'rooster', 'chicken', 'baby-chick', 'front-facing-baby-chick'],
  car: ['automobile', 'oncoming-automobile', 'taxi', 'oncoming-taxi', 'sport-utility-vehicle', 'police-car'],
  cat: ['cat', 'cat-face', 'cat-side', 'black-cat'],
  dog: ['dog', 'dog-face', 'dog-side', 'guide-dog', 'poodle'],
  fish: ['fish', 'tropical-fish', 'blowfish', 'shark'],
  flower: ['sunflower', 'tulip', 'hibiscus', 'rose', 'blossom', 'cherry-blossom'],
};

/** Pictures of each class that are drawn from each vendor. */
export const picturesPerVendor = { training: 10, validation: 20 };

/** Pixels; the network cuts 224 out of it. */
export const pictureSize = 256;
