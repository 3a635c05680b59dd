/**
 * What policies may ask of a request: condition keys → values, each worked out when it is asked for.
 *
 * A key that does not apply is absent, as in IAM; what that means is the operator's to say. Keys: "AWS global condition context
 * keys" in the IAM user guide, and the condition keys of Amazon SNS.
 */

import type { Clock } from '#shared/clock'
import type { ConditionContext } from '#shared/policy'
import type { Principal } from '#shared/principals'

/** Who asks, and what policies may ask of the request. */
export interface TopicCaller {
  readonly principal: Principal
  /** Of the credential scope: one endpoint serves any. */
  readonly region: string
  /** Of the connection. */
  readonly sourceIp: string
  /** Whether it came over TLS. */
  readonly secure: boolean
  readonly userAgent?: string
  /** For whom a service acts, as it said in signed headers. Of a service alone: nobody else is believed. */
  readonly source?: { readonly arn?: string; readonly account?: string }
}

/** What a Subscribe is for. */
export interface WantedEndpoint {
  readonly protocol: string
  readonly endpoint: string
}

export interface ContextParts {
  readonly caller: TopicCaller
  /** Of the topic, or of the caller where there is none. */
  readonly resourceAccount: string
  readonly wanted: WantedEndpoint | undefined
  readonly clock: Clock
}

export function createConditionContext(parts: ContextParts): ConditionContext {
  // One time for all keys, so that no two conditions of a request see different ones.
  let now: number | undefined
  const read = () => {
    now ??= parts.clock.now()
    return now
  }
  return { get: (key) => READERS.get(key)?.(parts, read) ?? tagOf(key, parts) }
}

type Reader = (parts: ContextParts, now: () => number) => string | undefined

const READERS: ReadonlyMap<string, Reader> = new Map<string, Reader>([
  ['aws:currenttime', (_, now) => timeOf(now() / 1000)],
  ['aws:epochtime', (_, now) => String(Math.floor(now() / 1000))],
  ['aws:requestedregion', ({ caller }) => caller.region],
  ['aws:resourceaccount', ({ resourceAccount }) => resourceAccount],
  ['aws:securetransport', ({ caller }) => String(caller.secure)],
  // The address of a service says nothing about whom it acts for. Absent, as in AWS.
  ['aws:sourceip', ({ caller }) => (isService(caller) ? undefined : caller.sourceIp)],
  ['aws:useragent', ({ caller }) => caller.userAgent],
  // Whoever calls here calls by itself, services among them.
  ['aws:viaawsservice', () => 'false'],

  ['aws:principalaccount', ({ caller }) => (isService(caller) ? undefined : caller.principal.account)],
  ['aws:principalarn', ({ caller }) => principalArnOf(caller)],
  ['aws:principalisawsservice', ({ caller }) => String(isService(caller))],
  ['aws:principalorgid', ({ caller }) => caller.principal.organizationId],
  ['aws:principalservicename', ({ caller }) => (isService(caller) ? caller.principal.arn : undefined)],
  ['aws:principaltype', ({ caller }) => PRINCIPAL_TYPES[caller.principal.kind]],
  ['aws:sourceidentity', ({ caller }) => caller.principal.sourceIdentity],
  ['aws:tokenissuetime', ({ caller }) => timeOf(caller.principal.tokenIssuedAt)],
  ['aws:userid', ({ caller }) => (isService(caller) ? undefined : caller.principal.userId)],
  ['aws:username', ({ caller: { principal } }) => (principal.kind === 'user' ? nameOf(principal.arn) : undefined)],

  ['aws:sourceaccount', ({ caller }) => caller.source?.account],
  ['aws:sourcearn', ({ caller }) => caller.source?.arn],
  // Of SNS's default policy, which is older than the two above. Nothing else has it: an IAM caller's is absent.
  ['aws:sourceowner', ({ caller }) => caller.source?.account],

  ['sns:endpoint', ({ wanted }) => wanted?.endpoint],
  ['sns:protocol', ({ wanted }) => wanted?.protocol],
])

const TAG_PREFIX = 'aws:principaltag/'

/** Keys of tags are compared in any case, as in IAM. */
function tagOf(key: string, { caller }: ContextParts): string | undefined {
  if (!key.startsWith(TAG_PREFIX)) return undefined
  const wanted = key.slice(TAG_PREFIX.length)
  for (const [name, value] of caller.principal.tags) if (name.toLowerCase() === wanted) return value
  return undefined
}

const PRINCIPAL_TYPES = { user: 'User', root: 'Account', 'role-session': 'AssumedRole', service: undefined } as const

function isService({ principal }: TopicCaller): boolean {
  return principal.kind === 'service'
}

/** Of a session the role: policies are written for roles, and sessions come and go. */
function principalArnOf({ principal }: TopicCaller): string | undefined {
  return principal.kind === 'service' ? undefined : (principal.roleArn ?? principal.arn)
}

function timeOf(epochSeconds: number | undefined): string | undefined {
  return epochSeconds === undefined ? undefined : new Date(epochSeconds * 1000).toISOString().replace(/\.\d+Z$/, 'Z')
}

/** Without its path. */
function nameOf(arn: string): string {
  return arn.slice(arn.lastIndexOf('/') + 1)
}

/** The same in all requests of a principal version to a topic, so that decisions that look at them alone may be kept. */
const STEADY_KEYS: ReadonlySet<string> = new Set([
  'aws:principalaccount',
  'aws:principalarn',
  'aws:principalisawsservice',
  'aws:principalorgid',
  'aws:principalservicename',
  'aws:principaltype',
  'aws:requestedregion',
  'aws:resourceaccount',
  'aws:sourceidentity',
  'aws:tokenissuetime',
  'aws:userid',
  'aws:username',
  'aws:viaawsservice',
])

/** Absent unless a service acts. */
const SOURCE_KEYS: ReadonlySet<string> = new Set(['aws:sourceaccount', 'aws:sourcearn', 'aws:sourceowner'])

/** Whether another request of the same principal may have another value. */
export function isOfRequest(key: string, kind: TopicCaller['principal']['kind']): boolean {
  if (STEADY_KEYS.has(key) || key.startsWith(TAG_PREFIX)) return false
  return !(SOURCE_KEYS.has(key) && kind !== 'service')
}
