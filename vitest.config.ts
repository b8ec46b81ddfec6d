import { defineConfig } from 'vitest/config'

const second = 1_000

/**
 * unit: beside its file. tidy: the house rules. whole: whole stores, threads, crashes. long: not for every
 * day.
 */
export default defineConfig({
  test: {
    maxWorkers: 2,
    projects: [
      {
        extends: true,
        test: { name: 'unit', include: ['packages/*/src/**/*.test.ts'], testTimeout: 30 * second },
      },
      {
        extends: true,
        test: { name: 'tidy', include: ['test/tidy/**/*.test.ts'], testTimeout: 60 * second },
      },
      {
        extends: true,
        test: {
          name: 'whole',
          include: ['test/**/*.test.ts'],
          exclude: ['test/tidy/**', 'test/**/*.long.test.ts', '**/dist/**', '**/node_modules/**'],
          testTimeout: 300 * second,
          hookTimeout: 60 * second,
        },
      },
      {
        extends: true,
        test: { name: 'long', include: ['test/**/*.long.test.ts'], testTimeout: 3_600 * second },
      },
    ],
    exclude: ['**/dist/**', '**/node_modules/**'],
    passWithNoTests: false,
    // A test that leaves a rejected promise behind has not passed.
    dangerouslyIgnoreUnhandledErrors: false,
  },
})
