import { modelBuilder, rowOf } from './builder.ts';
import { pooled } from './network.ts';

/** Convolutions in each of the five blocks: columns D and E of the paper's table 1. */
const convolutions: Readonly<Record<string, readonly number[]>> = {
  vgg16: [2, 2, 3, 3, 3],
  vgg19: [2, 2, 4, 4, 4],
};
const filters = [64, 128, 256, 512, 512];

/**
 * VGG16 and VGG19 (Simonyan and Zisserman 2014, arXiv 1409.1556) as in `keras/src/applications/vgg16.py` and `vgg19.py`.
 *
 * Input `[batch, height, width, 3]`, BGR minus the ImageNet mean (mode `caffe`). Output `[batch, classes]`, or
 * `[batch, rows, columns, 512]` without top (`[batch, 512]` when pooled).
 *
 * @throws ModelError `MODEL_OPTION`
 */
export const buildVgg = modelBuilder((network, image, settings) => {
  const { includeTop, pooling, classes, classifierActivation } = settings;

  let x = image;
  rowOf(convolutions, settings.card).forEach((count, index) => {
    const block = `block${index + 1}`;
    for (let number = 1; number <= count; number++) {
      const name = `${block}_conv${number}`;
      x = network.conv2d(x, {
        name,
        filters: filters[index]!,
        kernelSize: 3,
        padding: 'same',
        activation: 'relu',
      });
    }
    x = network.maxPooling2d(x, { name: `${block}_pool`, poolSize: 2, strides: 2 });
  });

  if (!includeTop) return pooled(network, x, pooling, { named: false });
  x = network.flatten(x, { name: 'flatten' });
  x = network.dense(x, { name: 'fc1', units: 4096, activation: 'relu' });
  x = network.dense(x, { name: 'fc2', units: 4096, activation: 'relu' });
  return network.dense(x, { name: 'predictions', units: classes, activation: classifierActivation });
});
