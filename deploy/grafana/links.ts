/** From one dashboard to the next, for the same time and data source. */

import type { Builder } from '@grafana/grafana-foundation-sdk/cog'
import { type DashboardLink, DashboardLinkBuilder, DashboardLinkType } from '@grafana/grafana-foundation-sdk/dashboard'

/** Stays for good: links and bookmarks are made of it. */
export const UIDS = {
  overview: 'sealcast-overview',
  kms: 'sealcast-kms',
  delivery: 'sealcast-delivery',
  processes: 'sealcast-redis-processes',
} as const

/** At the top of a dashboard: all others that have the tag. */
export function otherDashboards(tag: string): Builder<DashboardLink> {
  return atTheTop(
    new DashboardLinkBuilder('Sealcast')
      .type(DashboardLinkType.Dashboards)
      .tags([tag])
      .tooltip('The other dashboards, for the same time and data source')
      .includeVars(true)
      .keepTime(true),
  )
}

/** In the corner of a panel. */
export function nextDashboard(title: string, board: keyof typeof UIDS): Builder<DashboardLink> {
  return atTheTop(
    new DashboardLinkBuilder(title)
      .type(DashboardLinkType.Link)
      .url(`/d/${UIDS[board]}?\${__url_time_range}&\${datasource:queryparam}`),
  )
}

/** The SDK puts links into a menu and offers no other place; without the field they are where they always were. */
function atTheTop(builder: Builder<DashboardLink>): Builder<DashboardLink> {
  const { placement: _, ...link } = builder.build()
  return { build: () => link }
}
