/** One figure as it is now, or as it was over the range. */

import { BigValueColorMode, BigValueGraphMode, ReduceDataOptionsBuilder } from '@grafana/grafana-foundation-sdk/common'
import {
  FieldColorBuilder,
  FieldColorModeId,
  MappingType,
  type ValueMapping,
} from '@grafana/grafana-foundation-sdk/dashboard'
import { PanelBuilder } from '@grafana/grafana-foundation-sdk/stat'
import { type About, description, MIN_INTERVAL } from './about.ts'
import { type Limits, thresholds } from './limits.ts'
import { atTheEnd, DATASOURCE, overTime, type Query } from './query.ts'

export interface Figure extends About {
  readonly queries: readonly Query[]
  readonly limits?: Limits
  readonly decimals?: number
  /** Asked for once, at the end of the range: for what is about the whole range. No line is drawn behind it. */
  readonly once?: boolean
  /** What is shown where there is no series: for counters that begin with what they count. */
  readonly none?: string
  /** Texts instead of values, e.g. `{ 0: 'down', 1: 'up' }`. */
  readonly texts?: Readonly<Record<string, string>>
}

export function figure(o: Figure): PanelBuilder {
  const panel = new PanelBuilder()
    .title(o.title)
    .description(description(o))
    .links([...(o.next ?? [])])
    .datasource(DATASOURCE)
    .interval(MIN_INTERVAL)
    .unit(o.unit)
    .span(o.span)
    .height(o.height ?? 4)
    .targets(o.once ? atTheEnd(o.queries) : overTime(o.queries))
    .colorScheme(new FieldColorBuilder().mode(FieldColorModeId.Thresholds))
    .thresholds(thresholds(o.limits ?? {}))
    .colorMode(BigValueColorMode.Value)
    .graphMode(o.once ? BigValueGraphMode.None : BigValueGraphMode.Area)
    .reduceOptions(new ReduceDataOptionsBuilder().calcs(['lastNotNull']).fields('').values(false))
  if (o.decimals !== undefined) panel.decimals(o.decimals)
  if (o.none !== undefined) panel.noValue(o.none)
  if (o.texts !== undefined) panel.mappings([textsOf(o.texts)])
  return panel
}

function textsOf(texts: Readonly<Record<string, string>>): ValueMapping {
  const options = Object.fromEntries(Object.entries(texts).map(([value, text], index) => [value, { text, index }]))
  return { type: MappingType.ValueToText, options }
}
