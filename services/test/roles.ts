/** Roles in a stack's principals file, for tests: written as an operator would by hand, in force within a second. */

import { readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Stack } from './start-stack.ts'

/** `Allow` statements as they come, without the version. */
type Statements = readonly object[]

interface NewRole {
  readonly name: string
  /** Who may assume it; the `Principal` of a statement. */
  readonly trusts: object | string
  /** On what condition. */
  readonly when?: object
  /** Absent: the role may do everything. */
  readonly may?: Statements
  readonly id?: string
}

interface PrincipalsFile {
  version: number
  principals: { arn?: string }[]
}

/** Puts a role into the file, in place of one of the same name. @returns its ARN */
export function putRole(stack: Stack, { name, trusts, when, may, id = `AROA${'A'.repeat(17)}` }: NewRole): string {
  const arn = `arn:aws:iam::000000000000:role/${name}`
  const role = {
    arn,
    roleId: id,
    trustPolicy: document([
      {
        Effect: 'Allow',
        Principal: trusts,
        Action: ['sts:AssumeRole', 'sts:TagSession', 'sts:SetSourceIdentity'],
        ...(when && { Condition: when }),
      },
    ]),
    policies: { own: document(may ?? [{ Effect: 'Allow', Action: '*', Resource: '*' }]) },
  }
  change(stack, (others) => [...others.filter((other) => other.arn !== arn), role])
  return arn
}

export function removeRole(stack: Stack, arn: string): void {
  change(stack, (others) => others.filter((other) => other.arn !== arn))
}

export function document(statements: Statements): Record<string, unknown> {
  return { Version: '2012-10-17', Statement: statements }
}

function change(stack: Stack, by: (principals: PrincipalsFile['principals']) => PrincipalsFile['principals']): void {
  const file = join(stack.home, 'principals.json')
  const former: PrincipalsFile = JSON.parse(readFileSync(file, 'utf8'))
  const changed = { ...former, version: 2, principals: by(former.principals) }
  writeFileSync(`${file}.new`, JSON.stringify(changed), { mode: 0o600 })
  renameSync(`${file}.new`, file)
}
