/** Each process as it shows itself: which service, whether it answers, its part of a core, its memory. Pure. */

import type { Scrape } from './scrape.ts'
import { nowOf, sinceOf } from './series.ts'

export interface ProcessView {
  readonly url: string
  /** `gateway`, `delivery`, `kms`; undefined while it was never seen. */
  readonly service: string | undefined
  readonly version: string | undefined
  /** Why there is nothing of it; undefined: there is. */
  readonly error: string | undefined
  /** It is another process than before. */
  readonly hasRestarted: boolean
  /** 1 is a whole core. */
  readonly cpu: number | undefined
  readonly residentBytes: number | undefined
  /** Lines of its page that could not be read. */
  readonly unread: number
}

export function processesOf(before: readonly Scrape[], after: readonly Scrape[]): ProcessView[] {
  return after.map((scrape) => {
    const first = before.find(({ url }) => url === scrape.url)
    const now = nowOf([scrape])
    const [started, startedBefore] = [scrape, first].map((each) =>
      each === undefined ? undefined : nowOf([each]).max('process_start_time_seconds'),
    )
    const build = [scrape, first]
      .flatMap((each) => each?.page?.samples ?? [])
      .find(({ name }) => name === 'sealcast_build_info')
    const seconds = first?.page && scrape.page ? (scrape.at - first.at) / 1000 : 0
    const cpu = first && sinceOf([first], [scrape]).sum('process_cpu_seconds_total')
    return {
      url: scrape.url,
      service: build?.labels.get('service'),
      version: build?.labels.get('version'),
      error: scrape.error,
      hasRestarted: started !== undefined && startedBefore !== undefined && started !== startedBefore,
      cpu: cpu === undefined || seconds <= 0 ? undefined : cpu / seconds,
      residentBytes: now.max('process_resident_memory_bytes'),
      unread: scrape.page?.unread ?? 0,
    }
  })
}
