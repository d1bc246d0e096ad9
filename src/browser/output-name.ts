import type { OutputFormat } from '../../converters/index.ts';
import { baseName } from '../models/location.ts';

const ENDINGS: Readonly<Record<OutputFormat, string>> = {
  tfjs: '-tfjs.zip',
  onnx: '.onnx',
  keras: '.keras',
  h5: '.h5',
};

/** `flowers.h5` becomes `flowers.onnx`. */
export function outputFileName(fileName: string, to: OutputFormat): string {
  const stem = baseName(fileName).replace(/\.(weights\.h5|h5|hdf5|keras|json|safetensors)$/i, '');
  return `${stem === '' ? 'model' : stem}${ENDINGS[to]}`;
}
