/**
 * `npm test`: the unit, integration and end-to-end tests, in this order, each file in a process of
 * its own. `npm test -- unit` runs one tier; any other argument is part of a path.
 *
 * Our own runner around node:test's `run()`, because bare `node --test` takes helpers and every file
 * under a folder named test for tests, and because three runs have to end in one line that counts all.
 */

import { execFileSync } from 'node:child_process'
import { availableParallelism } from 'node:os'
import { dirname } from 'node:path'
import { chooseRedis } from './choose-redis.ts'
import { findTests, TIERS, type Tier } from './find-tests.ts'
import { runTier } from './run-tier.ts'
import { sampleFiles } from './sample-files.ts'

const root = dirname(dirname(import.meta.dirname))
const out = process.stdout

const redisWish = process.env.SEALCAST_TEST_REDIS
// What a sourced data directory or a developer's AWS profile sets must not change what is tested.
for (const name of Object.keys(process.env)) {
  if (/^(AWS_|SEALCAST_|NODE_EXTRA_CA_CERTS$|SSL_CERT_FILE$)/.test(name)) delete process.env[name]
}

const args = process.argv.slice(2)
if (args.includes('--help') || args.includes('-h')) {
  out.write(
    `Usage: npm test [-- ${TIERS.join('|')}] [part of a path …]\n\n` +
      'A sample runs, by TEST_SEED (unless set, the commit): half of the integration files, a quarter of the end-to-end ones, fewer\n' +
      'rounds of long ones; all when a part of a path is given or a tier, everything with TEST_FULL=1, which takes half an hour.\n' +
      'SEALCAST_TEST_REDIS=container|process: where Redis comes from; unless set, from containers if an engine has the image.\n',
  )
  process.exit(0)
}

const isTier = (arg: string): arg is Tier => TIERS.some((tier) => tier === arg)
const tiers = args.some(isTier) ? args.filter(isTier) : TIERS
const filters = args.filter((arg) => !isTier(arg))

const stop = new AbortController()
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => stop.abort())

const isFull = process.env.TEST_FULL === '1'

/** Two cores are what the tests are written for; end-to-end files start a whole stack each. */
const CONCURRENCY: Record<Tier, number> = {
  unit: Math.max(2, availableParallelism()),
  integration: isFull ? Math.min(4, Math.max(2, availableParallelism())) : 3,
  // They wait more than they work. Continuous integration, which takes all rounds of them, runs one at a time.
  e2e: isFull ? 1 : 3,
}
/** Of the files, so that all that `npm test` runs ends within eight minutes on two slow cores. */
const SAMPLE_SHARE: Record<Tier, number> = { unit: 1, integration: 1 / 2, e2e: 1 / 4 }
/** A file that hangs ends its run as a failure. */
const TIMEOUT_MS: Record<Tier, number> = { unit: 120_000, integration: 240_000, e2e: 600_000 }

if (tiers.some((tier) => tier !== 'unit')) {
  const redis = await chooseRedis(redisWish, process.env.DOCKER_HOST)
  out.write(`Redis of the tests: ${redis.text}\n`)
  process.env.SEALCAST_TEST_REDIS = redis.from
}

const total = { passed: 0, failed: 0, skipped: 0 }
for (const tier of tiers) {
  const found = findTests(root, tier, filters)
  const isSampled = SAMPLE_SHARE[tier] < 1 && !isFull && args.length === 0
  const files = isSampled ? sampleOf(found, tier) : found
  if (files.length === 0 || stop.signal.aborted) continue
  const counts = await runTier({
    root,
    tier,
    files,
    concurrency: CONCURRENCY[tier],
    timeoutMs: TIMEOUT_MS[tier],
    signal: stop.signal,
    print: (text) => out.write(text),
  })
  total.passed += counts.passed
  total.failed += counts.failed
  total.skipped += counts.skipped
}

if (total.passed + total.failed === 0) out.write('No test ran.\n')
if (stop.signal.aborted) out.write('Interrupted: not every test ran.\n')
if (total.skipped > 0) out.write(`${total.skipped} skipped\n`)
const status = total.failed > 0 || total.passed === 0 || stop.signal.aborted ? 1 : 0
// Ends at once: a process that a hung test left behind may still hold a pipe to this one.
out.write(`${total.passed} passed, ${total.failed} failed\n`, () => process.exit(status))

function sampleOf(files: readonly string[], tier: Tier): string[] {
  const seed = process.env.TEST_SEED || commit()
  const sample = sampleFiles(files, { seed, share: SAMPLE_SHARE[tier] })
  out.write(`${tier}: ${sample.length} of ${files.length} files, TEST_SEED=${seed}; all of them with TEST_FULL=1\n`)
  return sample
}

/** So that a commit is tested the same way twice. */
function commit(): string {
  try {
    return execFileSync('git', ['rev-parse', '--short=10', 'HEAD'], { cwd: root, encoding: 'utf8' }).trim()
  } catch {
    return '0' // Not a checkout, or no git.
  }
}
