/**
 * Reads a page of metrics in Prometheus's text format: names, labels and values; help, types and timestamps are passed over.
 *
 * Whoever is named as a process may send anything. A line that is none is left out and counted, sizes have limits, and
 * no label keeps a character that a terminal would obey. Pure.
 *
 * @see Prometheus: exposition formats, text-based format 0.0.4
 */

export interface Sample {
  readonly name: string
  readonly labels: ReadonlyMap<string, string>
  /** May be NaN or infinite. */
  readonly value: number
}

export interface Page {
  readonly samples: readonly Sample[]
  /** Lines that could not be read, or were beyond the limits. */
  readonly unread: number
}

export const MAX_SAMPLES = 100_000
/** In characters. */
const MAX_LINE = 16_384

const NAME = /[a-zA-Z_:][a-zA-Z0-9_:]*/y
const BLANKS = /[ \t]*/y
const LABEL = /\s*([a-zA-Z_][a-zA-Z0-9_]*)\s*=\s*"((?:[^"\\]|\\.)*)"\s*(,|(?=\}))/y
const VALUE = /^[ \t]+(\S+)(?:[ \t]+-?\d+)?[ \t]*$/
const NUMBER = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$/
/** Controls, what turns writing around, and what is no character. */
const UNPRINTABLE = /[\p{C}\p{Zl}\p{Zp}]/gu

export function parseExposition(text: string): Page {
  const samples: Sample[] = []
  let unread = 0
  for (const line of text.split('\n')) {
    if (line.startsWith('#') || line.trim() === '') continue
    const sample = samples.length < MAX_SAMPLES && line.length <= MAX_LINE ? parseLine(line) : undefined
    if (sample === undefined) unread++
    else samples.push(sample)
  }
  return { samples, unread }
}

function parseLine(line: string): Sample | undefined {
  NAME.lastIndex = 0
  const name = NAME.exec(line)?.[0]
  if (name === undefined) return undefined
  const labels = new Map<string, string>()
  let at = name.length
  if (line[at] === '{') {
    at += 1 + blanksAt(line, at + 1)
    while (line[at] !== '}') {
      LABEL.lastIndex = at
      const [whole, label, text] = LABEL.exec(line) ?? []
      if (whole === undefined || label === undefined || text === undefined || labels.has(label)) return undefined
      labels.set(label, plain(text))
      at += whole.length + blanksAt(line, at + whole.length)
    }
    at++
  }
  const value = numberOf(VALUE.exec(line.slice(at))?.[1])
  return value === undefined ? undefined : { name, labels, value }
}

function blanksAt(line: string, at: number): number {
  BLANKS.lastIndex = at
  return BLANKS.exec(line)?.[0].length ?? 0
}

function plain(text: string): string {
  return text.replace(/\\(.)/g, (_, escaped: string) => (escaped === 'n' ? '\n' : escaped)).replace(UNPRINTABLE, '?')
}

function numberOf(text: string | undefined): number | undefined {
  if (text === undefined) return undefined
  if (NUMBER.test(text)) return Number(text)
  const infinite = /^([+-]?)Inf$/i.exec(text)
  if (infinite) return infinite[1] === '-' ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY
  return /^nan$/i.test(text) ? Number.NaN : undefined
}
