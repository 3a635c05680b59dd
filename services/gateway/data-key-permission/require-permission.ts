/**
 * With AWS KMS: whether a publisher's own policies let it have data keys of a KMS key. Pure.
 *
 * AWS KMS sees the broker's role and decides about that; what the publisher may do is in the principals file,
 * which KMS knows nothing of. SNS demands both permissions of a publisher, on the key's ARN. The key's policy is KMS's to
 * judge, so that services, for whom it alone would speak, get no data keys this way.
 */

import { randomUUID } from 'node:crypto'
import { KmsAccessDeniedError } from '#shared/kms-client'
import { type Decision, decideByUnion } from '#shared/policy'
import type { Principal } from '#shared/principals'

const ACTIONS = ['kms:GenerateDataKey', 'kms:Decrypt'] as const

export interface DataKeyUse {
  /** Of the key itself, whatever the topic calls it. */
  readonly keyArn: string
  /** The topic's `KmsMasterKeyId`. */
  readonly keyId: string
  readonly topicArn: string
  readonly now: number
}

/** @throws {KmsAccessDeniedError} with the text that SNS passes on from KMS */
export function requireDataKeyPermission(principal: Principal, use: DataKeyUse): void {
  const context = conditionsOf(principal, use)
  for (const action of ACTIONS) {
    const request = { subject: principal, action, resource: use.keyArn, resourceAccount: principal.account, context }
    const decision = decideByUnion(request)
    if (!decision.allowed) throw refusal(principal, action, use.keyArn, decision)
  }
}

/** As AWS KMS fills them in for what SNS asks on somebody's behalf. */
function conditionsOf(
  principal: Principal,
  { keyId, topicArn, now }: DataKeyUse,
): ReadonlyMap<string, string | string[]> {
  const region = topicArn.split(':')[3] ?? ''
  const alias = /(?:^|:)(alias\/.+)$/.exec(keyId)?.[1]
  const known: [string, string | string[] | undefined][] = [
    ['kms:viaservice', `sns.${region}.amazonaws.com`],
    ['kms:calleraccount', principal.account],
    ['kms:encryptioncontext:aws:sns:topicarn', topicArn],
    ['kms:encryptioncontextkeys', ['aws:sns:topicArn']],
    ['kms:requestalias', alias],
    ['aws:principalarn', principal.roleArn ?? principal.arn],
    ['aws:principalaccount', principal.account],
    ['aws:principaltype', TYPES[principal.kind]],
    ['aws:principalorgid', principal.organizationId],
    ['aws:sourceidentity', principal.sourceIdentity],
    ['aws:userid', principal.userId],
    ['aws:username', principal.kind === 'user' ? principal.arn.split('/').at(-1) : undefined],
    ['aws:requestedregion', region],
    ['aws:currenttime', new Date(now).toISOString()],
    ['aws:epochtime', String(Math.floor(now / 1000))],
    // SNS takes nothing else for a topic with a key, and calls KMS so.
    ['aws:securetransport', 'true'],
    ['aws:viaawsservice', 'true'],
    ['aws:calledvia', ['sns.amazonaws.com']],
    ['aws:calledviafirst', 'sns.amazonaws.com'],
    ['aws:calledvialast', 'sns.amazonaws.com'],
    ...[...principal.tags].map(([name, value]): [string, string] => [`aws:principaltag/${name.toLowerCase()}`, value]),
  ]
  return new Map(known.filter((entry): entry is [string, string | string[]] => entry[1] !== undefined))
}

const TYPES = { user: 'User', root: 'Account', 'role-session': 'AssumedRole', service: 'Service' } as const

function refusal(
  { arn }: Principal,
  action: string,
  keyArn: string,
  decision: Extract<Decision, { allowed: false }>,
): KmsAccessDeniedError {
  const why =
    decision.reason === 'explicit-deny'
      ? `with an explicit deny in ${decision.by?.source === 'session' ? 'a session' : 'an identity-based'} policy`
      : `because no ${KINDS[decision.reason]} policy allows the ${action} action`
  return new KmsAccessDeniedError(
    `User: ${arn} is not authorized to perform: ${action} on resource: ${keyArn} ${why} ` +
      `(Service: AWSKMS; Status Code: 400; Error Code: AccessDeniedException; Request ID: ${randomUUID()}; Proxy: null)`,
  )
}

const KINDS = {
  'no-identity-allow': 'identity-based',
  'no-resource-allow': 'resource-based',
  'no-session-allow': 'session',
} as const
