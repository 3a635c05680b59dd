/** Principals as text: lists for people, keys as lines for a shell. */

import type { ListedPrincipal } from '#shared/principals'

/** A comment and exports, so that it can be pasted as it is, or given to eval. */
export function describeNewKey(
  name: string,
  key: { accessKeyId: string; secretAccessKey: string; replaces?: string },
): string {
  const { replaces } = key
  return [
    `# Access key of ${name}. The secret is shown this once.`,
    ...(replaces === undefined
      ? []
      : [`# ${replaces} is accepted too, until it is removed: rotate … --remove ${replaces}`]),
    `export AWS_ACCESS_KEY_ID=${key.accessKeyId}`,
    `export AWS_SECRET_ACCESS_KEY=${key.secretAccessKey}`,
    'unset AWS_SESSION_TOKEN',
    '',
  ].join('\n')
}

export function describeList(principals: readonly ListedPrincipal[]): string {
  if (principals.length === 0) return 'No principals.\n'
  return principals.map(describe).join('')
}

function describe(principal: ListedPrincipal): string {
  const { tags, maxSessionSeconds, kmsRoleArn, organizationId } = principal
  const lines = [
    ...principal.accessKeys.map(({ id, status, createdAt }) => `access key ${id}  ${status}  ${createdAt}`),
    ...principal.policies.map((policy) => `policy ${policy}`),
    ...Object.entries(tags ?? {}).map(([key, value]) => `tag ${key}=${value}`),
    ...(organizationId === undefined ? [] : [`organization ${organizationId}`]),
    ...(maxSessionSeconds === undefined ? [] : [`sessions of at most ${maxSessionSeconds} s`]),
    ...(kmsRoleArn === undefined ? [] : [`role for KMS ${kmsRoleArn}`]),
  ]
  return `${principal.arn ?? principal.service}\n${lines.map((line) => `  ${line}\n`).join('')}`
}
