/** `sealcast principals`: who may call. Services see a change within a second, without a restart. */

import { type Command, Option } from 'commander'
import { ADMINISTRATOR_ACCESS, addPrincipal, userArnOf } from '#shared/principals'
import type { CliConfig } from '../config.ts'

interface AddOptions {
  arn?: string
  user?: string
  administrator?: true
  json?: true
}

export function addPrincipalsCommand(
  program: Command,
  o: { readConfig: () => CliConfig; writeOutput: (text: string) => void },
): void {
  const principals = program.command('principals').description('Manage who may call.')
  const add = principals
    .command('add')
    .description('Add a principal and print its access key, this once.')
    .addOption(new Option('--arn <arn>', 'ARN of a user, or of an account’s root').conflicts('user'))
    .addOption(new Option('--user <name>', 'name of a user in this deployment’s account, a path before it or not'))
    .option('--administrator', 'allow it everything, by the policy AdministratorAccess')
    .option('--json', 'print JSON')
  add.action(async (options: AddOptions) => {
    const { principalsFile, accountId } = o.readConfig()
    const arn =
      options.arn ?? (options.user === undefined ? undefined : userArnOf({ account: accountId, name: options.user }))
    if (arn === undefined) return add.error("error: option '--arn <arn>' or '--user <name>' is required")
    const added = await addPrincipal(principalsFile, {
      arn,
      policies: options.administrator ? ADMINISTRATOR_ACCESS : {},
    })
    o.writeOutput(options.json ? `${JSON.stringify(added)}\n` : describe(added))
  })
}

function describe(added: { arn: string; accessKeyId: string; secretAccessKey: string }): string {
  return (
    `Added ${added.arn}. The secret is shown this once.\n` +
    `AWS_ACCESS_KEY_ID=${added.accessKeyId}\n` +
    `AWS_SECRET_ACCESS_KEY=${added.secretAccessKey}\n`
  )
}
