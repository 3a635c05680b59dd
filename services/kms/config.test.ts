import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { ConfigError } from '#shared/config'
import { readKmsConfig } from './config.ts'

suite('readKmsConfig()', () => {
  test('serves on loopback unless told otherwise', () => {
    const config = readKmsConfig(REQUIRED)
    assert.equal(config.host, '127.0.0.1')
    assert.equal(config.port, 4599)
    assert.equal(config.account, '000000000000')
  })

  for (const host of ['127.0.0.1', '127.8.9.10', '::1', 'localhost']) {
    test(`takes ${host} without TLS`, () => {
      assert.equal(readKmsConfig({ ...REQUIRED, SEALCAST_KMS_HOST: host }).host, host)
    })
  }

  for (const host of ['0.0.0.0', '::', '10.0.0.1', 'kms.example', '127.0.0.1.example', 'localhost.example']) {
    test(`refuses ${host} without TLS and takes it with`, () => {
      const env = { ...REQUIRED, SEALCAST_KMS_HOST: host }
      assert.throws(() => readKmsConfig(env), ConfigError)
      const tls = { SEALCAST_KMS_TLS_CERT_FILE: 'c', SEALCAST_KMS_TLS_KEY_FILE: 'k' }
      assert.deepEqual(readKmsConfig({ ...env, ...tls }).tls, { certificateFile: 'c', keyFile: 'k' })
    })
  }

  test('refuses half of a TLS setup, a bad account and missing directories', () => {
    const bad: Record<string, string>[] = [
      { ...REQUIRED, SEALCAST_KMS_TLS_CERT_FILE: 'c' },
      { ...REQUIRED, SEALCAST_KMS_TLS_KEY_FILE: 'k' },
      { ...REQUIRED, SEALCAST_ACCOUNT_ID: '12' },
      {},
    ]
    for (const env of bad) assert.throws(() => readKmsConfig(env), ConfigError)
  })
})

const REQUIRED = {
  SEALCAST_KMS_DIR: 'kms',
  SEALCAST_SECRETS_DIR: 'secrets',
  SEALCAST_PRINCIPALS_FILE: 'principals.json',
}
