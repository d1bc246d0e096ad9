import type { ByteSource } from '../../src/base/types.ts';
import type { ReadLimits } from '../model-file.ts';
import { Hdf5File } from './file.ts';
import { hdf5Module, withHdf5File } from './session.ts';
import { requireHdf5 } from './signature.ts';

/**
 * Opens an HDF5 file for as long as `action` takes. Tensors that it leaves in the file open it anew for each piece, so
 * that no two files are ever open in the library.
 *
 * @throws FormatError `FORMAT_UNKNOWN` for what is no HDF5, `FORMAT_DAMAGED`, `FORMAT_LIMIT`; what `action` throws
 */
export async function inHdf5File<T>(
  source: ByteSource,
  fileName: string,
  limits: ReadLimits,
  action: (file: Hdf5File) => T,
): Promise<T> {
  requireHdf5(source, fileName);
  const module = await hdf5Module();
  const open =
    (again: boolean) =>
    <R>(use: (file: Hdf5File) => R): R =>
      withHdf5File(module, source, { fileName, limits, again }, (id) =>
        use(new Hdf5File(module, id, fileName, limits, open(true))),
      );
  return open(false)(action);
}
