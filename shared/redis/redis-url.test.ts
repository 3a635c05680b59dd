import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import fc from 'fast-check'
import { RedisUrlError } from './errors.ts'
import { parseRedisUrl } from './redis-url.ts'

suite('parseRedisUrl()', () => {
  test('takes apart every form', () => {
    const cases: [string, ReturnType<typeof parseRedisUrl>][] = [
      ['redis://h', { host: 'h', port: 6379, db: 0, tls: false }],
      ['redis://127.0.0.1:7000/', { host: '127.0.0.1', port: 7000, db: 0, tls: false }],
      ['rediss://h:7000/3', { host: 'h', port: 7000, db: 3, tls: true }],
      ['redis://[::1]:7000', { host: '::1', port: 7000, db: 0, tls: false }],
      ['redis://:p%40ss@h', { host: 'h', port: 6379, password: 'p@ss', db: 0, tls: false }],
      ['redis://u:p@h', { host: 'h', port: 6379, username: 'u', password: 'p', db: 0, tls: false }],
    ]
    for (const [url, expected] of cases) assert.deepEqual(parseRedisUrl(url), expected, url)
  })

  test('refuses what it does not understand, and never shows the password', () => {
    for (const url of [
      '',
      'h:6379',
      'http://u:hunter2@h',
      'redis://u:hunter2@',
      'redis://u:hunter2@h:port',
      'redis://u:hunter2@h/zero',
      'redis://u:hunter2@h/?enableOfflineQueue=true',
      'redis://u:hunter2@h#x',
      'redis://u:hunter2%zz@h',
      'redis://hunter2@h',
    ]) {
      assert.throws(
        () => parseRedisUrl(url),
        (error) =>
          error instanceof RedisUrlError &&
          !JSON.stringify({ ...error, message: error.message, stack: error.stack }).includes('hunter2'),
        url,
      )
    }
  })

  test('gives back any password that was percent-encoded', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', minLength: 1 }), (password) => {
        assert.equal(parseRedisUrl(`redis://u:${encodeURIComponent(password)}@h`).password, password)
      }),
    )
  })

  test('answers any text with an address or a RedisUrlError', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.webUrl(),
          fc.string().map((s) => `redis://${s}`),
        ),
        (url) => {
          try {
            assert.notEqual(parseRedisUrl(url).host, '')
          } catch (error) {
            assert.ok(error instanceof RedisUrlError)
          }
        },
      ),
    )
  })
})
