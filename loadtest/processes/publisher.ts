/** Publishes through undici: as fast as it goes in batches to fill streams, or at a steady rate whatever the answers do. */

import { setTimeout as sleep } from 'node:timers/promises'
import { Pool } from 'undici'
import { batchRequests, publishRequests } from '../bench/publish-requests.ts'
import type { PreparedRequest, Signer } from '../harness/prepare-requests.ts'
import { serveParent } from './serve-parent.ts'

export interface Lane {
  readonly topicArn: string
  readonly signer: Signer
}

export type Publisher = {
  open(o: { url: string; ca: string; connections: number }): void
  /** Publishes `count` messages by PublishBatch, the lanes in turn. @returns those that were not accepted */
  fill(o: { lanes: readonly Lane[]; count: number }): Promise<number>
  /**
   * Publishes at a rate, the lanes in turn, by the clock: a slow answer delays no other request (no coordinated
   * omission). All requests are signed before the first is sent.
   */
  steady(o: { lanes: readonly Lane[]; perSecond: number; seconds: number }): Promise<SteadyRun>
}

export interface SteadyRun {
  /** Message ids with CLOCK_MONOTONIC in ms when the request was handed to the client. */
  readonly sent: readonly (readonly [messageId: string, atMs: number])[]
  /** How late each request was sent, by its schedule. */
  readonly lagsMs: readonly number[]
  readonly failures: readonly string[]
}

const BATCH = 10
const BATCHES_AT_ONCE = 16

let pool: Pool | undefined

const calls: Publisher = {
  open({ url, ca, connections }) {
    pool = new Pool(url, { connect: { ca }, connections, pipelining: 1 })
  },

  async fill({ lanes, count }) {
    const makers = lanes.map(({ topicArn, signer }) => batchRequests(topicArn, BATCH, signer))
    const batches = Math.ceil(count / BATCH)
    let next = 0
    let accepted = 0
    const work = async () => {
      while (next < batches) {
        const index = next++
        const request = makers[index % makers.length]?.(index)
        if (request === undefined) return
        const text = await post(request)
        accepted += text.match(/<MessageId>/g)?.length ?? 0
      }
    }
    await Promise.all(Array.from({ length: BATCHES_AT_ONCE }, work))
    return batches * BATCH - accepted
  },

  async steady({ lanes, perSecond, seconds }) {
    const count = Math.round(perSecond * seconds)
    const makers = lanes.map(({ topicArn, signer }) => publishRequests([topicArn], signer))
    const requests = Array.from({ length: count }, (_, index) => makers[index % makers.length]?.(index))
    const sent: [string, number][] = []
    const lagsMs: number[] = []
    const failures: string[] = []
    const answers: Promise<void>[] = []
    const startsAt = nowMs() + 50
    for (const [index, request] of requests.entries()) {
      if (request === undefined) continue
      const dueAt = startsAt + (index * 1000) / perSecond
      // Those that are due together leave together.
      while (nowMs() < dueAt) await sleep(Math.max(dueAt - nowMs(), 0))
      const sentAt = nowMs()
      lagsMs.push(sentAt - dueAt)
      answers.push(
        post(request).then(
          (text) => {
            sent.push([/<MessageId>([^<]+)</.exec(text)?.[1] ?? '', sentAt])
          },
          (error: Error) => {
            failures.push(error.message)
          },
        ),
      )
    }
    await Promise.all(answers)
    return { sent, lagsMs, failures }
  },
}

/** @throws {Error} when it is not answered with 200 */
async function post({ headers, body }: PreparedRequest): Promise<string> {
  if (pool === undefined) throw new Error('open() comes first')
  // undici sets the length itself.
  const { 'content-length': _, ...rest } = headers
  const answer = await pool.request({ path: '/', method: 'POST', headers: rest, body })
  const text = await answer.body.text()
  if (answer.statusCode !== 200) throw new Error(`status ${answer.statusCode}: ${/<Code>([^<]*)</.exec(text)?.[1]}`)
  return text
}

function nowMs(): number {
  return Number(process.hrtime.bigint()) / 1e6
}

serveParent(calls)
