/** Places where a model can stand, without any platform code: paths with `/` or `\`, and URLs. */

/** True for `http:`, `https:`, `file:`, `data:`, `blob:` URLs. A Windows drive (`C:`) is not a scheme. */
export function isUrl(location: string): boolean {
  return /^[a-z][a-z0-9+.-]+:/i.test(location);
}

/** `folder/model.json` -> `folder/name`; keeps a URL's query out. */
export function siblingOf(location: string, name: string): string {
  if (isUrl(location)) return new URL(name, location).href;
  const cut = Math.max(location.lastIndexOf('/'), location.lastIndexOf('\\'));
  return cut === -1 ? name : location.slice(0, cut + 1) + name;
}

/** `folder` or `folder/` -> `folder/name`. */
export function childOf(folder: string, name: string): string {
  if (isUrl(folder)) return new URL(name, folder.endsWith('/') ? folder : `${folder}/`).href;
  return /[/\\]$/.test(folder) ? folder + name : `${folder}/${name}`;
}

/** The last part of a path or URL, for messages. */
export function baseName(location: string): string {
  const path = isUrl(location) ? location.replace(/[?#].*$/, '') : location;
  return (
    path
      .replace(/[/\\]+$/, '')
      .split(/[/\\]/)
      .pop() ?? location
  );
}

/** True when a string can only be meant as a place, not as the name of a zoo model. */
export function looksLikeLocation(text: string): boolean {
  return (
    isUrl(text) ||
    /[/\\]/.test(text) ||
    /\.(h5|hdf5|keras|json|safetensors)$/i.test(text) ||
    text === '.' ||
    text === '..'
  );
}
