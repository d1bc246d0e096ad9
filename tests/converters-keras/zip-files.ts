import { crc32, deflateRawSync } from 'node:zlib';

export interface ZipEntry {
  readonly name: string;
  readonly data: Uint8Array | string;
  readonly deflated?: boolean;
  /** What the headers say instead of the truth. */
  readonly stated?: {
    readonly size?: number;
    readonly packed?: number;
    readonly checksum?: number;
    readonly flags?: number;
    readonly method?: number;
    readonly offset?: number;
    /** In the local header alone. */
    readonly localName?: string;
    /** The mode of a Unix file. */
    readonly mode?: number;
  };
}

const checksumOf = crc32 as (bytes: Uint8Array) => number;

/** A zip archive, byte for byte as it is told. */
export function zipOf(entries: readonly ZipEntry[], { behind = '' } = {}): Uint8Array {
  const parts: Buffer[] = [];
  const directory: Buffer[] = [];
  let offset = 0;
  for (const { name, data, deflated = false, stated = {} } of entries) {
    const bytes = Buffer.from(data);
    const packed = deflated ? deflateRawSync(bytes) : bytes;
    const fields = Buffer.alloc(26);
    fields.writeUInt16LE(20, 0);
    fields.writeUInt16LE(stated.flags ?? 0, 2);
    fields.writeUInt16LE(stated.method ?? (deflated ? 8 : 0), 4);
    fields.writeUInt16LE(0x21, 8);
    fields.writeUInt32LE(stated.checksum ?? checksumOf(bytes), 10);
    fields.writeUInt32LE(stated.packed ?? packed.length, 14);
    fields.writeUInt32LE(stated.size ?? bytes.length, 18);
    const localName = Buffer.from(stated.localName ?? name);
    const local = Buffer.from(fields);
    local.writeUInt16LE(localName.length, 22);
    const own = Buffer.concat([Buffer.from('PK\x03\x04', 'latin1'), local, localName, packed]);
    fields.writeUInt16LE(Buffer.byteLength(name), 22);
    const tail = Buffer.alloc(14);
    tail.writeUInt32LE(((stated.mode ?? 0) << 16) >>> 0, 6);
    tail.writeUInt32LE(stated.offset ?? offset, 10);
    const made = Buffer.from([20, stated.mode === undefined ? 0 : 3]);
    directory.push(
      Buffer.concat([Buffer.from('PK\x01\x02', 'latin1'), made, fields, tail, Buffer.from(name)]),
    );
    parts.push(own);
    offset += own.length;
  }
  const names = Buffer.concat(directory);
  const end = Buffer.alloc(22);
  end.write('PK\x05\x06', 0, 'latin1');
  end.writeUInt16LE(entries.length, 8);
  end.writeUInt16LE(entries.length, 10);
  end.writeUInt32LE(names.length, 12);
  end.writeUInt32LE(offset, 16);
  return new Uint8Array(Buffer.concat([...parts, names, end, Buffer.from(behind)]));
}
