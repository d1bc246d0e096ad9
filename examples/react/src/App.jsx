import { DovecoteError } from 'dovecote/browser';
import { useEffect, useRef, useState } from 'react';
import { useClassifier } from './use-classifier.js';

export function App() {
  const { model, progress, error } = useClassifier();
  const [photos, setPhotos] = useState([]);
  const [isBusy, setBusy] = useState(false);
  const [isOver, setOver] = useState(false);
  const stop = useRef();

  const change = (id, facts) =>
    setPhotos((all) => all.map((photo) => (photo.id === id ? { ...photo, ...facts } : photo)));

  async function take(files) {
    const added = [...files].map((file) => ({ id: crypto.randomUUID(), file }));
    setPhotos((all) => [...added, ...all]);
    setBusy(true);
    stop.current = new AbortController();
    for (const { id, file } of added) {
      try {
        const { predictions } = await model.classify(file, { topK: 3, signal: stop.current.signal });
        change(id, { predictions });
      } catch (cause) {
        change(id, { error: cause });
      }
    }
    setBusy(false);
  }

  function drop(event) {
    event.preventDefault();
    setOver(false);
    if (model !== undefined && !isBusy) void take(event.dataTransfer.files);
  }

  return (
    <main>
      <h1>What is on it?</h1>
      <p>Photos are looked at in this page, in a worker. They go nowhere else.</p>
      <div
        className={isOver ? 'drop over' : 'drop'}
        onDragOver={(event) => (event.preventDefault(), setOver(true))}
        onDragLeave={() => setOver(false)}
        onDrop={drop}
      >
        <label>
          Photos{' '}
          <input
            type="file"
            accept="image/*"
            multiple
            disabled={model === undefined || isBusy}
            onChange={(event) => {
              void take([...event.target.files]);
              event.target.value = '';
            }}
          />
        </label>
        <p>or drop them here</p>
      </div>
      <div role="status">
        {error === undefined && model === undefined && (
          <p>
            The network is on its way. <progress aria-label="The network is on its way" value={progress} />
          </p>
        )}
        {isBusy && (
          <p>
            Looking. <button onClick={() => stop.current.abort()}>Stop</button>
          </p>
        )}
      </div>
      {error !== undefined && <Problem error={error} />}
      <ul aria-label="Photos">
        {photos.map((photo) => (
          <Photo key={photo.id} {...photo} />
        ))}
      </ul>
    </main>
  );
}

function Photo({ file, predictions, error }) {
  const url = useObjectUrl(file);
  return (
    <li>
      {error === undefined && <img src={url} alt="" />}
      <div>
        <h2>{file.name}</h2>
        {error !== undefined && <Problem error={error} />}
        {predictions && (
          <ol>
            {predictions.map(({ index, label, probability }) => (
              <li key={index}>
                <span>{label.replaceAll('_', ' ')}</span>
                <meter aria-label={label} value={probability} />
                <span>{(100 * probability).toFixed(1)} %</span>
              </li>
            ))}
          </ol>
        )}
      </div>
    </li>
  );
}

/** What went wrong, and what to do. */
function Problem({ error }) {
  const text = error instanceof DovecoteError ? `${error.summary} Next: ${error.nextStep}.` : error.message;
  return (
    <p role="alert" className="problem">
      {text}
    </p>
  );
}

function useObjectUrl(file) {
  const [url, setUrl] = useState();
  useEffect(() => {
    const made = URL.createObjectURL(file);
    setUrl(made);
    return () => URL.revokeObjectURL(made);
  }, [file]);
  return url;
}
