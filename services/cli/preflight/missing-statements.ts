/**
 * From a refusal to the statement that is missing, the document with it, and the command that puts it in place. Pure.
 *
 * Commands are for a POSIX shell with the data directory's `env` sourced. They hold their document themselves, so that
 * what is printed is what is put in place; in ASCII, so that no terminal acts on what somebody wrote into a policy.
 */

import { createHash } from 'node:crypto'
import { type AccessRequest, type Decision, findMissingStatements } from '#shared/policy'
import type { Missing, PastedStatement } from './report.ts'

/** The resource whose policy decides. */
export interface Resource {
  readonly kind: 'topic' | 'key'
  readonly arn: string
  /** Its policy's text. */
  readonly policy: string
}

/** SNS wants both from a publisher, for a key in this form. */
const KEY_ACTIONS = ['kms:GenerateDataKey*', 'kms:Decrypt']

/**
 * @returns nothing when a Deny decided, which nothing that is added could change
 */
export function missingOf(request: AccessRequest, decision: Decision, resource: Resource): Missing[] {
  const kind = resource.kind === 'key' ? 'key' : 'resource'
  return findMissingStatements(request, decision, kind).map(({ belongsIn, statement: found }): Missing => {
    const statement: PastedStatement = resource.kind === 'key' ? { ...found, Action: KEY_ACTIONS } : found
    if (belongsIn === 'identity') return identity(request.subject.roleArn ?? request.subject.arn, statement)
    if (belongsIn === 'session') return { policy: 'session policy', of: request.subject.arn, statement }
    return resource.kind === 'topic' ? ofTopic(resource, statement) : ofKey(resource, statement)
  })
}

function identity(arn: string, statement: PastedStatement): Missing {
  const document = { Version: '2012-10-17', Statement: [statement] }
  const name = `Preflight-${digestOf(statement)}`
  const command = `npm run --silent sealcast -- principals policy put ${name} --arn ${quote(arn)} ${heredoc(document)}`
  return { policy: 'identity policy', of: arn, statement, document, command }
}

function ofTopic({ arn, policy }: Resource, statement: PastedStatement): Missing {
  const document = withStatement(policy, statement)
  const command =
    `aws sns set-topic-attributes --region ${regionOf(arn)} --topic-arn ${arn} --attribute-name Policy ` +
    `--attribute-value file:///dev/stdin ${heredoc(document)}`
  return { policy: 'topic policy', of: arn, statement, document, command }
}

function ofKey({ arn, policy }: Resource, statement: PastedStatement): Missing {
  const document = withStatement(policy, statement)
  const command =
    `aws kms put-key-policy --region ${regionOf(arn)} --key-id ${arn} --policy-name default ` +
    `--policy file:///dev/stdin ${heredoc(document)}`
  return { policy: 'key policy', of: arn, statement, document, command }
}

/** With a Sid of its own, since topics refuse two statements of one. */
function withStatement(policy: string, statement: PastedStatement): object {
  const document: { Statement?: unknown } = JSON.parse(policy)
  const present = document.Statement === undefined ? [] : [document.Statement].flat()
  return { ...document, Statement: [...present, { Sid: `Preflight${digestOf(statement)}`, ...statement }] }
}

function digestOf(statement: PastedStatement): string {
  return createHash('sha256').update(JSON.stringify(statement)).digest('hex').slice(0, 8)
}

function heredoc(document: object): string {
  return `<<'POLICY'\n${toAscii(document)}\nPOLICY`
}

/** JSON whose every character a terminal shows as it is. */
export function toAscii(value: unknown): string {
  return JSON.stringify(value, undefined, 2).replace(
    /[^\x20-\x7e\n]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
}

function quote(text: string): string {
  return /^[\w:/@.,+=-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`
}

function regionOf(arn: string): string {
  return arn.split(':')[3] ?? ''
}
