import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { readUpConfig } from './config.ts'
import { portWishes } from './port-wishes.ts'
import { kmsUrl, publicUrl } from './service-settings.ts'

suite('readUpConfig()', () => {
  test('has the documented defaults', () => {
    const config = readUpConfig({}, '/checkout')
    assert.equal(config.home, '/checkout/.sealcast')
    assert.deepEqual(
      [config.gatewayPort, config.httpPort, config.kmsPort, config.redisPort, config.metricsPort],
      [4443, undefined, 4599, 4379, 9464],
    )
    assert.deepEqual([config.account, config.region], ['000000000000', 'us-east-1'])
  })

  test('makes relative paths absolute, since the services run elsewhere', () => {
    const config = readUpConfig({ SEALCAST_HOME: 'data', SEALCAST_SECRETS_DIR: '../s' }, '/a/b')
    assert.deepEqual([config.home, config.secretsDir], ['/a/b/data', '/a/s'])
  })

  for (const [name, value] of [
    ['SEALCAST_KMS', 'aws'],
    ['SEALCAST_KMS', 'cloud'],
    ['SEALCAST_ACCOUNT_ID', '12'],
    ['SEALCAST_GATEWAY_PORT', '65536'],
    ['SEALCAST_METRICS_PORT', '65535'],
    ['SEALCAST_PUBLIC_URL', 'localhost'],
    ['SEALCAST_PUBLIC_URL', 'ftp://broker.example'],
    ['SEALCAST_REGION', 'us east'],
    ['SEALCAST_REGION', "us'"],
    ['SEALCAST_REGIONS', 'eu-west-1'],
    ['SEALCAST_TLS_CERT_FILE', '/only/one'],
  ] as const) {
    test(`refuses ${name}=${value} and names it`, () => {
      assert.throws(() => readUpConfig({ [name]: value }, '/'), { code: 'CONFIG_INVALID', message: new RegExp(name) })
    })
  }
})

suite('portWishes()', () => {
  test('gives delivery and KMS the metrics ports after the gateway’s, or any when that is 0', () => {
    const ports = (metricsPort: string) => {
      const wishes = portWishes(readUpConfig({ SEALCAST_METRICS_PORT: metricsPort }, '/'), { redis: true })
      return [wishes.gatewayMetrics.port, wishes.deliveryMetrics.port, wishes.kmsMetrics.port]
    }
    assert.deepEqual(ports('9000'), [9000, 9001, 9002])
    assert.deepEqual(ports('0'), [0, 0, 0])
  })

  test('wants no port for a Redis that is not ours, nor for HTTP unless asked', () => {
    const wishes = portWishes(readUpConfig({}, '/'), { redis: false })
    assert.ok(!('redis' in wishes) && !('http' in wishes))
  })
})

suite('publicUrl()', () => {
  const url = (env: Record<string, string>) => publicUrl(readUpConfig(env, '/'), { gateway: 4443 })

  test('is localhost when the gateway listens on loopback or everywhere', () => {
    for (const host of ['127.0.0.1', '::1', '0.0.0.0', '::']) {
      assert.equal(url({ SEALCAST_GATEWAY_HOST: host }), 'https://localhost:4443')
    }
  })

  test('is the address the gateway listens on otherwise, or what it is told', () => {
    assert.equal(url({ SEALCAST_GATEWAY_HOST: '10.0.0.5' }), 'https://10.0.0.5:4443')
    assert.equal(url({ SEALCAST_GATEWAY_HOST: 'fd00::5' }), 'https://[fd00::5]:4443')
    assert.equal(url({ SEALCAST_PUBLIC_URL: 'https://broker.example' }), 'https://broker.example')
  })

  test('of KMS speaks HTTPS only when KMS does', () => {
    assert.equal(kmsUrl(readUpConfig({}, '/'), { kms: 1 }), 'http://127.0.0.1:1')
    assert.equal(kmsUrl(readUpConfig({ SEALCAST_KMS_TLS_CERT_FILE: '/c' }, '/'), { kms: 1 }), 'https://127.0.0.1:1')
  })
})
