/** One PromQL expression of a panel. Every query asks the data source that the dashboard's variable names. */

import type { DataSourceRef } from '@grafana/grafana-foundation-sdk/common'
import { DataqueryBuilder, PromQueryFormat, QueryEditorMode } from '@grafana/grafana-foundation-sdk/prometheus'

export interface Query {
  readonly expr: string
  /** Grafana's template of the series' name, e.g. `{{outcome}}`. */
  readonly legend: string
}

/** The variable `datasource` of every dashboard, so that no uid of one Grafana is in the JSON. */
// biome-ignore lint/suspicious/noTemplateCurlyInString: Grafana fills it in.
export const DATASOURCE: DataSourceRef = { type: 'prometheus', uid: '${datasource}' }

/** @param at place among the panel's queries, which names it: A, B, … */
function queryBuilder({ expr, legend }: Query, at: number): DataqueryBuilder {
  return new DataqueryBuilder()
    .datasource(DATASOURCE)
    .refId(String.fromCharCode('A'.charCodeAt(0) + at))
    .editorMode(QueryEditorMode.Code)
    .expr(expr)
    .legendFormat(legend)
}

export function overTime(queries: readonly Query[]): DataqueryBuilder[] {
  return queries.map((query, at) => queryBuilder(query, at).range())
}

/** The value at the end of the range alone: what `[$__range]` needs, and what tables and bars show. */
export function atTheEnd(queries: readonly Query[], format = PromQueryFormat.TimeSeries): DataqueryBuilder[] {
  return queries.map((query, at) => queryBuilder(query, at).instant().format(format))
}

/** Cumulative buckets, which the heatmap panel takes apart. */
export function buckets(query: Query): DataqueryBuilder {
  return queryBuilder(query, 0).range().format(PromQueryFormat.Heatmap)
}
