import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import fc from 'fast-check'
import { PUBLIC_ONLY } from '#shared/endpoint-guard'
import { checkEndpoint } from './check-endpoint.ts'
import { maskEndpoint } from './mask-endpoint.ts'

suite('maskEndpoint()', () => {
  const cases: [endpoint: string, masked: string][] = [
    ['https://user:secret@host/path?q#f', 'https://user:****@host/path?q#f'],
    ['https://user:secret@host:8443', 'https://user:****@host:8443'],
    ['https://:secret@host/', 'https://:****@host/'],
    ['https://user:@host/', 'https://user:****@host/'],
    ['https://user:se:cr@et@host/', 'https://user:****@host/'],
    ['HTTPS://user:secret@host/', 'HTTPS://user:****@host/'],
    ['https:///user:secret@host/', 'https:///user:****@host/'],
    ['https://user@host/', 'https://user@host/'],
    ['https://host:443/a:b@c', 'https://host:443/a:b@c'],
    ['https://host?u:p@x', 'https://host?u:p@x'],
    ['https://host\\u:p@x', 'https://host\\u:p@x'],
    ['http://host/', 'http://host/'],
  ]
  for (const [endpoint, masked] of cases) {
    test(`shows ${endpoint} as ${masked}`, () => assert.equal(maskEndpoint(endpoint), masked))
  }

  test('shows the password of no endpoint that can be subscribed', () => {
    const part = fc.string({ unit: fc.constantFrom(...'ab1:@/\\?#%.'), maxLength: 8 })
    let masked = 0
    fc.assert(
      fc.property(part, part, (before, after) => {
        const endpoint = `https://${before}:PASSWORD${after}`
        try {
          checkEndpoint({ protocol: 'https', endpoint, networks: PUBLIC_ONLY })
        } catch {
          return
        }
        const { password } = new URL(endpoint)
        if (password === '') return
        masked++
        const shown = new URL(maskEndpoint(endpoint))
        assert.deepEqual([shown.password, shown.host], ['****', new URL(endpoint).host], endpoint)
      }),
      { numRuns: 5_000 },
    )
    assert.ok(masked > 20, `${masked} had a password`)
  })
})
