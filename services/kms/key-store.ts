/**
 * The keys and aliases of this KMS: read from memory, changed on disk first.
 *
 * A change is acknowledged, and visible, only when the whole new store is durable: no data key is
 * ever issued under a key that a crash could lose. Changes form one line; each writes the store
 * anew, which is cheap for the thousands of keys an account may have (account-quota.ts) and leaves nothing to replay. Reading
 * touches no disk. File format: keystore-file.ts.
 */

import { randomUUID } from 'node:crypto'
import type { Clock } from '#shared/clock'
import { isMoreMetadata, requireAliasQuota, requireKeyQuota } from './account-quota.ts'
import { addAlias, moveAlias, removeAlias } from './alias-changes.ts'
import { type DueChanges, dueChanges } from './due-changes.ts'
import { KeystoreWriteError, NotFoundError } from './errors.ts'
import { addGrant, type CreatedGrant, type NewGrant } from './grants/add-grant.ts'
import type { Grant } from './grants/grant.ts'
import type { Grants } from './grants/grant-store.ts'
import { issueGrantToken, readGrantToken } from './grants/grant-token.ts'
import { aliasArnOf, keyArnOf, type Place } from './key-identifier.ts'
import { DAY_MS, type MakeMaterial } from './key-lifecycle.ts'
import { createMaterial, type KeyMaterial, type RotationType } from './key-material.ts'
import { type OpenedKeystore, openKeystoreDirectory } from './keystore-directory.ts'
import type { Alias, Keystore, KmsKey, Tag } from './keystore-file.ts'

export type { Alias, KeyMaterial, KmsKey, Tag }

export interface KeyStore extends AsyncDisposable {
  findKey(arn: string): KmsKey | undefined
  /** Key ids are unique over accounts and regions. */
  findKeyById(id: string): KmsKey | undefined
  findAlias(arn: string): Alias | undefined
  /** Of the key with that ARN, with their `alias/`. */
  aliasNamesOf(keyArn: string): readonly string[]
  /** In the order of their ids. */
  listKeys(place: Place): readonly KmsKey[]
  /** In the order of their names. */
  listAliases(place: Place): readonly Alias[]
  /** @throws {LimitExceededError} when the account has as much as it may: so do all that make it more */
  createKey(o: Place & { description: string; tags?: readonly Tag[]; policy?: string | undefined }): Promise<KmsKey>
  /** Makes an AWS managed key and its alias, both or neither, unless the alias is there. */
  ensureManagedKey(o: Place & { alias: string; description: string; rotationDays: number }): Promise<void>
  /**
   * Changes one key when all earlier changes are durable, so that `change` decides by what is so.
   *
   * @param change returns the key as it was when there is nothing to change; what it throws is thrown
   * @returns the key as it is now
   * @throws {NotFoundError} when there is no such key
   */
  changeKey(
    arn: string,
    change: (key: KmsKey, o: { now: number; makeMaterial: MakeMaterial }) => KmsKey,
  ): Promise<KmsKey>
  /** Refuses as `addAlias`, `moveAlias` and `removeAlias` in alias-changes.ts do. */
  createAlias(o: Place & { name: string; targetKeyId: string }): Promise<void>
  updateAlias(arn: string, targetKeyId: string): Promise<void>
  deleteAlias(arn: string): Promise<void>
  readonly grants: Grants
  /**
   * Makes a grant on a key, unless it is a named one's retry.
   *
   * @param mayCreate refuses by what the key is when all earlier changes are durable
   * @throws {NotFoundError | LimitExceededError}
   */
  createGrant(terms: NewGrant, mayCreate: (key: KmsKey) => void): Promise<CreatedGrant>
  /** @returns whether it was there */
  deleteGrant(grant: Pick<Grant, 'keyArn' | 'id'>): Promise<boolean>
  /** @returns undefined for a token of no grant there is */
  findGrantByToken(token: string): Grant | undefined
  /**
   * Does what is due by the clock.
   *
   * @returns ARNs of the keys whose waiting period had ended, and of those that were rotated
   */
  settleDue(): Promise<Pick<DueChanges, 'deleted' | 'rotated'>>
}

/**
 * @param dir holds the keystore and the root key; made when missing
 * @param onEvent what an operator should know about opening it
 * @throws {KeystoreLockedError | RootKeyMissingError | RootKeyWrongError | KeystoreDamagedError} and the like
 */
export async function openKeyStore(o: {
  dir: string
  clock: Clock
  onEvent: Parameters<typeof openKeystoreDirectory>[0]['onEvent']
}): Promise<KeyStore> {
  const directory = await openKeystoreDirectory(o)
  return createKeyStore(directory, o.clock)
}

function createKeyStore(directory: OpenedKeystore, clock: Clock): KeyStore {
  const { storeKeys, grantStore, write } = directory
  const { grants } = grantStore
  let current = directory.keystore
  let index = indexOf(current)
  // Counts attempts, so that a write of unknown outcome never shares its number with the next.
  let generation = current.generation
  let line: Promise<unknown> = Promise.resolve()
  let { backupHoldsDeleted } = directory
  /** Done, and nobody was told yet. */
  let settled = NOTHING_SETTLED

  const commit = async (difference: Partial<Keystore>): Promise<void> => {
    generation += 1
    const next = { ...current, ...difference, generation }
    await durably(write(next))
    current = next
    index = indexOf(next)
  }

  const materialOf = (keyArn: string) => (rotationType?: RotationType) =>
    createMaterial({ storeId: current.storeId, keyArn, createdAt: clock.now(), rotationType, storeKeys })

  const newKey = ({
    account,
    region,
    description,
    tags = [],
    policy,
  }: Parameters<KeyStore['createKey']>[0]): KmsKey => {
    const id = randomUUID()
    const arn = keyArnOf({ account, region }, id)
    const createdAt = clock.now()
    const materials = [materialOf(arn)()]
    const manager = 'CUSTOMER'
    return { id, account, region, arn, description, tags, createdAt, manager, state: 'Enabled', policy, materials }
  }

  const withKey = (key: KmsKey): readonly KmsKey[] => {
    const keys = [...current.keys, key]
    requireKeyQuota(keys, key.account)
    return keys
  }

  /** Runs `change` when all earlier changes are durable. */
  const inLine = <T>(change: () => Promise<T>): Promise<T> => {
    const changed = line.then(change)
    line = changed.catch(() => undefined)
    return changed
  }

  const changeAliases = (change: (store: Keystore, now: number) => readonly Alias[]): Promise<void> =>
    inLine(() => commit({ aliases: change(current, clock.now()) }))

  return {
    findKey: (arn) => index.keys.get(arn),
    findKeyById: (id) => index.keysById.get(id),
    findAlias: (arn) => index.aliases.get(arn),
    aliasNamesOf: (keyArn) => index.aliasNames.get(keyArn) ?? [],
    listKeys: (place) => current.keys.filter((key) => isIn(place, key)).sort((a, b) => compare(a.id, b.id)),
    listAliases: (place) => current.aliases.filter((a) => isIn(place, a)).sort((a, b) => compare(a.name, b.name)),
    async createKey(o) {
      const key = newKey(o)
      await inLine(() => commit({ keys: withKey(key) }))
      return key
    },
    ensureManagedKey: ({ account, region, alias: name, description, rotationDays: periodDays }) =>
      inLine(async () => {
        const arn = aliasArnOf({ account, region }, name)
        if (index.aliases.has(arn)) return
        const key = newKey({ account, region, description })
        const { createdAt } = key
        const rotation = { periodDays, nextAt: createdAt + periodDays * DAY_MS }
        const alias = { name, account, region, arn, targetKeyId: key.id, createdAt, updatedAt: createdAt }
        await commit({
          keys: withKey({ ...key, manager: 'AWS', rotation }),
          aliases: [...current.aliases, alias],
        })
      }),
    changeKey: (arn, change) =>
      inLine(async () => {
        const key = index.keys.get(arn)
        if (key === undefined) throw new NotFoundError(`Key '${arn}' does not exist`)
        const changed = change(key, { now: clock.now(), makeMaterial: materialOf(arn) })
        if (changed === key) return key
        const keys = current.keys.map((other) => (other === key ? changed : other))
        if (isMoreMetadata(changed, key)) requireKeyQuota(keys, key.account)
        await commit({ keys })
        return changed
      }),
    createAlias: (o) =>
      changeAliases((store, now) => {
        const aliases = addAlias(store, { ...o, now })
        requireAliasQuota(aliases, o.account)
        return aliases
      }),
    updateAlias: (arn, targetKeyId) => changeAliases((store, now) => moveAlias(store, { arn, targetKeyId, now })),
    deleteAlias: (arn) => changeAliases((store) => removeAlias(store, arn)),
    grants,
    createGrant: (terms, mayCreate) =>
      inLine(async () => {
        const key = index.keys.get(terms.keyArn)
        if (key === undefined) throw new NotFoundError(`Key '${terms.keyArn}' does not exist`)
        mayCreate(key)
        const { grant, isNew } = addGrant(grants, terms, clock.now())
        if (isNew) await durably(grantStore.add(grant))
        return { grant, token: issueGrantToken(grant, storeKeys.mac) }
      }),
    deleteGrant: ({ keyArn, id }) =>
      inLine(async () => {
        const grant = grants.find(keyArn, id)
        if (grant !== undefined) await durably(grantStore.remove(grant))
        return grant !== undefined
      }),
    findGrantByToken(token) {
      const named = readGrantToken(token, storeKeys.mac)
      return named && grants.find(named.keyArn, named.id)
    },
    settleDue: () =>
      inLine(async () => {
        const due = dueChanges(current, { now: clock.now(), makeMaterial: materialOf })
        if (due !== undefined) {
          const { deleted, rotated, ...difference } = due
          const before = current.keys
          await commit(difference)
          settled = { deleted: [...settled.deleted, ...deleted], rotated: [...settled.rotated, ...rotated] }
          backupHoldsDeleted ||= deleted.length > 0
          // After the keys: what a crash leaves of them is removed at the next start.
          for (const key of before) if (deleted.includes(key.arn)) await durably(grantStore.removeKey(key))
        }
        // The backup still has what was deleted: one more write, and it has not. A failed one is tried again.
        if (backupHoldsDeleted) await commit({})
        backupHoldsDeleted = false
        const told = settled
        settled = NOTHING_SETTLED
        return told
      }),
    async [Symbol.asyncDispose]() {
      await line
      await directory[Symbol.asyncDispose]()
    },
  }
}

async function durably(writing: Promise<void>): Promise<void> {
  try {
    await writing
  } catch (error) {
    throw new KeystoreWriteError('Cannot make the change durable', { cause: error })
  }
}

const NOTHING_SETTLED: Pick<DueChanges, 'deleted' | 'rotated'> = { deleted: [], rotated: [] }

function indexOf({ keys, aliases }: Keystore) {
  return {
    keys: new Map(keys.map((key) => [key.arn, key])),
    keysById: new Map(keys.map((key) => [key.id, key])),
    aliases: new Map(aliases.map((alias) => [alias.arn, alias])),
    aliasNames: namesByKey(aliases),
  }
}

function namesByKey(aliases: readonly Alias[]): ReadonlyMap<string, readonly string[]> {
  const byKey = Map.groupBy(aliases, (alias) => keyArnOf(alias, alias.targetKeyId))
  return new Map([...byKey].map(([keyArn, own]) => [keyArn, own.map(({ name }) => name)]))
}

function isIn(place: Place, { account, region }: Place): boolean {
  return place.account === account && place.region === region
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}
