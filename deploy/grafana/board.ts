/**
 * A dashboard of sections: what all of ours have in common. Places and numbers the panels, so that the JSON depends on nothing
 * but what is asked here.
 */

import type { Builder } from '@grafana/grafana-foundation-sdk/cog'
import {
  type Dashboard,
  DashboardBuilder,
  DashboardCursorSync,
  DatasourceVariableBuilder,
  RowBuilder,
  type VariableModel,
} from '@grafana/grafana-foundation-sdk/dashboard'
import { otherDashboards } from './links.ts'
import type { PlaceablePanel } from './panels/about.ts'

export interface Section {
  readonly title: string
  readonly panels: readonly PlaceablePanel[]
}

export interface Board {
  /** Stays for good: links and bookmarks are made of it. */
  readonly uid: string
  readonly title: string
  /** What it answers, in a sentence. */
  readonly question: string
  readonly tag: string
  /** How far back it looks at first, e.g. `now-1h`. */
  readonly from: string
  readonly variables?: readonly Builder<VariableModel>[]
  readonly sections: readonly Section[]
}

/** Dashboards with this tag link to each other. */
const FAMILY = 'sealcast'

/** Numbers of panels begin anew with each section, so that a new panel leaves the links to other sections' panels right. */
const PANELS_PER_SECTION = 100

export function board(o: Board): Dashboard {
  const builder = new DashboardBuilder(`Sealcast / ${o.title}`)
    .uid(o.uid)
    .description(o.question)
    .tags([FAMILY, o.tag])
    .timezone('browser')
    .time({ from: o.from, to: 'now' })
    .refresh('30s')
    .tooltip(DashboardCursorSync.Crosshair)
    .withVariable(
      new DatasourceVariableBuilder('datasource')
        .label('Data source')
        .description('The Prometheus that scrapes Sealcast.')
        .type('prometheus'),
    )
    .annotations([])
    .link(otherDashboards(FAMILY))
  for (const variable of o.variables ?? []) builder.withVariable(variable)
  for (const [at, { title, panels }] of o.sections.entries()) {
    const row = (at + 1) * PANELS_PER_SECTION
    builder.withRow(new RowBuilder(title).id(row))
    // From left to right; the SDK begins a line anew after its 24th column, so lines have to come out even.
    for (const [place, panel] of panels.entries()) builder.withPanel(panel.id(row + place + 1))
  }
  return builder.build()
}
