/**
 * `npm run check`: everything that can be said of the code without running it. All at once, since each is
 * a process or a pass of its own; a line for each, and what is wrong at the end.
 */

import { dirname } from 'node:path'
import { checkCertificateChecking } from './check-certificate-checking.ts'
import { checkImports } from './check-imports.ts'
import type { CheckResult } from './check-result.ts'
import { runTool } from './run-tool.ts'

const root = dirname(dirname(import.meta.dirname))
// Biome colours what it writes to a pipe too.
const colors = process.stdout.isTTY ? 'force' : 'off'

const CHECKS: Readonly<Record<string, () => Promise<CheckResult>>> = {
  types: () => runTool(root, 'typescript/bin/tsc', ['--noEmit', '-p', '.']),
  style: () => runTool(root, '@biomejs/biome/bin/biome', ['ci', `--colors=${colors}`, '--error-on-warnings', '.']),
  unused: () => runTool(root, 'knip/bin/knip.js', ['--no-progress']),
  imports: () => checkImports(root),
  certificates: () => checkCertificateChecking(root),
}

if (process.argv.length > 2) {
  process.stderr.write(`Usage: npm run check\n\nRuns ${Object.keys(CHECKS).join(', ')}.\n`)
  process.exit(process.argv.includes('--help') ? 0 : 2)
}

const results = await Promise.all(
  Object.entries(CHECKS).map(async ([name, check]) => {
    const startedAt = performance.now()
    const { did, problems } = await check()
    const seconds = ((performance.now() - startedAt) / 1000).toFixed(1)
    const outcome = problems.length === 0 ? 'ok' : 'FAILED'
    process.stderr.write(`check      ${name}: ${outcome}, ${did} (${seconds} s)\n`)
    return { name, problems }
  }),
)

const failed = results.filter(({ problems }) => problems.length > 0)
for (const { name, problems } of failed) process.stdout.write(`\n${name}\n\n${problems.join('\n')}\n`)
process.exitCode = failed.length > 0 ? 1 : 0
