import { DovecoteError } from 'dovecote/browser';

/** @param {string} id */
export const at = (id) => document.getElementById(id);

export function make(tag, properties = {}, ...children) {
  const element = Object.assign(document.createElement(tag), properties);
  element.append(...children);
  return element;
}

/** Tells what goes on; `share` of 0 to 1 shows a bar, `null` one without an end. */
export function say(text, share) {
  at('status').textContent = text;
  const bar = at('progress');
  bar.hidden = share === undefined;
  if (share === null) bar.removeAttribute('value');
  else if (share !== undefined) bar.value = share;
}

export function sayProgress({ phase, done, total, unit }) {
  if (unit === 'bytes' && total)
    say(`${phase}: ${(done / 1e6).toFixed(1)} of ${(total / 1e6).toFixed(1)} MB`, done / total);
  else say(`${phase}: ${done}${total ? ` of ${total}` : ''}`, total ? done / total : null);
}

/** What went wrong and what to do, until the next thing goes well. */
export function complain(error) {
  const known = error instanceof DovecoteError;
  const text = known
    ? `${error.summary} Next: ${error.nextStep}.`
    : `Something went wrong: ${error?.message ?? error}`;
  at('alert').replaceChildren(make('p', { textContent: text, className: 'bad' }));
  say('Ready.');
}

export function clearComplaint() {
  at('alert').replaceChildren();
}

/** Runs what an event asks for; what it throws is told in words. */
export async function attempt(action) {
  clearComplaint();
  try {
    return await action();
  } catch (error) {
    complain(error);
    return undefined;
  }
}

/** Tabs as in the ARIA practices: arrows move, the chosen one alone is in the tab order. */
export function makeTabs(onShown) {
  const tabs = [...document.querySelectorAll('[role=tab]')];
  const choose = (tab, focus = true) => {
    for (const each of tabs) {
      const chosen = each === tab;
      each.setAttribute('aria-selected', String(chosen));
      each.tabIndex = chosen ? 0 : -1;
      at(each.getAttribute('aria-controls')).hidden = !chosen;
    }
    if (focus) tab.focus();
    onShown();
  };
  for (const [index, tab] of tabs.entries()) {
    tab.addEventListener('click', () => choose(tab));
    tab.addEventListener('keydown', ({ key }) => {
      const step = { ArrowRight: 1, ArrowLeft: -1 }[key];
      if (step !== undefined) choose(tabs[(index + step + tabs.length) % tabs.length]);
      else if (key === 'Home') choose(tabs[0]);
      else if (key === 'End') choose(tabs.at(-1));
    });
  }
  return (name) => choose(at(`tab-${name}`), false);
}

/** Everything that is dropped on an element, folders opened: `{ path, file }`. */
export function onDrop(element, take) {
  element.addEventListener('dragover', (event) => {
    event.preventDefault();
    element.classList.add('over');
  });
  element.addEventListener('dragleave', () => element.classList.remove('over'));
  element.addEventListener('drop', (event) => {
    event.preventDefault();
    element.classList.remove('over');
    // Entries are gone as soon as the event is over.
    const entries = [...event.dataTransfer.items].map((item) => item.webkitGetAsEntry?.()).filter(Boolean);
    void attempt(async () => take((await Promise.all(entries.map((entry) => filesIn(entry)))).flat()));
  });
}

async function filesIn(entry, before = '') {
  const path = `${before}${entry.name}`;
  if (entry.isFile) return [{ path, file: await new Promise((done, fail) => entry.file(done, fail)) }];
  const reader = entry.createReader();
  const inside = [];
  // A reader gives out a hundred at a time.
  for (;;) {
    const some = await new Promise((done, fail) => reader.readEntries(done, fail));
    if (some.length === 0) break;
    inside.push(...some);
  }
  return (await Promise.all(inside.map((each) => filesIn(each, `${path}/`)))).flat();
}

/** A file input that can be given the same file twice. */
export function onChosen(input, take) {
  input.addEventListener('change', () => {
    const files = [...input.files].map((file) => ({ path: file.webkitRelativePath || file.name, file }));
    input.value = '';
    void attempt(() => take(files));
  });
}

export const isPhoto = ({ file }) => file.type.startsWith('image/');
