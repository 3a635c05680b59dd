/**
 * The keys and aliases of this KMS: read from memory, changed on disk first.
 *
 * A change is acknowledged, and visible, only when the whole new store is durable: no data key is
 * ever issued under a key that a crash could lose. Changes form one line; each writes the store
 * anew, which is cheap for the thousands of keys a broker has and leaves nothing to replay. Reading
 * touches no disk. File format: keystore-file.ts.
 */

import { randomUUID } from 'node:crypto'
import type { Clock } from '#shared/clock'
import { AlreadyExistsError, KeystoreWriteError, NotFoundError } from './errors.ts'
import { aliasArnOf, keyArnOf, type Place } from './key-identifier.ts'
import { type OpenedKeystore, openKeystoreDirectory } from './keystore-directory.ts'
import { type Alias, createMaterial, type KeyMaterial, type Keystore, type KmsKey } from './keystore-file.ts'

export type { Alias, KeyMaterial, KmsKey }

export interface KeyStore extends AsyncDisposable {
  findKey(arn: string): KmsKey | undefined
  /** Key ids are unique over accounts and regions. */
  findKeyById(id: string): KmsKey | undefined
  findAlias(arn: string): Alias | undefined
  /** In the order of their ids. */
  listKeys(place: Place): readonly KmsKey[]
  /** In the order of their names. */
  listAliases(place: Place): readonly Alias[]
  createKey(o: Place & { description: string }): Promise<KmsKey>
  /** @throws {NotFoundError} when there is no such key */
  setKeyState(arn: string, state: KmsKey['state']): Promise<void>
  /** @throws {AlreadyExistsError} when the name is taken in its account and region */
  createAlias(o: Place & { name: string; targetKeyId: string }): Promise<void>
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
  const { storeKeys, write } = directory
  let current = directory.keystore
  let index = indexOf(current)
  // Counts attempts, so that a write of unknown outcome never shares its number with the next.
  let generation = current.generation
  let line: Promise<unknown> = Promise.resolve()

  /** @param make gives the changed store; runs when all earlier changes are durable; undefined: nothing to change */
  const change = (make: (store: Keystore) => Partial<Keystore> | undefined): Promise<void> => {
    const changed = line.then(async () => {
      const difference = make(current)
      if (difference === undefined) return
      generation += 1
      const next = { ...current, ...difference, generation }
      await write(next).catch((error: unknown) => {
        throw new KeystoreWriteError('Cannot make the change durable', { cause: error })
      })
      current = next
      index = indexOf(next)
    })
    line = changed.catch(() => undefined)
    return changed
  }

  return {
    findKey: (arn) => index.keys.get(arn),
    findKeyById: (id) => index.keysById.get(id),
    findAlias: (arn) => index.aliases.get(arn),
    listKeys: (place) => current.keys.filter((key) => isIn(place, key)).sort((a, b) => compare(a.id, b.id)),
    listAliases: (place) => current.aliases.filter((a) => isIn(place, a)).sort((a, b) => compare(a.name, b.name)),
    async createKey({ account, region, description }) {
      const id = randomUUID()
      const arn = keyArnOf({ account, region }, id)
      const createdAt = clock.now()
      const materials = [createMaterial({ storeId: current.storeId, keyArn: arn, createdAt, storeKeys })]
      const key: KmsKey = { id, account, region, arn, description, createdAt, state: 'Enabled', materials }
      await change(({ keys }) => ({ keys: [...keys, key] }))
      return key
    },
    setKeyState: (arn, state) =>
      change(({ keys }) => {
        const key = index.keys.get(arn)
        if (key === undefined) throw new NotFoundError(`Key '${arn}' does not exist`)
        if (key.state === state) return undefined
        return { keys: keys.map((other) => (other === key ? { ...key, state } : other)) }
      }),
    createAlias: ({ account, region, name, targetKeyId }) =>
      change(({ aliases }) => {
        const arn = aliasArnOf({ account, region }, name)
        if (index.aliases.has(arn)) throw new AlreadyExistsError(`An alias with the name ${arn} already exists`)
        const now = clock.now()
        return { aliases: [...aliases, { name, account, region, arn, targetKeyId, createdAt: now, updatedAt: now }] }
      }),
    async [Symbol.asyncDispose]() {
      await line
      await directory[Symbol.asyncDispose]()
    },
  }
}

function indexOf({ keys, aliases }: Keystore) {
  return {
    keys: new Map(keys.map((key) => [key.arn, key])),
    keysById: new Map(keys.map((key) => [key.id, key])),
    aliases: new Map(aliases.map((alias) => [alias.arn, alias])),
  }
}

function isIn(place: Place, { account, region }: Place): boolean {
  return place.account === account && place.region === region
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}
