import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import fc from 'fast-check'
import { BrokerError } from '#shared/errors'
import { checkEndpoint } from './check-endpoint.ts'

suite('checkEndpoint()', () => {
  for (const [protocol, endpoint] of [
    ['https', 'https://example.com/hook?a=1#part'],
    ['https', 'https://user:secret@example.com/hook'],
    ['http', 'http://127.0.0.1:8080/'],
    ['https', 'HTTPS://[::1]:4443/x'],
  ] as const) {
    test(`takes ${endpoint} as given`, () => {
      assert.deepEqual(checkEndpoint(protocol, endpoint), { protocol, endpoint })
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
    [
      'http',
      'http://user:secret@example.com/',
      'Endpoint Reason: Please use HTTPS for subscriptions that contain inline credentials',
    ],
  ] as const
  for (const [protocol, endpoint, text] of refusals) {
    test(`refuses ${protocol} ${endpoint?.slice(0, 40)}: ${text}`, () => {
      assert.throws(() => checkEndpoint(protocol, endpoint), { message: `Invalid parameter: ${text}` })
    })
  }

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
            assert.equal(checkEndpoint('https', endpoint).endpoint, endpoint)
          } catch (error) {
            assert.ok(error instanceof BrokerError, String(error))
          }
        },
      ),
    )
  })
})
