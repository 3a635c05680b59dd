/** Sums and differences of series over the processes' pages, with counters that began anew taken for what they are. Pure. */

import type { Sample } from './parse-exposition.ts'
import type { Scrape } from './scrape.ts'

type Where = Readonly<Record<string, string | readonly string[]>>

/** What every process shows now. */
export interface Now {
  /** @returns the sum over series and processes; undefined where there is no such series */
  sum(name: string, where?: Where): number | undefined
  /** Of gauges that each process shows alike, or of its own. */
  max(name: string, where?: Where): number | undefined
  /** The largest value for each value of a label. */
  maxBy(name: string, label: string): ReadonlyMap<string, number>
}

/** What was counted between two scrapes. */
export interface Since {
  /** @returns undefined where no process has such a series */
  sum(name: string, where?: Where): number | undefined
  sumBy(name: string, label: string, where?: Where): ReadonlyMap<string, number>
  /** Counts of a histogram by upper bound, as they are: cumulative. */
  buckets(name: string, where?: Where): ReadonlyMap<number, number>
}

type Index = ReadonlyMap<string, readonly Sample[]>

export function nowOf(scrapes: readonly Scrape[]): Now {
  const pages = scrapes.map(indexOf)
  const found = (name: string, where: Where = {}) =>
    pages.flatMap((page) => page.get(name) ?? []).filter((sample) => fits(sample, where) && !Number.isNaN(sample.value))
  return {
    sum: (name, where) => total(found(name, where)),
    max(name, where) {
      const samples = found(name, where)
      // One by one: pages can hold more than a call takes arguments.
      const largest = samples.reduce((most, { value }) => Math.max(most, value), Number.NEGATIVE_INFINITY)
      return samples.length === 0 ? undefined : largest
    },
    maxBy(name, label) {
      const values = new Map<string, number>()
      for (const { labels, value } of found(name)) {
        const key = labels.get(label) ?? ''
        values.set(key, Math.max(values.get(key) ?? Number.NEGATIVE_INFINITY, value))
      }
      return values
    },
  }
}

/**
 * A process that did not answer both times has counted nothing that anybody knows of.
 *
 * @param o.perSecond counts over the time between its own two pages, which is longer for one that was away
 */
export function sinceOf(before: readonly Scrape[], after: readonly Scrape[], { perSecond = false } = {}): Since {
  const earlier = new Map(before.map((scrape) => [scrape.url, scrape]))
  const pages = after.flatMap((scrape) => {
    const first = earlier.get(scrape.url)
    if (first?.page === undefined || scrape.page === undefined || scrape.at <= first.at) return []
    const over = perSecond ? (scrape.at - first.at) / 1000 : 1
    return [{ first: indexOf(first), second: indexOf(scrape), over }]
  })
  const found = (name: string, where: Where = {}) =>
    pages.flatMap(({ first, second, over }) => {
      const known = new Map(first.get(name)?.map((sample) => [seriesOf(sample), sample.value]))
      return (second.get(name) ?? [])
        .filter((sample) => fits(sample, where))
        .map((sample) => ({ ...sample, value: grown(known.get(seriesOf(sample)) ?? 0, sample.value) / over }))
    })
  return {
    sum: (name, where) => total(found(name, where)),
    sumBy(name, label, where) {
      const sums = new Map<string, number>()
      for (const { labels, value } of found(name, where)) {
        const key = labels.get(label) ?? ''
        sums.set(key, (sums.get(key) ?? 0) + value)
      }
      return sums
    },
    buckets(name, where) {
      const counts = new Map<number, number>()
      for (const { labels, value } of found(`${name}_bucket`, where)) {
        const text = labels.get('le') ?? ''
        const bound = text === '+Inf' ? Number.POSITIVE_INFINITY : Number(text)
        if (!Number.isNaN(bound)) counts.set(bound, (counts.get(bound) ?? 0) + value)
      }
      return counts
    },
  }
}

/** A counter below what it was began anew with its process, as Prometheus takes it; a new series began at 0. */
function grown(before: number, after: number): number {
  const by = after < before ? after : after - before
  return Number.isFinite(by) ? Math.max(0, by) : 0
}

const indexes = new WeakMap<object, Index>()

function indexOf({ page }: Scrape): Index {
  if (page === undefined) return new Map()
  const index = indexes.get(page) ?? Map.groupBy(page.samples, ({ name }) => name)
  indexes.set(page, index)
  return index
}

function seriesOf({ labels }: Sample): string {
  return JSON.stringify([...labels].sort(([a], [b]) => (a < b ? -1 : 1)))
}

function fits({ labels }: Sample, where: Where): boolean {
  return Object.entries(where).every(([label, wanted]) => {
    const value = labels.get(label) ?? ''
    return typeof wanted === 'string' ? value === wanted : wanted.includes(value)
  })
}

function total(samples: readonly { value: number }[]): number | undefined {
  return samples.length === 0 ? undefined : samples.reduce((sum, { value }) => sum + value, 0)
}
