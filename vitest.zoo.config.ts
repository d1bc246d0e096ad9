import { defineConfig } from 'vitest/config';
import base from './vitest.config.ts';

/** `npm run test:zoo`: every network at its full size, which takes minutes and up to 12 GiB. */
export default defineConfig({
  test: {
    ...base.test,
    include: ['tests/**/*.zoo.ts'],
    testTimeout: 600_000,
    hookTimeout: 600_000,
    // The largest networks need the memory, and both cores, for themselves.
    maxWorkers: 1,
  },
});
