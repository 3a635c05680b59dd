import assert from 'node:assert/strict'
import { X509Certificate } from 'node:crypto'
import { suite, test } from 'node:test'
import { rootCertificates } from 'node:tls'
import { createCertificateGauge, createMetrics } from './index.ts'

suite('createCertificateGauge()', () => {
  test('shows the end of what is in use, that of the first to end where there are several', async () => {
    const { inUse, shown } = setup()
    // Anybody's will do: two that do not end together.
    const [first = '', ...others] = rootCertificates
    const other = others.find((one) => endOf(one) !== endOf(first)) ?? ''
    inUse('gateway', first)
    inUse('ca', `${first}\n${other}`)
    assert.equal(await shown('gateway'), endOf(first))
    assert.equal(await shown('ca'), Math.min(endOf(first), endOf(other)))
    inUse('gateway', other)
    assert.equal(await shown('gateway'), endOf(other))
  })

  test('shows nothing of what is no certificate', async () => {
    const { inUse, shown } = setup()
    inUse('kms', '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n')
    inUse('kms', '')
    assert.equal(await shown('kms'), 0)
  })
})

/** @returns epoch seconds */
function endOf(pem: string): number {
  return Date.parse(new X509Certificate(pem).validTo) / 1000
}

function setup() {
  const metrics = createMetrics({ service: 'test' })
  const { inUse } = createCertificateGauge(metrics)
  return {
    inUse,
    async shown(name: string): Promise<number> {
      const { text } = await metrics.expose()
      return Number(
        new RegExp(`^sealcast_certificate_not_after_seconds\\{certificate="${name}"\\} (\\d+)$`, 'm').exec(text)?.[1] ??
          0,
      )
    },
  }
}
