/**
 * What deliveries are compared with: the same POSTs in a bare loop. undici's dispatch interface with one handler for
 * all, which the worker uses too; its request(), which most programs use, is slower and would flatter us.
 */

import { randomUUID } from 'node:crypto'
import { Agent, type Dispatcher, request } from 'undici'
import { makeMessage } from '../harness/prepare-requests.ts'
import { serveParent } from './serve-parent.ts'

export type PostLoop = {
  /** Posts `count` messages, `connections` at once. @returns those not answered with 200 */
  run(o: Posts): Promise<number>
  /** The same through request(), which reads each body to its end. */
  runRequests(o: Posts): Promise<number>
}

export interface Posts {
  url: string
  count: number
  connections: number
  headers: Record<string, string>
}

const MESSAGES = 4096
const messages = Array.from({ length: MESSAGES }, (_, index) => makeMessage(index))

const calls: PostLoop = {
  async run({ url, count, connections, headers }) {
    const { origin, pathname } = new URL(url)
    const agent = new Agent({ connections, pipelining: 1, allowH2: false })
    let started = 0
    let ended = 0
    let failed = 0
    await new Promise<void>((resolve) => {
      const next = () => {
        if (started === count) return
        const body = messages[started++ % MESSAGES] ?? ''
        const handler: Dispatcher.DispatchHandler = {
          onRequestStart() {},
          onResponseStart(_controller, statusCode) {
            if (statusCode !== 200) failed++
          },
          onResponseData() {},
          onResponseEnd: end,
          onResponseError() {
            failed++
            end()
          },
        }
        agent.dispatch(
          {
            origin,
            path: pathname,
            method: 'POST',
            headers: { ...headers, 'x-amz-sns-message-id': randomUUID() },
            body,
          },
          handler,
        )
      }
      const end = () => {
        if (++ended === count) resolve()
        else next()
      }
      for (let lane = 0; lane < connections; lane++) next()
    })
    await agent.close()
    return failed
  },

  async runRequests({ url, count, connections, headers }) {
    const agent = new Agent({ connections, pipelining: 1, allowH2: false })
    let started = 0
    let failed = 0
    const lane = async () => {
      while (started < count) {
        const body = messages[started++ % MESSAGES] ?? ''
        const own = { ...headers, 'x-amz-sns-message-id': randomUUID() }
        const answer = await request(url, { method: 'POST', headers: own, body, dispatcher: agent })
        await answer.body.dump()
        if (answer.statusCode !== 200) failed++
      }
    }
    await Promise.all(Array.from({ length: connections }, lane))
    await agent.close()
    return failed
  },
}

serveParent(calls)
