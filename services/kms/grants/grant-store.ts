/**
 * The grants of all keys: read from memory, changed on disk first.
 *
 * `grants/<key id>.<page>.json` in the directory of the keystore (grant-page.ts). What was answered is
 * durable, as in the keystore; a page left without its key, by a crash between the two, is removed at the
 * next start. A page that does not verify stops the start: to go on without would take permissions away from
 * whoever was given them, and nobody would know why.
 */

import { mkdir, readdir, readFile, unlink } from 'node:fs/promises'
import { join } from 'node:path'
import { removeFileDurably, replaceFileDurably, syncDirectory, TEMPORARY_MARK } from '../durable-file.ts'
import type { StoreKeys } from '../root-key.ts'
import type { Grant } from './grant.ts'
import { createGrantIndex, type GrantIndex } from './grant-index.ts'
import { decodeGrantPage, encodeGrantPage, pageOf } from './grant-page.ts'

const GRANTS_DIRECTORY = 'grants'

/** Look-ups; whoever changes grants goes through the key store. */
export type Grants = Omit<GrantIndex, 'add' | 'remove' | 'removeKey'>

export interface GrantStore {
  readonly grants: Grants
  /** Durable, and visible, when it returns; one call at a time. */
  add(grant: Grant): Promise<void>
  remove(grant: Grant): Promise<void>
  /** With the key itself gone already. */
  removeKey(key: KeyName): Promise<void>
}

interface KeyName {
  readonly id: string
  readonly arn: string
}

const PAGE_FILE = /^(?<keyId>[0-9a-z-]+)\.(?<page>[0-9a-f]{2})\.json$/

/**
 * @param o.dir of the keystore, whose lock the caller holds
 * @param o.keys those there are
 * @param o.beforeReplace the last chance to refuse a change
 * @throws {KeystoreDamagedError} when a page does not verify
 */
export async function openGrantStore(o: {
  dir: string
  storeId: string
  storeKeys: StoreKeys
  keys: readonly KeyName[]
  beforeReplace: () => Promise<void>
}): Promise<GrantStore> {
  const dir = join(o.dir, GRANTS_DIRECTORY)
  await mkdir(dir, { recursive: true, mode: 0o700 })
  await syncDirectory(o.dir)
  const index = createGrantIndex()
  /** By the path of the file. */
  const pages = new Map<string, readonly Grant[]>()
  const arns = new Map(o.keys.map(({ id, arn }) => [id, arn]))
  const pathOf = (keyId: string, page: string) => join(dir, `${keyId}.${page}.json`)
  for (const name of await readdir(dir)) {
    const { keyId = '', page = '' } = PAGE_FILE.exec(name)?.groups ?? {}
    const keyArn = arns.get(keyId)
    const isRubbish = name.includes(TEMPORARY_MARK) || (page !== '' && keyArn === undefined)
    if (isRubbish) await unlink(join(dir, name))
    if (isRubbish || keyArn === undefined) continue
    const text = await readFile(join(dir, name), 'utf8')
    const { storeId, storeKeys } = o
    const grants = decodeGrantPage(text, { storeId, keyArn, page }, storeKeys)
    pages.set(pathOf(keyId, page), grants)
    for (const grant of grants) index.add(grant)
  }

  const changePage = async (grant: Grant, change: (grants: readonly Grant[]) => readonly Grant[]): Promise<void> => {
    const { keyArn } = grant
    const page = pageOf(grant)
    const path = pathOf(keyIdOf(keyArn), page)
    const { storeId, storeKeys, beforeReplace } = o
    const grants = change(pages.get(path) ?? [])
    if (grants.length > 0) {
      const text = encodeGrantPage(grants, { storeId, keyArn, page }, storeKeys)
      await replaceFileDurably(path, text, { beforeReplace })
      pages.set(path, grants)
    } else {
      await beforeReplace()
      await removeFileDurably(path)
      pages.delete(path)
    }
  }

  return {
    grants: index,
    async add(grant) {
      await changePage(grant, (grants) => [...grants, grant])
      index.add(grant)
    },
    async remove(grant) {
      await changePage(grant, (grants) => grants.filter((other) => other !== grant))
      index.remove(grant)
    },
    async removeKey({ id, arn }) {
      const paths = new Set(index.list(arn).map((grant) => pathOf(id, pageOf(grant))))
      index.removeKey(arn)
      for (const path of paths) {
        await removeFileDurably(path)
        pages.delete(path)
      }
    },
  }
}

function keyIdOf(keyArn: string): string {
  return keyArn.slice(keyArn.indexOf('/') + 1)
}
