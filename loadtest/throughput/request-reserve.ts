/** Signed requests in the order in which they are due, kept filled by a thread (processes/sign-ahead.ts). */

import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
import type { SignAheadOptions, SignedRequests } from '../processes/sign-ahead.ts'

export interface ReadyRequest {
  readonly number: number
  readonly dueMs: number
  readonly bytes: Uint8Array
}

export interface RequestReserve {
  /** @returns the next one; undefined when none is ready, or there is none any more */
  peek(): ReadyRequest | undefined
  take(): void
  /** Every request of the schedule was taken. */
  readonly isEmpty: boolean
  /** Once as much is ready as is kept. */
  filled(): Promise<void>
  close(): Promise<void>
}

const CHUNK = 64
/** What is kept: so many bytes or requests, whichever is less; and never signed longer than this before it is due. */
const KEPT_BYTES = 128 * 1024 * 1024
const KEPT_REQUESTS = 30_000
const KEPT_MS = 120_000

export function createReserve(o: SignAheadOptions): RequestReserve {
  const worker = new Worker(new URL('../processes/sign-ahead.ts', import.meta.url), { workerData: o })
  const chunks: ReadyRequest[][] = []
  let at = 0
  let count = 0
  let bytes = 0
  let lastDueMs = 0
  let hasAll = false
  let isAsked = false
  let onFilled: (() => void) | undefined

  const dueNow = () => chunks[0]?.[at]?.dueMs ?? lastDueMs
  const isFull = () => count >= KEPT_REQUESTS || bytes >= KEPT_BYTES || lastDueMs - dueNow() >= KEPT_MS
  const ask = () => {
    if (isAsked) return
    if (hasAll || isFull()) {
      onFilled?.()
      onFilled = undefined
      return
    }
    isAsked = true
    worker.postMessage(CHUNK)
  }
  worker.on('message', (signed: SignedRequests) => {
    isAsked = false
    hasAll = signed.isLast
    let start = 0
    const chunk = signed.requests.map(({ number, dueMs, end }) => {
      const request = { number, dueMs, bytes: signed.bytes.subarray(start, end) }
      start = end
      return request
    })
    if (chunk.length > 0) chunks.push(chunk)
    count += chunk.length
    bytes += signed.bytes.byteLength
    lastDueMs = chunk.at(-1)?.dueMs ?? lastDueMs
    ask()
  })
  worker.on('error', (error) => {
    throw error
  })
  ask()
  return {
    peek: () => chunks[0]?.[at],
    take() {
      const taken = chunks[0]?.[at]
      if (taken === undefined) return
      count--
      bytes -= taken.bytes.byteLength
      at++
      if (at === chunks[0]?.length) {
        chunks.shift()
        at = 0
      }
      ask()
    },
    get isEmpty() {
      return hasAll && count === 0
    },
    filled: () =>
      new Promise((resolve) => {
        onFilled = resolve
        ask()
      }),
    async close() {
      const ended = once(worker, 'exit')
      await worker.terminate()
      await ended.catch(() => {})
    },
  }
}
