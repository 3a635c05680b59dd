/**
 * In whose name an operation is asked for, and whether it may be asked for at all.
 *
 * The broker is no user of keys: for a publisher it may do only what sealing and opening need and ask what key a name
 * means, and for itself nothing but ReEncrypt, which shows it no plaintext: a retired key's messages must be carried over
 * when their publishers are gone. Its role has an identity policy for that, and key policies decide as for any other role.
 */

import { compilePolicy, type NamedPolicy, type Subject } from '#shared/policy'
import type { Principal, Principals } from '#shared/principals'
import { mergeSessionTags, sessionArnOf, sessionUserIdOf } from '#shared/sts'
import type { Identity } from './authenticate.ts'
import { type AskingPrincipal, callerConditions, type Transport } from './caller-conditions.ts'
import { AccessDeniedError } from './errors.ts'
import type { Caller } from './key-use.ts'
import { NO_SESSION_NAME } from './no-session-name.ts'
import type { OnBehalfOf } from './on-behalf-of.ts'

/** What the broker may ask for a publisher. */
const BROKER_OPERATIONS: ReadonlySet<string> = new Set([
  ...['GenerateDataKey', 'Decrypt', 'ReEncrypt', 'DescribeKey', 'ExplainKeyAccess'],
])

/** What it may ask in its own name. */
const BROKER_OWN_OPERATIONS: ReadonlySet<string> = new Set(['ReEncrypt'])

/** Purposes that are about messages which were accepted. */
const ACCEPTED: ReadonlySet<string> = new Set(['deliver', 'reopen', 'probe'])

const BROKER_POLICY = {
  Version: '2012-10-17',
  Statement: { Effect: 'Allow', Action: ['kms:ReEncryptFrom', 'kms:ReEncryptTo'], Resource: '*' },
}
const BROKER_POLICIES: readonly NamedPolicy[] = [
  { name: 'sealcast-broker', policy: compilePolicy(JSON.stringify(BROKER_POLICY), { kind: 'identity' }) },
]

/**
 * @param o.principals finds whom the broker asks for
 * @throws {AccessDeniedError}
 */
export function authorizeOperation(
  identity: Identity,
  operation: string,
  o: { principals: Pick<Principals, 'findPrincipal'>; transport: Transport; now: number },
): Caller {
  const { kind, region, onBehalfOf, principal } = identity
  const way = { region, viaService: onBehalfOf !== undefined, transport: o.transport, now: o.now }
  if (kind === 'user' && principal !== undefined) {
    const { arn, account } = principal
    const conditions = callerConditions(principal, way)
    return { arn, account, region, subject: principal, viaService: false, conditions, rule: 'own', isKnown: true }
  }
  const allowed = onBehalfOf === undefined ? BROKER_OWN_OPERATIONS : BROKER_OPERATIONS
  if (!allowed.has(operation)) {
    throw new AccessDeniedError(
      `User: ${identity.arn} is not authorized to perform: kms:${operation} ` +
        `because no identity-based policy allows the kms:${operation} action`,
    )
  }
  if (onBehalfOf !== undefined) return publisherOf(onBehalfOf, { ...o, way })
  const { arn, account } = identity
  const subject: Subject = { kind: 'role-session', arn, account, roleArn: arn, policies: BROKER_POLICIES }
  const conditions = callerConditions(subject, way)
  return { arn, account, region, subject, viaService: false, conditions, rule: 'own', isKnown: true }
}

function publisherOf(
  onBehalfOf: OnBehalfOf,
  o: { principals: Pick<Principals, 'findPrincipal'>; way: Parameters<typeof callerConditions>[1] },
): Caller {
  const { arn, account, kind, purpose = '' } = onBehalfOf
  const known = kind === 'service' ? undefined : o.principals.findPrincipal(arn)
  const who = kind === 'role-session' ? sessionOf(onBehalfOf, known) : { ...known, kind, arn, account }
  const { sessionPolicy, sourceArn, sourceAccount } = onBehalfOf
  const subject: Subject = { ...identityOf(who), policies: known?.policies ?? [], sessionPolicy }
  const conditions = callerConditions({ ...who, sourceArn, sourceAccount }, o.way)
  const rule = ACCEPTED.has(purpose) ? 'accepted' : 'publisher'
  const isKnown = kind === 'service' || known !== undefined
  return { arn, account, region: o.way.region, subject, viaService: true, conditions, rule, isKnown }
}

/** A session of the role as publishers are told apart: by policy, tags and source identity, not by name. */
function sessionOf(
  { arn: roleArn, account, sessionTags = {}, sourceIdentity }: OnBehalfOf,
  role: Principal | undefined,
): AskingPrincipal {
  return {
    kind: 'role-session',
    arn: sessionArnOf({ roleArn, sessionName: NO_SESSION_NAME }),
    account,
    roleArn,
    userId: role && sessionUserIdOf({ roleId: role.userId, sessionName: NO_SESSION_NAME }),
    organizationId: role?.organizationId,
    tags: mergeSessionTags(role?.tags ?? new Map(), sessionTags),
    sourceIdentity,
  }
}

function identityOf({ kind, arn, account, roleArn }: AskingPrincipal) {
  return { kind, arn, account, roleArn }
}
