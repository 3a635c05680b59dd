/** How values went: one line a series, or areas that add up. */

import {
  GraphThresholdsStyleConfigBuilder,
  GraphThresholdsStyleMode,
  LegendDisplayMode,
  LegendPlacement,
  LineInterpolation,
  SortOrder,
  StackingConfigBuilder,
  StackingMode,
  TooltipDisplayMode,
  VisibilityMode,
  VizLegendOptionsBuilder,
  VizTooltipOptionsBuilder,
} from '@grafana/grafana-foundation-sdk/common'
import { FieldColorBuilder, FieldColorModeId } from '@grafana/grafana-foundation-sdk/dashboard'
import { PanelBuilder } from '@grafana/grafana-foundation-sdk/timeseries'
import { type About, description, MIN_INTERVAL } from './about.ts'
import { type Limits, thresholds } from './limits.ts'
import { DATASOURCE, overTime, type Query } from './query.ts'

export interface Lines extends About {
  readonly queries: readonly Query[]
  /** The alarm's value is drawn as a line. */
  readonly limits?: Limits
  /** Series are parts of a whole. */
  readonly stacked?: boolean
  /** Legends of series that are expectations: drawn dashed, in grey and blue, over nothing. */
  readonly expectations?: readonly string[]
  readonly max?: number
}

const EXPECTATION_COLOURS = ['blue', 'semi-dark-purple'] as const

export function lines(o: Lines): PanelBuilder {
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
    .targets(overTime(o.queries))
    .colorScheme(new FieldColorBuilder().mode(FieldColorModeId.PaletteClassic))
    .lineWidth(1)
    .lineInterpolation(LineInterpolation.Linear)
    .fillOpacity(o.stacked ? 25 : 8)
    .showPoints(VisibilityMode.Auto)
    .stacking(new StackingConfigBuilder().mode(o.stacked ? StackingMode.Normal : StackingMode.None).group('A'))
    .legend(
      new VizLegendOptionsBuilder()
        .showLegend(true)
        .displayMode(LegendDisplayMode.Table)
        .placement(LegendPlacement.Bottom)
        .calcs(['lastNotNull', 'mean', 'max']),
    )
    .tooltip(new VizTooltipOptionsBuilder().mode(TooltipDisplayMode.Multi).sort(SortOrder.Descending))
  if (o.max !== undefined) panel.max(o.max)
  if (o.limits !== undefined) {
    panel
      .thresholds(thresholds(o.limits))
      .thresholdsStyle(new GraphThresholdsStyleConfigBuilder().mode(GraphThresholdsStyleMode.Dashed))
  }
  for (const [at, legend] of (o.expectations ?? []).entries()) {
    panel.overrideByName(legend, [
      { id: 'custom.lineStyle', value: { fill: 'dash', dash: [10, 8] } },
      { id: 'custom.lineWidth', value: 2 },
      { id: 'custom.fillOpacity', value: 0 },
      { id: 'custom.stacking', value: { mode: StackingMode.None, group: 'A' } },
      { id: 'color', value: { mode: 'fixed', fixedColor: EXPECTATION_COLOURS[at % EXPECTATION_COLOURS.length] } },
    ])
  }
  return panel
}
