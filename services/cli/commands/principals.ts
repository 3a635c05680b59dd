/** `sealcast principals`: who may call, and what they may do. Services see a change within a second, without a restart. */

import { type Command, Option } from 'commander'
import {
  addAccessKey,
  addPrincipal,
  addRole,
  addService,
  changeAccessKey,
  changeAttributes,
  listPrincipals,
  removePrincipal,
  setOrganization,
} from '#shared/principals'
import { describeList, describeNewKey } from '../principals/describe-principals.ts'
import {
  type Attributes,
  readAttributes,
  readPolicies,
  readSessionSeconds,
  withAttributes,
} from '../principals/read-attributes.ts'
import { readTrustPolicy } from '../principals/read-document.ts'
import type { Surroundings } from '../principals/surroundings.ts'
import { requireWho, type Who, withWho } from '../principals/who.ts'
import { addPolicyCommand } from './principals-policy.ts'

export function addPrincipalsCommand(program: Command, o: Surroundings): void {
  const principals = program.command('principals').description('Manage who may call, and what they may do.')
  addAdd(principals, o)
  addList(principals, o)
  addRotate(principals, o)
  addSet(principals, o)
  addRemove(principals, o)
  addOrganization(principals, o)
  addPolicyCommand(principals, o)
}

interface AddOptions extends Who, Attributes {
  administrator?: true
  policy?: string[]
  trustPolicy?: string
  json?: true
}

function addAdd(principals: Command, o: Surroundings): void {
  const add = withAttributes(withWho(principals.command('add')))
    .description('Add a principal. Its access key is printed, this once; a role has none.')
    .option('--administrator', 'allow it everything, by the policy AdministratorAccess')
    .option('--policy <name=file>', 'give it a policy; may be repeated', collect)
    .option('--trust-policy <file>', 'of a role: who may assume it; - reads standard input')
    .option('--json', 'print JSON')
  add.action(async (options: AddOptions) => {
    const { principalsFile: file, accountId } = o.readConfig()
    const { kind, name } = requireWho(add, options, { accountId })
    const attributes = readAttributes(add, options)
    const policies = await readPolicies(add, options, o)
    const given = { ...attributes, ...(Object.keys(policies).length > 0 ? { policies } : {}) }
    if (kind === 'service') {
      if (Object.keys(given).length > 0) add.error('error: a service has no policies, tags and roles')
      const added = await addService(file, { service: name })
      return o.writeOutput(options.json ? toLine(added) : describeNewKey(name, added))
    }
    if (kind !== 'role') {
      if (options.trustPolicy !== undefined) add.error("error: option '--trust-policy <file>' is for roles")
      if (options.maxSessionSeconds !== undefined) add.error("error: option '--max-session-seconds <n>' is for roles")
      const added = await addPrincipal(file, { arn: name, ...given })
      return o.writeOutput(options.json ? toLine(added) : describeNewKey(name, added))
    }
    if (options.trustPolicy === undefined) {
      return add.error("error: option '--trust-policy <file>' is required for a role")
    }
    const trustPolicy = await readTrustPolicy(options.trustPolicy, o)
    const added = await addRole(file, { arn: name, trustPolicy, ...readSessionSeconds(add, options), ...given })
    o.writeOutput(options.json ? toLine(added) : `Added ${name}.\n`)
  })
}

function addList(principals: Command, o: Surroundings): void {
  principals
    .command('list')
    .description('List principals with the ids of their access keys and the names of their policies; no secrets.')
    .option('--json', 'print JSON')
    .action(async ({ json }: { json?: true }) => {
      const listed = await listPrincipals(o.readConfig().principalsFile)
      o.writeOutput(json ? toLine({ principals: listed }) : describeList(listed))
    })
}

interface RotateOptions extends Who {
  remove?: string
  deactivate?: string
  activate?: string
  json?: true
}

function addRotate(principals: Command, o: Surroundings): void {
  const others = (name: string) => ['remove', 'deactivate', 'activate'].filter((other) => other !== name)
  const rotate = withWho(principals.command('rotate'))
    .description('Give a second access key, printed this once. The first one stays until it is removed.')
    .addOption(new Option('--deactivate <id>', 'refuse an access key from now on').conflicts(others('deactivate')))
    .addOption(new Option('--activate <id>', 'accept it again').conflicts(others('activate')))
    .addOption(new Option('--remove <id>', 'remove an access key').conflicts(others('remove')))
    .option('--json', 'print JSON')
  rotate.action(async (options: RotateOptions) => {
    const { principalsFile: file, accountId } = o.readConfig()
    const { name } = requireWho(rotate, options, { accountId })
    for (const [id, to, done] of [
      [options.deactivate, 'Inactive', 'Deactivated'],
      [options.activate, 'Active', 'Activated'],
      [options.remove, 'Removed', 'Removed'],
    ] as const) {
      if (id === undefined) continue
      await changeAccessKey(file, name, { id, to })
      const changed = { principal: name, accessKeyId: id, status: to }
      return o.writeOutput(options.json ? toLine(changed) : `${done} access key ${id} of ${name}.\n`)
    }
    const added = await addAccessKey(file, name)
    o.writeOutput(options.json ? toLine({ principal: name, ...added }) : describeNewKey(name, added))
  })
}

interface SetOptions extends Who, Attributes {
  untag?: string[]
  json?: true
}

function addSet(principals: Command, o: Surroundings): void {
  const set = withAttributes(withWho(principals.command('set')))
    .description('Change tags, the role for KMS, or how long sessions of a role may last.')
    .option('--untag <key>', 'take a tag away; may be repeated', collect)
    .option('--no-kms-role-arn', 'take the role for KMS away')
    .option('--json', 'print JSON')
  set.action(async (options: Omit<SetOptions, 'kmsRoleArn'> & { kmsRoleArn?: string | false }) => {
    const { principalsFile: file, accountId } = o.readConfig()
    const { kmsRoleArn, ...rest } = options
    const { name } = requireWho(set, rest, { accountId })
    await changeAttributes(file, name, {
      ...readAttributes(set, typeof kmsRoleArn === 'string' ? { ...rest, kmsRoleArn } : rest),
      ...(kmsRoleArn === false ? { kmsRoleArn: null } : {}),
      ...(options.untag === undefined ? {} : { untag: options.untag }),
      ...readSessionSeconds(set, rest),
    })
    o.writeOutput(options.json ? toLine({ principal: name }) : `Changed ${name}.\n`)
  })
}

function addRemove(principals: Command, o: Surroundings): void {
  const remove = withWho(principals.command('remove'))
    .description('Remove a principal with its access keys and policies.')
    .option('--json', 'print JSON')
  remove.action(async (options: Who & { json?: true }) => {
    const { principalsFile: file, accountId } = o.readConfig()
    const { name } = requireWho(remove, options, { accountId })
    await removePrincipal(file, name)
    o.writeOutput(options.json ? toLine({ removed: name }) : `Removed ${name}.\n`)
  })
}

function addOrganization(principals: Command, o: Surroundings): void {
  const organization = principals
    .command('organization')
    .description('Say which organization an account belongs to, for aws:PrincipalOrgID; without an id, none.')
    .argument('<account>', '12 digits')
    .argument('[id]', 'o-…')
    .option('--json', 'print JSON')
  organization.action(async (account: string, organizationId: string | undefined, { json }: { json?: true }) => {
    if (!/^\d{12}$/.test(account)) organization.error('error: an account is 12 digits')
    if (organizationId !== undefined && !/^o-[a-z0-9]{10,32}$/.test(organizationId)) {
      organization.error('error: an organization id is o- and 10 to 32 small letters and digits')
    }
    await setOrganization(o.readConfig().principalsFile, account, { organizationId })
    const told = `Account ${account} belongs to ${organizationId ?? 'no organization'}.\n`
    o.writeOutput(json ? toLine({ account, organizationId: organizationId ?? null }) : told)
  })
}

function collect(value: string, before: string[] | undefined): string[] {
  return [...(before ?? []), value]
}

function toLine(value: object): string {
  return `${JSON.stringify(value)}\n`
}
