import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import fc from 'fast-check'
import { canonicalPath, canonicalQuery, readQuery } from './canonical-uri.ts'

suite('canonicalPath()', () => {
  for (const [path, expected] of [
    ['', '/'],
    ['/', '/'],
    ['//', '/'],
    ['/a/./b/../c', '/a/c'],
    ['/../..', '/'],
    ['/a//b/', '/a/b/'],
    ['/a/..', '/'],
    ['/a%20b', '/a%2520b'],
    ['/a%2Fb', '/a%252Fb'],
    ['/%2e%2e', '/%252e%252e'],
    ["/!'()*", '/%21%27%28%29%2A'],
    // One character of Node's request line is one byte.
    ['/\u00e1\u0088\u00b4', '/%E1%88%B4'],
  ] as const) {
    test(`makes ${JSON.stringify(path)} ${expected}`, () => assert.equal(canonicalPath(path), expected))
  }
})

suite('canonicalQuery()', () => {
  for (const [name, query, expected] of [
    ['sorts by name, then by value', 'b=2&a=2&a=1', 'a=1&a=2&b=2'],
    ['compares names before values', 'a-b=1&a=2', 'a=2&a-b=1'],
    ['sorts capitals first', 'a=1&B=1', 'B=1&a=1'],
    ['gives a parameter without a value an empty one', 'a&b=', 'a=&b='],
    ['drops empty pieces', '&&a=1&&', 'a=1'],
    ['keeps an empty name', '=v', '=v'],
    ['splits at the first equals sign', 'a=b=c', 'a=b%3Dc'],
    ['decodes what need not be encoded', '%61=%7e%2D', 'a=~-'],
    ['writes hex digits as capitals', 'a=%c3%a9', 'a=%C3%A9'],
    ['takes a plus for a space', 'a=b+c&d=%2B', 'a=b%20c&d=%2B'],
    ['keeps invalid UTF-8 byte by byte', 'a=%ff%C3', 'a=%FF%C3'],
    ['keeps a percent sign that encodes nothing', 'a=%&b=%4&c=%zz&d=100%25', 'a=%25&b=%254&c=%25zz&d=100%25'],
    ['leaves out the signature', 'X-Amz-Signature=0&a=1&X-Amz-Signatur%65=1', 'a=1'],
    ['encodes bytes above 7f', '\u00e9=1', '%E9=1'],
  ] as const) {
    test(name, () => assert.equal(canonicalQuery(readQuery(query)), expected))
  }

  test('is stable: canonical text comes out as it is, whatever went in', () => {
    const text = fc.string({ unit: fc.constantFrom(...'abXY=&%+25fF09/~-. \u00e9\u00ff'), maxLength: 40 })
    fc.assert(
      fc.property(text, (query) => {
        const once = canonicalQuery(readQuery(query))
        assert.equal(canonicalQuery(readQuery(once)), once)
        assert.match(once, /^[A-Za-z0-9._~%=&-]*$/)
      }),
    )
  })
})
