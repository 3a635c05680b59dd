/** What the KMS of a stack was asked for data keys: by its own log, and by the broker's ledger as the CLI prints it. */

import { execFile } from 'node:child_process'
import { dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import { servedByKms } from './messaging.ts'
import { readLog } from './read-log.ts'
import type { Stack } from './start-stack.ts'

export interface PairRequests {
  GenerateDataKey: number
  Decrypt: number
}

/** By `<topic ARN> <publisher's ARN>`. */
export type RequestsByPair = ReadonlyMap<string, PairRequests>

const LOG_WITHIN_MS = 10_000
const root = dirname(dirname(import.meta.dirname))

/**
 * Counts requests that the KMS logged as made for a publisher, refused ones too.
 *
 * @throws when its log and its counter do not come to agree
 */
export async function readKmsLog(stack: Stack): Promise<RequestsByPair> {
  const deadline = performance.now() + LOG_WITHIN_MS
  for (;;) {
    const byPair = tally(readLog(stack, 'kms'))
    const { GenerateDataKey = 0, Decrypt = 0 } = await servedByKms(stack)
    const { GenerateDataKey: generated, Decrypt: decrypted } = sumOf(byPair)
    if (generated === GenerateDataKey && decrypted === Decrypt) return byPair
    if (performance.now() > deadline) {
      throw new Error(`The KMS counted ${GenerateDataKey} + ${Decrypt}, its log has ${generated} + ${decrypted}`)
    }
    await sleep(50)
  }
}

/** The same, by the broker's own ledger. */
export async function readLedger(stack: Stack): Promise<RequestsByPair> {
  const main = join(root, 'services', 'cli', 'main.ts')
  const env = { PATH: process.env.PATH, SEALCAST_REDIS_URL: stack.env.SEALCAST_REDIS_URL }
  const { stdout } = await promisify(execFile)(process.execPath, [main, 'kms', 'calls', '--json'], { env })
  const { pairs } = JSON.parse(stdout) as {
    pairs: { topicArn: string; principal: string; generate: number; total: number }[]
  }
  return new Map(
    pairs.map(({ topicArn, principal, generate, total }) => [
      `${topicArn} ${principal}`,
      { GenerateDataKey: generate, Decrypt: total - generate },
    ]),
  )
}

export function sumOf(byPair: RequestsByPair): PairRequests & { total: number } {
  let [GenerateDataKey, Decrypt] = [0, 0]
  for (const pair of byPair.values()) {
    GenerateDataKey += pair.GenerateDataKey
    Decrypt += pair.Decrypt
  }
  return { GenerateDataKey, Decrypt, total: GenerateDataKey + Decrypt }
}

/** What was added between two readings; pairs without are left out. */
export function difference(after: RequestsByPair, before: RequestsByPair): RequestsByPair {
  const added = new Map<string, PairRequests>()
  for (const [pair, { GenerateDataKey, Decrypt }] of after) {
    const earlier = before.get(pair) ?? { GenerateDataKey: 0, Decrypt: 0 }
    const more = {
      GenerateDataKey: GenerateDataKey - earlier.GenerateDataKey,
      Decrypt: Decrypt - earlier.Decrypt,
    }
    if (more.GenerateDataKey + more.Decrypt > 0) added.set(pair, more)
  }
  return added
}

function tally(lines: readonly string[]): RequestsByPair {
  const byPair = new Map<string, PairRequests>()
  for (const line of lines) {
    if (!line.includes('"onBehalfOf"')) continue
    const { operation, onBehalfOf, encryptionContext } = JSON.parse(line)
    if (operation !== 'GenerateDataKey' && operation !== 'Decrypt') continue
    const name = `${JSON.parse(encryptionContext)['aws:sns:topicArn']} ${onBehalfOf}`
    const pair = byPair.get(name) ?? { GenerateDataKey: 0, Decrypt: 0 }
    pair[operation as keyof PairRequests]++
    byPair.set(name, pair)
  }
  return byPair
}
