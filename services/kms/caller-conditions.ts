/**
 * What conditions may ask about who sends a request and how: the `aws:` keys, and two of KMS's own. Pure.
 *
 * What SNS asks for a principal has no address: where the publisher's own request came from is not what KMS sees. It came
 * encrypted, since SNS takes nothing else for a topic with a key.
 */

import type { Conditions } from './key-use.ts'

export interface AskingPrincipal {
  readonly kind: 'user' | 'root' | 'role-session' | 'service'
  readonly arn: string
  /** `aws` for a service. */
  readonly account: string
  readonly userId?: string | undefined
  readonly roleArn?: string | undefined
  /** Of a session: epoch seconds. */
  readonly tokenIssuedAt?: number | undefined
  readonly organizationId?: string | undefined
  readonly tags?: ReadonlyMap<string, string> | undefined
  readonly sourceIdentity?: string | undefined
  /** What a service acts for. */
  readonly sourceArn?: string | undefined
  readonly sourceAccount?: string | undefined
}

export interface Transport {
  readonly sourceIp?: string | undefined
  readonly secure: boolean
  readonly userAgent?: string | undefined
}

export function callerConditions(
  principal: AskingPrincipal,
  o: { region: string; viaService: boolean; transport: Transport; now: number },
): Conditions {
  const { viaService, region, now } = o
  const isService = principal.kind === 'service'
  const found: [string, string | readonly string[] | undefined][] = [
    ['aws:principaltype', TYPES[principal.kind]],
    ['aws:principalarn', isService ? undefined : (principal.roleArn ?? principal.arn)],
    ['aws:principalaccount', isService ? undefined : principal.account],
    ['kms:calleraccount', isService ? undefined : principal.account],
    ['aws:principalorgid', principal.organizationId],
    ['aws:sourceidentity', principal.sourceIdentity],
    ['aws:tokenissuetime', principal.tokenIssuedAt === undefined ? undefined : isoTime(principal.tokenIssuedAt * 1000)],
    ['aws:userid', principal.userId],
    ['aws:username', principal.kind === 'user' ? principal.arn.split('/').at(-1) : undefined],
    ...[...(principal.tags ?? [])].map(([key, value]): [string, string] => [
      `aws:principaltag/${key.toLowerCase()}`,
      value,
    ]),
    ['aws:principalisawsservice', String(isService)],
    ['aws:principalservicename', isService ? principal.arn : undefined],
    ['aws:sourcearn', principal.sourceArn],
    ['aws:sourceaccount', principal.sourceAccount],
    ['aws:requestedregion', region],
    ['aws:currenttime', isoTime(now)],
    ['aws:epochtime', String(Math.floor(now / 1000))],
    ['aws:securetransport', String(viaService || o.transport.secure)],
    ['aws:viaawsservice', String(viaService)],
    ...(viaService ? viaSns(region) : ofConnection(o.transport)),
  ]
  return new Map(found.filter((entry): entry is [string, string | readonly string[]] => entry[1] !== undefined))
}

function isoTime(epochMs: number): string {
  return new Date(epochMs).toISOString()
}

const TYPES = { user: 'User', root: 'Account', 'role-session': 'AssumedRole', service: 'Service' } as const

function viaSns(region: string): [string, string | readonly string[]][] {
  const sns = 'sns.amazonaws.com'
  return [
    ['kms:viaservice', `sns.${region}.amazonaws.com`],
    ['aws:calledvia', [sns]],
    ['aws:calledviafirst', sns],
    ['aws:calledvialast', sns],
  ]
}

function ofConnection({ sourceIp, userAgent }: Transport): [string, string | undefined][] {
  return [
    ['aws:sourceip', sourceIp],
    ['aws:useragent', userAgent],
  ]
}
