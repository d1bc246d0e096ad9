import type { HeadData } from './head-trainee.ts';
import type { PictureReader, PictureRows } from './picture-rows.ts';

/** Features are the rows themselves, which the head scales in place: they are not to be read again. */
export function headDataOf(first: PictureRows, reader: PictureReader): (epoch: number) => Promise<HeadData> {
  const data = toHeadData(first);
  return async (epoch) => (epoch === 1 || reader.isFixed ? data : toHeadData(await reader.epoch(epoch)));
}

/** @param rows Of a base that runs in an engine: numbers with a fraction, never pixels. */
export function toHeadData({ values, labels }: PictureRows): HeadData {
  return { features: values as Float32Array, labels };
}
