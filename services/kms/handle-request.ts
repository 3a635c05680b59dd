/**
 * Every request, in order: decode → authenticate → authorize → meet injected faults → act → encode; one log line, one count.
 *
 * Knows no socket: server.ts hands in what was received and sends what is returned. Nobody learns
 * more than "not authenticated" before the signature is proved. The log line holds operation, key,
 * caller, outcome and the encryption context, which KMS calls not secret; never plaintext, ciphertext
 * or signature.
 */

import { randomUUID } from 'node:crypto'
import type { Audit, AuditNotes } from '#shared/audit'
import type { Clock } from '#shared/clock'
import type { Fields, Log } from '#shared/log'
import { type AnsweredCall, auditedCallOf } from './audit-call.ts'
import type { Authenticate, Identity } from './authenticate.ts'
import { authorizeOperation } from './authorize-operation.ts'
import { errorResponseOf } from './error-response.ts'
import { RequestTooLargeError, SerializationError, UnknownOperationError } from './errors.ts'
import { InjectedAnswerError, InjectedSilenceError } from './faults/errors.ts'
import type { FaultInjection } from './faults/fault-injection.ts'
import type { KeyStore } from './key-store.ts'
import { readMembers } from './members.ts'
import type { KmsMetrics } from './metrics.ts'
import { actionOf, operationOf } from './operations.ts'
import { createPrincipalExists, type KnownPrincipals } from './principal-exists.ts'

interface ReceivedRequest {
  readonly method: string
  /** As received, with any query. */
  readonly target: string
  /** Lower-case names. */
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  /** undefined: longer than the limit, and not kept. */
  readonly body: Buffer | undefined
  /** Address of the peer. */
  readonly sourceIp: string | undefined
  /** By TLS. */
  readonly secure: boolean
}

export interface Answer {
  readonly status: number
  readonly requestId: string
  /** JSON text, or empty. */
  readonly body: string
}

/** Rejects with an InjectedSilenceError where a request shall get no answer. */
export type HandleRequest = (request: ReceivedRequest) => Promise<Answer>

const JSON_1_1 = 'application/x-amz-json-1.1'

/** What conditions see of it: a key policy full of wildcards must not be matched with a text as long as its caller likes. */
const USER_AGENT_CHARACTERS = 512

/** Longest encryption context in a log line, in characters: enough for any that a broker sends. */
const MAX_LOGGED_CONTEXT = 1024

export function createHandleRequest(o: {
  keyStore: KeyStore
  authenticate: Authenticate
  principals: KnownPrincipals
  clock: Clock
  /** Absent: there are none. */
  faults?: Pick<FaultInjection, 'meet'>
  metrics: KmsMetrics
  log: Log
  audit: Pick<Audit, 'record'>
}): HandleRequest {
  return async (request) => {
    const startedAt = performance.now()
    const requestId = randomUUID()
    const operation = operationOf(single(request.headers['x-amz-target']))
    const noted: Record<string, string> = {}
    const note = (fields: Record<string, string | undefined>) => Object.assign(noted, fields)
    const known: Progress = { identity: undefined, notes: {} }
    const record = (answered: AnsweredCall) => {
      const notes = { resource: noted.keyArn, ...known.notes }
      const { identity } = known
      const call = auditedCallOf(answered, { operation, identity, notes, requestId, sourceIp: request.sourceIp })
      if (call !== undefined) o.audit.record(call)
      return call
    }
    const settle = (outcome: string): Fields => {
      o.metrics.served.add({ operation: operation ?? 'unknown', outcome })
      const durationMs = Math.round((performance.now() - startedAt) * 1000) / 1000
      return { operation: operation ?? 'unknown', outcome, requestId, durationMs, ...noted }
    }
    try {
      const result = await act(request, { ...o, operation, note, known })
      record('ok')
      o.log.info('request.served', settle('ok'))
      return { status: 200, requestId, body: result === undefined ? '' : JSON.stringify(result) }
    } catch (error) {
      if (error instanceof InjectedSilenceError) {
        o.log.info('request.unanswered', settle(`injected-${error.kind}`))
        throw error
      }
      const isInjected = error instanceof InjectedAnswerError
      const { status, name, body } = isInjected ? error.response : errorResponseOf(error)
      const fields = { ...settle(name), ...(isInjected ? { injected: true } : {}) }
      // What the caller did wrong needs no stack; what we did wrong needs a name to look for.
      // The line of a denied call is its audit line.
      const isDenied = !isInjected && record({ name, status })?.record === 'denied'
      if (status >= 500 && !isInjected) o.log.error('request.failed', fields, error)
      else if (!isDenied) o.log.info('request.refused', fields)
      return { status, requestId, body: JSON.stringify(body) }
    }
  }
}

/** What is known of a request so far, for its audit line. */
interface Progress {
  /** undefined: it is not settled who calls. */
  identity: Identity | undefined
  readonly notes: AuditNotes
}

async function act(
  request: ReceivedRequest,
  o: {
    keyStore: KeyStore
    authenticate: Authenticate
    principals: KnownPrincipals
    clock: Clock
    faults?: Pick<FaultInjection, 'meet'>
    operation: string | undefined
    note: (fields: Record<string, string | undefined>) => void
    known: Progress
  },
) {
  const { body, headers, method } = request
  if (body === undefined) throw new RequestTooLargeError('The request body is too large.')
  const [path = '', query = ''] = splitOnce(request.target, '?')
  const identity = o.authenticate({ method, path, query, headers, body })
  o.known.identity = identity
  o.note(identityFields(identity))
  if (method !== 'POST' || path !== '/' || query !== '') throw new UnknownOperationError('The operation is not known.')
  const action = actionOf(o.operation)
  if (mediaTypeOf(headers) !== JSON_1_1) throw new SerializationError(`The content type must be ${JSON_1_1}.`)
  const operation = o.operation ?? 'unknown'
  const { principals, clock } = o
  const userAgent = single(headers['user-agent'])?.slice(0, USER_AGENT_CHARACTERS)
  const transport = { sourceIp: request.sourceIp, secure: request.secure, userAgent }
  const { notes } = o.known
  const caller = { ...authorizeOperation(identity, operation, { principals, transport, now: clock.now() }), notes }
  await o.faults?.meet({ operation, caller, body })
  return await action({
    operation,
    caller,
    keyStore: o.keyStore,
    principalExists: createPrincipalExists(principals),
    readMembers: (read) => readMembers(body, read),
    note: (fields) => {
      for (const [name, value] of Object.entries(fields)) {
        if (typeof value === 'string') o.note({ [name]: value })
        else if (value.size > 0) o.note({ [name]: loggable(value) })
      }
    },
  })
}

function identityFields({ arn, region, onBehalfOf }: Identity): Record<string, string | undefined> {
  return { caller: arn, region, onBehalfOf: onBehalfOf?.arn }
}

function loggable(context: ReadonlyMap<string, string>): string {
  return JSON.stringify(Object.fromEntries(context)).slice(0, MAX_LOGGED_CONTEXT)
}

function mediaTypeOf(headers: ReceivedRequest['headers']): string | undefined {
  return single(headers['content-type'])?.split(';')[0]?.trim().toLowerCase()
}

function single(value: string | string[] | undefined): string | undefined {
  return typeof value === 'string' ? value : undefined
}

function splitOnce(text: string, separator: string): [string, string] {
  const at = text.indexOf(separator)
  return at === -1 ? [text, ''] : [text.slice(0, at), text.slice(at + 1)]
}
