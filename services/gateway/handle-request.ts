/**
 * Every request, in order: decode → authenticate → check the transport → dispatch → encode.
 *
 * Knows HTTP only as a method, a path, headers and bytes. Whatever is thrown on the way becomes
 * SNS's error form through one table; nothing of an unlisted error reaches the caller.
 */

import { randomUUID } from 'node:crypto'
import type { Audit, AuditNotes } from '#shared/audit'
import type { Clock } from '#shared/clock'
import { BrokerError } from '#shared/errors'
import type { Log } from '#shared/log'
import { MissingAuthenticationTokenError } from '#shared/sigv4'
import {
  decodeParameters,
  echo,
  encodeError,
  encodeResponse,
  InvalidActionError,
  MissingActionError,
  type Parameters,
  wireErrorOf,
  type XmlNode,
} from '#shared/sns-wire'
import type { ActionServices } from './action.ts'
import { type Service, sns, sts } from './actions/table.ts'
import { type AnsweredCall, auditedCallOf } from './audit-call.ts'
import type { Authenticate } from './authenticate.ts'
import type { Caller } from './caller.ts'
import { requireSecureTransport } from './require-secure-transport.ts'

export interface GatewayRequest {
  readonly method: string
  /** As received, without the query. */
  readonly path: string
  /** As received, without `?`. */
  readonly query: string
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  readonly body: Buffer
  /** Whether it came over TLS. */
  readonly secure: boolean
  /** Of the connection's other end, IPv4 in its own form. */
  readonly remoteAddress: string
}

export interface GatewayResponse {
  readonly status: number
  readonly requestId: string
  readonly contentType: string
  readonly body: string
}

export type HandleRequest = (request: GatewayRequest) => Promise<GatewayResponse>

export function createHandleRequest(o: {
  authenticate: Authenticate
  services: ActionServices
  clock: Clock
  log: Log
  audit: Pick<Audit, 'record'>
  onAnswered: (action: string, code: string, seconds: number) => void
  /** A request met a key in Redis that is not as any of us left it. */
  onForeignData: () => void
}): HandleRequest {
  return async (request) => {
    const startedAt = o.clock.now()
    const requestId = randomUUID()
    const known: Progress = { action: undefined, service: sns, caller: undefined, isAuthenticated: false, notes: {} }
    let code = 'ok'
    const record = (answered: AnsweredCall) => {
      const call = auditedCallOf(answered, {
        ...known,
        action: boundedAction(known),
        requestId,
        sourceIp: request.remoteAddress,
      })
      if (call !== undefined) o.audit.record(call)
      return call
    }
    try {
      const result = await answer(request, known, o)
      const action = known.action ?? ''
      const body = encodeResponse({ action, result, requestId, namespace: known.service.namespace })
      record('ok')
      return { status: 200, requestId, contentType: 'text/xml', body }
    } catch (error) {
      if (error instanceof BrokerError && error.code === 'REDIS_FOREIGN_DATA') o.onForeignData()
      const wire = wireErrorOf(error)
      code = wire.code
      const fields = {
        requestId,
        action: boundedAction(known),
        code,
        status: wire.status,
        principal: known.caller?.principal.arn,
      }
      // Nothing that was sent is logged. Texts of refusals echo it, so only our own faults are logged
      // with theirs; an unknown action may be anything, a body sent under the wrong name for one.
      // The line of a denied call is its audit line.
      const isDenied = record(wire)?.record === 'denied'
      if (wire.fault === 'receiver') o.log.error('request.failed', fields, error)
      else if (!isDenied) o.log.info('request.refused', fields)
      const body = encodeError({ ...wire, requestId, namespace: known.service.namespace })
      return { status: wire.status, requestId, contentType: 'text/xml', body }
    } finally {
      o.onAnswered(boundedAction(known), code, (o.clock.now() - startedAt) / 1000)
    }
  }
}

/** What is known of a request so far; the answer to a failure needs whatever part there is. */
interface Progress {
  action: string | undefined
  service: Service
  caller: Caller | undefined
  /** It is settled who calls, or that this action asks nobody. */
  isAuthenticated: boolean
  /** What was decided, for the audit line. */
  readonly notes: AuditNotes
}

async function answer(
  request: GatewayRequest,
  known: Progress,
  { authenticate, services }: { authenticate: Authenticate; services: ActionServices },
): Promise<XmlNode | undefined> {
  const parameters = decodeParameters({
    query: request.query,
    body: request.body,
    hasFormBody: request.method === 'POST',
  })
  known.action = parameters.action
  known.service = parameters.action !== undefined && isOf(sts, parameters.action) ? sts : sns
  const action = known.service.actions.get(parameters.action ?? '')
  const caller = authenticate(request, known.service.name)
  known.caller = caller && { ...caller, notes: known.notes }
  if (known.caller === undefined && action?.signature !== 'optional') {
    await requireSecureTransport(parameters, services.topics)
    throw new MissingAuthenticationTokenError()
  }
  known.isAuthenticated = true
  if (action === undefined) throw unknownAction(parameters, known.service)
  if (parameters.version !== undefined && parameters.version !== known.service.version)
    throw unknownAction(parameters, known.service)
  if (action.signature === 'optional') return action.run({ parameters, caller: known.caller }, services)
  if (!request.secure) await requireSecureTransport(parameters, services.topics)
  if (known.caller === undefined) throw new MissingAuthenticationTokenError()
  return action.run({ parameters, caller: known.caller }, services)
}

function isOf({ actions, withheld }: Service, action: string): boolean {
  return actions.has(action) || withheld.has(action)
}

function unknownAction(parameters: Parameters, service: Service): Error {
  const { action, version } = parameters
  if (action === undefined || action === '') return new MissingActionError()
  return new InvalidActionError(
    service.withheld.has(action)
      ? `Operation (${action}) is not supported in this region`
      : `Could not find operation ${echo(action)} for version ${echo(version ?? service.version)}`,
  )
}

function boundedAction({ action, service }: Progress): string {
  return action !== undefined && service.actions.has(action) ? action : 'unknown'
}
