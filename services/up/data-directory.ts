/** Where everything lies below SEALCAST_HOME, and the folders themselves, open to nobody else. */

import { randomUUID } from 'node:crypto'
import { chmodSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

export type DataDirectory = ReturnType<typeof openDataDirectory>

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
  for (const folder of Object.values(folders)) {
    mkdirSync(folder, { recursive: true, mode: 0o700 })
    // One made by hand, or by an older umask, may be open.
    chmodSync(folder, 0o700)
  }
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
