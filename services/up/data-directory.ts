/** Where everything lies below SEALCAST_HOME, and the folders themselves, open to nobody else. */

import { randomUUID } from 'node:crypto'
import { accessSync, chmodSync, constants, mkdirSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { describeError } from '#shared/errors'
import { DataDirectoryError } from './errors.ts'

export type DataDirectory = ReturnType<typeof openDataDirectory>

/** @throws {DataDirectoryError} naming the folder and the variable that sets another */
export function openDataDirectory(home: string) {
  const folders = {
    home,
    tls: join(home, 'tls'),
    secrets: join(home, 'secrets'),
    kms: join(home, 'kms'),
    redis: join(home, 'redis'),
    logs: join(home, 'logs'),
    run: join(home, 'run'),
  }
  for (const folder of Object.values(folders)) openFolder(folder)
  return {
    ...folders,
    env: join(home, 'env'),
    ca: join(home, 'ca.pem'),
    caBundle: join(home, 'ca-bundle.pem'),
    caKey: join(folders.tls, 'ca.key.pem'),
    gatewayCertificate: join(folders.tls, 'gateway.crt.pem'),
    gatewayKey: join(folders.tls, 'gateway.key.pem'),
    principals: join(home, 'principals.json'),
    redisConfig: join(folders.redis, 'redis.conf'),
    redisPassword: join(folders.redis, 'password'),
    lock: join(folders.run, 'up.lock'),
    pids: join(folders.run, 'pids.json'),
  }
}

/** @throws {DataDirectoryError} naming it */
export function openFolder(folder: string): void {
  try {
    makeFolder(folder)
    // One made by hand, or by an older umask, may be open.
    chmodSync(folder, 0o700)
    accessSync(folder, constants.R_OK | constants.W_OK | constants.X_OK)
  } catch (error) {
    throw new DataDirectoryError(
      `Cannot start: ${folder} cannot be made or written (${describeError(error).code}); SEALCAST_HOME sets another data directory`,
    )
  }
}

/** Not by mkdir's `recursive`: below a folder that takes none, as /proc, Node 24 tries for ever. */
function makeFolder(folder: string): void {
  if (isDirectory(folder)) return
  makeFolder(dirname(folder))
  try {
    mkdirSync(folder, { mode: 0o700 })
  } catch (error) {
    // Another `up` may have been faster; the lock will tell them apart.
    if (!isDirectory(folder)) throw error
  }
}

function isDirectory(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false
}

/** Writes a whole file or leaves the old one: readers never meet half of it. Mode 0600. */
export function replaceFile(path: string, content: string): void {
  const temporary = `${path}.${randomUUID()}`
  try {
    writeFileSync(temporary, content, { mode: 0o600, flag: 'wx' })
    renameSync(temporary, path)
  } catch (error) {
    rmSync(temporary, { force: true })
    throw error
  }
}
