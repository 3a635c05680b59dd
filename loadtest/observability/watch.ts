/**
 * Looks at a Prometheus once a second: which expressions have given data so far, which alerts have fired, and which faults were on then.
 */

import type { Prometheus, Sample } from './prometheus.ts'

/** A panel's query, or a recording rule. */
export interface Expression {
  /** Of the dashboard, or the file of rules. */
  readonly from: string
  readonly name: string
  readonly expression: string
  /** As it is sent. */
  readonly query: string
}

export interface Seen {
  readonly expression: Expression
  /** One of the values; undefined while there was none that is finite. */
  value: number | undefined
  /** How many series had a finite value then, of how many. */
  finite: number
  series: number
  /** Whose doing it is: the faults that were on, or none. */
  by: string | undefined
  /** What Prometheus said against it. */
  error: string | undefined
}

export interface FiredAlert {
  readonly name: string
  /** Whose doing it is. */
  readonly by: string
  readonly annotations: Readonly<Record<string, string>>
}

interface Fault {
  readonly name: string
  readonly feeds: readonly string[]
  readonly alerts: readonly string[]
}

export interface Watch extends AsyncDisposable {
  /** What is wrong on purpose from now on. */
  faultsAre(faults: readonly Fault[]): void
  readonly seen: readonly Seen[]
  /** Alerts that began and fired since `faultsAre`, by name. */
  readonly firedNow: ReadonlyMap<string, FiredAlert>
  /** All that ever fired, in order. */
  readonly fired: readonly FiredAlert[]
  /** Looks at every expression anew, those with data too. */
  lookAtAll(): Promise<void>
}

const EVERY_MS = 1000

export function watchPrometheus(prometheus: Prometheus, expressions: readonly Expression[]): Watch {
  const seen = expressions.map((expression): Seen => {
    return { expression, value: undefined, finite: 0, series: 0, by: undefined, error: undefined }
  })
  const fired: FiredAlert[] = []
  let firedNow = new Map<string, FiredAlert>()
  let faults: readonly Fault[] = []
  let since = Date.now()

  const look = async (one: Seen) => {
    const by = causeOf(one.expression.query, faults)
    try {
      const samples = await prometheus.query(one.expression.query)
      one.error = undefined
      const best = pick(samples)
      if (best === undefined) return
      const finite = samples.filter(({ value }) => Number.isFinite(value)).length
      if (one.value === undefined) one.by = by
      Object.assign(one, { value: best, finite, series: samples.length })
    } catch (error) {
      one.error = error instanceof Error ? error.message : String(error)
    }
  }
  const lookAtAlerts = async () => {
    const [current, began, on] = [firedNow, since, faults]
    for (const { name, state, activeAt, annotations } of await prometheus.alerts()) {
      if (state !== 'firing' || activeAt < began || current.has(name)) continue
      const by = on.find(({ alerts }) => alerts.includes(name)) ?? on[0]
      const alert = { name, by: by?.name ?? '', annotations }
      current.set(name, alert)
      fired.push(alert)
    }
  }
  let stopped = false
  let timer: NodeJS.Timeout | undefined
  let turn = Promise.resolve()
  const next = () => {
    timer = setTimeout(() => {
      turn = Promise.all([lookAtAlerts(), ...seen.filter(({ value }) => value === undefined).map(look)]).then(
        () => (stopped ? undefined : next()),
        () => (stopped ? undefined : next()),
      )
    }, EVERY_MS)
  }
  next()
  return {
    faultsAre(now) {
      faults = now
      firedNow = new Map()
      since = Date.now()
    },
    seen,
    fired,
    get firedNow() {
      return firedNow
    },
    lookAtAll: async () => {
      for (const one of seen) await look(one)
    },
    async [Symbol.asyncDispose]() {
      stopped = true
      clearTimeout(timer)
      await turn
    },
  }
}

/** Of the faults that are on, those that say that they feed it; all of them, when none says so. */
export function causeOf(query: string, faults: readonly Fault[]): string | undefined {
  const feeding = faults.filter(({ feeds }) => feeds.some((part) => query.includes(part)))
  const named = feeding.length > 0 ? feeding : faults
  return named.length === 0 ? undefined : named.map(({ name }) => name).join(', ')
}

/** The largest finite value, other than 0 where there is one. */
function pick(samples: readonly Sample[]): number | undefined {
  const finite = samples.map(({ value }) => value).filter(Number.isFinite)
  return finite.length === 0 ? undefined : finite.reduce((a, b) => (Math.abs(b) > Math.abs(a) ? b : a))
}
