/** Options that say more of a principal than its name: tags, policies, role for KMS, length of sessions. */

import type { Command } from 'commander'
import { ADMINISTRATOR_ACCESS, assertPolicyName, type PolicyDocuments, readPolicy } from '#shared/principals'
import { readDocument } from './read-document.ts'
import type { Surroundings } from './surroundings.ts'

export interface Attributes {
  tag?: string[]
  kmsRoleArn?: string
  maxSessionSeconds?: string
}

export function withAttributes(command: Command): Command {
  return command
    .option('--tag <key=value>', 'give it a tag; may be repeated', (value: string, before: string[] | undefined) => [
      ...(before ?? []),
      value,
    ])
    .option('--kms-role-arn <arn>', 'role that is assumed for it when AWS KMS is asked for its data keys')
    .option('--max-session-seconds <n>', 'of a role: how long its sessions may last, 3600 to 43200')
}

/** @throws {CommanderError} when a value is of another form */
export function readAttributes(
  command: Command,
  { tag = [], kmsRoleArn }: Attributes,
): { tags?: Record<string, string>; kmsRoleArn?: string } {
  const tags = new Map<string, string>()
  for (const pair of tag) {
    const { key, value } = splitPair(pair) ?? command.error("error: option '--tag' takes <key=value>")
    if (!/^(?!aws:)[\p{L}\p{Z}\p{N}_.:/=+\-@]{1,128}$/iu.test(key) || value.length > 256 || tags.has(key)) {
      command.error(
        'error: a tag has a key of 1 to 128 letters, digits and _.:/=+-@, once and not beginning with aws:, and a value of at most 256',
      )
    }
    tags.set(key, value)
  }
  if (kmsRoleArn !== undefined && !/^arn:aws[a-z-]*:iam::\d{12}:role\/[\w+=,.@/-]{1,576}$/.test(kmsRoleArn)) {
    command.error("error: option '--kms-role-arn' takes the ARN of a role")
  }
  return {
    ...(tags.size === 0 ? {} : { tags: Object.fromEntries(tags) }),
    ...(kmsRoleArn === undefined ? {} : { kmsRoleArn }),
  }
}

/** @throws {CommanderError} when it is out of range */
export function readSessionSeconds(
  command: Command,
  { maxSessionSeconds: text }: Attributes,
): { maxSessionSeconds?: number } {
  if (text === undefined) return {}
  const maxSessionSeconds = /^\d{1,6}$/.test(text) ? Number(text) : 0
  if (maxSessionSeconds >= 3_600 && maxSessionSeconds <= 43_200) return { maxSessionSeconds }
  return command.error("error: option '--max-session-seconds' takes 3600 to 43200")
}

/**
 * @throws {CommanderError} when an option is of another form or a name there twice
 * @throws {PolicyNameError}
 * @throws {MalformedPolicyError}
 * @throws {DocumentUnreadableError}
 */
export async function readPolicies(
  command: Command,
  { administrator, policy = [] }: { administrator?: true; policy?: string[] },
  o: Pick<Surroundings, 'readStandardInput'>,
): Promise<PolicyDocuments> {
  const policies: PolicyDocuments = administrator ? { ...ADMINISTRATOR_ACCESS } : {}
  for (const pair of policy) {
    const { key: name, value: file } = splitPair(pair) ?? command.error("error: option '--policy' takes <name=file>")
    assertPolicyName(name)
    if (Object.hasOwn(policies, name)) command.error('error: a policy is named twice')
    policies[name] = readPolicy(await readDocument(file, o), 'identity')
  }
  return policies
}

function splitPair(pair: string): { key: string; value: string } | undefined {
  const at = pair.indexOf('=')
  return at > 0 ? { key: pair.slice(0, at), value: pair.slice(at + 1) } : undefined
}
