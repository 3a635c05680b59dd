/** What every panel has to say of itself, so that whoever is woken at night needs no second page. */

import type { Builder } from '@grafana/grafana-foundation-sdk/cog'
import type { DashboardLink, Panel } from '@grafana/grafana-foundation-sdk/dashboard'

export interface About {
  readonly title: string
  /** What the figure is, in a sentence or two. */
  readonly means: string
  /** What to do when it is not as it should be. */
  readonly act: string
  /** A unit's id, of the SDK's list. */
  readonly unit: string
  /** Width in columns, of 24. */
  readonly span: number
  /** Height in rows of 30 pixels. */
  readonly height?: number
  /** Where to look next, see links.ts. */
  readonly next?: readonly Builder<DashboardLink>[]
}

/** A panel that its dashboard numbers and places. */
export interface PlaceablePanel extends Builder<Panel> {
  id(id: number): this
}

/** Nothing is drawn in finer steps than Prometheus scrapes. */
export const MIN_INTERVAL = '15s'

export function description({ means, act }: Pick<About, 'means' | 'act'>): string {
  return `${means}\n\n**What to do:** ${act}`
}
