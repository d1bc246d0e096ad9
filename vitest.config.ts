import { defineConfig } from 'vitest/config';

/** Where CI wants the results as JSON, besides what is printed. */
const report = process.env['DOVECOTE_TEST_REPORT'];

export default defineConfig({
  test: {
    reporters: report === undefined ? ['default'] : ['default', ['json', { outputFile: report }]],
    include: ['tests/**/*.test.ts'],
    globalSetup: ['tests/support/cache-of-tests.ts'],
    testTimeout: 120_000,
    hookTimeout: 180_000,
    // Two cores: more forks than that only makes the timings of the fault server noisy.
    pool: 'forks',
    maxWorkers: 2,
  },
});
