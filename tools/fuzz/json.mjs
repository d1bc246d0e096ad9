/** Ways to damage JSON that stays JSON. */

const deep = (depth) => JSON.parse('['.repeat(depth) + ']'.repeat(depth));
const ODD_VALUES = [
  null,
  true,
  false,
  0,
  -1,
  1,
  0.5,
  1e9,
  2 ** 31,
  1e308,
  -1e308,
  '',
  'x',
  '../x',
  '__proto__',
  'constructor',
  'Lambda',
  'Dense',
  'Conv2D',
  [],
  {},
  [[]],
  [null],
  { class_name: 'Dense' },
  { class_name: '__keras_tensor__', config: { keras_history: ['x', 0, 0] } },
  'y'.repeat(5000),
  Array.from({ length: 3000 }, (_, i) => i),
  deep(500),
];

/** Every place in a value: its holder and key. */
function places(root) {
  const all = [];
  const stack = [root];
  while (stack.length > 0) {
    const value = stack.pop();
    if (typeof value !== 'object' || value === null) continue;
    for (const key of Object.keys(value)) {
      all.push([value, key]);
      stack.push(value[key]);
    }
  }
  return all;
}

/** A copy of `value` with one to four places changed. */
export function damageJson(value, random) {
  const root = [structuredClone(value)];
  for (let i = random.below(4); i >= 0; i--) {
    const all = places(root);
    if (all.length === 0) break;
    const [holder, key] = random.pick(all);
    const way = random.below(6);
    if (way === 0 && Array.isArray(holder) === false) delete holder[key];
    else if (way === 1 && Array.isArray(holder)) holder.splice(Number(key), 1);
    else if (way === 2 && Array.isArray(holder)) holder.push(structuredClone(holder[key]));
    else if (way === 3) {
      const [otherHolder, otherKey] = random.pick(all);
      holder[key] = structuredClone(otherHolder[otherKey]);
    } else if (way === 4 && typeof holder[key] === 'number')
      holder[key] = random.pick([holder[key] + 1, -holder[key], holder[key] * 1e6]);
    else holder[key] = structuredClone(random.pick(ODD_VALUES));
  }
  return root[0];
}
