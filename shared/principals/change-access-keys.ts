/**
 * Access keys of a principal, replaced without a gap: a second one is made, given to whoever used the first,
 * and the first one switched off and removed. Both are accepted meanwhile, and there is never a third.
 */

import { changeEntry, type WriteOptions } from './change-principals-file.ts'
import { createAccessKey, type NewAccessKey } from './create-access-key.ts'
import { AccessKeyLimitError, AccessKeyNotFoundError } from './errors.ts'
import { type AccessKeyEntry, accessKeysOf, MAX_ACCESS_KEYS, nameOf, type PrincipalEntry } from './principals-file.ts'

/**
 * @param name an ARN, or a service's name
 * @returns the only copy of the secret outside the file, and the id of the key it is to replace
 * @throws {AccessKeyLimitError} when there are two already, or it is a role
 * @throws what `changeEntry` throws
 */
export async function addAccessKey(
  file: string,
  name: string,
  o: WriteOptions = {},
): Promise<NewAccessKey & { replaces?: string }> {
  return changeEntry(file, name, o, (entry, now) => {
    const keys = accessKeysOf(entry)
    if (!('accessKeys' in entry)) throw new AccessKeyLimitError(`Cannot rotate ${name}: a role has no access keys`)
    if (keys.length >= MAX_ACCESS_KEYS) {
      throw new AccessKeyLimitError(
        `Cannot give ${name} another access key: it has ${keys.length}, ${keys.map(({ id }) => id).join(' and ')}, ` +
          'and may have no more; remove one of them first',
      )
    }
    const accessKey = createAccessKey(now)
    const replaces = keys[0]?.id
    return [
      { ...entry, accessKeys: [...keys, accessKey] },
      {
        accessKeyId: accessKey.id,
        secretAccessKey: accessKey.secret,
        ...(replaces === undefined ? {} : { replaces }),
      },
    ]
  })
}

/**
 * Removes an access key, or switches it off or on again.
 *
 * @throws {AccessKeyNotFoundError} when the principal has none of that id
 * @throws what `changeEntry` throws
 */
export async function changeAccessKey(
  file: string,
  name: string,
  o: { id: string; to: 'Active' | 'Inactive' | 'Removed' } & WriteOptions,
): Promise<void> {
  await changeEntry(file, name, o, (entry) => {
    const { id, to } = o
    if (!accessKeysOf(entry).some((key) => key.id === id)) {
      throw new AccessKeyNotFoundError(`Cannot change an access key of ${nameOf(entry)}: it has none of this id`)
    }
    if (to === 'Removed') return [withKeys(entry, (keys) => keys.filter((key) => key.id !== id)), undefined]
    return [withKeys(entry, (keys) => keys.map((key) => (key.id === id ? { ...key, status: to } : key))), undefined]
  })
}

function withKeys(
  entry: PrincipalEntry,
  change: (keys: readonly AccessKeyEntry[]) => AccessKeyEntry[],
): PrincipalEntry {
  return 'accessKeys' in entry ? { ...entry, accessKeys: change(entry.accessKeys) } : entry
}
