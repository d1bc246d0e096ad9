import type { DatasetPart, ImageDataset, SkippedImage } from './labelled-images.ts';
import type { Groups } from './near-duplicates.ts';

/** A picture in a report. */
export interface CheckedImage {
  /** Its path or URL, or its place in the array. */
  readonly image: string;
  readonly label: string;
  readonly part: DatasetPart;
}

export interface UnreadableImage extends CheckedImage {
  /** For example `IMAGE_UNREADABLE`, `IMAGE_EMPTY`, `IMAGE_NOT_FOUND`. */
  readonly code: string;
  readonly reason: string;
}

/** Pictures that are the same byte by byte (`same`) or look the same (`near`: resized, compressed anew). */
export interface SameImages {
  readonly kind: 'same' | 'near';
  readonly images: readonly CheckedImage[];
}

export interface DatasetReport {
  /** Whether there are no unreadable pictures, no leaks and no conflicts of the same file. */
  readonly ok: boolean;
  /** Pictures that were looked at. */
  readonly images: number;
  /** How many readable pictures each class has in each part. */
  readonly classes: readonly ({ readonly label: string } & Partial<Readonly<Record<DatasetPart, number>>>)[];
  readonly unreadable: readonly UnreadableImage[];
  readonly duplicates: readonly SameImages[];
  /** Groups in which at least two files differ. */
  readonly nearDuplicates: readonly SameImages[];
  /** Groups that lie in more than one part: what is validated on has been trained on. */
  readonly leaks: readonly SameImages[];
  /** Groups with more than one class. */
  readonly conflicts: readonly SameImages[];
  /** Files that were not taken for pictures. */
  readonly skipped: readonly SkippedImage[];
  /** For people: what is worth knowing and no fault. */
  readonly remarks: readonly string[];
}

/** Classes with fewer readable training pictures are remarked upon. */
export const fewImages = 10;

export interface Findings {
  readonly parts: Partial<Record<DatasetPart, ImageDataset>>;
  readonly images: readonly CheckedImage[];
  readonly unreadable: ReadonlyMap<number, { readonly code: string; readonly reason: string }>;
  /** Groups of the same files. */
  readonly same: Groups;
  /** Groups of pictures that look the same, the same files joined too. */
  readonly near: Groups;
}

export function reportOf({ parts, images, unreadable, same, near }: Findings): DatasetReport {
  const entries = Object.entries(parts) as [DatasetPart, ImageDataset][];
  const groups = [
    ...same.lists().map((list) => ({ kind: 'same' as const, list })),
    // What is all one file has been told already.
    ...near
      .lists()
      .filter((list) => new Set(list.map((item) => same.rootOf(item))).size > 1)
      .map((list) => ({ kind: 'near' as const, list })),
  ].map(({ kind, list }) => ({ kind, images: list.map((item) => images[item]!) }));
  // A group of the same files that is part of a larger one is not told twice.
  const told = (key: 'part' | 'label') => {
    const mixed = groups.filter((group) => new Set(group.images.map((image) => image[key])).size > 1);
    const seen = new Set(mixed.filter(({ kind }) => kind === 'same').flatMap((group) => group.images));
    return mixed.filter(
      ({ kind, images: members }) => kind === 'same' || !members.every((image) => seen.has(image)),
    );
  };
  const counts = countByClass(entries, images, unreadable);
  const bad = [...unreadable].sort(([left], [right]) => left - right);
  const leaks = told('part');
  const conflicts = told('label');
  return {
    ok: bad.length === 0 && leaks.length === 0 && !conflicts.some(({ kind }) => kind === 'same'),
    images: images.length,
    classes: counts,
    unreadable: bad.map(([index, reason]) => ({ ...images[index]!, ...reason })),
    duplicates: groups.filter(({ kind }) => kind === 'same'),
    nearDuplicates: groups.filter(({ kind }) => kind === 'near'),
    leaks,
    conflicts,
    skipped: entries.flatMap(([, dataset]) => dataset.skipped),
    remarks: remarksOn(counts, entries),
  };
}

type ClassCounts = { label: string } & Partial<Record<DatasetPart, number>>;

function countByClass(
  parts: readonly [DatasetPart, ImageDataset][],
  images: readonly CheckedImage[],
  unreadable: Findings['unreadable'],
): ClassCounts[] {
  const labels = [...new Set(parts.flatMap(([, dataset]) => dataset.classes))];
  const counts = new Map<string, ClassCounts>(labels.map((label) => [label, { label }]));
  for (const count of counts.values()) parts.forEach(([part]) => (count[part] = 0));
  images.forEach(({ label, part }, index) => {
    const count = counts.get(label);
    if (count !== undefined && !unreadable.has(index)) count[part] = (count[part] ?? 0) + 1;
  });
  return [...counts.values()];
}

function remarksOn(counts: readonly ClassCounts[], parts: readonly [DatasetPart, ImageDataset][]): string[] {
  const remarks: string[] = [];
  for (const count of counts) {
    for (const [part] of parts) {
      const found = count[part] ?? 0;
      if (found === 0) remarks.push(`the class "${count.label}" has no ${part} pictures`);
      else if (part === 'training' && found < fewImages) {
        const pictures = found === 1 ? '1 picture' : `${found} pictures`;
        remarks.push(`the class "${count.label}" has ${pictures} only: ${fewImages} and more are better`);
      }
    }
  }
  const training = counts.map((count) => count.training ?? 0).filter((count) => count > 0);
  const [least, most] = [Math.min(...training), Math.max(...training)];
  if (training.length > 1 && most > 10 * least) {
    remarks.push(
      `the largest class has ${most} training pictures, the smallest ${least}: keep class weights balanced`,
    );
  }
  return remarks;
}
