import type { HeadData } from './head-trainee.ts';
import type { PictureReader, PictureRows } from './picture-rows.ts';

/** Each picture's features as one matrix. The rows are not held on to. */
export function headDataOf(first: PictureRows, reader: PictureReader): (epoch: number) => Promise<HeadData> {
  const data = toHeadData(first);
  return async (epoch) => (epoch === 1 || reader.isFixed ? data : toHeadData(await reader.epoch(epoch)));
}

export function toHeadData({ rows, labels }: PictureRows): HeadData {
  const width = rows[0]?.length ?? 0;
  const features = new Float32Array(rows.length * width);
  rows.forEach((row, at) => features.set(row, at * width));
  return { features, labels };
}
