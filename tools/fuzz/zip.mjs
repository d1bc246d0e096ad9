import {
  BlobReader,
  BlobWriter,
  Uint8ArrayReader,
  Uint8ArrayWriter,
  ZipReader,
  ZipWriter,
} from '@zip.js/zip.js';

/** The members of a zip file. */
export async function unzip(bytes) {
  const reader = new ZipReader(new Uint8ArrayReader(bytes));
  const entries = await reader.getEntries();
  const members = [];
  for (const entry of entries)
    members.push({ name: entry.filename, bytes: await entry.getData(new Uint8ArrayWriter()) });
  await reader.close();
  return members;
}

/** A zip file of these members, with right checksums; stored, or deflated where `level` says so. */
export async function zip(members, level = 0) {
  const writer = new ZipWriter(new BlobWriter('application/zip'), { useWebWorkers: false });
  for (const { name, bytes } of members) {
    await writer.add(name, new BlobReader(new Blob([bytes])), { level, lastModDate: new Date(2020, 0, 1) });
  }
  const blob = await writer.close();
  return new Uint8Array(await blob.arrayBuffer());
}
