/**
 * Asks the local KMS what it would decide about a publisher and a key: the same look-up and the same decision as for a
 * data key, without one. Changes nothing and counts as no request for a data key.
 *
 * An operation of the local KMS alone, so that no SDK has it: signed and sent here.
 */

import type { Decision } from '#shared/policy'
import { signRequest } from '#shared/sigv4'
import { contextOf } from './encryption-context.ts'
import { KmsCredentialsError, KmsUnavailableError } from './errors.ts'
import { placeOf, qualifyKeyId } from './qualify-key-id.ts'
import type { KmsCredential } from './sdk-clients.ts'

export interface KeyAccess {
  readonly kind: 'key'
  readonly keyArn: string
  readonly keyState: string
  /** Text of the policy in force. */
  readonly keyPolicy: string
  readonly decisions: readonly {
    readonly permission: string
    /** `own`: of the publisher itself. `accepted`: of a worker that opens what was accepted from it. */
    readonly rule: 'own' | 'accepted'
    readonly decision: Decision
  }[]
}

export type ExplainKeyAccess = (o: {
  /** Any form of a topic's `KmsMasterKeyId`. */
  keyId: string
  topicArn: string
  /** ARN of the publisher, of a session its role's; or the name of a service. */
  principal: string
  /** For whom a service acts. */
  source?: { readonly arn?: string | undefined; readonly account?: string | undefined }
  /** Gives up waiting. */
  signal?: AbortSignal
}) => Promise<KeyAccess | { readonly kind: 'missing' }>

const DEADLINE_MS = 4_000

/** @param o.now the time, in epoch milliseconds */
export function createExplainKeyAccess(o: {
  endpoint: string
  credential: KmsCredential
  now: () => number
}): ExplainKeyAccess {
  return async ({ keyId, topicArn, principal, source = {}, signal }) => {
    const body = JSON.stringify({ KeyId: qualifyKeyId(keyId, topicArn), EncryptionContext: contextOf(topicArn) })
    const headers = {
      host: new URL(o.endpoint).host,
      'content-type': 'application/x-amz-json-1.1',
      'x-amz-target': 'TrentService.ExplainKeyAccess',
      'x-sealcast-on-behalf-of': principal,
      ...(source.arn === undefined ? {} : { 'x-sealcast-source-arn': source.arn }),
      ...(source.account === undefined ? {} : { 'x-sealcast-source-account': source.account }),
    }
    const { region } = placeOf(topicArn)
    const scope = { ...o.credential, region, service: 'kms', now: o.now() }
    const signed = signRequest({ method: 'POST', path: '/', headers, body }, scope)
    const deadline = AbortSignal.timeout(DEADLINE_MS)
    const within = signal === undefined ? deadline : AbortSignal.any([deadline, signal])
    return await send(o.endpoint, signed, { body, signal: within })
  }
}

async function send(
  endpoint: string,
  headers: Record<string, string>,
  o: { body: string; signal: AbortSignal },
): ReturnType<ExplainKeyAccess> {
  const { status, ok, text } = await post(endpoint, headers, o).catch((error: unknown) => {
    throw new KmsUnavailableError('Cannot reach the KMS', { cause: error })
  })
  const answer: KeyAccess & { __type?: string } = JSON.parse(text)
  if (ok) return answer
  if (answer.__type === 'NotFoundException') return { kind: 'missing' }
  if (status >= 500) throw new KmsUnavailableError(`The KMS answered ${answer.__type}`)
  throw new KmsCredentialsError(`The KMS does not explain access to keys: ${answer.__type}`)
}

async function post(endpoint: string, headers: Record<string, string>, o: { body: string; signal: AbortSignal }) {
  const response = await fetch(new URL('/', endpoint), { method: 'POST', headers, ...o })
  return { status: response.status, ok: response.ok, text: await response.text() }
}
