/**
 * The publishers of `loadtest kms`: IAM users with signatures of their own, each with a connection of its own to every
 * gateway. They publish by the clock, so that a slow answer delays no other message (no coordinated omission).
 *
 * Gateways share a port, and the kernel decides which of them gets a connection. So connections are opened one by one,
 * each asks who it is (GetCallerIdentity, which costs KMS nothing), and whoever started us looks at the gateways'
 * counters to see which of them answered.
 */

import { setTimeout as sleep } from 'node:timers/promises'
import { Client } from 'undici'
import { createLatencyHistogram, type HistogramCounts } from '../harness/histogram.ts'
import { prepareRequest, type Signer } from '../harness/prepare-requests.ts'
import { messageBody } from '../kms/message-body.ts'
import { serveParent } from './serve-parent.ts'

export type KmsPublishers = {
  open(o: { url: string; ca: string; lanes: readonly PublishingLane[] }): void
  /**
   * Opens one more connection of a lane.
   *
   * @returns its number within the lane, once the gateway at its other end knows the user
   * @throws when it does not within ten seconds
   */
  connect(o: { lane: number }): Promise<number>
  /** @param o.byGateway for each gateway the connections to use in turn; all others are closed */
  keep(o: { lane: number; byGateway: readonly (readonly number[])[] }): Promise<void>
  /**
   * Publishes until all due times are over, or until stopped. A lane's messages go to the gateways in turn.
   *
   * @param o.startsAtMs CLOCK_MONOTONIC, to which due times are relative
   */
  publish(o: { messageBytes: number; startsAtMs: number; dueMs: readonly (readonly number[])[] }): Promise<Published>
  /** So far. */
  progress(o: Record<string, never>): { accepted: number; failed: number }
  /** Sends no more; what is under way is waited for. */
  stop(o: Record<string, never>): void
}

export interface PublishingLane {
  readonly topicArn: string
  readonly signer: Signer
}

export interface Published {
  readonly lanes: readonly PublishedLane[]
  /** From the moment a message was due to its answer, of those that were accepted. */
  readonly latencies: HistogramCounts
  /** How late messages were handed to the HTTP client. */
  readonly lags: HistogramCounts
  /** By SNS error code, or that of the connection. */
  readonly errors: readonly (readonly [code: string, count: number])[]
  /** Connections that had to be opened anew: the gateway at the other end may be another one then. */
  readonly reopened: number
}

export interface PublishedLane {
  readonly sent: number
  /** CLOCK_MONOTONIC in ms of its last answer, a refusal too; 0 without any. */
  readonly lastAnswerAtMs: number
  /** In order of answers: message id and when it was due, as CLOCK_MONOTONIC. */
  readonly accepted: readonly (readonly [messageId: string, dueAtMs: number])[]
}

const KNOWN_WITHIN_MS = 10_000
const ANSWERED_WITHIN_MS = 30_000

interface Connection {
  readonly client: Client
  connects: number
}

let target = { url: '', ca: '' }
let lanes: readonly PublishingLane[] = []
let connections: Connection[][] = []
let routes: Connection[][][] = []
let accepted = 0
let failed = 0
let isStopped = false

const calls: KmsPublishers = {
  open({ url, ca, lanes: given }) {
    target = { url, ca }
    lanes = given
    connections = given.map(() => [])
    routes = given.map(() => [])
  },

  async connect({ lane }) {
    const connection = openConnection()
    const own = connections[lane]
    const signer = lanes[lane]?.signer
    if (own === undefined || signer === undefined) throw new Error(`There is no lane ${lane}`)
    const deadline = performance.now() + KNOWN_WITHIN_MS
    for (;;) {
      const request = prepareRequest(
        [
          ['Action', 'GetCallerIdentity'],
          ['Version', '2011-06-15'],
        ],
        { ...signer, service: 'sts' },
      )
      const { status, text } = await post(connection, request)
      if (status === 200) break
      if (performance.now() > deadline) throw new Error(`A publisher is not known: ${status} ${codeOf(text)}`)
      await sleep(50)
    }
    return own.push(connection) - 1
  },

  async keep({ lane, byGateway }) {
    const own = connections[lane] ?? []
    routes[lane] = byGateway.map((numbers) => numbers.flatMap((number) => own[number] ?? []))
    const kept = new Set(byGateway.flat())
    await Promise.all(own.filter((_, number) => !kept.has(number)).map(({ client }) => client.close()))
  },

  async publish({ messageBytes, startsAtMs, dueMs }) {
    const latencies = createLatencyHistogram()
    const lags = createLatencyHistogram()
    const errors = new Map<string, number>()
    const results = lanes.map(() => ({ sent: 0, lastAnswerAtMs: 0, accepted: [] as [string, number][] }))
    const order = dueMs
      .flatMap((times, lane) => times.map((due, n) => ({ due, lane, n })))
      .sort((a, b) => a.due - b.due)
    const answers: Promise<void>[] = []
    for (const { due, lane, n } of order) {
      const dueAtMs = startsAtMs + due
      // Those that are due together leave together.
      while (nowMs() < dueAtMs && !isStopped) await sleep(Math.min(Math.max(dueAtMs - nowMs(), 0), 200))
      if (isStopped) break
      lags.recordMs(nowMs() - dueAtMs)
      const result = results[lane]
      if (result === undefined) continue
      result.sent++
      answers.push(
        publishOne({ lane, n, messageBytes }).then((answer) => {
          result.lastAnswerAtMs = nowMs()
          if ('messageId' in answer) {
            latencies.recordMs(nowMs() - dueAtMs)
            result.accepted.push([answer.messageId, dueAtMs])
            accepted++
          } else {
            errors.set(answer.code, (errors.get(answer.code) ?? 0) + 1)
            failed++
          }
        }),
      )
    }
    await Promise.all(answers)
    const reopened = routes.flat(2).reduce((sum, { connects }) => sum + connects - 1, 0)
    await Promise.all(connections.flat().map(({ client }) => client.destroy()))
    return { lanes: results, latencies: latencies.counts(), lags: lags.counts(), errors: [...errors], reopened }
  },

  progress: () => ({ accepted, failed }),
  stop() {
    isStopped = true
  },
}

function openConnection(): Connection {
  const client = new Client(target.url, {
    connect: { ca: target.ca },
    pipelining: 1,
    keepAliveTimeout: 600_000,
    keepAliveMaxTimeout: 600_000,
    headersTimeout: ANSWERED_WITHIN_MS,
    bodyTimeout: ANSWERED_WITHIN_MS,
  })
  const connection = { client, connects: 0 }
  client.on('connect', () => {
    connection.connects++
  })
  return connection
}

async function publishOne(o: {
  lane: number
  n: number
  messageBytes: number
}): Promise<{ messageId: string } | { code: string }> {
  const lane = lanes[o.lane]
  const byGateway = routes[o.lane] ?? []
  const own = byGateway[o.n % byGateway.length] ?? []
  const connection = own[Math.floor(o.n / byGateway.length) % own.length]
  if (lane === undefined || connection === undefined) return { code: 'NoConnection' }
  const request = prepareRequest(
    [
      ['Action', 'Publish'],
      ['Version', '2010-03-31'],
      ['TopicArn', lane.topicArn],
      ['Message', messageBody({ lane: o.lane, n: o.n, bytes: o.messageBytes })],
    ],
    lane.signer,
  )
  try {
    const { status, text } = await post(connection, request)
    const [, messageId] = /<MessageId>([^<]+)</.exec(text) ?? []
    if (status === 200 && messageId !== undefined) return { messageId }
    return { code: codeOf(text) ?? `HTTP ${status}` }
  } catch (error) {
    return { code: error instanceof Error && 'code' in error ? String(error.code) : 'ConnectionFailed' }
  }
}

async function post(
  { client }: Connection,
  { headers, body }: { headers: Readonly<Record<string, string>>; body: string },
): Promise<{ status: number; text: string }> {
  // undici sets the length itself.
  const { 'content-length': _, ...rest } = headers
  const answer = await client.request({ path: '/', method: 'POST', headers: rest, body })
  return { status: answer.statusCode, text: await answer.body.text() }
}

function codeOf(text: string): string | undefined {
  return /<Code>([^<]*)</.exec(text)?.[1]
}

/** Not performance.now(), whose beginning is each process's own. */
function nowMs(): number {
  return Number(process.hrtime.bigint()) / 1e6
}

// Ctrl-C reaches every process of the terminal; when to end is the parent's to say.
process.on('SIGINT', () => {})
serveParent(calls)
