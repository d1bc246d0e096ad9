import { openWorker } from 'dovecote/browser';
import { useEffect, useState } from 'react';

/**
 * The network of the package in a worker: `{ model }` when it is there, `{ progress }` of 0 to 1 while it comes, `{ error }` when
 * it does not.
 */
export function useClassifier() {
  const [state, setState] = useState({ progress: 0 });
  useEffect(() => {
    let worker;
    let isGone = false;
    const start = async () => {
      worker = await openWorker(
        new Worker(new URL('./dovecote-worker.js', import.meta.url), { type: 'module' }),
      );
      const model = await worker.loadModel(undefined, {
        onProgress: ({ done, total }) => isGone || setState({ progress: done / (total ?? done) }),
      });
      if (isGone) worker.terminate();
      else setState({ model });
    };
    start().catch((error) => isGone || setState({ error }));
    return () => {
      isGone = true;
      worker?.terminate();
    };
  }, []);
  return state;
}
