/** More than the gateway can do: it refuses as SDKs understand it, and goes on with what it has. */

import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, readFileSync } from 'node:fs'
import { connect } from 'node:net'
import { after, before, suite, test } from 'node:test'
import { PublishCommand, SNSClient, SNSServiceException } from '@aws-sdk/client-sns'
import { openIdleConnections, openSlowSenders } from './crowd.ts'
import {
  createTopic,
  publish,
  redisCli,
  snsClient,
  subscribeAndConfirm,
  trustStack,
  untilFinished,
} from './messaging.ts'
import { type Stack, startStack } from './start-stack.ts'
import { until } from './until.ts'

const MAX_IN_FLIGHT = 4

suite('overload', () => {
  let stack: Stack
  let sns: SNSClient
  let impatient: SNSClient
  let topicArn: string

  before(async () => {
    stack = await startStack({ env: { SEALCAST_MAX_REQUESTS_IN_FLIGHT: String(MAX_IN_FLIGHT) } })
    trustStack(stack)
    sns = snsClient(stack)
    impatient = new SNSClient({ ...stack.clientConfig, maxAttempts: 1 })
    topicArn = await createTopic(sns)
  })

  after(async () => {
    sns.destroy()
    impatient.destroy()
    await stack[Symbol.asyncDispose]()
  })

  test('of publishes: 503 that SDKs retry, for those beyond the bound; metrics and certificates are served', async () => {
    await publish(sns, topicArn, 'the topic is known now')
    // With Redis silent, what was admitted stays in flight.
    stack.signal('redis', 'SIGSTOP')
    const outcomes: unknown[] = []
    const publishes = Array.from({ length: MAX_IN_FLIGHT * 8 }, (_, n) =>
      publish(impatient, topicArn, `${n}`).catch((error: unknown) => outcomes.push(error)),
    )
    try {
      await until('all are refused but those admitted', () => outcomes.length === MAX_IN_FLIGHT * 7)
      const text = await gatewayMetrics()
      assert.ok(seriesOf(text, 'sealcast_requests_refused_total{reason="in-flight"}') > 0)
      assert.equal(seriesOf(text, 'sealcast_requests_in_flight'), MAX_IN_FLIGHT)
      assert.match(text, /^nodejs_eventloop_lag_p99_seconds/m)
    } finally {
      stack.signal('redis', 'SIGCONT')
      await Promise.all(publishes)
    }
    const refused = outcomes.filter((error) => /Too many requests at once/.test(String(error)))
    assert.ok(refused.length > 0)
    for (const error of refused) {
      assert.ok(error instanceof SNSServiceException)
      assert.deepEqual(
        [error.name, error.$fault, error.$metadata.httpStatusCode],
        ['ServiceUnavailable', 'server', 503],
      )
      assert.match(error.$metadata.requestId ?? '', /^[0-9a-f-]{36}$/)
    }
  })

  test('is weathered by publishers with the retries of their SDK', async () => {
    const sent = Array.from({ length: 300 }, (_, n) =>
      sns.send(new PublishCommand({ TopicArn: topicArn, Message: `${n}` })),
    )
    const accepted = (await Promise.allSettled(sent)).filter(({ status }) => status === 'fulfilled')
    assert.ok(accepted.length > 0)
    await untilFinished(stack)
    await publish(sns, topicArn, 'and afterwards')
  })

  test('of connections: a thousand idle ones and a hundred slow ones leave publishes alone, and time out', async () => {
    const target = { port: Number(new URL(stack.clientConfig.endpoint).port), ca: stack.ca }
    using idle = await openIdleConnections({ ...target, count: 1_000 })
    using slow = await openSlowSenders({ ...target, count: 100 })
    for (let n = 0; n < 50; n++) await publish(sns, topicArn, `beside them ${n}`)
    const closedWithin = AbortSignal.timeout(45_000)
    await Promise.race([slow.allClosed, once(closedWithin, 'abort')])
    assert.equal(slow.open(), 0)
    assert.equal(idle.open(), 1_000)
  })

  test('of descriptors: those that are connected go on, others are closed, and all is well afterwards', async (t) => {
    const gateway = stack.pidOf('gateway') ?? 0
    const limits = () => /^Max open files\s+(\d+)\s+(\d+)/m.exec(readFileSync(`/proc/${gateway}/limits`, 'utf8'))
    const [, soft, hard] = process.platform === 'linux' ? (limits() ?? []) : []
    if (soft === undefined) return t.skip('prlimit and /proc are needed')
    await publish(sns, topicArn, 'connected')
    const { port } = new URL(stack.clientConfig.endpoint)
    const open = readdirSync(`/proc/${gateway}/fd`).length
    const setLimit = (to: string) => execFileSync('prlimit', ['--pid', String(gateway), `--nofile=${to}:${hard}`])
    setLimit(String(open + 20))
    try {
      const sockets = Array.from({ length: 60 }, () => connect(Number(port), '127.0.0.1').resume())
      for (const socket of sockets) socket.on('error', () => undefined)
      let closed = 0
      await new Promise<void>((resolve) => {
        for (const socket of sockets) {
          socket.once('close', () => {
            if (++closed >= 30) resolve()
          })
        }
      })
      await publish(impatient, topicArn, 'while there are no descriptors').catch((error: unknown) => {
        // A client that had to connect anew is told so; that one may try again.
        assert.doesNotMatch(String(error), /InternalError/)
      })
      for (const socket of sockets) socket.destroy()
    } finally {
      setLimit(soft)
    }
    for (let n = 0; n < 20; n++) await publish(sns, topicArn, `afterwards ${n}`)
    assert.equal(stack.pidOf('gateway'), gateway)
  })

  test('of memory in Redis: publishers get 503, workers drain, and then publishes are taken again', async () => {
    await using subscriber = await subscribeAndConfirm(stack, { sns, topicArn })
    stack.signal('delivery', 'SIGSTOP')
    const stored = Array.from({ length: 40 }, (_, n) => `stored before ${n}`)
    for (const body of stored) await publish(sns, topicArn, body)
    await redisCli(stack, 'CONFIG', 'SET', 'maxmemory', '1')
    try {
      const refusal: unknown = await publish(impatient, topicArn, 'too much').catch((error: unknown) => error)
      assert.ok(refusal instanceof SNSServiceException)
      assert.deepEqual([refusal.name, refusal.$metadata.httpStatusCode], ['ServiceUnavailable', 503])
      assert.match(refusal.message, /refuses writes. A message was not stored/)
      stack.signal('delivery', 'SIGCONT')
      const bodies = () => subscriber.received.map(({ json }) => json.Message)
      await subscriber.until(() => stored.every((body) => bodies().includes(body)), 30_000)
      await untilFinished(stack)
      assert.ok(!bodies().includes('too much'))
    } finally {
      stack.signal('delivery', 'SIGCONT')
      await redisCli(stack, 'CONFIG', 'SET', 'maxmemory', '0')
    }
    await publish(sns, topicArn, 'taken again')
    await subscriber.until((received) => received.some(({ json }) => json.Message === 'taken again'))
  })

  async function gatewayMetrics(): Promise<string> {
    const [url = ''] = (stack.env.SEALCAST_METRICS_URLS ?? '').split(',')
    return await (await fetch(url)).text()
  }
})

function seriesOf(text: string, series: string): number {
  const line = text.split('\n').find((each) => each.startsWith(`${series} `))
  return line === undefined ? 0 : Number(line.slice(series.length + 1))
}
