/**
 * AddPermission and RemovePermission: one statement of a topic's policy, named by its label.
 *
 * Pure, and idempotent as SNS's are: what is there already is added again by leaving it, what is not there is removed already.
 * Rules: both actions in the SNS API reference; the statement's form is recorded from SNS.
 */

import { echo } from './echo.ts'
import { InvalidParameterError } from './errors.ts'
import {
  type OneOrMore,
  outOfScope,
  parseTopicPolicy,
  readTopicPolicy,
  TOPIC_POLICY_ACTIONS,
  type TopicPolicyStatement,
} from './topic-policy-parse.ts'

export interface Permission {
  readonly label: string
  /** 12 digits each. */
  readonly accounts: readonly string[]
  /** Names without their prefix, as the API takes them. */
  readonly actions: readonly string[]
}

/**
 * @param policy of the topic as it is
 * @returns the policy with the permission
 * @throws {InvalidParameterError} an unknown action or account, a label that stands for something else, a policy that grows too large
 */
export function addPermission(policy: string, topicArn: string, permission: Permission): string {
  const known: readonly string[] = TOPIC_POLICY_ACTIONS
  if (!permission.actions.every((name) => known.includes(name))) throw outOfScope()
  if (!permission.accounts.every((account) => /^[0-9]{12}$/.test(account))) {
    throw new InvalidParameterError('Invalid parameter: Policy Error: PrincipalNotFound')
  }
  const document = readTopicPolicy(policy, topicArn)
  const statements = statementsOf(document.Statement)
  const wanted = statementOf(permission, topicArn)
  const existing = statements.find(({ Sid }) => Sid === permission.label)
  if (existing === undefined) {
    return parseTopicPolicy(JSON.stringify({ ...document, Statement: [...statements, wanted] }), topicArn)
  }
  if (contentOf(existing) === contentOf(wanted)) return policy
  throw new InvalidParameterError('Invalid parameter: Statement already exists')
}

/**
 * @returns the policy without the statement of that label
 * @throws {InvalidParameterError} when it is the only one
 */
export function removePermission(policy: string, topicArn: string, label: string): string {
  const document = readTopicPolicy(policy, topicArn)
  const statements = statementsOf(document.Statement)
  const left = statements.filter(({ Sid }) => Sid !== label)
  if (left.length === statements.length) return policy
  if (left.length === 0) {
    throw new InvalidParameterError(
      `Invalid parameter: ${echo(label)} Reason: Policy must include at least one statement`,
    )
  }
  return JSON.stringify({ ...document, Statement: left })
}

function statementOf({ label, accounts, actions }: Permission, topicArn: string): TopicPolicyStatement {
  return {
    Sid: label,
    Effect: 'Allow',
    Principal: { AWS: plainWhenSingle(accounts.map((account) => `arn:aws:iam::${account}:root`)) },
    Action: plainWhenSingle(actions.map((name) => `SNS:${name}`)),
    Resource: topicArn,
  }
}

function plainWhenSingle(values: readonly string[]): OneOrMore {
  const different = [...new Set(values)]
  const [first] = different
  return different.length === 1 && first !== undefined ? first : different
}

/** Equal for statements that say the same: order does not matter, nor does the case of actions. */
function contentOf({ Effect, Principal, Action, Resource, Condition }: TopicPolicyStatement): string {
  const principals = typeof Principal === 'string' ? Principal : Object.entries(Principal).map(sortedEntry).sort()
  const actions = sorted(Action).map((action) => action.toLowerCase())
  return JSON.stringify([Effect, principals, actions, sorted(Resource), Condition ?? null])
}

function sortedEntry([kind, values]: readonly [string, OneOrMore]): [string, string[]] {
  return [kind, sorted(values)]
}

function sorted(values: OneOrMore): string[] {
  return typeof values === 'string' ? [values] : [...values].sort()
}

function statementsOf(
  statement: TopicPolicyStatement | readonly TopicPolicyStatement[],
): readonly TopicPolicyStatement[] {
  return 'Effect' in statement ? [statement] : statement
}
