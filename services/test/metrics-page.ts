/** Reads a /metrics page: what each metric of it is, and which labels its series have. */

export interface ExposedMetric {
  name: string
  type: string
  help: string
  /** As the page's comment says; in no order that means anything. */
  labels: readonly string[]
  series: readonly Series[]
}

export interface Series {
  /** With `_bucket`, `_sum` or `_count` behind it where the metric is a histogram. */
  name: string
  labels: Readonly<Record<string, string>>
  value: number
}

/** @throws when a line is nothing that the text format knows */
export function readMetricsPage(page: string): Map<string, ExposedMetric> {
  const metrics = new Map<string, ExposedMetric & { labels: string[]; series: Series[] }>()
  const of = (name: string) => {
    const metric = metrics.get(name) ?? { name, type: '', help: '', labels: [], series: [] }
    metrics.set(name, metric)
    return metric
  }
  for (const line of page.split('\n').filter((one) => one !== '')) {
    const [, kind, name = '', rest = ''] = /^# (HELP|TYPE|LABELS) (\S+)(?: (.*))?$/.exec(line) ?? []
    if (kind === 'HELP') of(name).help = rest
    else if (kind === 'TYPE') of(name).type = rest
    else if (kind === 'LABELS') of(name).labels.push(...rest.split(' '))
    else if (!line.startsWith('#')) {
      const series = readSeries(line)
      of(metrics.has(series.name) ? series.name : series.name.replace(/_(bucket|sum|count)$/, '')).series.push(series)
    }
  }
  return metrics
}

function readSeries(line: string): Series {
  const [, name, labels = '', value] = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)$/.exec(line) ?? []
  if (name === undefined) throw new Error(`Cannot read a line of a metrics page: ${line}`)
  const pairs = [...labels.matchAll(/([a-zA-Z_]\w*)="((?:[^"\\]|\\.)*)"/g)]
  return {
    name,
    labels: Object.fromEntries(pairs.map(([, label = '', text = '']) => [label, text])),
    value: value === '+Inf' ? Number.POSITIVE_INFINITY : Number(value),
  }
}
