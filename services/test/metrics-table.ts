/**
 * The table of metrics against the pages of the processes, both ways: what is documented is exposed as the table says,
 * and nothing else is.
 */

import type { ExposedMetric } from './metrics-page.ts'

export interface DocumentedMetric {
  /** One that ends in `*` stands for all whose names begin so; their types are not compared. */
  name: string
  type: string
  labels: readonly string[]
  processes: readonly string[]
}

/** Cells: name, type, labels, processes; more may follow. */
export function readMetricsTable(markdown: string): DocumentedMetric[] {
  const rows = markdown.split('\n').filter((line) => line.startsWith('| `'))
  return rows.map((row) => {
    // A pipe inside a cell is written `\|`.
    const cells = row.split(/(?<!\\)\|/).map((cell) => cell.trim())
    const [, name = '', type = '', labels = '', processes = ''] = cells
    return {
      name: name.replaceAll('`', ''),
      type,
      labels: [...labels.matchAll(/`(\w+)`/g)].map(([, label = '']) => label),
      processes: processes.split(',').map((process) => process.trim()),
    }
  })
}

/**
 * @param pages by process
 * @returns a sentence for each difference; none when table and pages agree
 */
export function compareMetrics(
  table: readonly DocumentedMetric[],
  pages: ReadonlyMap<string, ReadonlyMap<string, ExposedMetric>>,
): string[] {
  const names = table.map(({ name }) => name)
  const twice = names.filter((name, at) => names.indexOf(name) !== at)
  return [
    ...twice.map((name) => `${name} has two rows`),
    ...table.flatMap((row) => row.processes.flatMap((process) => compareRow(row, process, pages.get(process)))),
    ...[...pages].flatMap(([process, page]) =>
      [...page.keys()]
        .filter((name) => !table.some((row) => row.processes.includes(process) && covers(row, name)))
        .map((name) => `${name} of ${process} is not documented`),
    ),
    ...[...pages].flatMap(([process, page]) => [...page.values()].flatMap((metric) => checkItself(process, metric))),
  ]
}

function compareRow(
  row: DocumentedMetric,
  process: string,
  page: ReadonlyMap<string, ExposedMetric> | undefined,
): string[] {
  if (page === undefined) return [`${row.name} names ${process}, which is no process`]
  const exposed = [...page.values()].filter(({ name }) => covers(row, name))
  if (exposed.length === 0) return [`${row.name} is documented of ${process} and not exposed`]
  if (isPrefix(row)) return []
  return exposed.flatMap(({ name, type, labels }) => {
    const found: string[] = []
    if (type !== row.type) found.push(`${name} of ${process} is a ${type}, documented as ${row.type}`)
    if (!sameNames(labels, row.labels)) {
      found.push(`${name} of ${process} has the labels ${list(labels)}, documented are ${list(row.labels)}`)
    }
    return found
  })
}

/** What must hold of every metric of ours, whatever the table says. */
function checkItself(process: string, { name, type, help, labels, series }: ExposedMetric): string[] {
  if (!name.startsWith('sealcast_')) return []
  const found: string[] = []
  if (type === '' || help === '') found.push(`${name} of ${process} has no type or no help text`)
  if (labels.length === 0 && series.length === 0) found.push(`${name} of ${process} has no series`)
  if ((type === 'counter') !== name.endsWith('_total')) found.push(`${name} of ${process} is named against its type`)
  // The comment that names labels is believed only as far as series bear it out.
  for (const one of series) {
    const own = Object.keys(one.labels).filter((label) => label !== 'le')
    if (!sameNames(own, labels)) found.push(`${name} of ${process} says ${list(labels)}, a series has ${list(own)}`)
  }
  return [...new Set(found)]
}

function covers(row: DocumentedMetric, name: string): boolean {
  return isPrefix(row) ? name.startsWith(row.name.slice(0, -1)) : name === row.name
}

function isPrefix({ name }: DocumentedMetric): boolean {
  return name.endsWith('*')
}

function sameNames(some: readonly string[], others: readonly string[]): boolean {
  return list(some) === list(others)
}

function list(names: readonly string[]): string {
  return names.length === 0 ? '(none)' : [...names].sort().join(', ')
}
