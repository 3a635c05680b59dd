/** What dashboards and capacity planners read: each process's /metrics, and the demo that checks its own claims. */

import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { X509Certificate } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, suite, test } from 'node:test'
import { promisify } from 'node:util'
import {
  createKey,
  createTopic,
  kmsClient,
  publish,
  readMetrics,
  snsClient,
  subscribeAndConfirm,
  trustStack,
  untilFinished,
} from './messaging.ts'
import { readMetricsPage } from './metrics-page.ts'
import { compareMetrics, readMetricsTable } from './metrics-table.ts'
import { type Stack, startStack } from './start-stack.ts'
import { until } from './until.ts'

const METRICS_TABLE = join(import.meta.dirname, '..', '..', 'deploy', 'prometheus', 'METRICS.md')

suite('a running stack', () => {
  let stack: Stack

  before(async () => {
    stack = await startStack()
    trustStack(stack)
  })

  after(() => stack[Symbol.asyncDispose]())

  test('counts KMS requests, cache look-ups, publishes, deliveries and their duration', async () => {
    const sns = snsClient(stack)
    const kms = kmsClient(stack)
    const key = await createKey(kms)
    const topicArn = await createTopic(sns, { KmsMasterKeyId: key })
    await using subscriber = await subscribeAndConfirm(stack, { sns, topicArn })
    for (let n = 0; n < 5; n++) await publish(sns, topicArn, `message ${n}`)
    await subscriber.receive('Notification', 5)
    await untilFinished(stack)
    const pages = (await readMetrics(stack)).join('\n')
    const expected: [string, number][] = [
      [`sealcast_kms_requests_total{operation="GenerateDataKey",outcome="ok",purpose="issue",key="${key}"}`, 1],
      [`sealcast_kms_requests_total{operation="Decrypt",outcome="ok",purpose="deliver",key="${key}"}`, 1],
      ['sealcast_kms_served_requests_total{operation="GenerateDataKey",outcome="ok"}', 1],
      ['sealcast_kms_served_requests_total{operation="Decrypt",outcome="ok"}', 1],
      ['sealcast_messages_published_total{sealed="true"}', 5],
      ['sealcast_deliveries_total{protocol="https",outcome="delivered"}', 6],
      ['sealcast_end_to_end_seconds_count', 5],
    ]
    for (const [series, value] of expected) assert.equal(sampleOf(pages, series), value, series)
    // The gateway sealed one after the other; the worker may open several while the first Decrypt is under way.
    const [gateway = '', delivery = ''] = await readMetrics(stack)
    assert.equal(sampleOf(gateway, 'sealcast_data_key_cache_misses_total'), 1)
    assert.equal(sampleOf(gateway, 'sealcast_data_key_cache_hits_total'), 4)
    const opened = ['hits', 'misses'].map((kind) => sampleOf(delivery, `sealcast_data_key_cache_${kind}_total`))
    assert.equal((opened[0] ?? 0) + (opened[1] ?? 0), 5)
    assert.ok((opened[1] ?? 0) >= 1)
    sns.destroy()
    kms.destroy()
  })

  test('shows Redis, and each partition with the worker that has it', async () => {
    const valuesOf = async (service: string, name: string): Promise<number[]> => {
      const pages = (await readMetrics(stack)).map((text) => readMetricsPage(text))
      const metric = pages.find((page) => serviceOf(page) === service)?.get(name)
      return (metric?.series ?? []).map(({ value }) => value)
    }
    await until('every partition has its lease', async () => {
      const leased = await valuesOf('gateway', 'sealcast_partition_leased')
      return leased.length === 16 && leased.every((value) => value === 1)
    })
    assert.equal((await valuesOf('delivery', 'sealcast_partition_owned')).length, 16)
    assert.deepEqual(await valuesOf('gateway', 'sealcast_redis_up'), [1])
    assert.deepEqual(await valuesOf('gateway', 'sealcast_redis_persistence_ok'), [1])
    const certificate = new X509Certificate(await readFile(join(stack.home, 'tls', 'gateway.crt.pem')))
    const [end] = await valuesOf('gateway', 'sealcast_certificate_not_after_seconds')
    assert.equal(end, Date.parse(certificate.validTo) / 1000)
  })

  test('exposes the metrics that are documented, as they are documented, and no others', async () => {
    const table = readMetricsTable(await readFile(METRICS_TABLE, 'utf8'))
    const pages = (await readMetrics(stack)).map((text) => readMetricsPage(text))
    assert.deepEqual(compareMetrics(table, new Map(pages.map((page) => [serviceOf(page), page]))), [])
  })

  test('passes the demo', async () => {
    const { stdout } = await promisify(execFile)(
      process.execPath,
      [join(import.meta.dirname, '..', 'demo', 'main.ts')],
      { env: { ...process.env, SEALCAST_HOME: stack.home } },
    )
    assert.match(stdout, /published 10, delivered 10, every signature verified by sns-validator/)
    assert.match(stdout, /by the KMS's own counter: 2 \(/)
    assert.match(stdout, /in clear on their way into Redis: 0 of 10/)
  })
})

/** Which process a page is of. */
function serviceOf(page: ReturnType<typeof readMetricsPage>): string {
  return page.get('sealcast_build_info')?.series[0]?.labels.service ?? ''
}

function sampleOf(pages: string, series: string): number {
  const line = pages.split('\n').find((candidate) => candidate.startsWith(`${series} `))
  assert.ok(line, `${series} is exported`)
  return Number(line.slice(series.length + 1))
}
