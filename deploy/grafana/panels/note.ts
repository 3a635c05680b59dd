/** Text, for what no metric can show. */

import { PanelBuilder, TextMode } from '@grafana/grafana-foundation-sdk/text'

export function note(o: { title: string; markdown: string; span: number; height?: number }): PanelBuilder {
  return new PanelBuilder()
    .title(o.title)
    .span(o.span)
    .height(o.height ?? 8)
    .mode(TextMode.Markdown)
    .content(o.markdown)
}
