/** The options that name a principal, the same in every command. */

import { type Command, Option } from 'commander'
import { parsePrincipalArn, roleArnOf, userArnOf } from '#shared/principals'

export interface Who {
  arn?: string
  user?: string
  role?: string
  service?: string
}

const OPTIONS = {
  arn: ['--arn <arn>', 'ARN of a user, a role, or an account’s root'],
  user: ['--user <name>', 'name of a user in this deployment’s account, a path before it or not'],
  role: ['--role <name>', 'name of a role in this deployment’s account, a path before it or not'],
  service: ['--service <name>', 'name of a service, like s3.amazonaws.com'],
} as const

export function withWho(command: Command): Command {
  for (const [name, [flags, text]] of Object.entries(OPTIONS)) {
    const others = Object.keys(OPTIONS).filter((other) => other !== name)
    command.addOption(new Option(flags, text).conflicts(others))
  }
  return command
}

/**
 * @returns its kind, and what it is called by in the principals file: an ARN, or a service's name
 * @throws {PrincipalArnError} when an ARN is none of a principal
 * @throws {CommanderError} when none was named
 */
export function requireWho(
  command: Command,
  { arn, user, role, service }: Who,
  { accountId: account }: { accountId: string },
): { kind: 'user' | 'root' | 'role' | 'service'; name: string } {
  if (service !== undefined) return { kind: 'service', name: service }
  if (user !== undefined) return { kind: 'user', name: userArnOf({ account, name: user }) }
  if (role !== undefined) return { kind: 'role', name: roleArnOf({ account, name: role }) }
  if (arn !== undefined) return { kind: parsePrincipalArn(arn).kind, name: arn }
  return command.error("error: one of the options '--user', '--role', '--service' and '--arn' is required")
}
