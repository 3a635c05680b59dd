/**
 * Opens the directory of a keystore: lock, root key, then the store or its backup.
 *
 * Everything is verified before anybody is served. What cannot be opened is left as it is: a wrong or
 * missing root key is an operator's mistake to correct, and a new store or root key in its place would
 * make every message sealed so far unreadable. A damaged store is moved aside, never overwritten, so
 * that it cannot displace the backup it was recovered from.
 */

import { type KeyObject, randomBytes } from 'node:crypto'
import { mkdir, readdir, readFile, rename, stat, unlink } from 'node:fs/promises'
import { join } from 'node:path'
import type { Clock } from '#shared/clock'
import { isMissing, replaceFileDurably, TEMPORARY_MARK } from './durable-file.ts'
import { KeystoreDamagedError, KeystoreDirectoryError, RootKeyMissingError } from './errors.ts'
import { type GrantStore, openGrantStore } from './grants/grant-store.ts'
import { decodeKeystore, encodeKeystore, type Keystore } from './keystore-file.ts'
import { createRootKey, deriveStoreKeys, ROOT_KEY_FILE, readRootKey, type StoreKeys } from './root-key.ts'
import { acquireStoreLock, LOCK_FILE } from './store-lock.ts'

const KEYSTORE_FILE = 'keystore.json'
const BACKUP_FILE = 'keystore.json.bak'

/** Longer than anybody takes from writing a lock to placing it. */
const ABANDONED_MS = 60_000

export type KeystoreEvent =
  | { readonly kind: 'root-key-created'; readonly path: string }
  /** With a root key that was there before, a keystore may have been lost rather than never made. */
  | { readonly kind: 'keystore-created'; readonly path: string; readonly rootKeyExisted: boolean }
  /** The main file was lost or damaged: the last change before that may be missing. */
  | { readonly kind: 'backup-used'; readonly path: string; readonly generation: number }

export interface OpenedKeystore extends AsyncDisposable {
  readonly keystore: Keystore
  readonly storeKeys: StoreKeys
  /** Whether the backup still has keys that are gone. */
  readonly backupHoldsDeleted: boolean
  readonly grantStore: GrantStore
  /** Durable when it returns. */
  write(keystore: Keystore): Promise<void>
}

export async function openKeystoreDirectory({
  dir,
  clock,
  onEvent,
}: {
  dir: string
  clock: Clock
  onEvent: (event: KeystoreEvent) => void
}): Promise<OpenedKeystore> {
  await mkdir(dir, { recursive: true, mode: 0o700 })
  await checkDirectory(dir)
  const path = join(dir, KEYSTORE_FILE)
  const backup = join(dir, BACKUP_FILE)
  // Held for good only when opening succeeds.
  await using opening = new AsyncDisposableStack()
  const lock = opening.use(await acquireStoreLock(dir))
  await removeTemporaries(dir)
  const writeWith = (storeKeys: StoreKeys) => (keystore: Keystore) =>
    replaceFileDurably(path, encodeKeystore(keystore, storeKeys), { backup, beforeReplace: () => lock.assertHeld() })

  const { rootKey, existed: rootKeyExisted } = await obtainRootKey(dir, onEvent)
  const found = await loadKeystore({ path, backup, rootKey, clock, onEvent })
  const { keystore, storeKeys } = found ?? newKeystore(rootKey)
  const write = writeWith(storeKeys)
  if (found === undefined) {
    await write(keystore)
    onEvent({ kind: 'keystore-created', path, rootKeyExisted })
  }
  const backupHoldsDeleted = await holdsOtherKeys(backup, { keystore, rootKey })
  const { storeId, keys } = keystore
  const beforeReplace = () => lock.assertHeld()
  const grantStore = await openGrantStore({ dir, storeId, storeKeys, keys, beforeReplace })
  const held = opening.move()
  return {
    keystore,
    storeKeys,
    backupHoldsDeleted,
    grantStore,
    write,
    [Symbol.asyncDispose]: () => held.disposeAsync(),
  }
}

async function checkDirectory(dir: string): Promise<void> {
  const { mode } = await stat(dir)
  if ((mode & 0o022) !== 0) {
    throw new KeystoreDirectoryError(`Cannot keep keys in ${dir}: others than its owner may write there`)
  }
}

/** Left by crashes and full disks; what was to become the root key is a secret. */
async function removeTemporaries(dir: string): Promise<void> {
  const names = (await readdir(dir)).filter((name) => name.includes(TEMPORARY_MARK))
  for (const name of names) {
    const path = join(dir, name)
    const isOurs = name.startsWith(KEYSTORE_FILE) || name.startsWith(ROOT_KEY_FILE)
    // A rival's unfinished lock is not ours to remove.
    if (isOurs || (name.startsWith(LOCK_FILE) && (await isOld(path)))) await unlink(path)
  }
}

/** By the clock that stamps files. */
async function isOld(path: string): Promise<boolean> {
  const { mtimeMs } = await stat(path).catch(() => ({ mtimeMs: Infinity }))
  return mtimeMs < Date.now() - ABANDONED_MS
}

async function obtainRootKey(
  dir: string,
  onEvent: (event: KeystoreEvent) => void,
): Promise<{ rootKey: KeyObject; existed: boolean }> {
  const existing = await readRootKey(dir)
  if (existing !== undefined) return { rootKey: existing, existed: true }
  const names = await readdir(dir)
  if (names.some((name) => name.startsWith(KEYSTORE_FILE))) {
    throw new RootKeyMissingError(
      `Cannot open the keystore in ${dir}: ${ROOT_KEY_FILE} is missing; restore it from your backup`,
    )
  }
  const rootKey = await createRootKey(dir)
  onEvent({ kind: 'root-key-created', path: join(dir, ROOT_KEY_FILE) })
  return { rootKey, existed: false }
}

function newKeystore(rootKey: KeyObject): { keystore: Keystore; storeKeys: StoreKeys } {
  const storeId = randomBytes(16).toString('hex')
  const keystore: Keystore = { storeId, generation: 1, keys: [], aliases: [] }
  return { keystore, storeKeys: deriveStoreKeys(rootKey, storeId) }
}

/** @returns undefined when there is neither a store nor a backup */
async function loadKeystore(o: {
  path: string
  backup: string
  rootKey: KeyObject
  clock: Clock
  onEvent: (event: KeystoreEvent) => void
}): Promise<{ keystore: Keystore; storeKeys: StoreKeys } | undefined> {
  const main = await readIfThere(o.path)
  let damage: KeystoreDamagedError | undefined
  if (main !== undefined) {
    try {
      return decodeKeystore(main, o.rootKey)
    } catch (error) {
      // A wrong root key is no damage: an older backup that happens to open must not replace the store.
      if (!(error instanceof KeystoreDamagedError)) throw error
      damage = error
    }
  }
  const spare = await readIfThere(o.backup)
  if (spare === undefined) {
    if (damage !== undefined) throw damage
    return undefined
  }
  const recovered = decodeKeystore(spare, o.rootKey)
  if (damage !== undefined) await rename(o.path, `${o.path}.damaged-${o.clock.now()}`)
  o.onEvent({ kind: 'backup-used', path: o.backup, generation: recovered.keystore.generation })
  return recovered
}

/** A backup that does not open is not asked: it is whatever an operator made of it. */
async function holdsOtherKeys(backup: string, o: { keystore: Keystore; rootKey: KeyObject }): Promise<boolean> {
  const text = await readIfThere(backup)
  if (text === undefined) return false
  const ids = new Set(o.keystore.keys.map(({ id }) => id))
  try {
    return decodeKeystore(text, o.rootKey).keystore.keys.some(({ id }) => !ids.has(id))
  } catch {
    return false
  }
}

async function readIfThere(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8')
  } catch (error) {
    if (isMissing(error)) return undefined
    throw error
  }
}
