import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['tests/**/*.test.ts'],
    testTimeout: 120_000,
    hookTimeout: 180_000,
    // Two cores: more forks than that only makes the timings of the fault server noisy.
    pool: 'forks',
    maxWorkers: 2,
  },
});
