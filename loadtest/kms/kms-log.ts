/**
 * When data keys were issued, by the KMS's own log, and from that how old each had become when the next one replaced
 * it: the reuse period is kept when none is replaced sooner. Pure.
 */

export interface Issue {
  readonly topicArn: string
  readonly principal: string
  /** Epoch ms at which the KMS got the request: shortly after the gateway, which counts the key's age from then, sent it. */
  readonly atMs: number
}

/** @param log text of the KMS's log, JSON lines; what is cut off or foreign is left out */
export function issuesOf(log: string): Issue[] {
  const issues: Issue[] = []
  for (const line of log.split('\n')) {
    if (!line.includes('"GenerateDataKey"') || !line.includes('"request.served"')) continue
    const { event, operation, onBehalfOf, encryptionContext, time, durationMs } = parse(line)
    const atMs = (typeof time === 'number' ? time : Date.parse(String(time))) - Number(durationMs ?? 0)
    if (event !== 'request.served' || operation !== 'GenerateDataKey' || Number.isNaN(atMs)) continue
    const { 'aws:sns:topicArn': topicArn } = parse(String(encryptionContext))
    if (typeof topicArn === 'string' && typeof onBehalfOf === 'string') {
      issues.push({ topicArn, principal: onBehalfOf, atMs })
    }
  }
  return issues
}

/** Times between the keys of one pair, in ms, over all pairs. */
export function lifetimesMs(issues: readonly Issue[]): number[] {
  const last = new Map<string, number>()
  const lifetimes: number[] = []
  for (const { topicArn, principal, atMs } of issues.toSorted((a, b) => a.atMs - b.atMs)) {
    const pair = `${topicArn} ${principal}`
    const before = last.get(pair)
    if (before !== undefined) lifetimes.push(atMs - before)
    last.set(pair, atMs)
  }
  return lifetimes
}

/** Ages of the keys of all pairs at a moment, in ms; pairs without a key yet are left out. */
export function agesAt(issues: readonly Issue[], atMs: number): number[] {
  const last = new Map<string, number>()
  for (const { topicArn, principal, atMs: issuedAt } of issues) {
    const pair = `${topicArn} ${principal}`
    if (issuedAt <= atMs) last.set(pair, Math.max(issuedAt, last.get(pair) ?? 0))
  }
  return [...last.values()].map((issuedAt) => atMs - issuedAt)
}

function parse(line: string): Record<string, unknown> {
  try {
    return Object(JSON.parse(line))
  } catch {
    return {}
  }
}
