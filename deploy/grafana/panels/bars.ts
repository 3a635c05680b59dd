/** The largest few of many, longest first. */

import { PanelBuilder } from '@grafana/grafana-foundation-sdk/bargauge'
import {
  BarGaugeDisplayMode,
  BarGaugeNamePlacement,
  BarGaugeValueMode,
  ReduceDataOptionsBuilder,
  VizOrientation,
} from '@grafana/grafana-foundation-sdk/common'
import { FieldColorBuilder, FieldColorModeId } from '@grafana/grafana-foundation-sdk/dashboard'
import { type About, description, MIN_INTERVAL } from './about.ts'
import { type Limits, thresholds } from './limits.ts'
import { atTheEnd, DATASOURCE, type Query } from './query.ts'

export interface Bars extends About {
  /** An instant one, that sorts: bars keep the order of its answer. */
  readonly query: Query
  readonly limits?: Limits
  readonly none?: string
}

export function bars(o: Bars): PanelBuilder {
  const panel = new PanelBuilder()
    .title(o.title)
    .description(description(o))
    .links([...(o.next ?? [])])
    .datasource(DATASOURCE)
    .interval(MIN_INTERVAL)
    .unit(o.unit)
    .min(0)
    .span(o.span)
    .height(o.height ?? 8)
    .targets(atTheEnd([o.query]))
    .colorScheme(new FieldColorBuilder().mode(FieldColorModeId.Thresholds))
    .thresholds(thresholds(o.limits ?? {}))
    .displayMode(BarGaugeDisplayMode.Gradient)
    .valueMode(BarGaugeValueMode.Color)
    .namePlacement(BarGaugeNamePlacement.Top)
    .orientation(VizOrientation.Horizontal)
    .showUnfilled(true)
    .reduceOptions(new ReduceDataOptionsBuilder().calcs(['lastNotNull']).fields('').values(false))
  if (o.none !== undefined) panel.noValue(o.none)
  return panel
}
