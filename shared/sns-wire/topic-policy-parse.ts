/**
 * A topic's Policy as somebody sent it → the text to store, or a refusal.
 *
 * These are SNS's own rules on top of IAM's grammar, which the policy engine checks: what a topic policy may name at all. What
 * is stored is what reads back: compact, key order kept, bare account ids as the account's root. Whatever IAM elements SNS does
 * not take (NotAction, NotResource, NotPrincipal) are refused as any unknown key is.
 *
 * SNS has one text for nearly all of it, `Policy Error: null`, which therefore tells nothing. Limits: Amazon SNS developer
 * guide, "Amazon SNS policies"; texts recorded from SNS.
 */

import { InvalidParameterError } from './errors.ts'
import { MAX_POLICY_BYTES, MAX_POLICY_PRINCIPALS, MAX_POLICY_STATEMENTS } from './limits.ts'

/** What a topic policy can allow or deny. SNS never used Receive for anything, and still takes it. */
export const TOPIC_POLICY_ACTIONS = [
  'AddPermission',
  'DeleteTopic',
  'GetDataProtectionPolicy',
  'GetTopicAttributes',
  'ListSubscriptionsByTopic',
  'ListTagsForResource',
  'Publish',
  'PutDataProtectionPolicy',
  'Receive',
  'RemovePermission',
  'SetTopicAttributes',
  'Subscribe',
  'TagResource',
  'UntagResource',
] as const

/** A statement that passed; in the order in which its keys were sent. */
export interface TopicPolicyStatement {
  readonly Sid?: string
  readonly Effect: 'Allow' | 'Deny'
  readonly Principal: '*' | Readonly<Record<string, OneOrMore>>
  readonly Action: OneOrMore
  readonly Resource: OneOrMore
  readonly Condition?: Readonly<Record<string, Readonly<Record<string, unknown>>>>
}

export interface TopicPolicyDocument {
  readonly Version?: string
  readonly Id?: string
  readonly Statement: TopicPolicyStatement | readonly TopicPolicyStatement[]
}

export type OneOrMore = string | readonly string[]

/**
 * @returns the document as it reads back: compact JSON
 * @throws {InvalidParameterError} in SNS's words
 */
export function parseTopicPolicy(text: string, topicArn: string): string {
  return JSON.stringify(readTopicPolicy(text, topicArn))
}

/** As {@link parseTopicPolicy}, before it becomes text again. */
export function readTopicPolicy(text: string, topicArn: string): TopicPolicyDocument {
  if (Buffer.byteLength(text) > MAX_POLICY_BYTES) throw malformed()
  const document = objectOf(parseJson(text), ['Version', 'Id', 'Statement'])
  if (document.Version !== undefined && !VERSIONS.has(document.Version)) throw malformed()
  if (document.Id !== undefined && typeof document.Id !== 'string') throw malformed()
  const given: readonly unknown[] = Array.isArray(document.Statement) ? document.Statement : [document.Statement]
  if (given.length === 0 || given.length > MAX_POLICY_STATEMENTS) throw malformed()
  const statements = given.map((statement) => readStatement(statement, topicArn))
  const sids = statements.flatMap(({ Sid }) => (Sid === undefined ? [] : [Sid]))
  if (new Set(sids).size !== sids.length) throw malformed()
  const [only] = statements
  const Statement = Array.isArray(document.Statement) || only === undefined ? statements : only
  return { ...document, Statement }
}

const VERSIONS = new Set<unknown>(['2008-10-17', '2012-10-17'])

function readStatement(value: unknown, topicArn: string): TopicPolicyStatement {
  const statement = objectOf(value, ['Sid', 'Effect', 'Principal', 'Action', 'Resource', 'Condition'])
  const { Sid, Effect } = statement
  if (Sid !== undefined && typeof Sid !== 'string') throw malformed()
  if (Effect !== 'Allow' && Effect !== 'Deny') throw malformed()
  const Principal = readPrincipal(statement.Principal)
  const actions = oneOrMore(statement.Action)
  const resources = oneOrMore(statement.Resource)
  if (resources.length !== 1 || resources[0] !== topicArn) throw malformed()
  if (statement.Condition !== undefined) checkCondition(statement.Condition)
  // Last, as SNS does: its text says that the rest was fine.
  for (const action of actions) {
    const name = /^sns:([a-z]+)$/i.exec(action)?.[1]?.toLowerCase() ?? ''
    if (!ACTION_NAMES.has(name)) throw outOfScope()
  }
  return { ...(statement as object as TopicPolicyStatement), Principal }
}

const ACTION_NAMES = new Set<string>(TOPIC_POLICY_ACTIONS.map((name) => name.toLowerCase()))

function readPrincipal(value: unknown): TopicPolicyStatement['Principal'] {
  if (value === '*') return value
  const kinds = objectOf(value, ['AWS', 'Service', 'Federated', 'CanonicalUser'])
  const named = Object.values(kinds).flatMap(oneOrMore)
  if (named.length === 0 || named.length > MAX_POLICY_PRINCIPALS) throw malformed()
  const { AWS } = kinds
  if (AWS === undefined) return kinds as Record<string, OneOrMore>
  const read = oneOrMore(AWS).map(readAwsPrincipal)
  return { ...(kinds as Record<string, OneOrMore>), AWS: Array.isArray(AWS) ? read : (read[0] ?? '') }
}

/** An account, a user, a role, a session, or the unique id that stands for one that was deleted. */
const AWS_PRINCIPAL =
  /^(\*|arn:aws:iam::[0-9]{12}:(root|(user|role)\/[!-~]+)|arn:aws:sts::[0-9]{12}:(assumed-role\/[!-~]+\/[!-~]+|federated-user\/[!-~]+)|[A-Z0-9]{16,128})$/

function readAwsPrincipal(value: string): string {
  if (/^[0-9]{12}$/.test(value)) return `arn:aws:iam::${value}:root`
  if (!AWS_PRINCIPAL.test(value)) throw new InvalidParameterError('Invalid parameter: Policy Error: PrincipalNotFound')
  return value
}

/** Its shape alone, so that nothing nests deeper than it should; what it asks is the engine's. */
function checkCondition(value: unknown): void {
  for (const keys of Object.values(objectOf(value))) {
    for (const values of Object.values(objectOf(keys))) {
      const all: readonly unknown[] = Array.isArray(values) ? values : [values]
      if (all.some((one) => typeof one === 'object')) throw malformed()
    }
  }
}

function oneOrMore(value: unknown): readonly string[] {
  const all: readonly unknown[] = Array.isArray(value) ? value : [value]
  if (all.length === 0 || !all.every((one) => typeof one === 'string')) throw malformed()
  return all
}

function objectOf(value: unknown, known?: readonly string[]): Readonly<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw malformed()
  if (known !== undefined && !Object.keys(value).every((key) => known.includes(key))) throw malformed()
  return value as Readonly<Record<string, unknown>>
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    throw malformed()
  }
}

function malformed(): InvalidParameterError {
  return new InvalidParameterError('Invalid parameter: Policy Error: null')
}

/** Also of AddPermission. */
export function outOfScope(): InvalidParameterError {
  return new InvalidParameterError('Invalid parameter: Policy statement action out of service scope!')
}
