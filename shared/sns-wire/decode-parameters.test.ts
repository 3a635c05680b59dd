import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { suite, test } from 'node:test'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import fc from 'fast-check'
import { BrokerError } from '#shared/errors'
import { decodeParameters } from './decode-parameters.ts'
import { MAX_PARAMETERS } from './limits.ts'
import type { Parameters } from './parameters.ts'

interface Vector {
  name: string
  query?: string
  body?: string
  bodyHex?: string
  outcome: string
  parameters?: [string, string][]
}

const vectors: Vector[] = JSON.parse(readFileSync(new URL('./vectors/decode-parameters.json', import.meta.url), 'utf8'))

suite('decodeParameters()', () => {
  for (const vector of vectors) {
    test(`${vector.outcome}: ${vector.name}`, () => {
      const { query = '', body = '', bodyHex } = vector
      const bytes = bodyHex === undefined ? Buffer.from(body, 'utf8') : Buffer.from(bodyHex, 'hex')
      const decode = () => decodeParameters({ query, body: bytes, hasFormBody: true })
      if (vector.outcome === 'decoded') assert.deepEqual(pairs(decode()), vector.parameters)
      else assert.throws(decode, { code: vector.outcome })
    })
  }

  test('does not read a body that is no form', () => {
    const { decode } = setup()
    assert.deepEqual(decode('%%%', { query: 'a=1', hasFormBody: false }), [['a', '1']])
  })

  test('leaves X-Amz- parameters out of the URL only: in a body they are no signature', () => {
    const { decode } = setup()
    assert.deepEqual(decode('X-Amz-Other=1', { query: 'X-Amz-Date=2&x-amz-date=3' }), [
      ['x-amz-date', '3'],
      ['X-Amz-Other', '1'],
    ])
  })

  test(`takes ${MAX_PARAMETERS} parameters and refuses one more, counted over URL and body`, () => {
    const { decode } = setup()
    const form = (count: number) => Array.from({ length: count }, (_, at) => `p${at}=`).join('&')
    assert.equal(decode(form(MAX_PARAMETERS)).length, MAX_PARAMETERS)
    assert.throws(() => decode(form(MAX_PARAMETERS + 1)), { code: 'MALFORMED_QUERY_STRING' })
    assert.throws(() => decode(form(MAX_PARAMETERS), { query: 'q=' }), { code: 'MALFORMED_QUERY_STRING' })
  })

  test('tells which parameter came twice, but repeats no name that might be a body', () => {
    const { decode } = setup()
    assert.throws(() => decode('TopicArn=1&TopicArn=2'), /: TopicArn$/)
    assert.throws(
      () => decode('my secret&my secret'),
      (error: Error) => !error.message.includes('secret'),
    )
  })

  test('reads action and version, and takes an empty one as absent', () => {
    const decoded = (query: string) => decodeParameters({ query, body: Buffer.alloc(0), hasFormBody: false })
    assert.equal(decoded('Action=Publish').action, 'Publish')
    assert.equal(decoded('Version=2010-03-31').version, '2010-03-31')
    assert.equal(decoded('Action=&Version=').action, undefined)
    assert.equal(decoded('Action=&Version=').version, undefined)
  })

  test('gives back what an independent encoder wrote', () => {
    const { decode } = setup()
    const text = fc.string({ unit: 'binary', maxLength: 40 }).filter((value) => !value.includes('\0'))
    const parameters = fc.uniqueArray(
      fc.tuple(
        text.filter((name) => name !== ''),
        text,
      ),
      {
        selector: ([name]) => name,
        maxLength: 12,
      },
    )
    fc.assert(
      fc.property(parameters, (expected) => {
        assert.deepEqual(decode(new URLSearchParams(expected).toString()), expected)
        assert.deepEqual(decode(expected.map((pair) => pair.map(encodeURIComponent).join('=')).join('&')), expected)
        assert.deepEqual(decode(expected.map((pair) => pair.map(escapeEveryByte).join('=')).join('&')), expected)
      }),
    )
  })

  test('answers any bytes with parameters or one of its own refusals', () => {
    const syntax = fc.constantFrom(...Buffer.from('&=%+aA0\0.'))
    const bytes = fc.array(fc.oneof(syntax, fc.integer({ min: 0, max: 255 })), { maxLength: 300 })
    fc.assert(
      fc.property(bytes, fc.string({ maxLength: 60 }), (body, query) => {
        try {
          decodeParameters({ query, body: Uint8Array.from(body), hasFormBody: true })
        } catch (error) {
          assert.ok(error instanceof BrokerError)
          assert.ok(['MALFORMED_QUERY_STRING', 'INVALID_QUERY_PARAMETER'].includes(error.code))
        }
      }),
      { numRuns: 2_000 },
    )
  })

  test('needs time in proportion to the body, whatever it is made of', () => {
    const { decode } = setup()
    for (const piece of ['%41', '&', '=', '+', 'a=&', '%', 'é']) {
      const startedAt = performance.now()
      try {
        decode(piece.repeat(Math.floor(786_432 / Buffer.byteLength(piece))))
      } catch (error) {
        assert.ok(error instanceof BrokerError, piece)
      }
      // Quadratic behaviour would need minutes for such a body; the bound leaves room for a busy machine.
      assert.ok(performance.now() - startedAt < 2_000, `${piece} took too long`)
    }
  })

  test('hands out short values that do not keep the body in memory', () => {
    const { decode } = setup()
    const kept: string[] = []
    collectGarbage()
    const before = process.memoryUsage().heapUsed
    for (let at = 0; at < 100; at++) {
      const [arn] = decode(`TopicArn=arn:aws:sns:eu-west-1:111122223333:orders-${at}&Message=${'x'.repeat(1_000_000)}`)
      if (arn !== undefined) kept.push(arn[1])
    }
    collectGarbage()
    assert.equal(kept.length, 100)
    assert.ok(process.memoryUsage().heapUsed - before < 20_000_000, 'a slice would hold 100 MB of bodies')
  })
})

/** Heap figures mean nothing while garbage is among them. */
function collectGarbage(): void {
  setFlagsFromString('--expose-gc')
  runInNewContext('gc')()
}

function setup() {
  return {
    decode: (body: string, o: { query?: string; hasFormBody?: boolean } = {}) =>
      pairs(
        decodeParameters({
          query: o.query ?? '',
          body: Buffer.from(body, 'utf8'),
          hasFormBody: o.hasFormBody ?? true,
        }),
      ),
  }
}

function pairs(parameters: Parameters): [string, string][] {
  return parameters.names().map((name) => [name, parameters.get(name) ?? assert.fail(name)])
}

function escapeEveryByte(text: string): string {
  return [...Buffer.from(text, 'utf8')].map((byte) => `%${byte.toString(16).padStart(2, '0')}`).join('')
}
