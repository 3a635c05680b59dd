import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { readDeliveryConfig } from './config.ts'

const REQUIRED = {
  SEALCAST_REDIS_URL: 'redis://127.0.0.1:6379',
  SEALCAST_SECRETS_DIR: '/secrets',
  SEALCAST_PUBLIC_URL: 'https://localhost:4443',
}

suite('readDeliveryConfig()', () => {
  test('needs no more than Redis, the secrets and the public URL', () => {
    const config = readDeliveryConfig(REQUIRED)
    assert.equal(config.leaseMs, 5_000)
    assert.equal(config.retrySecondMs, 1_000)
    assert.equal(config.attemptTimeoutMs, 15_000)
    assert.equal(config.partitions, 16)
    assert.equal(config.subscriberCaFile, undefined)
    // Between the gateway's and the KMS's: all three run with their defaults on one machine.
    assert.equal(config.metricsPort, 9465)
  })

  test('names every missing setting', () => {
    assert.throws(() => readDeliveryConfig({}), {
      code: 'CONFIG_INVALID',
      message: /SEALCAST_PUBLIC_URL.*SEALCAST_REDIS_URL.*SEALCAST_SECRETS_DIR/,
    })
  })

  test('asks AWS KMS only when it is named', () => {
    const lyingAround = { AWS_ACCESS_KEY_ID: 'AKIA', AWS_ENDPOINT_URL_KMS: 'https://kms.us-east-1.amazonaws.com' }
    assert.equal(readDeliveryConfig({ ...REQUIRED, ...lyingAround }).kms.kind, 'local')
    assert.equal(readDeliveryConfig({ ...REQUIRED, SEALCAST_KMS: 'aws' }).kms.kind, 'aws')
  })

  test('refuses networks that would allow what is always refused', () => {
    assert.throws(() => readDeliveryConfig({ ...REQUIRED, SEALCAST_ENDPOINT_NETWORKS: 'loopback,169.254.0.0/16' }), {
      code: 'CONFIG_INVALID',
      message: /SEALCAST_ENDPOINT_NETWORKS cannot allow 169\.254\.0\.0\/16/,
    })
  })

  for (const url of [
    'localhost:4443',
    'ftp://host/',
    'https://user:pw@host/',
    'https://host/?a=b',
    'https://host/#x',
  ]) {
    test(`refuses the public URL ${url}`, () => {
      assert.throws(() => readDeliveryConfig({ ...REQUIRED, SEALCAST_PUBLIC_URL: url }), { code: 'CONFIG_INVALID' })
    })
  }
})
