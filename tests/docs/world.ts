import { copyFile, mkdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import sharp from 'sharp';
import { convert, disposeModel, exportFile, loadModel, saveModel } from '../../src/node.ts';
import { rootFolder } from '../support/dist.ts';
import { hasShared, shared } from '../support/shared.ts';
import { teachableMetadata, teachableModel, writeTeachable } from '../support/teachable.ts';
import { colourModel } from '../support/tiny-model.ts';

/** The folder that the guide's reader has: every file that a snippet names, and the package installed. */
export async function fillWorld(world: string): Promise<void> {
  const photo = (name: string) => join(rootFolder, 'examples', 'photos', `${name}.jpg`);
  await mkdir(join(world, 'node_modules'), { recursive: true });
  await symlink(rootFolder, join(world, 'node_modules', 'dovecote'), 'dir');
  for (const [name, source] of [
    // What the guide prints of it is said of this photo.
    ['cat', hasShared ? shared('images/tabby_cat.jpeg') : photo('chelsea')],
    ['chelsea', photo('chelsea')],
    ['dog', photo('astronaut')],
    ['new', photo('coffee')],
    ['photo', photo('rocket')],
  ] as const) {
    await copyFile(source, join(world, `${name}.jpg`));
  }
  await mkdir(join(world, 'photos'));
  for (const name of ['astronaut', 'chelsea', 'coffee', 'rocket'])
    await copyFile(photo(name), join(world, 'photos', `${name}.jpg`));
  const rows = ['image,label'];
  for (const [folder, count] of [
    ['flowers', 5],
    ['test', 2],
  ] as const) {
    for (const label of ['daisy', 'rose']) {
      await mkdir(join(world, folder, label), { recursive: true });
      for (let index = 0; index < count; index++) {
        const file = `${folder}/${label}/${index}.jpg`;
        await writeFile(join(world, file), await flower(label, folder === 'test' ? index + 100 : index));
        if (folder === 'flowers') rows.push(`${file},${label}`);
      }
    }
  }
  await writeFile(join(world, 'flowers.csv'), `${rows.join('\n')}\n`);
  await writeModels(world);
}

/** Eight white petals, or a red one in many. */
function flower(label: string, index: number): Promise<Buffer> {
  const petals = Array.from({ length: 8 }, (_, at) => {
    const turn = `rotate(${at * 45 + index * 7} 60 60)`;
    return label === 'daisy'
      ? `<ellipse cx="60" cy="30" rx="8" ry="24" fill="#fff" transform="${turn}"/>`
      : `<circle cx="60" cy="${44 + at}" r="${30 - 3 * at}" fill="hsl(${350 + at} 70% ${30 + 4 * at}%)" transform="${turn}"/>`;
  });
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="120" height="120"><rect width="120" height="120" fill="hsl(${90 + index * 5} 40% 45%)"/>${petals.join('')}<circle cx="60" cy="60" r="10" fill="#fc3"/></svg>`;
  return sharp(Buffer.from(svg)).jpeg().toBuffer();
}

async function writeModels(world: string): Promise<void> {
  const colours = colourModel();
  for (const format of ['keras', 'h5'] as const) {
    const file = await exportFile(colours, format);
    await writeFile(join(world, `model.${format}`), new Uint8Array(await file.arrayBuffer()));
  }
  await disposeModel(colours);
  // Published weights are not to be had here: files of the same form, of random numbers.
  for (const [name, options, file] of [
    ['mobilenet', { alpha: 0.25 }, 'mobilenet_2_5_224_tf.h5'],
    ['mobilenetv3small', { minimalistic: true }, 'mobilenetv3small.h5'],
  ] as const) {
    const model = await loadModel(name, { ...options, weights: null, seed: 1 });
    const folder = join(world, 'weights', name);
    await saveModel(model, folder);
    await disposeModel(model);
    await convert(folder, join(world, file), { to: 'h5', weightsOnly: true });
  }
  const network = await loadModel('mobilenetv2', {
    ...{ alpha: 0.35, inputShape: [96, 96, 3], weights: null, seed: 1 },
  });
  const teachable = teachableModel(network, 'out_relu');
  const metadata = { ...teachableMetadata, imageSize: 96 };
  await writeTeachable(join(world, 'my-image-model'), teachable, metadata);
  teachable.dispose();
}
