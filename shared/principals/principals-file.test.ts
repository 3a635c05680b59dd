import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import fc from 'fast-check'
import { DocumentError } from '#shared/config'
import { formatPrincipalsDocument, type PrincipalsDocument, parsePrincipalsDocument } from './principals-file.ts'

suite('parsePrincipalsDocument()', () => {
  test('reads what formatPrincipalsDocument() wrote', () => {
    const { document } = setup()
    assert.deepEqual(parsePrincipalsDocument(formatPrincipalsDocument(document)), document)
  })

  test('accepts a file without principals, and a principal without access keys', () => {
    assert.deepEqual(parsePrincipalsDocument('{"version":2,"principals":[]}').principals, [])
    const { alice } = setup()
    parse({ version: 2, principals: [{ ...alice, accessKeys: [] }] })
  })

  for (const [name, change] of [
    ['another version', (document) => ({ ...document, version: 3 })],
    ['no version', (document) => ({ principals: document.principals })],
    ['an unknown field at the top', (document) => ({ ...document, policies: [] })],
    ['an unknown field of a principal', (document) => withAlice(document, { groups: [] })],
    ['an unknown field of an access key', (document) => withKey(document, { lastUsed: 0 })],
    ['an ARN of a role', (document) => withAlice(document, { arn: 'arn:aws:iam::000000000000:role/x' })],
    [
      'an ARN twice',
      (document) => ({ ...document, principals: [...document.principals, { ...setup().alice, accessKeys: [] }] }),
    ],
    ['an access key twice', (document) => withAlice(document, { accessKeys: [setup().accessKey, setup().accessKey] })],
    ['a user id of another form', (document) => withAlice(document, { userId: 'AIDAalice' })],
    ['an access key id with small letters', (document) => withKey(document, { id: 'akiaabcdefghijklmnop' })],
    ['an access key id that is too short', (document) => withKey(document, { id: 'AKIA' })],
    ['a secret that is too short', (document) => withKey(document, { secret: 'guessable' })],
    ['a secret with a line feed', (document) => withKey(document, { secret: `${'s'.repeat(39)}\n` })],
    ['a creation time that is no number', (document) => withKey(document, { createdAt: '2026-01-01' })],
  ] satisfies [string, (document: PrincipalsDocument) => unknown][]) {
    test(`refuses ${name}, and repeats no secret`, () => {
      const { document, accessKey } = setup()
      assert.throws(
        () => parse(change(document)),
        (error) => {
          assert.ok(error instanceof DocumentError)
          assert.ok(!error.message.includes(accessKey.secret))
          return true
        },
      )
    })
  }

  test('throws nothing but DocumentError, for any text and any JSON', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.json(),
          fc.string().map((s) => JSON.stringify({ version: 1, principals: s })),
        ),
        (text) => {
          assert.throws(() => parsePrincipalsDocument(text), DocumentError)
        },
      ),
    )
  })
})

function parse(document: unknown): PrincipalsDocument {
  return parsePrincipalsDocument(JSON.stringify(document))
}

function withAlice(document: PrincipalsDocument, change: object): object {
  return { ...document, principals: [{ ...setup().alice, ...change }] }
}

function withKey(document: PrincipalsDocument, change: object): object {
  return withAlice(document, { accessKeys: [{ ...setup().accessKey, ...change }] })
}

function setup() {
  const accessKey = { id: 'AKIAABCDEFGHIJKLMNOP', secret: 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY', createdAt: 0 }
  const alice = {
    arn: 'arn:aws:iam::000000000000:user/alice',
    userId: 'AIDAABCDEFGHIJKLMNOPQ',
    accessKeys: [accessKey],
    policies: {},
  }
  const document: PrincipalsDocument = { version: 2, principals: [alice] }
  return { document, alice, accessKey }
}
