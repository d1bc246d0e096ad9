/** Ways to damage bytes. Each takes bytes and a random generator and gives new bytes. */

const ODD_BYTES = [0, 1, 0x7f, 0x80, 0xff, 0x20, 0x2f, 0x5c];
const ODD_NUMBERS = [
  0n,
  1n,
  -1n,
  2n,
  255n,
  65535n,
  2n ** 31n - 1n,
  2n ** 31n,
  2n ** 32n - 1n,
  2n ** 40n,
  2n ** 63n - 1n,
];

const flipBits = (bytes, random) => {
  const out = bytes.slice();
  for (let i = random.below(8); i >= 0; i--) out[random.below(out.length)] ^= 1 << random.below(8);
  return out;
};

const setBytes = (bytes, random) => {
  const out = bytes.slice();
  for (let i = random.below(4); i >= 0; i--) out[random.below(out.length)] = random.pick(ODD_BYTES);
  return out;
};

const setNumber = (bytes, random) => {
  const out = bytes.slice();
  const width = random.pick([2, 4, 8]);
  if (out.length < width) return out;
  const own = BigInt(out.length) + BigInt(random.below(3) - 1);
  const value = random.next() < 0.2 ? own : random.pick(ODD_NUMBERS);
  const at = random.below(out.length - width + 1);
  for (let i = 0; i < width; i++) out[at + i] = Number((value >> BigInt(8 * i)) & 0xffn);
  return out;
};

const truncate = (bytes, random) => bytes.slice(0, random.below(bytes.length));

function range(bytes, random, most = 4096) {
  const start = random.below(bytes.length);
  return [start, Math.min(bytes.length, start + 1 + random.below(Math.min(most, bytes.length)))];
}

const joined = (...parts) => Uint8Array.from(Buffer.concat(parts));

const cutOut = (bytes, random) => {
  const [start, end] = range(bytes, random);
  return joined(bytes.slice(0, start), bytes.slice(end));
};

const repeat = (bytes, random) => {
  const [start, end] = range(bytes, random);
  return joined(bytes.slice(0, end), bytes.slice(start, end), bytes.slice(end));
};

const blank = (bytes, random) => {
  const out = bytes.slice();
  const [start, end] = range(bytes, random, 256);
  return out.fill(random.pick(ODD_BYTES), start, end);
};

const copyOver = (bytes, random) => {
  const out = bytes.slice();
  const [start, end] = range(bytes, random, 512);
  out.set(
    bytes.slice(start, end).slice(0, out.length),
    Math.min(random.below(out.length), out.length - (end - start)),
  );
  return out;
};

const changeDigits = (bytes, random) => {
  const out = bytes.slice();
  const digits = [...out.keys()].filter((i) => out[i] >= 0x30 && out[i] <= 0x39);
  if (digits.length > 0)
    for (let i = random.below(6); i >= 0; i--) out[random.pick(digits)] = 0x30 + random.below(10);
  return out;
};

const WAYS = [flipBits, setBytes, setNumber, truncate, cutOut, repeat, blank, copyOver, changeDigits];

/** One to three of these ways, one after the other. `other` is a file to splice with. */
export function damageBytes(bytes, random, other) {
  let out = bytes;
  for (let i = random.below(3); i >= 0 && out.length > 0; i--) {
    if (other !== undefined && random.next() < 0.05) {
      out = joined(out.slice(0, random.below(out.length)), other.slice(random.below(other.length)));
    } else out = random.pick(WAYS)(out, random);
  }
  return out;
}
