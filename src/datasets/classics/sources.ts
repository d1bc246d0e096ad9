import type { RemoteFile } from '../../platform.ts';

/** Addresses, hashes and class names, as Keras 3, TensorFlow Datasets and the data sets' own pages state them. */

const fashionHost = 'http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/';

export const mnistFile: RemoteFile = {
  url: 'https://storage.googleapis.com/tensorflow/tf-keras-datasets/mnist.npz',
  fileName: 'mnist.npz',
  sha256: '731c5ac602752760c8e48fbffcf8c3b850d9dc2a2aedcf2cc48468fc17b673d1',
};

/** Pictures first. Plain http, so the hash is what they are trusted by. */
export const fashionMnistFiles: Readonly<Record<'train' | 'test', readonly [RemoteFile, RemoteFile]>> = {
  train: [
    {
      url: `${fashionHost}train-images-idx3-ubyte.gz`,
      fileName: 'fashion-train-images-idx3-ubyte.gz',
      size: 26421880,
      sha256: '3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84',
    },
    {
      url: `${fashionHost}train-labels-idx1-ubyte.gz`,
      fileName: 'fashion-train-labels-idx1-ubyte.gz',
      size: 29515,
      sha256: 'a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845',
    },
  ],
  test: [
    {
      url: `${fashionHost}t10k-images-idx3-ubyte.gz`,
      fileName: 'fashion-t10k-images-idx3-ubyte.gz',
      size: 4422102,
      sha256: '346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073',
    },
    {
      url: `${fashionHost}t10k-labels-idx1-ubyte.gz`,
      fileName: 'fashion-t10k-labels-idx1-ubyte.gz',
      size: 5148,
      sha256: '67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5',
    },
  ],
};

/** Nobody has published a hash of it. */
export const notMnistFile: RemoteFile = {
  url: 'https://commondatastorage.googleapis.com/books1000/notMNIST_small.tar.gz',
  fileName: 'notMNIST_small.tar.gz',
  size: 8458043,
};

export const cifarFiles: Readonly<Record<'cifar10' | 'cifar100', RemoteFile>> = {
  cifar10: {
    url: 'https://www.cs.toronto.edu/~kriz/cifar-10-python.tar.gz',
    fileName: 'cifar-10-python.tar.gz',
    sha256: '6d958be074577803d12ecdefd02955f39262c83c16fe9348329d7fe0b5c001ce',
  },
  cifar100: {
    url: 'https://www.cs.toronto.edu/~kriz/cifar-100-python.tar.gz',
    fileName: 'cifar-100-python.tar.gz',
    sha256: '85cd44d02ba6437773c5bbd22e183051d648de2e7d6b014e1ef29b855ba677a7',
  },
};

const words = (text: string): readonly string[] => text.trim().split(/\s+/);

export const digits = words('0 1 2 3 4 5 6 7 8 9');
export const letters = words('A B C D E F G H I J');
export const fashionClasses: readonly string[] = [
  'T-shirt/top',
  'Trouser',
  'Pullover',
  'Dress',
  'Coat',
  'Sandal',
  'Shirt',
  'Sneaker',
  'Bag',
  'Ankle boot',
];
export const cifar10Classes = words('airplane automobile bird cat deer dog frog horse ship truck');
export const cifar100Classes = words(`
  apple aquarium_fish baby bear beaver bed bee beetle bicycle bottle bowl boy bridge bus butterfly camel can castle
  caterpillar cattle chair chimpanzee clock cloud cockroach couch crab crocodile cup dinosaur dolphin elephant flatfish
  forest fox girl hamster house kangaroo keyboard lamp lawn_mower leopard lion lizard lobster man maple_tree motorcycle
  mountain mouse mushroom oak_tree orange orchid otter palm_tree pear pickup_truck pine_tree plain plate poppy porcupine
  possum rabbit raccoon ray road rocket rose sea seal shark shrew skunk skyscraper snail snake spider squirrel streetcar
  sunflower sweet_pepper table tank telephone television tiger tractor train trout tulip turtle wardrobe whale
  willow_tree wolf woman worm`);
export const cifar100CoarseClasses = words(`
  aquatic_mammals fish flowers food_containers fruit_and_vegetables household_electrical_devices household_furniture
  insects large_carnivores large_man-made_outdoor_things large_natural_outdoor_scenes large_omnivores_and_herbivores
  medium_mammals non-insect_invertebrates people reptiles small_mammals trees vehicles_1 vehicles_2`);
