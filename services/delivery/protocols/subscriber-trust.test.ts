import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { createCertificateAuthority } from '#shared/pki'
import { createSubscriberTrust } from './subscriber-trust.ts'

suite('createSubscriberTrust()', () => {
  const { certificatePem } = createCertificateAuthority({ commonName: 'Private CA', now: Date.now() })

  test('takes a file of several certificates, comments between them', () => {
    createSubscriberTrust(`# one\n${certificatePem}\n# two\n${certificatePem}`)
    createSubscriberTrust(undefined)
  })

  for (const [what, pem] of [
    ['an empty file', ''],
    ['a file of something else', 'hello'],
    ['a certificate that is none', '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----'],
    [
      'a good one followed by a broken one',
      `${certificatePem}\n-----BEGIN CERTIFICATE-----\n!\n-----END CERTIFICATE-----`,
    ],
  ] as const) {
    test(`refuses ${what}`, () => {
      assert.throws(() => createSubscriberTrust(pem), { code: 'CONFIG_INVALID' })
    })
  }
})
