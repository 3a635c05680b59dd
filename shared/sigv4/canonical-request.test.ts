import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { canonicalRequest } from './canonical-request.ts'

suite('canonicalRequest()', () => {
  test('puts method, path, query, headers, their names and the body hash on lines of their own', () => {
    assert.equal(
      canonicalRequest(setup({ host: 'localhost', 'my-header': '\t a \t  b ' }), ['host', 'my-header']),
      'POST\n/a%2520b\na=1&b=2\nhost:localhost\nmy-header:a b\n\nhost;my-header\nhash',
    )
  })

  test('joins the values of a repeated header by a comma, each trimmed', () => {
    const canonical = canonicalRequest(setup({ 'my-header': [' b ', 'a', ''] }), ['my-header'])
    assert.match(String(canonical), /\nmy-header:b,a,\n/)
  })

  test('keeps an empty header apart from one that is not there', () => {
    assert.match(String(canonicalRequest(setup({ 'my-header': '' }), ['my-header'])), /\nmy-header:\n/)
    assert.equal(canonicalRequest(setup({ 'my-header': undefined }), ['my-header']), undefined)
  })

  for (const name of ['my-header', 'constructor', '__proto__', 'toString']) {
    test(`gives undefined when the signed header ${name} is not there`, () => {
      assert.equal(canonicalRequest(setup({ host: 'localhost' }), ['host', name]), undefined)
    })
  }
})

function setup(headers: Record<string, string | string[] | undefined>) {
  return { method: 'POST', path: '/a%20b', query: 'b=2&a=1', headers, bodyHash: 'hash' }
}
