/**
 * Reads a policy document once, checks all of it, and prepares each statement to be asked.
 *
 * What IAM's grammar does not know is refused, not ignored: an element that was misspelt would otherwise make a statement
 * mean something else than its author thinks.
 *
 * Grammar: IAM User Guide, "Grammar of the IAM JSON policy language".
 */

import { compileStatement } from './compile-statement.ts'
import type { CompiledPolicy, PolicyKind } from './compiled-policy.ts'
import { MalformedPolicyError } from './errors.ts'
import { readList, readObject, readString, refuseUnknown } from './read-element.ts'
import { readJson } from './read-json.ts'

const ELEMENTS: ReadonlySet<string> = new Set(['Version', 'Id', 'Statement'])
/** SNS and IAM take 30 KB and less, KMS 32 KB. */
const MAX_BYTES: Readonly<Record<PolicyKind, number>> = {
  identity: 30_720,
  resource: 30_720,
  trust: 30_720,
  key: 32_768,
}

/** @throws {MalformedPolicyError} with the reason and the place of the first thing that is wrong */
export function compilePolicy(text: string, { kind }: { kind: PolicyKind }): CompiledPolicy {
  if (text.length > MAX_BYTES[kind] || new TextEncoder().encode(text).byteLength > MAX_BYTES[kind])
    throw new MalformedPolicyError('too-long', '')
  const document = readObject(readJson(text), '')
  refuseUnknown(document, ELEMENTS, '')
  const version = document.has('Version') ? readString(document.get('Version'), 'Version') : '2008-10-17'
  if (version !== '2008-10-17' && version !== '2012-10-17') throw new MalformedPolicyError('bad-version', 'Version')
  const id = document.has('Id') ? readString(document.get('Id'), 'Id') : undefined

  const listed = document.get('Statement')
  if (listed === undefined) throw new MalformedPolicyError('missing-element', 'Statement')
  const sids = new Set<string>()
  const compiled = readList(listed, 'Statement').map((value, index) => {
    const place = Array.isArray(listed) ? `Statement[${index}]` : 'Statement'
    const statement = compileStatement(value, { index, kind, variables: version === '2012-10-17', place })
    const { sid } = statement.statement
    if (sid !== undefined && sids.has(sid)) throw new MalformedPolicyError('duplicate-sid', `${place}.Sid`)
    if (sid !== undefined) sids.add(sid)
    return statement
  })
  return {
    kind,
    text,
    version,
    ...(id === undefined ? {} : { id }),
    statements: compiled.map(({ statement }) => statement),
    conditionKeys: new Set(compiled.flatMap(({ keys }) => keys)),
  }
}
