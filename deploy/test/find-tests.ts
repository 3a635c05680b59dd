/** Finds the test files of a tier by the end of their names; no other file is ever run as a test. */

import { globSync } from 'node:fs'

export const TIERS = ['unit', 'integration', 'e2e'] as const
export type Tier = (typeof TIERS)[number]

const PATTERNS: Record<Tier, readonly string[]> = {
  unit: ['shared/**/*.test.ts', 'services/**/*.test.ts', 'deploy/**/*.test.ts', 'loadtest/**/*.test.ts'],
  integration: [
    'shared/**/*.integration-test.ts',
    'services/**/*.integration-test.ts',
    'deploy/**/*.integration-test.ts',
    'loadtest/**/*.integration-test.ts',
  ],
  e2e: ['services/test/*.e2e-test.ts', 'loadtest/*.e2e-test.ts'],
}

/**
 * @param filters parts of paths; a file is taken when it holds any of them, all are when there is none
 * @returns paths relative to `root`, sorted
 */
export function findTests(root: string, tier: Tier, filters: readonly string[]): string[] {
  return globSync([...PATTERNS[tier]], { cwd: root })
    .filter((file) => filters.length === 0 || filters.some((filter) => file.includes(filter)))
    .sort()
}
