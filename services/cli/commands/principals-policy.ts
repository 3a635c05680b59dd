/** `sealcast principals policy`: identity policies of users and roles, and trust policies of roles. */

import type { Command } from 'commander'
import { listPolicies, putPolicy, putTrustPolicy, readPolicyOf, removePolicy } from '#shared/principals'
import { readDocument } from '../principals/read-document.ts'
import type { Surroundings } from '../principals/surroundings.ts'
import { requireWho, type Who, withWho } from '../principals/who.ts'

interface Options extends Who {
  file?: string
  get?: true
  json?: true
}

const FILE = 'the document; - or nothing reads standard input'

export function addPolicyCommand(principals: Command, o: Surroundings): void {
  const policy = principals.command('policy').description('Manage what users and roles may do.')
  const find = (command: Command, options: Options) => {
    const { principalsFile: file, accountId } = o.readConfig()
    return { file, who: requireWho(command, options, { accountId }).name }
  }
  /** @param told for scripts; @param text for people */
  const tell = (options: Options, told: object, text: string) =>
    o.writeOutput(options.json ? `${JSON.stringify(told)}\n` : text)

  const put = withWho(policy.command('put'))
    .description('Give a user or role a policy, or replace the one it has under this name.')
    .argument('<name>', 'of the policy')
    .option('--file <file>', FILE)
    .option('--json', 'print JSON')
  put.action(async (name: string, options: Options) => {
    const { file, who } = find(put, options)
    await putPolicy(file, who, { name, text: await readDocument(options.file ?? '-', o) })
    tell(options, { principal: who, policy: name }, `Put policy ${name} of ${who}.\n`)
  })

  const get = withWho(policy.command('get'))
    .description('Print a policy.')
    .argument('<name>', 'of the policy')
    .option('--json', 'print it on one line, with its name')
  get.action(async (name: string, options: Options) => {
    const { file, who } = find(get, options)
    const document = await readPolicyOf(file, who, { name })
    tell(options, { principal: who, policy: name, document }, describeDocument(document))
  })

  const list = withWho(policy.command('list'))
    .description('List the names of the policies of a user or role.')
    .option('--json', 'print JSON')
  list.action(async (options: Options) => {
    const { file, who } = find(list, options)
    const policies = await listPolicies(file, who)
    tell(options, { principal: who, policies }, policies.map((name) => `${name}\n`).join(''))
  })

  const remove = withWho(policy.command('remove'))
    .description('Take a policy away.')
    .argument('<name>', 'of the policy')
    .option('--json', 'print JSON')
  remove.action(async (name: string, options: Options) => {
    const { file, who } = find(remove, options)
    await removePolicy(file, who, { name })
    tell(options, { principal: who, removed: name }, `Removed policy ${name} of ${who}.\n`)
  })

  const trust = withWho(policy.command('trust'))
    .description('Replace who may assume a role, or print it.')
    .option('--file <file>', FILE)
    .option('--get', 'print the trust policy instead')
    .option('--json', 'print JSON')
  trust.action(async (options: Options) => {
    const { file, who } = find(trust, options)
    if (options.get) {
      const document = await readPolicyOf(file, who, {})
      return tell(options, { principal: who, document }, describeDocument(document))
    }
    await putTrustPolicy(file, who, { text: await readDocument(options.file ?? '-', o) })
    tell(options, { principal: who }, `Put the trust policy of ${who}.\n`)
  })
}

function describeDocument(document: object): string {
  return `${JSON.stringify(document, undefined, 2)}\n`
}
