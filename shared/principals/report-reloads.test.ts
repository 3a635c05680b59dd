import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import type { Log } from '#shared/log'
import { createMetrics } from '#shared/metrics'
import { reportReloads, reportStaleness } from './report-reloads.ts'

suite('reportReloads()', () => {
  test('says in log and metrics that the last good file is in force, and when it no longer is', async () => {
    const { log, events, metrics, stale } = setup()
    const report = reportReloads({ log, metrics })
    assert.equal(await stale(), '0')
    report.onReloadFailure(new Error('bad'))
    assert.equal(await stale(), '1')
    report.onReload()
    assert.equal(await stale(), '0')
    assert.deepEqual(events, ['error principals.reload-failed', 'info principals.reloaded'])
    const { text } = await metrics.expose()
    assert.ok(text.includes('sealcast_principals_reloads_total{outcome="failed"} 1\n'))
    assert.ok(text.includes('sealcast_principals_reloads_total{outcome="ok"} 1\n'))
  })
})

suite('reportStaleness()', () => {
  test('says that a thread could not read what the process has read, and counts nothing twice', async () => {
    const { log, events, metrics, stale } = setup()
    const report = reportStaleness({ log, metrics })
    assert.equal(await stale(), '0')
    report.onReloadFailure(new Error('bad'))
    assert.equal(await stale(), '1')
    report.onReload()
    assert.equal(await stale(), '0')
    assert.deepEqual(events, ['error principals.reload-failed'])
    assert.ok(!(await metrics.expose()).text.includes('sealcast_principals_reloads_total'))
  })
})

function setup() {
  const events: string[] = []
  const at = (level: string) => (event: string) => void events.push(`${level} ${event}`)
  const log: Log = { info: at('info'), warn: at('warn'), error: at('error'), alarm: at('alarm'), flush: () => {} }
  const metrics = createMetrics({ service: 'test' })
  const stale = async () => /^sealcast_principals_stale (\d)$/m.exec((await metrics.expose()).text)?.[1]
  return { log, events, metrics, stale }
}
