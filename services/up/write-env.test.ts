import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { suite, test } from 'node:test'
import fc from 'fast-check'
import { type ClientEnvironment, formatEnv, quoteForShell } from './write-env.ts'

suite('formatEnv()', () => {
  for (const shell of ['sh', 'bash']) {
    test(`gives ${shell} every value exactly, whatever is in it`, () => {
      const nasty = `a b'c"d$HOME\`id\`\\n;#!\n*é'`
      const sourced = source(shell, formatEnv({ ...client, secretAccessKey: nasty, caFile: `/x/${nasty}` }))
      assert.equal(sourced.AWS_SECRET_ACCESS_KEY, nasty)
      assert.equal(sourced.NODE_EXTRA_CA_CERTS, `/x/${nasty}`)
    })
  }

  test('exports what AWS tools read, and nothing of another profile', () => {
    const before = { AWS_PROFILE: 'work', AWS_SESSION_TOKEN: 'other' }
    const { PWD: _, SHLVL: __, _: ___, ...sourced } = source('sh', formatEnv(client), before)
    assert.deepEqual(sourced, {
      AWS_ACCESS_KEY_ID: 'AKIA',
      AWS_SECRET_ACCESS_KEY: 'secret',
      AWS_REGION: 'eu-west-1',
      AWS_DEFAULT_REGION: 'eu-west-1',
      AWS_ENDPOINT_URL_SNS: 'https://localhost:1',
      AWS_ENDPOINT_URL_SQS: 'https://localhost:1',
      AWS_ENDPOINT_URL_STS: 'https://localhost:1',
      AWS_ENDPOINT_URL_KMS: 'http://127.0.0.1:2',
      AWS_CA_BUNDLE: '/home/ca-bundle.pem',
      SSL_CERT_FILE: '/home/ca-bundle.pem',
      NODE_EXTRA_CA_CERTS: '/home/ca.pem',
      SEALCAST_REDIS_URL: 'redis://:p@127.0.0.1:3',
      SEALCAST_KMS_ADMIN_URL: 'http://127.0.0.1:8',
      SEALCAST_METRICS_URLS: 'http://127.0.0.1:4/metrics,http://127.0.0.1:5/metrics',
      SEALCAST_ENDPOINT_NETWORKS: 'loopback',
    })
  })

  test('tells for how long data keys are reused where that was set', () => {
    const sourced = source('sh', formatEnv({ ...client, dataKeyReuseSeconds: '5' }))
    assert.equal(sourced.SEALCAST_DATA_KEY_REUSE_SECONDS, '5')
  })

  test('leaves the KMS endpoint out when KMS is not the stack’s own, and takes away the broker’s', () => {
    const sourced = source('sh', formatEnv({ ...client, kmsUrl: undefined, kmsAdminUrl: undefined }), {
      AWS_ENDPOINT_URL_KMS: 'https://kms',
    })
    assert.equal(sourced.AWS_ENDPOINT_URL_KMS, undefined)
  })
})

suite('quoteForShell()', () => {
  test('survives a shell for any text', () => {
    const text = fc.string({ unit: 'binary', maxLength: 40 }).map((value) => value.replaceAll('\0', ''))
    fc.assert(
      fc.property(fc.array(text, { minLength: 20, maxLength: 20 }), (values) => {
        const script = values.map((value) => `printf '%s\\0' ${quoteForShell(value)}`).join('\n')
        const printed = execFileSync('sh', { input: script }).toString('utf8').split('\0').slice(0, -1)
        assert.deepEqual(
          printed,
          values.map((value) => Buffer.from(value).toString('utf8')),
        )
      }),
      { numRuns: 20 },
    )
  })
})

const client: ClientEnvironment = {
  accessKeyId: 'AKIA',
  secretAccessKey: 'secret',
  region: 'eu-west-1',
  gatewayUrl: 'https://localhost:1',
  kmsUrl: 'http://127.0.0.1:2',
  kmsAdminUrl: 'http://127.0.0.1:8',
  caFile: '/home/ca.pem',
  caBundleFile: '/home/ca-bundle.pem',
  redisUrl: 'redis://:p@127.0.0.1:3',
  metricsUrls: ['http://127.0.0.1:4/metrics', 'http://127.0.0.1:5/metrics'],
  endpointNetworks: 'loopback',
  dataKeyReuseSeconds: undefined,
}

function source(shell: string, text: string, env: Record<string, string> = {}): Record<string, string> {
  const folder = mkdtempSync(join(tmpdir(), 'sealcast-env-'))
  try {
    const file = join(folder, 'env')
    writeFileSync(file, text)
    const output = execFileSync(shell, ['-c', '. "$0" && env -0', file], { env: { ...env, PATH: process.env.PATH } })
    const pairs = output
      .toString('utf8')
      .split('\0')
      .filter((pair) => pair !== '' && !pair.startsWith('PATH='))
    return Object.fromEntries(
      pairs.map((pair) => [pair.slice(0, pair.indexOf('=')), pair.slice(pair.indexOf('=') + 1)]),
    )
  } finally {
    rmSync(folder, { recursive: true })
  }
}
