/**
 * What signed delivery is compared with: RSA-2048 signatures a second of the whole machine, in as many threads as
 * asked for, each with node:crypto's synchronous sign.
 */

import { createPrivateKey, generateKeyPairSync, sign } from 'node:crypto'
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads'
import { serveParent } from './serve-parent.ts'

export type SignLoop = {
  /** @returns signatures a second of all threads */
  run(o: { seconds: number; threads: number; digest: string }): Promise<number>
}

/** Of a notification's string to sign with 1 KiB of message. */
const SIGNED_BYTES = 1300
const CHUNK = 8

if (isMainThread) {
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
  const pem = privateKey.export({ type: 'pkcs8', format: 'pem' })
  serveParent({
    async run({ seconds, threads, digest }: Parameters<SignLoop['run']>[0]) {
      const rates = await Promise.all(
        Array.from({ length: threads }, () => runThread({ seconds, digest, pem: String(pem) })),
      )
      return rates.reduce((sum, rate) => sum + rate, 0)
    },
  })
} else {
  const { seconds, digest, pem }: { seconds: number; digest: string; pem: string } = workerData
  // Parsed once, as the worker does.
  const key = createPrivateKey(pem)
  const text = Buffer.alloc(SIGNED_BYTES, 'x')
  const startedAt = performance.now()
  let count = 0
  while (performance.now() - startedAt < seconds * 1000) {
    for (let each = 0; each < CHUNK; each++) {
      text.writeUInt32LE(count++)
      sign(digest, text, key)
    }
  }
  parentPort?.postMessage(count / ((performance.now() - startedAt) / 1000))
}

function runThread(data: { seconds: number; digest: string; pem: string }): Promise<number> {
  return new Promise((resolve, reject) => {
    const worker = new Worker(new URL(import.meta.url), { workerData: data })
    worker.once('message', resolve)
    worker.once('error', reject)
  })
}
