/** What `sealcast keys` prints: a line for each KMS key, and under it what stands against disabling it. Pure. */

import type { Objection } from './judge-key.ts'
import { countWaiting, type KeyUsage, type KeyUsageReport } from './key-usage.ts'
import type { RewrapSummary } from './rewrap-data-keys.ts'

const STATES = ['undelivered', 'retrying', 'backlogged', 'held', 'quarantined'] as const
const HEADINGS = ['key', ...STATES, 'data keys', 'oldest', 'disable?']
/** Topics named in a line; of the others their number is told. */
const MAX_NAMED = 3

/** @returns lines, the last one ended too */
export function describeKeys(
  { keys, unresolved, untrusted }: KeyUsageReport,
  { now, objectionsTo }: { now: number; objectionsTo: (usage: KeyUsage) => readonly Objection[] },
): string {
  const lines = keys.length === 0 ? ['No KMS key is needed by anything.'] : tableOf(keys, { now, objectionsTo })
  const untrustedCount = countWaiting(untrusted) + untrusted.quarantined
  if (untrustedCount > 0) {
    const places = STATES.filter((state) => untrusted[state] > 0).map((state) => `${untrusted[state]} ${state}`)
    lines.push(
      '',
      `${untrustedCount} messages do not verify (${places.join(', ')}): they name no key and are never delivered.`,
    )
  }
  for (const { topicArn, keyId, reason } of unresolved.slice(0, MAX_NAMED)) {
    lines.push('', `KMS did not say which key ${printable(keyId)} of ${topicArn} stands for: ${reason}.`)
  }
  return `${lines.join('\n')}\n`
}

/** Who owns a topic may have given it any text, also one that a terminal would act on. */
function printable(text: string): string {
  return text.replace(/[^\x20-\x7e]/g, '?')
}

function tableOf(
  keys: readonly KeyUsage[],
  { now, objectionsTo }: { now: number; objectionsTo: (usage: KeyUsage) => readonly Objection[] },
): string[] {
  const rows = keys.map((usage) => ({
    cells: cellsOf(usage, objectionsTo(usage), now),
    notes: notesOf(usage, objectionsTo(usage), now),
  }))
  const widths = HEADINGS.map((heading, at) =>
    Math.max(heading.length, ...rows.map(({ cells }) => cells[at]?.length ?? 0)),
  )
  const format = (cells: readonly string[]) =>
    cells.map((cell, at) => (at === 0 ? cell.padEnd(widths[at] ?? 0) : cell.padStart(widths[at] ?? 0))).join('  ')
  return [format(HEADINGS), ...rows.flatMap(({ cells, notes }) => [format(cells), ...notes.map((note) => `  ${note}`)])]
}

function cellsOf(usage: KeyUsage, objections: readonly Objection[], now: number): string[] {
  const { keyArn, messages, dataKeys, oldestAcceptedAt } = usage
  const oldest = oldestAcceptedAt === undefined ? '–' : formatAge(now - oldestAcceptedAt)
  return [
    keyArn,
    ...STATES.map((state) => String(messages[state])),
    String(dataKeys),
    oldest,
    objections.length === 0 ? 'safe' : 'no',
  ]
}

function notesOf({ messages, rewrapped }: KeyUsage, objections: readonly Objection[], now: number): string[] {
  const notes = objections.map((objection) => describeObjection(objection, now))
  if (rewrapped > 0) notes.push(`${rewrapped} data keys that name it stand under another key now`)
  if (messages.quarantined > 0)
    notes.push(`${messages.quarantined} quarantined messages could not be examined without it`)
  return notes
}

function describeObjection(objection: Objection, now: number): string {
  switch (objection.kind) {
    case 'needed':
      return `${objection.messages} messages need it to be delivered: rewrap them, or wait`
    case 'configured':
      return `configured on ${namesOf(objection.topics)}: their next publish would be refused`
    case 'sealing':
      return `gateways may seal under it for another ${formatAge(objection.until - now)}`
    case 'unresolved':
      return `may be configured on ${namesOf(objection.topics)}`
  }
}

function namesOf(topics: readonly string[]): string {
  const others = topics.length - MAX_NAMED
  const named = topics.slice(0, MAX_NAMED).join(', ')
  return others > 0 ? `${named} and ${others} more topics` : named
}

/** In the two largest units: enough to tell a minute from a month. */
export function formatAge(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / 1000))
  const units: [string, number][] = [
    ['d', Math.floor(seconds / 86_400)],
    ['h', Math.floor(seconds / 3_600) % 24],
    ['m', Math.floor(seconds / 60) % 60],
    ['s', seconds % 60],
  ]
  const first = units.findIndex(([, count]) => count > 0)
  if (first === -1) return '0s'
  const shown = units.slice(first, first + 2).filter(([, count]) => count > 0)
  return shown.map(([unit, count]) => `${count}${unit}`).join(' ')
}

export function describeRewrap({ found, rewrapped, failed }: RewrapSummary, toKeyArn: string): string {
  const left = [...failed.values()].reduce((sum, count) => sum + count, 0)
  const lines = [`${rewrapped} of ${found} data keys rewrapped: they stand under ${toKeyArn} now.`]
  if (left > 0) lines.push(`${left} could not be: ${describeFailures(failed)}.`)
  return `${lines.join('\n')}\n`
}

export function describeFailures(failed: RewrapSummary['failed']): string {
  return [...failed].map(([code, count]) => `${code} (${count})`).join(', ')
}
