import { describe, expect, it } from 'vitest';
import { assetUrl } from '../../src/embedded/asset-url.ts';

const name = 'efficientnet-lite0.int8.safetensors';
const found = (folder: string) => assetUrl(new URL(name, folder)).href;

describe('the address of a file of the package', () => {
  it.each([
    ['in Node', 'file:///home/me/app/node_modules/dovecote/dist/'],
    ['in Node on Windows', 'file:///C:/app/node_modules/dovecote/dist/'],
    ['installed by pnpm', 'file:///app/node_modules/.pnpm/dovecote@1.0.0/node_modules/dovecote/dist/'],
    ['installed by pnpm into a store', 'file:///app/node_modules/.store/deps/node_modules/dovecote/dist/'],
    ['on a site that was built', 'https://example.org/assets/'],
    ['on a site with a folder of that name', 'https://example.org/.vite/deps/'],
    ['from a content delivery network', 'https://cdn.example/npm/dovecote@1.0.0/dist/'],
  ])('is beside the module %s', (_, folder) => {
    expect(found(folder)).toBe(folder + name);
  });

  it.each([
    ['Vite', 'http://localhost:5173/node_modules/.vite/deps/', 'http://localhost:5173/node_modules/'],
    [
      'Vite with a base',
      'http://localhost:5173/app/node_modules/.vite/deps/',
      'http://localhost:5173/app/node_modules/',
    ],
    [
      'Vite above its root',
      'http://localhost:5173/@fs/home/me/node_modules/.vite/deps/',
      'http://localhost:5173/@fs/home/me/node_modules/',
    ],
    [
      'a framework on Vite with a cache of its own',
      'http://localhost:3000/_app/node_modules/.cache/vite/client/deps/',
      'http://localhost:3000/_app/node_modules/',
    ],
    ['Vite on the server', 'file:///app/node_modules/.vite/deps_ssr/', 'file:///app/node_modules/'],
  ])('is in the package when the dev server of %s has moved the module', (_, folder, modules) => {
    expect(found(folder)).toBe(`${modules}dovecote/dist/${name}`);
  });
});
