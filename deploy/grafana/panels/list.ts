/** A table: a row for each set of labels, a column for each query. */

import { TableSortByFieldStateBuilder } from '@grafana/grafana-foundation-sdk/common'
import { PromQueryFormat } from '@grafana/grafana-foundation-sdk/prometheus'
import { PanelBuilder } from '@grafana/grafana-foundation-sdk/table'
import { type About, description, MIN_INTERVAL } from './about.ts'
import { atTheEnd, DATASOURCE } from './query.ts'

export interface Column {
  readonly expr: string
  readonly name: string
  readonly unit?: string
  /** Not shown: the value says nothing that the row does not. */
  readonly hidden?: boolean
}

/** `unit` is that of columns which name none. */
export interface List extends About {
  /** Labels that make a row, in the order of their columns, with what to call them. */
  readonly labels: Readonly<Record<string, string>>
  readonly columns: readonly Column[]
  /** Name of the column to sort by, the largest first. */
  readonly sortBy: string
  readonly none?: string
}

export function list(o: List): PanelBuilder {
  const queries = o.columns.map(({ expr, name }) => ({ expr, legend: name }))
  const valueField = (at: number) => (o.columns.length === 1 ? 'Value' : `Value #${String.fromCharCode(65 + at)}`)
  const fields = [
    ...Object.entries(o.labels).map(([label, name]) => ({ field: label, name, hidden: false })),
    ...o.columns.map(({ name, hidden = false }, at) => ({ field: valueField(at), name, hidden })),
  ]
  const panel = new PanelBuilder()
    .title(o.title)
    .description(description(o))
    .links([...(o.next ?? [])])
    .datasource(DATASOURCE)
    .interval(MIN_INTERVAL)
    .unit(o.unit)
    .span(o.span)
    .height(o.height ?? 8)
    .targets(atTheEnd(queries, PromQueryFormat.Table))
    .filterable(true)
    .sortBy([new TableSortByFieldStateBuilder().displayName(o.sortBy).desc(true)])
    // Joins the queries' answers by the labels they have in common.
    .withTransformation({ id: 'merge', options: {} })
    .withTransformation({
      id: 'organize',
      options: {
        excludeByName: Object.fromEntries([
          ['Time', true],
          ...fields.filter(({ hidden }) => hidden).map(({ field }) => [field, true]),
        ]),
        indexByName: Object.fromEntries(fields.map(({ field }, at) => [field, at])),
        renameByName: Object.fromEntries(fields.map(({ field, name }) => [field, name])),
      },
    })
  for (const { name, unit } of o.columns)
    if (unit !== undefined) panel.overrideByName(name, [{ id: 'unit', value: unit }])
  if (o.none !== undefined) panel.noValue(o.none)
  return panel
}
