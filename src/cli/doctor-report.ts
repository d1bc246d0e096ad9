import prettyBytes from 'pretty-bytes';
import type { Availability, Diagnosis } from '../diagnosis/diagnosis.ts';
import { formatTable } from './table.ts';

/** The findings as text, one line for each, and what follows from them. */
export function doctorReport(found: Diagnosis): string {
  const sections = [machine(found), onnx(found), tfjs(found), pictures(found), cache(found)];
  // One table, so that its columns stand below each other; its headings are those of the sections.
  const [, ...lines] = formatTable(
    sections.flatMap(({ rows }) => rows),
    ['what', 'state', 'details'],
  ).split('\n');
  const tables = sections.map(({ title, rows }) =>
    [...(title === undefined ? [] : [title]), ...lines.splice(0, rows.length)].join('\n'),
  );
  const remarks = found.remarks.map(({ kind, what, nextStep }) => `${kind}: ${what}\n  next: ${nextStep}`);
  return [...tables, ...remarks].join('\n\n');
}

interface Row extends Record<string, string | undefined> {
  readonly what: string;
  readonly state?: string | undefined;
  readonly details?: string | undefined;
}

interface Section {
  readonly title?: string;
  readonly rows: readonly Row[];
}

const bytes = (size: number) => prettyBytes(size, { maximumFractionDigits: 1 });

const row = (
  what: string,
  { works, version, why }: Availability,
  ...details: readonly (string | undefined)[]
): Row => ({
  what: `  ${what}`,
  state: works ? 'yes' : 'no',
  details: [version, ...details, works ? undefined : why].filter((text) => text !== undefined).join(', '),
});

function machine({ dovecote, system }: Diagnosis): Section {
  const { processor, cores, cpuFeatures: features, memory } = system;
  const rows = [
    { what: 'dovecote', state: dovecote, details: `Node ${system.node}, ${system.release}, ${system.arch}` },
    { what: 'processor', state: `${cores} core(s)`, details: [processor, ...(features ?? [])].join(', ') },
    { what: 'memory', state: bytes(memory.total), details: `${bytes(memory.free)} free` },
  ];
  return { rows };
}

function onnx({ engine, onnx: found }: Diagnosis): Section {
  const threads = found.works ? `${found.threads} thread(s)` : undefined;
  return {
    title: `classifying and frozen layers: engine ${engine}`,
    rows: [
      row('onnxruntime-node', found, threads),
      ...found.devices.map((device) => row(device.name, device)),
    ],
  };
}

function tfjs({ tfjs: found }: Diagnosis): Section {
  return {
    title: `training: tfjs ${found.version}, backend ${found.backend}`,
    rows: found.backends.map((backend) => row(backend.name, backend, backend.package)),
  };
}

function pictures({ sharp }: Diagnosis): Section {
  return { title: 'pictures', rows: [row('sharp', sharp, sharp.libvips && `libvips ${sharp.libvips}`)] };
}

function cache({ cache: { folder, writable, why, files, size, features, free } }: Diagnosis): Section {
  const ofPhotos = features.networks > 0 ? `, features of photos: ${bytes(features.size)}` : '';
  const rows = [
    row('can be written', { works: writable, why }, folder),
    { what: '  weights', state: `${files} file(s)`, details: `${bytes(size)}${ofPhotos}` },
    { what: '  free space', state: free === undefined ? 'unknown' : bytes(free) },
  ];
  return { title: 'cache', rows };
}
