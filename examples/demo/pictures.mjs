import sharp from 'sharp';

/** A picture as a data URL, a JPEG of at most `size` pixels on its longer side. */
export async function thumbnail(file, size) {
  const jpeg = await sharp(file)
    .resize(size, size, { fit: 'inside', withoutEnlargement: true })
    .jpeg({ quality: 78, mozjpeg: true })
    .toBuffer();
  return `data:image/jpeg;base64,${jpeg.toString('base64')}`;
}
