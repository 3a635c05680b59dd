import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { readUpConfig } from './config.ts'
import { metricsPorts, metricsPortWishes, portWishes } from './port-wishes.ts'
import { kmsUrl, publicUrl } from './service-settings.ts'
import { stackProcesses } from './stack-processes.ts'

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
    ['SEALCAST_KMS', 'cloud'],
    ['SEALCAST_ACCOUNT_ID', '12'],
    ['SEALCAST_GATEWAY_PORT', '65536'],
    ['SEALCAST_METRICS_PORT', '65534'],
    ['SEALCAST_GATEWAYS', '0'],
    ['SEALCAST_WORKERS', '-1'],
    ['SEALCAST_WORKERS', '33'],
    ['SEALCAST_WORKERS', 'two'],
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
  test('wants no port for a local KMS beside AWS KMS', () => {
    const config = readUpConfig({ SEALCAST_KMS: 'aws' }, '/')
    assert.ok(!('kms' in portWishes(config, { redis: true })))
    assert.deepEqual(
      stackProcesses(config).map(({ name }) => name),
      ['gateway', 'delivery'],
    )
    assert.equal(kmsUrl(config, {}), undefined)
  })

  test('wants no port for a Redis that is not ours, nor for HTTP unless asked', () => {
    const wishes = portWishes(readUpConfig({}, '/'), { redis: false })
    assert.ok(!('redis' in wishes) && !('http' in wishes))
  })
})

suite('metricsPortWishes()', () => {
  const ports = (env: Record<string, string>) => {
    const config = readUpConfig(env, '/')
    const wishes = metricsPortWishes(config, stackProcesses(config))
    const chosen = Object.fromEntries(Object.entries(wishes).map(([name, { port }]) => [name, port]))
    return Object.fromEntries(metricsPorts({ ...chosen, other: 1 }))
  }

  test('gives each process the next port, and those of one gateway and one worker always the same', () => {
    const first = { gateway: 9000, delivery: 9001, kms: 9002 }
    assert.deepEqual(ports({ SEALCAST_METRICS_PORT: '9000' }), first)
    assert.deepEqual(ports({ SEALCAST_METRICS_PORT: '9000', SEALCAST_GATEWAYS: '2', SEALCAST_WORKERS: '3' }), {
      ...first,
      'gateway-2': 9003,
      'delivery-2': 9004,
      'delivery-3': 9005,
    })
  })

  test('gives the KMS the port of a worker that is not there', () => {
    assert.deepEqual(ports({ SEALCAST_METRICS_PORT: '9000', SEALCAST_WORKERS: '0' }), { gateway: 9000, kms: 9001 })
  })

  test('takes any port when the first one is 0', () => {
    assert.deepEqual(ports({ SEALCAST_METRICS_PORT: '0' }), { gateway: 0, delivery: 0, kms: 0 })
  })

  test('leaves room for the last one', () => {
    const most = { SEALCAST_GATEWAYS: '2', SEALCAST_WORKERS: '2', SEALCAST_METRICS_PORT: '65531' }
    assert.equal(ports(most)['delivery-2'], 65_535)
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
