/** Reads the local KMS's own count of served requests from its /metrics page. */

/** Requests served by operation, e.g. { GenerateDataKey: 1, Decrypt: 1 }. */
export type ServedRequests = ReadonlyMap<string, number>

const LINE = /^sealcast_kms_served_requests_total\{([^}]*)\} (\d+)/gm

/** @param urls the stack's /metrics addresses; the page that has the counter is the KMS's */
export async function readServedRequests(urls: readonly string[]): Promise<ServedRequests> {
  const pages = await Promise.all(urls.map(async (url) => (await fetch(url)).text()))
  const page = pages.find((text) => text.includes('sealcast_kms_served_requests_total'))
  if (page === undefined) throw new Error('Cannot count KMS requests: no process exports the counter')
  const served = new Map<string, number>()
  for (const [, labels = '', value] of page.matchAll(LINE)) {
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
