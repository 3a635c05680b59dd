/**
 * Which metrics an expression reads, and which labels it names: enough of PromQL's syntax for checks, told apart by what
 * stands around a word. Does not evaluate and does not judge; promtool parses.
 */

export interface Reads {
  /** Metrics and recording rules, sorted, each once. */
  readonly metrics: readonly string[]
  /** Labels that selectors match, by metric. */
  readonly matched: ReadonlyMap<string, ReadonlySet<string>>
  /** Labels that aggregations keep, join by or drop. */
  readonly grouped: ReadonlySet<string>
}

const KEYWORDS = new Set(['and', 'or', 'unless', 'bool', 'offset', 'inf', 'nan'])
const GROUPING = new Set(['by', 'without', 'on', 'ignoring', 'group_left', 'group_right'])

const TOKEN = /"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|\[[^\]]*\]|\$\{\w+\}|\$\w+|[A-Za-z_:][\w:]*|\d[\w.]*|[^\s]/g

export function readsOf(expression: string): Reads {
  const tokens = expression.match(TOKEN) ?? []
  const matched = new Map<string, Set<string>>()
  const grouped = new Set<string>()
  for (let at = 0; at < tokens.length; at++) {
    const word = tokens[at] ?? ''
    if (!/^[A-Za-z_:]/.test(word) || KEYWORDS.has(word.toLowerCase())) continue
    if (GROUPING.has(word)) {
      at = eachUntil(tokens, at + 1, ')', (label) => grouped.add(label))
      continue
    }
    const next = tokens[at + 1]
    // A function, or an aggregation with or before its grouping.
    if (next === '(' || GROUPING.has(next ?? '')) continue
    const labels = matched.get(word) ?? new Set()
    matched.set(word, labels)
    if (next === '{') at = eachUntil(tokens, at + 1, '}', (label) => labels.add(label))
  }
  return { metrics: [...matched.keys()].sort(), matched, grouped }
}

/** @returns the place of `end` */
function eachUntil(tokens: readonly string[], from: number, end: string, take: (label: string) => void): number {
  let at = from
  for (; at < tokens.length && tokens[at] !== end; at++) {
    const token = tokens[at] ?? ''
    if (/^[A-Za-z_]/.test(token)) take(token)
  }
  return at
}
