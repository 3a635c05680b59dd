import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { suite, test } from 'node:test'
import fc from 'fast-check'
import { parseExposition } from './parse-exposition.ts'
import { renderView, summarizeView } from './render.ts'
import type { Scrape } from './scrape.ts'
import { type View, viewOf } from './view.ts'

const WIDTHS = [48, 80, 140] as const

suite('renderView()', () => {
  for (const width of WIDTHS) {
    test(`is what golden/${width}.txt shows at ${width} columns`, () => {
      const lines = renderView(busyView(), { width, isColored: false, hint: 'q quits' })
      const golden = readFileSync(new URL(`golden/${width}.txt`, import.meta.url), 'utf8')
      assert.equal(lines.map((line) => `${line}\n`).join(''), golden)
    })
  }

  test('fits any width and height, with colours or without', () => {
    const views = [busyView(), emptyView()]
    const size = fc.record({ width: fc.integer({ min: 1, max: 250 }), rows: fc.integer({ min: 1, max: 80 }) })
    fc.assert(
      fc.property(fc.constantFrom(...views), size, (view, { width, rows }) => {
        const plain = renderView(view, { width, rows, isColored: false })
        assert.ok(plain.length <= rows && plain.every((line) => [...line].length <= width && !/\p{Cc}/u.test(line)))
        const colored = renderView(view, { width, rows, isColored: true })
        // biome-ignore lint/suspicious/noControlCharactersInRegex: it is what colours are made of.
        const stripped = colored.map((line) => line.replaceAll(/\u001b\[\d+m/g, '').trimEnd())
        assert.deepEqual(stripped, plain)
      }),
    )
  })

  test('shows a dash for what nobody tells, and who does not answer', () => {
    const text = renderView(emptyView(), { width: 80, isColored: false }).join('\n')
    assert.match(text, /0 of 1 up/)
    assert.match(text, /127\.0\.0\.1:1 +– +– +– +ECONNREFUSED/)
    assert.match(text, /messages +–/)
    assert.doesNotMatch(text, /NaN|undefined|Infinity|password/)
  })
})

suite('summarizeView()', () => {
  test('is one line', () => {
    assert.equal(
      summarizeView(busyView()),
      '08:30:00  published 1,250/s p99 24.5 ms  delivered 1,240/s p99 >100.0 s  kms 1.00/s of 0.060/s predicted, ratio –  waiting 1,041 held 3  down 1',
    )
  })
})

function busyView(): View {
  const gateway = (n: number) => `
sealcast_build_info{version="0.1.0",service="gateway"} 1
process_start_time_seconds{service="gateway"} 100
process_cpu_seconds_total{service="gateway"} ${10 + 0.85 * n}
process_resident_memory_bytes{service="gateway"} 125829120
sealcast_messages_published_total{sealed="true"} ${1_250 * n}
sealcast_topic_messages_published_total{topic="arn:aws:sns:us-east-1:000000000000:orders"} ${1_000 * n}
sealcast_topic_messages_published_total{topic="arn:aws:sns:us-east-1:000000000000:bills"} ${250 * n}
sealcast_api_requests_total{action="Publish",code="ok"} ${1_250 * n}
sealcast_api_requests_total{action="Publish",code="KMSDisabled"} ${2 * n}
sealcast_api_request_seconds_bucket{action="Publish",le="0.001"} ${600 * n}
sealcast_api_request_seconds_bucket{action="Publish",le="0.025"} ${1_250 * n}
sealcast_api_request_seconds_bucket{action="Publish",le="+Inf"} ${1_250 * n}
sealcast_api_request_seconds_bucket{action="ListTopics",le="+Inf"} ${9_999 * n}
sealcast_requests_in_flight 4
sealcast_kms_requests_total{operation="GenerateDataKey",outcome="ok",purpose="issue",key="k"} ${n}
sealcast_kms_active_pairs 8
sealcast_kms_predicted_requests 16
sealcast_gateways_alive 2
sealcast_data_key_reuse_seconds 400
sealcast_data_key_cache_hits_total ${999 * n}
sealcast_data_key_cache_misses_total ${n}
sealcast_partition_entries{partition="0"} 40
sealcast_partition_entries{partition="1"} 1
sealcast_partition_pending{partition="0"} 12
sealcast_partition_oldest_entry_seconds{partition="0"} 1.5
sealcast_quarantined_entries 2
sealcast_redis_up{node="127.0.0.1:4379"} 1
sealcast_redis_memory_used_bytes{node="127.0.0.1:4379"} 52428800
sealcast_redis_memory_max_bytes{node="127.0.0.1:4379"} 0
sealcast_redis_clients{node="127.0.0.1:4379"} 9
`
  const delivery = (n: number) => `
sealcast_build_info{version="0.1.0",service="delivery"} 1
process_cpu_seconds_total{service="delivery"} ${n}
process_resident_memory_bytes{service="delivery"} 99614720
sealcast_deliveries_total{protocol="https",outcome="delivered"} ${1_240 * n}
sealcast_deliveries_total{protocol="https",outcome="retry"} ${3 * n}
sealcast_notifications_failed_total 0
sealcast_end_to_end_seconds_bucket{le="0.01"} ${1_000 * n}
sealcast_end_to_end_seconds_bucket{le="100"} ${1_200 * n}
sealcast_end_to_end_seconds_bucket{le="+Inf"} ${1_240 * n}
sealcast_kms_requests_total{operation="Decrypt",outcome="ok",purpose="deliver",key="k"} 0
sealcast_backlog_messages 1000
sealcast_held_messages{key="k"} 3
sealcast_held_seconds{key="k"} 340
sealcast_slowest_endpoint_seconds{host="slow.example.com:8443"} 2.25
sealcast_slowest_endpoint_seconds{host="evil\\n\u001b[2J.example"} 0.5
`
  const pages = (n: number): Scrape[] => [
    { url: 'http://127.0.0.1:9464/metrics', at: 1_000 * n, page: parseExposition(gateway(n)), error: undefined },
    { url: 'http://127.0.0.1:9465/metrics', at: 1_000 * n, page: parseExposition(delivery(n)), error: undefined },
    { url: 'http://user:password@127.0.0.1:9466/metrics', at: 1_000 * n, page: undefined, error: 'ECONNREFUSED' },
  ]
  return viewOf({ before: pages(1), after: pages(2), at: Date.UTC(2026, 10, 30, 8, 30) })
}

function emptyView(): View {
  const none: Scrape = {
    url: 'http://user:password@127.0.0.1:1/metrics',
    at: 0,
    page: undefined,
    error: 'ECONNREFUSED',
  }
  return viewOf({ before: [none], after: [none], at: 0 })
}
