import type { Diagnosis, Remark } from './diagnosis.ts';

/** Below this, the weights of one large network do not fit. */
const LITTLE_SPACE = 1e9;

type Findings = Omit<Diagnosis, 'remarks'>;

/** What of the findings stands in the way of working, or of working faster. */
export function remarksOn(found: Findings): Remark[] {
  return [...onnx(found), ...tfjs(found), ...pictures(found), ...cache(found)];
}

const problem = (what: string, nextStep: string): Remark => ({ kind: 'problem', what, nextStep });
const advice = (what: string, nextStep: string): Remark => ({ kind: 'advice', what, nextStep });

function onnx({ onnx: engine, system }: Findings): Remark[] {
  if (!engine.works) {
    return [
      advice(
        `Networks run in tfjs, which takes about ten times as long: ${engine.why ?? 'the onnx engine does not work'}`,
        'npm install onnxruntime-node',
      ),
    ];
  }
  const remarks: Remark[] = [];
  const gpu = engine.devices.find(({ name, works }) => name !== 'cpu' && works);
  if (gpu !== undefined) {
    remarks.push(
      advice(
        `A GPU works with ${gpu.name}, and is not used by itself.`,
        `say device: '${gpu.name}' or --device auto`,
      ),
    );
  }
  const { cpuFeatures, arch } = system;
  if (cpuFeatures !== undefined && arch === 'x64') {
    if (!cpuFeatures.includes('avx2')) {
      remarks.push(
        advice(
          'This processor has no AVX2, which the fast kernels need.',
          'use a processor or a virtual machine with it',
        ),
      );
    }
    if (!cpuFeatures.some((name) => name.endsWith('_vnni') || name === 'amx_int8')) {
      remarks.push(
        advice(
          'This processor has no 8-bit dot products (VNNI): int8 takes the exact kernels, which are slower.',
          'measure before you take precision int8 here',
        ),
      );
    }
  }
  return remarks;
}

function tfjs({ tfjs: { backend, backends, why } }: Findings): Remark[] {
  if (why !== undefined) {
    return [problem(`tfjs does not train here: ${why}`, 'set DOVECOTE_TFJS_BACKEND right, or leave it out')];
  }
  if (backend === 'tensorflow') return [];
  const native = backends.filter(({ name }) => name === 'tensorflow');
  const failed = native.find(({ package: name, why }) => name !== undefined && why !== 'not installed');
  if (failed === undefined && native.every(({ package: name }) => name === undefined)) return [];
  const remarks =
    failed === undefined
      ? [
          advice(
            `Layers that are trained run in tfjs's ${backend} backend on one core, but for convolutions in ONNX Runtime.`,
            'where @tensorflow/tfjs-node can be installed (Node 22 and older), large trained parts may be faster with it',
          ),
        ]
      : [
          problem(
            `${failed.package ?? failed.name} is installed and is not used: ${failed.why}`,
            'install it again with the same version as @tensorflow/tfjs, on a Node that it supports (22 and older)',
          ),
        ];
  if (backend !== 'cpu') return remarks;
  return [
    ...remarks,
    problem(
      'tfjs runs without WebAssembly, which takes a hundred times as long.',
      'npm install @tensorflow/tfjs-backend-wasm',
    ),
  ];
}

function pictures({ sharp }: Findings): Remark[] {
  if (sharp.works) return [];
  return [problem(`No picture can be decoded: ${sharp.why}`, 'npm install --include=optional sharp')];
}

function cache({ cache: { folder, writable, free, why } }: Findings): Remark[] {
  if (!writable) {
    return [
      problem(
        `Weights cannot be kept in ${folder}: ${why ?? 'it cannot be written'}`,
        'set DOVECOTE_CACHE to a folder that can be written',
      ),
    ];
  }
  if (free === undefined || free >= LITTLE_SPACE) return [];
  return [
    advice(
      `Little space is left for weights in ${folder}.`,
      'empty it with `dovecote cache clear`, or set DOVECOTE_CACHE to another disk',
    ),
  ];
}
