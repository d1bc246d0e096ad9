import { PbfWriter } from 'pbf';

/** Of ModelProto in onnx.proto. */
const METADATA_PROPS = 14;
const ENTRY = { key: 1, value: 2 } as const;

/** An ONNX file with entries in its `metadata_props`: fields of a message may stand behind all others. */
export function withOnnxMetadata(
  model: Uint8Array,
  metadata: Readonly<Record<string, string>>,
): Uint8Array<ArrayBuffer> {
  const writer = new PbfWriter();
  for (const [key, value] of Object.entries(metadata)) {
    writer.writeMessage(
      METADATA_PROPS,
      (entry: readonly [string, string], to) => {
        to.writeStringField(ENTRY.key, entry[0]);
        to.writeStringField(ENTRY.value, entry[1]);
      },
      [key, value] as const,
    );
  }
  const more = writer.finish();
  const joined = new Uint8Array(model.length + more.length);
  joined.set(model);
  joined.set(more, model.length);
  return joined;
}
