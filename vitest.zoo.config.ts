import { defineConfig } from 'vitest/config';
import base from './vitest.config.ts';

/** `npm run test:zoo`: every network at its full size, which takes minutes and up to 12 GiB. tfjs computes on one core: two files at a time. */
export default defineConfig({
  test: {
    ...base.test,
    include: ['tests/**/*.zoo.ts'],
    testTimeout: 600_000,
    hookTimeout: 600_000,
  },
});
