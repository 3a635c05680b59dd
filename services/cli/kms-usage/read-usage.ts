/** Reads the ledgers of all topics that a span of time needs. */

import { exactSince, findKmsLedgers, monthOf, readLedgerPage } from '#shared/kms-ledger'
import type { Redis } from '#shared/redis'
import type { TopicPage } from './sum-usage.ts'

/** Read at once. */
const BATCH = 100

/**
 * @param o.asked epoch ms
 * @returns since: epoch ms, from when on the counts are exact; pages: of its month and all later ones
 * @throws {RedisUnavailableError}
 */
export async function readUsage({ redis, asked }: { redis: Redis; asked: number }): Promise<{
  since: number
  pages: TopicPage[]
}> {
  const names = (await findKmsLedgers({ redis })).filter(({ month }) => month >= monthOf(asked))
  const pages: TopicPage[] = []
  for (let at = 0; at < names.length; at += BATCH) {
    const batch = names.slice(at, at + BATCH)
    pages.push(
      ...(await Promise.all(batch.map(async (name) => ({ ...name, ...(await readLedgerPage({ redis, ...name })) })))),
    )
  }
  const counts = pages.flatMap((page) => page.counts)
  return { since: exactSince(counts, asked), pages }
}
