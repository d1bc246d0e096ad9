import { readFileSync } from 'node:fs';

/** What makes neural networks faster, by Linux's names, weakest first. */
const USEFUL = [
  ...[
    'sse4_1',
    'avx',
    'avx2',
    'fma',
    'avx512f',
    'avx_vnni',
    'avx512_vnni',
    'avx512_bf16',
    'amx_int8',
    'amx_bf16',
  ],
  ...['asimd', 'asimdhp', 'asimddp', 'i8mm', 'bf16', 'sve'],
];

let known: readonly string[] | undefined | null = null;

/** Instruction sets of this processor that matter here; undefined where the system does not tell (macOS, Windows). */
export function cpuFeatures(): readonly string[] | undefined {
  if (known === null) {
    try {
      const line = /^(?:flags|Features)\s*:\s*(.*)$/m.exec(readFileSync('/proc/cpuinfo', 'utf8'));
      const found = new Set(line?.[1]?.split(/\s+/));
      known = line === null ? undefined : USEFUL.filter((name) => found.has(name));
    } catch {
      known = undefined;
    }
  }
  return known;
}

/** Whether products of 8 bits may be summed in 16, which clips them: x64 without 8-bit dot products, or who knows. */
export function clipsInt8Sums(): boolean {
  if (process.arch !== 'x64' && process.arch !== 'ia32') return false;
  return !(cpuFeatures() ?? []).some((name) => name.endsWith('_vnni') || name === 'amx_int8');
}
