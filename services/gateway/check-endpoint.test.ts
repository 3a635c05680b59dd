import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import fc from 'fast-check'
import { readSettings } from '#shared/config'
import { PUBLIC_ONLY, readEndpointNetworks } from '#shared/endpoint-guard'
import { BrokerError } from '#shared/errors'
import { checkEndpoint } from './check-endpoint.ts'

const networks = readSettings({ SEALCAST_ENDPOINT_NETWORKS: 'loopback,private' }, readEndpointNetworks)

suite('checkEndpoint()', () => {
  for (const [protocol, endpoint] of [
    ['https', 'https://example.com/hook?a=1#part'],
    ['https', 'https://user:secret@example.com/hook'],
    ['http', 'http://127.0.0.1:8080/'],
    ['https', 'HTTPS://[::1]:4443/x'],
  ] as const) {
    test(`takes ${endpoint} as given`, () => {
      assert.deepEqual(checkEndpoint({ protocol, endpoint, networks }), { protocol, endpoint })
    })
  }

  const refusals = [
    ['sqs', 'arn:aws:sqs:us-east-1:000000000000:q', 'Amazon SNS does not support this protocol string: sqs'],
    ['HTTPS', 'https://example.com', 'Amazon SNS does not support this protocol string: HTTPS'],
    ['https', 'http://example.com', 'Endpoint must match the specified protocol'],
    ['http', 'https://example.com', 'Endpoint must match the specified protocol'],
    ['https', 'example.com', 'Endpoint must match the specified protocol'],
    ['https', undefined, 'Endpoint'],
    ['https', '', 'Endpoint'],
    ['https', 'https://', 'Endpoint'],
    ['https', 'https://exa mple.com/', 'Endpoint'],
    ['https', 'https://example.com:99999/', 'Endpoint'],
    ['https', 'https://example.com/hook ', 'Endpoint'],
    ['https', 'https://exam\tple.com/', 'Endpoint'],
    ['https', 'https://example.com/\r\nX-Injected: 1', 'Endpoint'],
    ['https', 'https://example.com/\u0007', 'Endpoint'],
    ['https', `https://example.com/${'x'.repeat(2048)}`, 'Endpoint'],
    ['https', 'https://169.254.169.254/', 'Unreachable Endpoint'],
    ['http', 'http://2852039166/latest/meta-data', 'Unreachable Endpoint'],
    ['http', 'http://[::ffff:169.254.169.254]/', 'Unreachable Endpoint'],
    ['https', 'https://user:secret@0xA9FEA9FE:8443/', 'Unreachable Endpoint'],
    ['https', 'https://0.0.0.0/', 'Unreachable Endpoint'],
    ['https', 'https://my_host.example.com/', 'Unreachable Endpoint'],
    ['https', 'https://my%5Fhost.example.com/', 'Unreachable Endpoint'],
    [
      'http',
      'http://user:secret@example.com/',
      'Endpoint Reason: Please use HTTPS for subscriptions that contain inline credentials',
    ],
  ] as const
  for (const [protocol, endpoint, text] of refusals) {
    test(`refuses ${protocol} ${endpoint?.slice(0, 40)}: ${text}`, () => {
      assert.throws(() => checkEndpoint({ protocol, endpoint, networks }), { message: `Invalid parameter: ${text}` })
    })
  }

  test('refuses loopback and private addresses unless they are allowed', () => {
    for (const endpoint of ['https://127.0.0.1/', 'https://[::1]/', 'https://localhost:8443/', 'https://10.0.0.1/']) {
      assert.throws(() => checkEndpoint({ protocol: 'https', endpoint, networks: PUBLIC_ONLY }), {
        message: 'Invalid parameter: Unreachable Endpoint',
      })
      assert.equal(checkEndpoint({ protocol: 'https', endpoint, networks }).endpoint, endpoint)
    }
    const endpoint = 'https://example.com/my_hook'
    assert.equal(checkEndpoint({ protocol: 'https', endpoint, networks: PUBLIC_ONLY }).endpoint, endpoint)
  })

  test('throws nothing but its own refusal for arbitrary text', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.webUrl(),
          fc.string().map((rest) => `https://${rest}`),
        ),
        (endpoint) => {
          try {
            assert.equal(checkEndpoint({ protocol: 'https', endpoint, networks }).endpoint, endpoint)
          } catch (error) {
            assert.ok(error instanceof BrokerError, String(error))
          }
        },
      ),
    )
  })
})
