import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { suite, test } from 'node:test'
import { deriveDataKey, type EnvelopeContext, EnvelopeFormatError, open, readDataKeyId } from './index.ts'

/** Made by an independent implementation of README.md, so that format and code are checked against each other. */
interface Vector {
  outcome: string
  note?: string
  dataKey: { id: string; plaintext: string }
  context: EnvelopeContext
  envelope: string
  body?: string
}

const FORMAT_FAULTS = ['too short', 'bad magic', 'unknown version', 'unknown suite']
/** Named apart for the reader; `open` gives one error for all of them. */
const AUTHENTICATION_FAULTS = [
  'commitment mismatch',
  'other data key',
  'other data key id',
  'tag mismatch',
  'other topic',
  'other message id',
  'other principal',
  'other subject',
  'other structure',
  'other group id',
  'other deduplication id',
  'other accepted at',
  'other attribute name',
  'other attribute type',
  'other attribute value',
  'other attribute order',
  'other attribute count',
  'absent subject',
  'absent structure',
  'absent group id',
  'absent deduplication id',
]

suite('the envelope vectors', () => {
  const vectors = readVectors()

  for (const [name, vector] of vectors) {
    test(`${name}: ${vector.outcome}`, () => {
      const dataKey = deriveDataKey(Buffer.from(vector.dataKey.id, 'hex'), Buffer.from(vector.dataKey.plaintext, 'hex'))
      const envelope = Buffer.from(vector.envelope, 'hex')
      const openIt = () => open(envelope, { dataKey, context: vector.context })
      if (vector.outcome === 'opens') {
        assert.equal(openIt().toString('hex'), vector.body)
        assert.equal(readDataKeyId(envelope).toString('hex'), vector.dataKey.id)
      } else if (FORMAT_FAULTS.includes(vector.outcome)) {
        const isNamedFault = (error: unknown) =>
          error instanceof EnvelopeFormatError && error.formatFault === vector.outcome
        assert.throws(openIt, isNamedFault)
        assert.throws(() => readDataKeyId(envelope), isNamedFault)
      } else {
        assert.ok(AUTHENTICATION_FAULTS.includes(vector.outcome), `unknown outcome ${vector.outcome}`)
        assert.throws(openIt, { code: 'ENVELOPE_AUTHENTICATION_FAILED' })
        assert.equal(readDataKeyId(envelope).byteLength, 16)
      }
    })
  }

  test('show every refusal', () => {
    const shown = new Set(vectors.map(([, vector]) => vector.outcome))
    for (const outcome of ['opens', ...FORMAT_FAULTS, ...AUTHENTICATION_FAULTS]) assert.ok(shown.has(outcome), outcome)
  })
})

function readVectors(): [name: string, vector: Vector][] {
  const directory = new URL('vectors/', import.meta.url)
  return readdirSync(directory)
    .sort()
    .map((name) => [name.replace('.json', ''), JSON.parse(readFileSync(new URL(name, directory), 'utf8')) as Vector])
}
