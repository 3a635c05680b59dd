import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { suite, type TestContext, test } from 'node:test'
import { readUpConfig } from './config.ts'
import { openDataDirectory } from './data-directory.ts'
import { serviceSettings } from './service-settings.ts'

suite('serviceSettings()', () => {
  test('keeps AWS credentials that happen to lie around from the services', (t) => {
    const { gateway } = setup(t, { AWS_ACCESS_KEY_ID: 'AKIA', AWS_PROFILE: 'work', PATH: '/bin' })
    assert.deepEqual(
      Object.keys(gateway).filter((name) => name.startsWith('AWS_')),
      [],
    )
    assert.equal(gateway.PATH, '/bin')
  })

  test('hands them to the services when AWS KMS was asked for', (t) => {
    const aws = { AWS_ACCESS_KEY_ID: 'AKIA', AWS_SECRET_ACCESS_KEY: 's', AWS_ENDPOINT_URL_KMS: 'https://kms' }
    const { gateway, delivery } = setup(t, { SEALCAST_KMS: 'aws', ...aws })
    for (const settings of [gateway, delivery]) {
      for (const [name, value] of Object.entries(aws)) assert.equal(settings[name], value)
    }
  })

  test('never hands on what a sourced env of this stack has set', (t) => {
    const sourced = { AWS_ACCESS_KEY_ID: CLIENT, AWS_SECRET_ACCESS_KEY: 's', AWS_ENDPOINT_URL_STS: 'https://localhost' }
    const { gateway } = setup(t, { SEALCAST_KMS: 'aws', AWS_ROLE_ARN: 'arn', ...sourced })
    assert.deepEqual(
      Object.keys(gateway).filter((name) => name.startsWith('AWS_')),
      ['AWS_ROLE_ARN'],
    )
  })

  test('hands on what it does not know, and lets what is set win', (t) => {
    const { delivery } = setup(t, { SEALCAST_LEASE_MS: '700', SEALCAST_SUBSCRIBER_CA_FILE: '/my/ca.pem' })
    assert.equal(delivery.SEALCAST_LEASE_MS, '700')
    assert.equal(delivery.SEALCAST_SUBSCRIBER_CA_FILE, '/my/ca.pem')
  })

  test('drops the trust files of its own env, but not somebody else’s', (t) => {
    const { kms, home } = setup(t, (folder) => ({
      NODE_EXTRA_CA_CERTS: join(folder, 'ca.pem'),
      SSL_CERT_FILE: '/corporate.pem',
    }))
    assert.equal(kms.NODE_EXTRA_CA_CERTS, undefined)
    assert.equal(kms.SSL_CERT_FILE, '/corporate.pem')
    assert.equal(kms.SEALCAST_HOME, home)
  })

  test('gives each process its own metrics port', (t) => {
    const { all } = setup(t, {})
    const ports = [...all].map(([name, settings]) => [name, settings.SEALCAST_METRICS_PORT])
    assert.deepEqual(Object.fromEntries(ports), { gateway: '3', delivery: '4', kms: '5', 'gateway-2': '6' })
  })
})

const CLIENT = 'AKIACLIENT'

function setup(t: TestContext, from: Record<string, string> | ((home: string) => Record<string, string>)) {
  const home = mkdtempSync(join(tmpdir(), 'sealcast-settings-'))
  t.after(() => rmSync(home, { recursive: true }))
  const env = { SEALCAST_HOME: home, ...(typeof from === 'function' ? from(home) : from) }
  const metrics = new Map(['gateway', 'delivery', 'kms', 'gateway-2'].map((name, at) => [name, 3 + at]))
  const all = serviceSettings({
    env,
    config: readUpConfig(env, '/'),
    directory: openDataDirectory(home),
    ports: { gateway: 1, kms: 2, kmsAdmin: 7, metrics },
    redisUrl: 'redis://127.0.0.1:6',
    clientAccessKeyId: CLIENT,
  })
  const of = (name: string) => all.get(name) ?? assert.fail()
  return { home, all, gateway: of('gateway'), delivery: of('delivery'), kms: of('kms') }
}
