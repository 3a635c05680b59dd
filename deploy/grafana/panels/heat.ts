/** How a histogram's values were spread over time: a column a moment, a cell a bucket. */

import {
  AxisPlacement,
  HeatmapCellLayout,
  TooltipDisplayMode,
  VisibilityMode,
} from '@grafana/grafana-foundation-sdk/common'
import {
  CellValuesBuilder,
  FilterValueRangeBuilder,
  HeatmapColorMode,
  HeatmapColorOptionsBuilder,
  HeatmapColorScale,
  HeatmapTooltipBuilder,
  PanelBuilder,
  RowsHeatmapOptionsBuilder,
  YAxisConfigBuilder,
} from '@grafana/grafana-foundation-sdk/heatmap'
import { Short } from '@grafana/grafana-foundation-sdk/units'
import { type About, description, MIN_INTERVAL } from './about.ts'
import { buckets, DATASOURCE } from './query.ts'

/** `unit` is that of the histogram's values; cells are counts. */
export interface Heat extends About {
  /** A histogram's name, without `_bucket`. */
  readonly histogram: string
}

export function heat(o: Heat): PanelBuilder {
  const expr = `sum by (le) (increase(${o.histogram}_bucket[$__rate_interval]))`
  return (
    new PanelBuilder()
      .title(o.title)
      .description(description(o))
      .links([...(o.next ?? [])])
      .datasource(DATASOURCE)
      .interval(MIN_INTERVAL)
      .unit(Short)
      .span(o.span)
      .height(o.height ?? 8)
      .targets([buckets({ expr, legend: '{{le}}' })])
      .calculate(false)
      .rowsFrame(new RowsHeatmapOptionsBuilder().layout(HeatmapCellLayout.Auto))
      .yAxis(new YAxisConfigBuilder().axisPlacement(AxisPlacement.Left).unit(o.unit))
      .cellValues(new CellValuesBuilder().unit(Short).decimals(0))
      .showValue(VisibilityMode.Never)
      .color(
        new HeatmapColorOptionsBuilder()
          .mode(HeatmapColorMode.Scheme)
          .scheme('Spectral')
          .fill('dark-orange')
          .scale(HeatmapColorScale.Exponential)
          .exponent(0.5)
          .steps(64)
          .reverse(true),
      )
      // Empty cells stay empty, or the picture would be a coloured rectangle.
      .filterValues(new FilterValueRangeBuilder().le(1e-9))
      .tooltip(new HeatmapTooltipBuilder().mode(TooltipDisplayMode.Single).yHistogram(true).showColorScale(true))
      .showLegend()
  )
}
