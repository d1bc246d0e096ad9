import type { ModelGraph } from '../graph.ts';
import type { KerasTarget } from './layer-options.ts';

/** Layers of Keras Applications that Keras 2 does not know when it loads a file. Keras 3 finds them by their module. */
const UNKNOWN_TO_KERAS2 = ['LayerScale', 'StochasticDepth'];

function classesOf(graph: ModelGraph): string[] {
  return graph.layers.flatMap((layer) =>
    layer.nested === undefined ? [layer.className] : classesOf(layer.nested),
  );
}

/** What a user has to know of a file that was written for Keras. */
export function writingNotes(graph: ModelGraph, target: KerasTarget): string[] {
  const notes: string[] = [];
  const classes = new Set(classesOf(graph));
  const own = UNKNOWN_TO_KERAS2.filter((name) => target === 2 && classes.has(name));
  if (own.length > 0) {
    notes.push(
      `Keras 2 has to be given ${own.join(' and ')} to load the file: ` +
        `"from tf_keras.src.applications.convnext import ${own.join(', ')}", then load_model(..., ` +
        `custom_objects={${own.map((name) => `"${name}": ${name}`).join(', ')}}).`,
    );
  }
  return notes;
}
