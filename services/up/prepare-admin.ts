/**
 * The principal whose credentials stand in `env`: `user/admin` of the default account. Made when it is
 * missing; otherwise the file, which the gateway reads too, is what says its access key.
 */

import { existsSync, readFileSync } from 'node:fs'
import { parseDocument, schema } from '#shared/config'
import { ADMINISTRATOR_ACCESS, addPrincipal, type NewPrincipal, userArnOf } from '#shared/principals'

// Loose on purpose: the file is #shared/principals' to judge.
const fileSchema = schema.object({
  principals: schema.array(
    schema.object({
      arn: schema.string().optional(),
      accessKeys: schema
        .array(schema.object({ id: schema.string(), secret: schema.string(), status: schema.string().optional() }))
        .optional(),
    }),
  ),
})

export async function prepareAdmin(
  file: string,
  { account }: { account: string },
): Promise<NewPrincipal & { isNew: boolean }> {
  const arn = userArnOf({ account, name: 'admin' })
  const found = find(file, arn)
  if (found !== undefined) return { ...found, isNew: false }
  return { ...(await addPrincipal(file, { arn, policies: ADMINISTRATOR_ACCESS })), isNew: true }
}

function find(file: string, arn: string): NewPrincipal | undefined {
  if (!existsSync(file)) return undefined
  const { principals } = parseDocument('principals file', fileSchema, readFileSync(file, 'utf8'))
  const accessKeys = principals.find((principal) => principal.arn === arn)?.accessKeys ?? []
  // One that was deactivated would make an `env` that is refused.
  const accessKey = accessKeys.find(({ status }) => status !== 'Inactive')
  return accessKey && { arn, accessKeyId: accessKey.id, secretAccessKey: accessKey.secret }
}
