// Writes docs/layers.md: what the converter does with each layer of Keras. Run it after a change of what is read or
// written: `npm run build && node tools/layer-table/make.mjs`.
import { writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { format, resolveConfig } from 'prettier';
import { layerTableMarkdown } from 'dovecote/converters';

const file = fileURLToPath(new URL('../../docs/layers.md', import.meta.url));
const config = await resolveConfig(file);
await writeFile(file, await format(layerTableMarkdown(), { ...config, filepath: file }));
