import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { parseHttpTarget } from './http-target.ts'

suite('parseHttpTarget()', () => {
  test('keeps path and query as given', () => {
    assert.deepEqual(parseHttpTarget('https://example.com:8443/a%20b/c?x=1&y=%2F'), {
      origin: 'https://example.com:8443',
      path: '/a%20b/c?x=1&y=%2F',
      host: 'example.com:8443',
    })
  })

  test('asks for the root when there is no path, and never sends a fragment', () => {
    assert.equal(parseHttpTarget('http://example.com')?.path, '/')
    assert.equal(parseHttpTarget('http://example.com/a#b')?.path, '/a')
  })

  test('takes credentials out of the URL and decodes them', () => {
    const target = parseHttpTarget('https://us%3Aer:p%40ss%C3%A9@example.com/x')
    assert.equal(target?.origin, 'https://example.com')
    assert.equal(target?.host, 'example.com')
    assert.equal(target?.basicAuthorization, `Basic ${Buffer.from('us:er:p@ssé', 'utf8').toString('base64')}`)
  })

  for (const endpoint of ['', 'example.com', 'ftp://example.com/', 'https://', 'mailto:a@b', 'https://%FF:x@host/']) {
    test(`refuses ${endpoint || 'an empty endpoint'}`, () => {
      assert.equal(parseHttpTarget(endpoint), undefined)
    })
  }
})
