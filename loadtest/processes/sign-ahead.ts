/**
 * A thread of the generator that makes and signs requests ahead of their time, so that sending them costs little. It
 * stays some way ahead and no further: a signature is good for fifteen minutes, and memory is not endless.
 */

import { parentPort, workerData } from 'node:worker_threads'
import { wireBytes } from '../harness/prepare-requests.ts'
import { type Lane, makePublishRequest } from '../throughput/publish-request.ts'
import { type ScheduleOptions, schedule } from '../throughput/schedule.ts'

export interface SignAheadOptions {
  readonly schedule: ScheduleOptions
  /** Requests take them in turn, by their number. */
  readonly lanes: readonly Lane[]
  readonly batch: number
  readonly messageBytes: number
}

/** Requests one after the other; fewer than asked for at the schedule's end. */
export interface SignedRequests {
  readonly bytes: Uint8Array
  readonly requests: readonly { readonly number: number; readonly dueMs: number; readonly end: number }[]
  readonly isLast: boolean
}

const o: SignAheadOptions = workerData
const due = schedule(o.schedule)

/** Asked for so many more. */
parentPort?.on('message', (count: number) => {
  const parts: Buffer[] = []
  const requests: { number: number; dueMs: number; end: number }[] = []
  let end = 0
  let isLast = false
  while (requests.length < count) {
    const next = due.next()
    if (next.done === true) {
      isLast = true
      break
    }
    const lane = o.lanes[next.value.number % o.lanes.length]
    if (lane === undefined) throw new Error('There is no lane')
    const bytes = wireBytes(makePublishRequest(next.value, { lane, batch: o.batch, messageBytes: o.messageBytes }))
    parts.push(bytes)
    end += bytes.byteLength
    requests.push({ ...next.value, end })
  }
  const bytes = new Uint8Array(Buffer.concat(parts))
  const signed: SignedRequests = { bytes, requests, isLast }
  parentPort?.postMessage(signed, [bytes.buffer])
})
