import { damageBytes } from './bytes.mjs';
import { damageJson } from './json.mjs';
import { seeded } from './random.mjs';
import { unzip, zip } from './zip.mjs';

const TARGETS = ['tfjs', 'tfjs', 'onnx', 'keras', 'h5', 'inspect'];
const text = (value) => new TextEncoder().encode(JSON.stringify(value));
const json = (bytes) => JSON.parse(new TextDecoder().decode(bytes));

async function damagedZip(base, random, other) {
  if (random.next() < 0.3) return damageBytes(base.bytes, random, other.bytes);
  const members = await unzip(base.bytes);
  const member = random.pick(members);
  const isJson = member.name.endsWith('.json');
  if (isJson && random.next() < 0.8) member.bytes = text(damageJson(json(member.bytes), random));
  else member.bytes = damageBytes(member.bytes, random);
  if (random.next() < 0.05)
    members.push({
      name: random.pick(['../evil', '/etc/evil', 'config.json/x', 'a\\b']),
      bytes: member.bytes,
    });
  return zip(members, random.next() < 0.3 ? 6 : 0);
}

/** A tfjs model as files, or weights and a config: one of the files is damaged. */
function damagedFolder(base, random) {
  const files = base.files.map((file) => ({ ...file }));
  const file = random.next() < 0.8 ? files[0] : random.pick(files);
  if (file.name.endsWith('.json') && random.next() < 0.8)
    file.bytes = text(damageJson(json(file.bytes), random));
  else if (file.bytes.length > 0) file.bytes = damageBytes(file.bytes, random);
  return files;
}

/**
 * Input number `index` of the series `seed`: always the same.
 *
 * @param bases of `baseFiles`, and several files that belong together as `{ name, kind, files: [{ name, bytes }] }`
 * @returns {Promise<{ base: string, target: string, files: { name: string, bytes: Uint8Array }[] }>}
 */
export async function inputNumber(index, seed, bases) {
  const random = seeded(seed, index);
  const base = random.pick(bases);
  const target = random.pick(TARGETS);
  if (base.kind === 'tfjs' || base.kind === 'weights')
    return { base: base.name, target, files: damagedFolder(base, random) };
  const other = random.pick(bases.filter(({ files }) => files === undefined));
  const bytes =
    base.kind === 'zip'
      ? await damagedZip(base, random, other)
      : damageBytes(base.bytes, random, other.bytes);
  return { base: base.name, target, files: [{ name: 'model.bin', bytes }] };
}
