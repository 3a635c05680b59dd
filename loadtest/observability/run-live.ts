/**
 * Every panel and every rule against a live stack: first as it should be, under steady load, then with one fault after the other. What
 * has no data by itself must have it because of a fault, and each alert must fire for its own and for none before.
 */

import { setTimeout as sleep } from 'node:timers/promises'
import { panelExpressions } from '../../deploy/grafana/expressions.ts'
import type { Phase } from './faults/fault.ts'
import { PHASES } from './faults/phases.ts'
import type { Prometheus } from './prometheus.ts'
import { SPEED } from './speed.ts'
import { type Stage, startStage } from './stage.ts'
import { judgeSteady, measureSteady, type SteadyFigures } from './steady.ts'
import { type Expression, type FiredAlert, type Seen, type Watch, watchPrometheus } from './watch.ts'

export interface LiveRun {
  readonly steady: SteadyFigures
  readonly seen: readonly Seen[]
  readonly fired: readonly FiredAlert[]
  readonly failures: readonly string[]
}

const WARM_MS = (2 * 300_000) / SPEED
/** As Grafana would take them for the last quarter of an hour, with scrapes a second apart. */
const SPANS = { range: '15m', rateInterval: '15s' }
const POLL_MS = 250

/** @param say is told what happens */
export async function runLive(say: (line: string) => void): Promise<LiveRun> {
  say('starting 2 gateways, 2 workers, KMS, Redis and Prometheus')
  await using stage = await startStage()
  const rules = await stage.prometheus.rules()
  const failures = rules.filter(({ health }) => health === 'err').map(({ name, lastError }) => `${name}: ${lastError}`)
  await using watch = watchPrometheus(stage.prometheus, await listExpressions(stage.prometheus))
  say(`steady load, ${watch.seen.length} expressions`)
  await sleep(WARM_MS)
  watch.faultsAre([])
  const steady = await measureSteady(stage)
  failures.push(...judgeSteady(steady))
  say(`calls by predicted ${steady.ratio.toFixed(3)}, by the KMS's count ${steady.servedRatio.toFixed(3)}`)
  for (const { name } of watch.fired) failures.push(`${name} fired although nothing was wrong`)

  for (const phase of PHASES) {
    say(`${emptyOf(watch).length} without data; now: ${phase.name}`)
    const missed = await provoke(phase, { stage, watch })
    for (const failure of missed) say(failure)
    failures.push(...missed)
  }
  const alerts = rules.filter(({ type }) => type === 'alerting').map(({ name }) => name)
  const fired = new Set(watch.fired.map(({ name }) => name))
  for (const name of alerts) if (!fired.has(name)) failures.push(`${name} never fired`)
  for (const { name, annotations } of watch.fired) {
    const bad = Object.values(annotations).find((text) => /<error|<no value>|%!|NaN/.test(text))
    if (bad !== undefined) failures.push(`${name} says: ${bad}`)
  }
  for (const { expression, error } of emptyOf(watch)) {
    failures.push(`${expression.from}, ${expression.name} has no data${error === undefined ? '' : `: ${error}`}`)
  }
  return { steady, seen: watch.seen, fired: watch.fired, failures }
}

/** @returns the alerts that did not fire */
async function provoke({ name, faults, withinMs }: Phase, o: { stage: Stage; watch: Watch }): Promise<string[]> {
  const { stage, watch } = o
  watch.faultsAre(faults)
  const deadline = performance.now() + withinMs
  const missing = () => faults.flatMap(({ alerts }) => alerts).filter((alert) => !watch.firedNow.has(alert))
  const untilFired = async (alert: string) => {
    while (!watch.firedNow.has(alert) && performance.now() < deadline) await sleep(POLL_MS)
  }
  const undo = new AsyncDisposableStack()
  const provoked = await Promise.allSettled(faults.map((fault) => fault.provoke(stage, { undo, untilFired })))
  while (missing().length > 0 && performance.now() < deadline) await sleep(POLL_MS)
  // What panels show of it is a scrape or two behind.
  await sleep(2_000)
  const failures = missing().map((alert) => `${alert} did not fire within ${withinMs} ms of: ${name}`)
  provoked.forEach((result, at) => {
    if (result.status === 'rejected') failures.push(`${faults[at]?.name}: ${String(result.reason)}`)
  })
  await undo.disposeAsync()
  return failures
}

async function listExpressions(prometheus: Prometheus): Promise<Expression[]> {
  const panels = panelExpressions(SPANS).map(({ dashboard, panel, expression, query }): Expression => {
    return { from: dashboard, name: panel, expression, query }
  })
  const recorded = (await prometheus.rules())
    .filter(({ type }) => type === 'recording')
    .map(({ name, query }): Expression => ({ from: 'rules', name, expression: query, query: name }))
  return [...panels, ...recorded]
}

function emptyOf({ seen }: Watch): Seen[] {
  return seen.filter(({ value }) => value === undefined)
}
