/**
 * The root key: the one secret that opens the keystore, and the keys derived from it.
 *
 * It lies in a file of its own, so that a copy of the keystore alone is worth nothing. Each use has
 * a key of its own, bound to this keystore by its random id: wrapping of key material, the MAC over
 * the whole store, and a check value that tells a wrong root key from a damaged file.
 */

import { createSecretKey, hkdfSync, type KeyObject, randomBytes } from 'node:crypto'
import { open } from 'node:fs/promises'
import { join } from 'node:path'
import { createFileDurably } from './durable-file.ts'
import { RootKeyUnusableError } from './errors.ts'

export const ROOT_KEY_FILE = 'root.key'

/** AES-256 and SHA-256 strength, in bytes. */
const ROOT_KEY_BYTES = 32

export interface StoreKeys {
  /** Wraps key material: AES-256-GCM. */
  readonly wrap: KeyObject
  /** Authenticates the store: HMAC-SHA-256. */
  readonly mac: KeyObject
  /** Stored in clear; equal only under the same root key and store id. 16 bytes. */
  readonly check: Buffer
}

/**
 * @returns undefined when there is no such file
 * @throws {RootKeyUnusableError} when others may read it, it is another user's, or it holds no 32 bytes
 */
export async function readRootKey(dir: string): Promise<KeyObject | undefined> {
  const path = join(dir, ROOT_KEY_FILE)
  const file = await open(path, 'r').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined
    throw new RootKeyUnusableError(`Cannot read ${path}: ${error.code ?? 'unknown fault'}`)
  })
  if (file === undefined) return undefined
  try {
    // Of the open file, not of the path: what is checked is what is read.
    const { mode, uid } = await file.stat()
    if ((mode & 0o077) !== 0) {
      throw new RootKeyUnusableError(`Cannot use ${path}: others may read it, current mode is ${modeOf(mode)}`)
    }
    if (process.getuid !== undefined && process.getuid() !== uid) {
      throw new RootKeyUnusableError(`Cannot use ${path}: it belongs to another user`)
    }
    return parseRootKey(path, await file.readFile('latin1'))
  } finally {
    await file.close()
  }
}

/** Makes a random root key and its file. Durable when this returns, since nothing opens without it. */
export async function createRootKey(dir: string): Promise<KeyObject> {
  const bytes = randomBytes(ROOT_KEY_BYTES)
  try {
    await createFileDurably(join(dir, ROOT_KEY_FILE), `${bytes.toString('base64')}\n`)
    return createSecretKey(bytes)
  } finally {
    bytes.fill(0)
  }
}

/** @param storeId hex; random for each keystore */
export function deriveStoreKeys(rootKey: KeyObject, storeId: string): StoreKeys {
  const derive = (use: string, bytes: number): Buffer =>
    Buffer.from(hkdfSync('sha256', rootKey, Buffer.from(storeId, 'hex'), `sealcast.keystore.v1.${use}`, bytes))
  const toKey = (bytes: Buffer): KeyObject => {
    const key = createSecretKey(bytes)
    bytes.fill(0)
    return key
  }
  return { wrap: toKey(derive('wrap', 32)), mac: toKey(derive('mac', 32)), check: derive('check', 16) }
}

function parseRootKey(path: string, text: string): KeyObject {
  const trimmed = text.trim()
  const bytes = Buffer.from(trimmed, 'base64')
  try {
    if (bytes.byteLength !== ROOT_KEY_BYTES || bytes.toString('base64') !== trimmed) {
      throw new RootKeyUnusableError(`Cannot use ${path}: it does not hold ${ROOT_KEY_BYTES} bytes in base64`)
    }
    return createSecretKey(bytes)
  } finally {
    bytes.fill(0)
  }
}

function modeOf(mode: number): string {
  return (mode & 0o777).toString(8)
}
