/**
 * Where a file of this package's `dist` lies, given the address that `new URL('./name', import.meta.url)` has.
 *
 * That is the same, but for Vite's dev server (up to version 7, vitejs/vite#8427): it bundles dependencies into a folder
 * of its own, `node_modules/.vite/deps` or one like it, and takes no files along, nor rewrites the expression. The
 * package itself stands in the same `node_modules`.
 */
export function assetUrl(beside: URL): URL {
  const moved = /^(.*\/node_modules\/)\.(?:[^/]+\/)+deps(?:_[^/]+)?\/([^/]+)$/.exec(beside.href);
  return moved === null ? beside : new URL(`${moved[1]}dovecote/dist/${moved[2]}`);
}
