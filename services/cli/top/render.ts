/**
 * A view as lines: figures in a grid that does not move when they change, then tables, beside each other where there is room.
 * Pure: width in, lines out.
 */

import { bytes, count, duration, NOTHING, percent, quantile, rate, ratio } from './format.ts'
import { type Line, oneCellEach, type Span, type Style, textOf } from './styled.ts'
import type { View } from './view.ts'

interface Field {
  readonly label: string
  readonly value: string
  readonly style?: Style | undefined
}

/** Title, label and value of the grid, in characters. */
const [TITLE, LABEL, VALUE, GAP] = [9, 12, 9, 2] as const
const CELL = LABEL + VALUE + GAP
/** From here on tables stand beside each other. */
const WIDE = 120
/** Above it the prediction does not hold; as the alert has it. */
const RATIO_ALARM = 1.1

/** @param o.rows at most; undefined: as many as it takes */
export function renderView(
  view: View,
  o: { width: number; rows?: number; isColored: boolean; hint?: string },
): string[] {
  const lines = [
    ...headerOf(view, o.hint ?? ''),
    ...grid('publish', publishFields(view), o.width),
    ...grid('deliver', deliverFields(view), o.width),
    ...grid('kms', kmsFields(view), o.width),
    ...grid('backlog', backlogFields(view), o.width),
    [],
    ...tablesOf(view, o.width),
  ]
  const texts = lines.map((line) => textOf(line, o))
  if (o.rows === undefined || texts.length <= o.rows) return texts
  const shown = texts.slice(0, Math.max(0, o.rows - 1))
  return [...shown, textOf([{ text: `… ${texts.length - shown.length} lines more`, style: 'dim' as const }], o)].slice(
    0,
    o.rows,
  )
}

function headerOf({ at, seconds, processes }: View, hint: string): Line[] {
  const up = processes.filter(({ error }) => error === undefined).length
  const isWhole = up === processes.length
  return [
    [
      { text: 'sealcast top', style: 'bold' },
      { text: `  ${up} of ${processes.length} up`, style: isWhole ? 'green' : 'red' },
      { text: `  ${new Date(at).toISOString().slice(0, 19).replace('T', ' ')} UTC  over ${seconds.toFixed(1)} s` },
      { text: hint === '' ? '' : `  ${hint}`, style: 'dim' },
    ],
    [],
  ]
}

function grid(title: string, fields: readonly Field[], width: number): Line[] {
  const columns = Math.max(1, Math.floor((width - TITLE + GAP) / CELL))
  const lines: Line[] = []
  for (let at = 0; at < fields.length; at += columns) {
    const cells = fields
      .slice(at, at + columns)
      .flatMap(({ label, value, style }): Span[] => [
        { text: label.padEnd(LABEL), style: 'dim' },
        { text: value.padStart(VALUE), style },
        { text: ' '.repeat(GAP) },
      ])
    lines.push([{ text: (at === 0 ? title : '').padEnd(TITLE), style: 'bold' }, ...cells])
  }
  return lines
}

const alarm = (value: number | undefined, style: Style = 'red'): Style | undefined => (value ? style : undefined)

function publishFields({ publish }: View): Field[] {
  return [
    { label: 'messages', value: rate(publish.perSecond), style: 'bold' },
    { label: 'p50', value: quantile(publish.latency?.p50) },
    { label: 'p99', value: quantile(publish.latency?.p99) },
    { label: 'requests', value: rate(publish.requestsPerSecond) },
    { label: 'errors', value: rate(publish.errorsPerSecond), style: alarm(publish.errorsPerSecond) },
    { label: 'in flight', value: count(publish.inFlight) },
  ]
}

function deliverFields({ deliver }: View): Field[] {
  return [
    { label: 'delivered', value: rate(deliver.perSecond), style: 'bold' },
    { label: 'dwell p50', value: quantile(deliver.endToEnd?.p50) },
    { label: 'dwell p99', value: quantile(deliver.endToEnd?.p99) },
    { label: 'retries', value: rate(deliver.retriesPerSecond), style: alarm(deliver.retriesPerSecond, 'yellow') },
    { label: 'attempt p50', value: quantile(deliver.attempt?.p50) },
    { label: 'attempt p99', value: quantile(deliver.attempt?.p99) },
    { label: 'failed', value: rate(deliver.failedPerSecond), style: alarm(deliver.failedPerSecond) },
  ]
}

function kmsFields({ kms }: View): Field[] {
  const isHigh = (kms.ratio ?? 0) > RATIO_ALARM
  const left = Math.max(0, (kms.reuseSeconds ?? 0) - kms.windowSeconds)
  return [
    { label: 'calls', value: rate(kms.callsPerSecond), style: 'bold' },
    { label: `last ${duration(Math.round(kms.windowSeconds))}`, value: rate(kms.windowPerSecond) },
    {
      label: kms.gateways === undefined ? 'predicted' : `predict g=${kms.gateways}`,
      value: rate(kms.predictedPerSecond),
    },
    { label: '2 × P', value: rate(kms.textbookPerSecond) },
    {
      label: 'ratio',
      value: kms.ratio === undefined && left > 0 ? `in ${Math.ceil(left)} s` : ratio(kms.ratio),
      style: isHigh ? 'red' : undefined,
    },
    { label: 'pairs', value: count(kms.activePairs) },
    { label: 'cache hits', value: percent(kms.cacheHitRate) },
    { label: 'generate', value: rate(kms.byOperation.GenerateDataKey ?? (kms.callsPerSecond && 0)) },
    { label: 'decrypt', value: rate(kms.byOperation.Decrypt ?? (kms.callsPerSecond && 0)) },
    { label: 'p99', value: quantile(kms.latency?.p99) },
    { label: 'failed', value: rate(kms.failedPerSecond), style: alarm(kms.failedPerSecond) },
    { label: 'breakers', value: count(kms.breakersOpen), style: alarm(kms.breakersOpen) },
  ]
}

function backlogFields({ backlog }: View): Field[] {
  return [
    { label: 'in streams', value: count(backlog.entries) },
    { label: 'pending', value: count(backlog.pending) },
    { label: 'oldest', value: duration(backlog.oldestSeconds) },
    {
      label: 'for endpoint',
      value: count(backlog.waitingForEndpoints),
      style: alarm(backlog.waitingForEndpoints, 'yellow'),
    },
    { label: 'for retry', value: count(backlog.waitingForRetry), style: alarm(backlog.waitingForRetry, 'yellow') },
    { label: 'held', value: count(backlog.held), style: alarm(backlog.held) },
    { label: 'held for', value: backlog.held ? duration(backlog.heldSeconds) : NOTHING },
    { label: 'quarantine', value: count(backlog.quarantined), style: alarm(backlog.quarantined) },
    {
      label: 'unhealthy',
      value: count(backlog.endpointsUnhealthy),
      style: alarm(backlog.endpointsUnhealthy, 'yellow'),
    },
  ]
}

/** The first column takes the room that there is. */
interface Table {
  readonly headings: readonly string[]
  readonly rows: readonly { readonly cells: readonly string[]; readonly style?: Style | undefined }[]
}

function tablesOf(view: View, width: number): Line[] {
  const tables = [processTable(view), redisTable(view), endpointTable(view), topicTable(view)].filter(
    ({ rows }) => rows.length > 0,
  )
  if (width < WIDE) return tables.flatMap((table) => [...linesOf(table, width), []])
  const half = Math.floor((width - 2) / 2)
  const lines: Line[] = []
  for (let at = 0; at < tables.length; at += 2) {
    const [left = [], right = []] = tables.slice(at, at + 2).map((table) => linesOf(table, half))
    for (let row = 0; row < Math.max(left.length, right.length); row++) {
      const cells = left[row] ?? [{ text: ''.padEnd(half) }]
      lines.push([...cells, { text: '  ' }, ...(right[row] ?? [])])
    }
    lines.push([])
  }
  return lines
}

function linesOf({ headings, rows }: Table, width: number): Line[] {
  const widths = headings.map((heading, at) =>
    Math.max(heading.length, ...rows.map(({ cells }) => (cells[at] ?? '').length)),
  )
  const others = widths.slice(1).reduce((sum, each) => sum + each + 2, 0)
  const first = Math.max(8, width - others)
  const line = (cells: readonly string[], style: Style | undefined): Line => {
    const [name = '', ...rest] = cells
    const text =
      shortened(name, first).padEnd(first) + rest.map((cell, at) => `  ${cell.padStart(widths[at + 1] ?? 0)}`).join('')
    return [{ text: text.padEnd(width).slice(0, width), style }]
  }
  return [line(headings, 'dim'), ...rows.map(({ cells, style }) => line(cells, style))]
}

/** The end tells topics and hosts apart. */
function shortened(text: string, width: number): string {
  return text.length <= width ? text : `…${text.slice(text.length - width + 1)}`
}

function processTable({ processes }: View): Table {
  return {
    headings: ['process', 'service', 'cpu', 'memory', 'state'],
    rows: processes.map(({ url, service, error, hasRestarted, cpu, residentBytes, unread }) => {
      const name = [hostOf(url), service === undefined ? NOTHING : oneCellEach(service)]
      if (error !== undefined) return { cells: [...name, NOTHING, NOTHING, error], style: 'red' as const }
      const state = hasRestarted ? 'restarted' : unread > 0 ? `${unread} lines unread` : 'up'
      const style = state === 'up' ? undefined : ('yellow' as const)
      return { cells: [...name, percent(cpu), bytes(residentBytes), state], style }
    }),
  }
}

function redisTable({ redis }: View): Table {
  return {
    headings: ['redis', 'memory', 'limit', 'clients', 'state'],
    rows: redis.map(({ node, isUp, memoryBytes, memoryMaxBytes, clients }) => ({
      cells: [
        oneCellEach(node),
        bytes(memoryBytes),
        memoryMaxBytes === undefined ? 'none' : bytes(memoryMaxBytes),
        count(clients),
        isUp ? 'up' : 'down',
      ],
      style: isUp ? undefined : 'red',
    })),
  }
}

function endpointTable({ endpoints }: View): Table {
  return {
    headings: ['slowest endpoints', 'mean'],
    rows: endpoints.map(({ host, seconds }) => ({ cells: [oneCellEach(host), duration(seconds)] })),
  }
}

function topicTable({ topics }: View): Table {
  return {
    headings: ['busiest topics', 'messages'],
    rows: topics.map(({ topic, perSecond }) => ({ cells: [oneCellEach(topic), rate(perSecond)] })),
  }
}

/** Without what may be secret in an address. */
function hostOf(url: string): string {
  return URL.canParse(url) ? oneCellEach(new URL(url).host) : '?'
}

/** One line a view, for logs and pipes. */
export function summarizeView(view: View): string {
  const { publish, deliver, kms, backlog, processes } = view
  const down = processes.filter(({ error }) => error !== undefined).length
  const waiting = [backlog.entries, backlog.waitingForEndpoints, backlog.waitingForRetry].map((value) => value ?? 0)
  return [
    new Date(view.at).toISOString().slice(11, 19),
    `published ${rate(publish.perSecond)} p99 ${quantile(publish.latency?.p99)}`,
    `delivered ${rate(deliver.perSecond)} p99 ${quantile(deliver.endToEnd?.p99)}`,
    `kms ${rate(kms.callsPerSecond)} of ${rate(kms.predictedPerSecond)} predicted, ratio ${ratio(kms.ratio)}`,
    `waiting ${count(waiting.reduce((sum, value) => sum + value, 0))} held ${count(backlog.held)}`,
    `down ${down}`,
  ].join('  ')
}
