/**
 * The parameters of one request, and the lists, maps and structures that SNS spells into their names.
 *
 * SDKs write `Tags.member.1.Key`, `Attributes.entry.1.key`, `MessageAttributes.entry.1.Name`; flattened names
 * (`Tags.1.Key`) mean the same. Indexes run from 1 without gaps. Anything else under such a prefix (index 0, leading
 * zeros, a gap, two spellings of one member, a field too many) is refused: leaving it out would drop, in silence, an
 * attribute or a tag that the caller believes to be set.
 *
 * Names live in a Map, so `__proto__` is a name like any other.
 */

import { InvalidParameterError } from './errors.ts'

export interface Parameters {
  /** `Action`; undefined when absent or empty. */
  readonly action: string | undefined
  /** `Version`; undefined when absent or empty. */
  readonly version: string | undefined
  /** The value as sent: '' means "present and empty", which is not the same as absent. */
  get(name: string): string | undefined
  names(): readonly string[]
  /** Values of `X.member.N` or `X.N` by index; empty when there are none or for the SDKs' empty list, `X=`. */
  list(prefix: string): readonly string[]
  /** Pairs of `X.entry.N.key` and `.value` (or `Name` and `Value`) by index; a key given twice is refused. */
  map(prefix: string): readonly (readonly [string, string])[]
  /** `X.member.N.*` or `X.entry.N.*` by index, each as the parameters below it. */
  structures(prefix: string): readonly Parameters[]
}

/** Wraps decoded names and values, which must not change afterwards. */
export function createParameters(values: ReadonlyMap<string, string>): Parameters {
  return {
    action: values.get('Action') || undefined,
    version: values.get('Version') || undefined,
    get: (name) => values.get(name),
    names: () => [...values.keys()],
    list: (prefix) => membersOf(values, prefix).map((member) => readListMember(member, prefix)),
    map: (prefix) =>
      refuseDuplicateKeys(
        membersOf(values, prefix).map((member) => readEntry(member, prefix)),
        prefix,
      ),
    structures: (prefix) => membersOf(values, prefix).map((member) => readStructure(member, prefix)),
  }
}

/** The fields of one member by the name below its index; a bare `X.member.N` is the field ''. */
type Member = ReadonlyMap<string, string>

/** At most five digits: more than MAX_PARAMETERS members cannot be contiguous anyway. */
const MEMBER_NAME = /^(?:member\.|entry\.)?([1-9][0-9]{0,4})(?:\.(.+))?$/s

function membersOf(values: ReadonlyMap<string, string>, prefix: string): Member[] {
  const dotted = `${prefix}.`
  const byIndex = new Map<number, Map<string, string>>()
  for (const [name, value] of values) {
    if (!name.startsWith(dotted)) continue
    const match = MEMBER_NAME.exec(name.slice(dotted.length))
    if (match === null) throw refusal(prefix, 'members are numbered from 1')
    const [, index, field = ''] = match
    const fields = byIndex.get(Number(index)) ?? new Map<string, string>()
    if (fields.has(field)) throw refusal(prefix, 'a member was given more than once')
    byIndex.set(Number(index), fields.set(field, value))
  }
  refuseOwnValue(values.get(prefix), byIndex.size, prefix)
  const members: Member[] = []
  for (let index = 1; index <= byIndex.size; index++) {
    const fields = byIndex.get(index)
    if (fields === undefined) throw refusal(prefix, 'members are numbered from 1 without gaps')
    members.push(fields)
  }
  return members
}

/** SDKs send `X=` for an empty list. With members, or with a value, nobody could say what is meant. */
function refuseOwnValue(own: string | undefined, members: number, prefix: string): void {
  if (own === undefined || (own === '' && members === 0)) return
  throw refusal(prefix, 'its members must be numbered')
}

function readListMember(member: Member, prefix: string): string {
  const value = member.get('')
  if (value === undefined || member.size !== 1) throw refusal(prefix, 'its members are plain values')
  return value
}

function readEntry(member: Member, prefix: string): readonly [string, string] {
  const key = member.get('key') ?? member.get('Name')
  const value = member.get('value') ?? member.get('Value')
  if (key === undefined || value === undefined || member.size !== 2) {
    throw refusal(prefix, 'each entry has one key and one value')
  }
  return [key, value]
}

function refuseDuplicateKeys(entries: (readonly [string, string])[], prefix: string): typeof entries {
  if (new Set(entries.map(([key]) => key)).size !== entries.length) throw refusal(prefix, 'keys must differ')
  return entries
}

function readStructure(member: Member, prefix: string): Parameters {
  if (member.has('')) throw refusal(prefix, 'its members have fields')
  return createParameters(member)
}

function refusal(prefix: string, reason: string): InvalidParameterError {
  return new InvalidParameterError(`Invalid parameter: ${prefix} Reason: ${reason}`)
}
