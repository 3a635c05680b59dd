/**
 * What the committed dashboards ask Prometheus, as a list: for checks that evaluate each expression, and for whoever wants to
 * know what hangs on a metric.
 *
 * Reads the JSON and not its sources, since the JSON is what Grafana gets.
 */

import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

export interface PanelExpression {
  /** The dashboard's uid. */
  readonly dashboard: string
  readonly panel: string
  readonly panelId: number
  /** Names the query among those of its panel. */
  readonly refId: string
  /** As in the JSON, with Grafana's variables. */
  readonly expression: string
  /** As Grafana would send it: its variables replaced by the dashboard's own defaults, and by the spans asked for. */
  readonly query: string
  /** Evaluated at the end of the range alone. */
  readonly instant: boolean
}

/** What Grafana fills in by the range on the screen, as PromQL durations. */
export interface Spans {
  readonly range: string
  readonly rateInterval: string
}

interface Json {
  readonly uid: string
  readonly panels: readonly {
    readonly id: number
    readonly title: string
    readonly targets?: readonly { readonly refId: string; readonly expr: string; readonly instant?: boolean }[]
  }[]
  readonly templating: { readonly list: readonly { readonly name: string; readonly query: string }[] }
}

const FOLDER = join(import.meta.dirname, 'dashboards')

/** In the order of files, panels and queries. */
export function panelExpressions(spans: Spans, folder = FOLDER): PanelExpression[] {
  return readdirSync(folder)
    .filter((name) => name.endsWith('.json'))
    .sort()
    .map((name) => JSON.parse(readFileSync(join(folder, name), 'utf8')) as Json)
    .flatMap((dashboard) => expressionsOf(dashboard, spans))
}

function expressionsOf({ uid, panels, templating }: Json, spans: Spans): PanelExpression[] {
  const values = new Map([
    ...templating.list.map(({ name, query }) => [name, query] as const),
    ['__range', spans.range],
    ['__rate_interval', spans.rateInterval],
  ])
  return panels.flatMap(({ id, title, targets = [] }) =>
    targets.map(({ refId, expr, instant = false }) => ({
      dashboard: uid,
      panel: title,
      panelId: id,
      refId,
      expression: expr,
      query: fillIn(expr, values),
      instant,
    })),
  )
}

/** @throws {Error} for a variable that nobody gives a value */
function fillIn(expression: string, values: ReadonlyMap<string, string>): string {
  return expression.replace(/\$(?:\{(\w+)\}|(\w+))/g, (whole, braced, bare) => {
    const value = values.get(braced ?? bare)
    if (value === undefined) throw new Error(`Cannot fill in ${whole}: no variable has that name, in ${expression}`)
    return value
  })
}
