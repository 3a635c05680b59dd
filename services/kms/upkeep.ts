/**
 * Does what is due in the key store, at start and once a minute from then on.
 *
 * Often enough: deletion and rotation are promised for days, and a key that is due for deletion has
 * been of no use since it was scheduled. What fails is logged and tried again.
 */

import type { Log } from '#shared/log'
import type { KeyStore } from './key-store.ts'

const INTERVAL_MS = 60_000

export async function startUpkeep(o: { keyStore: Pick<KeyStore, 'settleDue'>; log: Log }): Promise<AsyncDisposable> {
  let running = runOnce(o)
  await running
  const timer = setInterval(() => {
    running = running.then(() => runOnce(o))
  }, INTERVAL_MS)
  return {
    async [Symbol.asyncDispose]() {
      clearInterval(timer)
      await running
    },
  }
}

async function runOnce({ keyStore, log }: Parameters<typeof startUpkeep>[0]): Promise<void> {
  try {
    const { deleted, rotated } = await keyStore.settleDue()
    for (const keyArn of rotated) log.info('key.rotated', { keyArn })
    for (const keyArn of deleted) log.info('key.deleted', { keyArn })
  } catch (error) {
    log.error('upkeep.failed', {}, error)
  }
}
