/** What is told of a principal beside keys and policies, its account's organization, and its removal. */

import { assertRole, entryWithPolicies } from './change-policies.ts'
import { changeEntry, changePrincipalsFile, findEntry, type WriteOptions } from './change-principals-file.ts'
import { nameOf } from './principals-file.ts'

/**
 * Removes a principal with its keys and policies. Messages it has published are delivered all the same.
 *
 * @param name an ARN, or a service's name
 * @throws {PrincipalNotFoundError}
 * @throws what `changePrincipalsFile` throws
 */
export async function removePrincipal(file: string, name: string, o: WriteOptions = {}): Promise<void> {
  await changePrincipalsFile(file, o, (document) => {
    const gone = findEntry(document, name)
    return [{ ...document, principals: document.principals.filter((entry) => entry !== gone) }, nameOf(gone)]
  })
}

/**
 * Changes tags and the like of a user or role; what is not named stays.
 *
 * @param o.kmsRoleArn null takes it away
 * @throws {PrincipalArnError} when its kind has none of these
 * @throws {DocumentError} when a value is none that may be there
 * @throws what `changeEntry` throws
 */
export async function changeAttributes(
  file: string,
  arn: string,
  o: {
    tags?: Readonly<Record<string, string>>
    untag?: readonly string[]
    kmsRoleArn?: string | null
    maxSessionSeconds?: number
  } & WriteOptions,
): Promise<void> {
  await changeEntry(file, arn, o, (entry) => {
    const { tags: before = {}, kmsRoleArn: formerRole, ...rest } = entryWithPolicies(entry)
    const tags = Object.fromEntries(
      Object.entries({ ...before, ...o.tags }).filter(([key]) => !(o.untag ?? []).includes(key)),
    )
    const kmsRoleArn = o.kmsRoleArn === undefined ? formerRole : (o.kmsRoleArn ?? undefined)
    if (o.maxSessionSeconds !== undefined) assertRole(entry)
    const after = {
      ...rest,
      ...(o.maxSessionSeconds === undefined ? {} : { maxSessionSeconds: o.maxSessionSeconds }),
      ...(Object.keys(tags).length === 0 ? {} : { tags }),
      ...(kmsRoleArn === undefined ? {} : { kmsRoleArn }),
    }
    return [after, undefined]
  })
}

/**
 * Says which organization an account belongs to, for `aws:PrincipalOrgID`.
 *
 * @param o.organizationId undefined: to none
 * @throws {DocumentError} when account or id are of another form
 * @throws what `changePrincipalsFile` throws
 */
export async function setOrganization(
  file: string,
  account: string,
  o: { organizationId: string | undefined } & WriteOptions,
): Promise<void> {
  await changePrincipalsFile(file, { ...o, isFirst: true }, (document) => {
    const { organizationId } = o
    const { [account]: _, ...others } = document.accounts ?? {}
    const accounts = organizationId === undefined ? others : { ...others, [account]: { organizationId } }
    return [{ ...document, accounts }, undefined]
  })
}
