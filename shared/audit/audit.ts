/**
 * One line for each call that was denied and each that administers: who, what, on what, by which statement.
 *
 * The line is all that a security team gets to see of a call, so its fields are fixed (README.md) and hold names and
 * ids alone. Texts are bounded and stripped of what a terminal or a parser of lines would act on: a session's name or
 * a statement's Sid is chosen by whoever made it.
 */

import type { Clock } from '#shared/clock'
import type { Fields, Log } from '#shared/log'
import type { CallRecord } from './call-record.ts'
import { type Allowance, createLineBudget } from './line-budget.ts'
import type { AuditNotes } from './notes.ts'

export interface AuditedCall {
  readonly record: CallRecord
  /** `sns:Publish`, or `unknown`: never a name that a caller made up. */
  readonly action: string
  readonly requestId: string
  /** `ok`, or the code that the caller was answered with. */
  readonly code: string
  readonly sourceIp: string | undefined
  /** Who called; undefined: nobody that could be told. */
  readonly principal: string | undefined
  readonly accessKeyId?: string | undefined
  readonly region?: string | undefined
  /** For whom the broker spoke. */
  readonly onBehalfOf?: string | undefined
  readonly notes: AuditNotes
}

export interface Audit extends Disposable {
  record(call: AuditedCall): void
}

/** About one caller: enough for a person's mistakes and a deployment's, line by line. */
const EACH: Allowance = { burst: 200, perSecond: 5 }
/** About all callers: at some 500 bytes a line under 1 GB a day at the very most. */
const ALL: Allowance = { burst: 2_000, perSecond: 20 }

/** What was left out is told this long after the first of it. */
const TELL_AFTER_MS = 10_000

/** Characters of a field: an ARN may have 2,048, ours have fewer. */
const MAX_CHARACTERS = 1_024
/** Characters of an access key id that are shown: they tell a caller's two keys apart and sign nothing. */
const SHOWN_OF_KEY_ID = 4

/**
 * @param o.onLeftOut a denial got no line
 * @param o.part of what a process may write, where several threads of it do; above 0, at most 1
 * @param o.schedule calls back once after so many milliseconds; returns how to prevent it
 */
export function createAudit(o: {
  log: Log
  clock: Clock
  onLeftOut?: () => void
  schedule?: (callback: () => void, ms: number) => () => void
  each?: Allowance
  all?: Allowance
  part?: number
}): Audit {
  const { log, clock, schedule = scheduleTimer, part = 1 } = o
  const budget = createLineBudget({ each: partOf(o.each ?? EACH, part), all: partOf(o.all ?? ALL, part) })
  let leftOut = { lines: 0, since: 0, cancel: () => {} }

  const tell = () => {
    leftOut.cancel()
    if (leftOut.lines === 0) return
    const seconds = Math.ceil((clock.now() - leftOut.since) / 1000)
    log.warn('audit.left-out', { denied: leftOut.lines, seconds })
    leftOut = { lines: 0, since: 0, cancel: () => {} }
  }

  return {
    record(call) {
      // What changes something is always on the record: only those get so far who may.
      if (call.record === 'denied' && !budget.take(call.principal ?? '', clock.now())) {
        if (leftOut.lines === 0) leftOut = { lines: 0, since: clock.now(), cancel: schedule(tell, TELL_AFTER_MS) }
        leftOut.lines += 1
        o.onLeftOut?.()
        return
      }
      log.info(`audit.${call.record}`, fieldsOf(call))
    },
    [Symbol.dispose]: tell,
  }
}

function scheduleTimer(callback: () => void, ms: number): () => void {
  const timer = setTimeout(callback, ms).unref()
  return () => clearTimeout(timer)
}

function fieldsOf({ record, action, requestId, code, notes, ...who }: AuditedCall): Fields {
  const { resource, decision } = notes
  const by = decision?.by
  const isDenied = record === 'denied'
  // An action may have asked for several things: what allowed one of them does not explain a refusal.
  const statement = by === undefined || decision?.allowed === isDenied ? {} : statementFields(by)
  return {
    action,
    resource: shown(resource),
    decision: isDenied ? 'denied' : code === 'ok' || decision?.allowed === true ? 'allowed' : 'undecided',
    code,
    reason: isDenied && decision?.allowed === false ? decision.reason : undefined,
    ...statement,
    principal: shown(who.principal),
    accessKey: who.accessKeyId === undefined ? undefined : `…${shown(who.accessKeyId.slice(-SHOWN_OF_KEY_ID))}`,
    onBehalfOf: shown(who.onBehalfOf),
    region: shown(who.region),
    sourceIp: who.sourceIp,
    requestId,
  }
}

function statementFields(by: NonNullable<NonNullable<AuditNotes['decision']>['by']>): Fields {
  return { source: by.source, policy: shown(by.policy), sid: shown(by.sid), statement: by.index }
}

function shown(text: string | undefined): string | undefined {
  return text?.slice(0, MAX_CHARACTERS).replace(/[^\x20-\x7e]/g, '?')
}

function partOf({ burst, perSecond }: Allowance, part: number): Allowance {
  return { burst: Math.max(1, burst * part), perSecond: perSecond * part }
}
