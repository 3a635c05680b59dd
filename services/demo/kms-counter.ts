/** Reads how often KMS was asked, from /metrics pages: of the local KMS, or of those who ask AWS KMS. */

/** Requests served by operation, e.g. { GenerateDataKey: 1, Decrypt: 1 }. */
export type ServedRequests = ReadonlyMap<string, number>

/** The KMS's own counter, and that of gateways and workers. */
const SERVED = 'sealcast_kms_served_requests_total'
const ASKED = 'sealcast_kms_requests_total'

/** @param urls the stack's /metrics addresses; where the KMS is none of its processes, gateways and workers are read */
export async function readServedRequests(urls: readonly string[]): Promise<ServedRequests> {
  const pages = await Promise.all(urls.map(async (url) => (await fetch(url)).text()))
  const name = [SERVED, ASKED].find((counter) => pages.some((page) => page.includes(counter)))
  if (name === undefined) throw new Error('Cannot count KMS requests: no process exports the counter')
  const served = new Map<string, number>()
  for (const [, labels = '', value] of pages.join('\n').matchAll(new RegExp(`^${name}\\{([^}]*)\\} (\\d+)`, 'gm'))) {
    const operation = /operation="([^"]*)"/.exec(labels)?.[1] ?? ''
    served.set(operation, (served.get(operation) ?? 0) + Number(value))
  }
  return served
}

/** What was served between two readings, operations without any left out. */
export function servedBetween(before: ServedRequests, after: ServedRequests): ServedRequests {
  const operations = [...after].map(([operation, count]) => [operation, count - (before.get(operation) ?? 0)] as const)
  return new Map(operations.filter(([, count]) => count > 0))
}
