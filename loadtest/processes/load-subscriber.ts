/**
 * The subscribers of a load test: one HTTP server, a path for each subscription. Answers 200 at once, and counts by
 * subscription and message number what came, how often, and how long after it was due.
 */

import { EventEmitter, once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type BitSet, createBitSet } from '../harness/bit-set.ts'
import { createLatencyHistogram, type HistogramCounts } from '../harness/histogram.ts'
import { monotonicMs } from '../harness/monotonic.ts'
import { readMarker } from '../throughput/load-message.ts'
import { serveParent } from './serve-parent.ts'

export type LoadSubscriber = {
  /** @returns the port */
  listen(o: Record<string, never>): Promise<number>
  /** @returns the token of the confirmation that was or will be sent to the path */
  takeToken(o: { path: string }): Promise<string>
  /** @param startAtMs CLOCK_MONOTONIC of the schedule's zero; @param measuredFromMs counted from there */
  start(o: { startAtMs: number; measuredFromMs: number }): void
  sample(o: Record<string, never>): SubscriberSample
  /** Distinct deliveries of all subscriptions, since the start. */
  distinct(o: Record<string, never>): number
  /** Of each path that anything came to. */
  result(o: Record<string, never>): SubscriberResult
}

export interface SubscriberSample {
  /** Since the last time it was asked. */
  readonly deliveries: number
  readonly latency: HistogramCounts
}

export interface SubscriberResult {
  readonly subscriptions: readonly {
    readonly path: string
    readonly deliveries: number
    /** Numbers of the messages that came; a bit set as text. */
    readonly numbers: string
  }[]
  /** Deliveries of what was due in the measured span, first ones only. */
  readonly measured: number
  /** Requests that held none of our messages. */
  readonly strange: number
  readonly latency: HistogramCounts
  /** CLOCK_MONOTONIC of the last delivery. */
  readonly endedAtMs: number
}

const TOKEN_WITHIN_MS = 30_000

const subscriptions = new Map<string, { deliveries: number; numbers: BitSet }>()
const tokens = new Map<string, string>()
const events = new EventEmitter({}).setMaxListeners(0)
const latency = createLatencyHistogram()
const recent = { latency: createLatencyHistogram(), deliveries: 0 }
let startAtMs = 0
let measuredFromMs = 0
let distinct = 0
let measured = 0
let strange = 0
let endedAtMs = 0

const server = createServer({ keepAliveTimeout: 75_000, noDelay: true }, (request, response) => {
  const chunks: Buffer[] = []
  request.on('data', (chunk: Buffer) => chunks.push(chunk))
  request.on('end', () => {
    response.writeHead(200).end()
    const [first = Buffer.alloc(0)] = chunks
    const body = chunks.length === 1 ? first : Buffer.concat(chunks)
    const path = request.url ?? ''
    if (request.headers['x-amz-sns-message-type'] === 'SubscriptionConfirmation') {
      const { Token }: Record<string, string> = JSON.parse(body.toString('utf8'))
      tokens.set(path, Token ?? '')
      events.emit('token')
    } else count(path, body)
  })
})

function count(path: string, body: Buffer): void {
  const now = monotonicMs()
  endedAtMs = now
  const marker = readMarker(body)
  if (marker === undefined) {
    strange++
    return
  }
  let subscription = subscriptions.get(path)
  if (subscription === undefined) {
    subscription = { deliveries: 0, numbers: createBitSet() }
    subscriptions.set(path, subscription)
  }
  subscription.deliveries++
  recent.deliveries++
  // Another one of the same message says nothing about how long the message took.
  if (!subscription.numbers.add(marker.number)) return
  distinct++
  const tookMs = now - startAtMs - marker.dueMs
  recent.latency.recordMs(tookMs)
  if (marker.dueMs < measuredFromMs) return
  measured++
  latency.recordMs(tookMs)
}

const calls: LoadSubscriber = {
  listen: () =>
    new Promise((resolve) => {
      server.listen({ port: 0, host: '127.0.0.1', backlog: 1024 }, () =>
        resolve((server.address() as AddressInfo).port),
      )
    }),
  async takeToken({ path }) {
    const signal = AbortSignal.timeout(TOKEN_WITHIN_MS)
    for (;;) {
      const token = tokens.get(path)
      tokens.delete(path)
      if (token !== undefined) return token
      await once(events, 'token', { signal })
    }
  },
  start(o) {
    startAtMs = o.startAtMs
    measuredFromMs = o.measuredFromMs
  },
  sample() {
    const sample = { deliveries: recent.deliveries, latency: recent.latency.counts() }
    recent.deliveries = 0
    recent.latency.reset()
    return sample
  },
  distinct: () => distinct,
  result: () => ({
    subscriptions: [...subscriptions].map(([path, { deliveries, numbers }]) => ({
      path,
      deliveries,
      numbers: numbers.toText(),
    })),
    measured,
    strange,
    latency: latency.counts(),
    endedAtMs,
  }),
}

// Ctrl-C at a terminal reaches every process of the group; the run decides how it ends.
process.on('SIGINT', () => {})
serveParent(calls)
