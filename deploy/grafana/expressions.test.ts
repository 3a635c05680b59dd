import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { panelExpressions } from './expressions.ts'

const SPANS = { range: '1h', rateInterval: '1m' }

suite('panelExpressions()', () => {
  test('lists every query of every dashboard, once', () => {
    const all = panelExpressions(SPANS)
    const places = all.map(({ dashboard, panelId, refId }) => `${dashboard} ${panelId} ${refId}`)
    assert.equal(new Set(places).size, all.length)
    assert.deepEqual([...new Set(all.map(({ dashboard }) => dashboard))].sort(), [
      'sealcast-delivery',
      'sealcast-kms',
      'sealcast-overview',
      'sealcast-redis-processes',
    ])
  })

  test("fills in Grafana's spans and the dashboard's variables, as Prometheus needs it", () => {
    const all = panelExpressions(SPANS)
    assert.deepEqual(
      all.filter(({ query }) => query.includes('$')),
      [],
    )
    const cost = all.find(({ panel }) => panel === 'Cost so far')
    assert.equal(cost?.expression, 'sum(increase(sealcast_kms_requests_total[$__range])) * $usd_per_10000 / 10000')
    assert.equal(cost.query, 'sum(increase(sealcast_kms_requests_total[1h])) * 0.03 / 10000')
    assert.equal(cost.instant, true)
  })
})
