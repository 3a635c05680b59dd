/** What `sealcast preflight` prints for a person: a line each step, then what is missing, ready to be pasted. Pure. */

import type { DecidingStatement } from '#shared/policy'
import { toAscii } from './missing-statements.ts'
import type { Missing, PreflightReport, Step } from './report.ts'

/** @returns lines, the last one ended too */
export function describePreflight(report: PreflightReport): string {
  const { topicArn, publishers, subscriptions, notes } = report
  const lines = [`topic ${topicArn}`, describeSeal(report)]
  const missing: Missing[] = []
  for (const { publisher, steps } of publishers) {
    lines.push('', `publisher ${printable(publisher)}`, ...steps.map(describeStep))
    missing.push(...steps.flatMap((step) => step.missing))
  }
  for (const { subscription, protocol, steps } of subscriptions) {
    lines.push('', `subscription ${subscription} (${protocol})`, ...steps.map(describeStep))
  }
  for (const one of distinct(missing)) lines.push('', ...describeMissing(one))
  for (const note of notes) lines.push('', printable(note))
  return `${lines.join('\n')}\n`
}

/** As the topic names the key, and which one that is. */
function describeSeal({ keyId, keyArn, keyState }: PreflightReport): string {
  if (keyId === undefined) return 'not sealed'
  const found = keyArn === undefined || keyArn === keyId ? '' : `, ${keyArn}`
  return `sealed with ${printable(keyId)}${found}${keyState === undefined ? '' : ` (${keyState})`}`
}

/** Steps often lack the same statement, and it is to be pasted once. */
function distinct(missing: readonly Missing[]): Missing[] {
  return [...new Map(missing.map((one) => [JSON.stringify(one), one])).values()]
}

function describeStep({ step, verdict, why, code, by, through }: Step): string {
  const said = verdict === 'allowed' && why === 'allowed' ? '' : ` ${code === undefined ? '' : `${code}: `}${why}`
  const statements = [by, through].filter((one) => one !== undefined).map(nameOf)
  const from = statements.length === 0 ? '' : ` [${statements.join(', with ')}]`
  return `  ${step.padEnd(16)} ${verdict.padEnd(8)}${printable(said)}${printable(from)}`.trimEnd()
}

function nameOf({ source, policy, sid, index }: DecidingStatement): string {
  if (source === 'root') return 'the account’s root'
  if (source === 'grant') return `grant ${policy}`
  const place = `statement ${index}${sid === undefined ? '' : ` “${sid}”`}`
  return source === 'identity' ? `identity policy ${policy}, ${place}` : `${source} policy, ${place}`
}

function describeMissing({ policy, of, statement, command }: Missing): string[] {
  const lines = [`Missing in the ${policy} of ${printable(of)}:`, toAscii(statement)]
  if (command === undefined) return [...lines, 'It is chosen by whoever starts the session.']
  return [...lines, 'To put it in place:', command]
}

/** Names that somebody chose may hold what a terminal would act on. */
function printable(text: string): string {
  return text.replace(/[^\x20-\x7e’“”]/g, '?')
}
