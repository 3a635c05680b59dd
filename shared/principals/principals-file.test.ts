import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import fc from 'fast-check'
import { DocumentError } from '#shared/config'
import { ADMINISTRATOR_ACCESS } from './administrator-access.ts'
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
    ['a name twice, under another path', (document) => withAnother(document, 'arn:aws:iam::000000000000:user/x/alice')],
    ['a name twice, in other case', (document) => withAnother(document, 'arn:aws:iam::000000000000:user/Alice')],
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

  test('reads version 1 as users who may do everything, and roots', () => {
    const { accessKey } = setup()
    const alice = {
      arn: 'arn:aws:iam::000000000000:user/alice',
      userId: 'AIDAABCDEFGHIJKLMNOPQ',
      accessKeys: [accessKey],
    }
    const root = { arn: 'arn:aws:iam::000000000000:root', userId: '000000000000', accessKeys: [] }
    assert.deepEqual(parse({ version: 1, principals: [alice, root] }), {
      version: 2,
      principals: [{ ...alice, policies: ADMINISTRATOR_ACCESS }, root],
    })
  })

  for (const [name, fields] of [
    ['a policy', { policies: {} }],
    ['an inactive key', { accessKeys: [{ ...setup().accessKey, status: 'Inactive' }] }],
    ['a tag', { tags: {} }],
  ] as const) {
    test(`refuses ${name} in version 1, which did not know it`, () => {
      const { policies: _, ...alice } = setup().alice
      assert.throws(() => parse({ version: 1, principals: [{ ...alice, ...fields }] }), DocumentError)
    })
  }

  test('refuses a policy named __proto__, which would vanish, wherever a map stands', () => {
    const text = (place: string) =>
      formatPrincipalsDocument(setup().document).replace(place, `${place.slice(0, -2)}{"__proto__":{}}`)
    assert.throws(() => parsePrincipalsDocument(text('"policies": {}')), DocumentError)
    assert.throws(() => parsePrincipalsDocument('{"version":2,"principals":[],"__proto__":{}}'), DocumentError)
  })

  for (const [name, entry] of Object.entries(entriesThatAreWrong())) {
    test(`refuses ${name}, naming the place`, () => {
      assert.throws(() => parse({ version: 2, principals: [entry] }), /bad principals\.0/)
    })
  }

  test('reads back every document that can be written', () => {
    fc.assert(
      fc.property(anyDocument(), (document) => {
        assert.deepEqual(parsePrincipalsDocument(formatPrincipalsDocument(document)), document)
      }),
    )
  })

  test('refuses a document with one field more or one less, wherever it is', () => {
    const optional = new Set(['status', 'tags', 'kmsRoleArn', 'maxSessionSeconds', 'accounts'])
    const free = new Set(['policies', 'tags', 'trustPolicy', 'accounts'])
    fc.assert(
      fc.property(anyDocument(), fc.nat(), fc.boolean(), (document, pick, more) => {
        const changed = structuredClone(document)
        const objects = strictObjectsIn(changed, free)
        const object = objects[pick % objects.length] as Record<string, unknown>
        if (more) object.unknown = true
        else {
          const required = Object.keys(object).filter((key) => !optional.has(key))
          delete object[String(required[pick % required.length])]
        }
        assert.throws(() => parse(changed), DocumentError)
      }),
    )
  })

  test('throws nothing but DocumentError, for any text and any JSON', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.json(),
          fc.string().map((s) => JSON.stringify({ version: 1, principals: s })),
          fc.jsonValue().map((value) => JSON.stringify({ version: 2, principals: [value] })),
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

/** Each is wrong for its kind. */
function entriesThatAreWrong(): Record<string, object> {
  const { alice, accessKey } = setup()
  const role = {
    arn: 'arn:aws:iam::000000000000:role/r',
    roleId: 'AROAABCDEFGHIJKLMNOPQ',
    trustPolicy: {},
    policies: {},
  }
  const root = { arn: 'arn:aws:iam::000000000000:root', userId: '000000000000', accessKeys: [] }
  const keys = ['A', 'B', 'C'].map((letter) => ({ ...accessKey, id: letter.repeat(20) }))
  return {
    'three access keys': { ...alice, accessKeys: keys },
    'a user without policies': { ...alice, policies: undefined },
    'a policy that is a text': { ...alice, policies: { p: '{}' } },
    'a policy name with a blank': { ...alice, policies: { 'a b': {} } },
    'a policy name of 129 characters': { ...alice, policies: { ['p'.repeat(129)]: {} } },
    'a user with the id of a role': { ...alice, userId: role.roleId },
    'a user with a trust policy': { ...alice, trustPolicy: {} },
    'a reserved tag': { ...alice, tags: { 'AWS:x': 'y' } },
    'a tag value of 257 characters': { ...alice, tags: { x: 'y'.repeat(257) } },
    '51 tags': { ...alice, tags: Object.fromEntries(Array.from({ length: 51 }, (_, n) => [`t${n}`, ''])) },
    'a role for KMS that is a user': { ...alice, kmsRoleArn: alice.arn },
    'a root with policies': { ...root, policies: {} },
    'a role with access keys': { ...role, accessKeys: [] },
    'a role without trust policy': { ...role, trustPolicy: undefined },
    'sessions of less than an hour': { ...role, maxSessionSeconds: 3_599 },
    'sessions of more than twelve hours': { ...role, maxSessionSeconds: 43_201 },
    'a service with an ARN': { service: 's3.amazonaws.com', arn: alice.arn, accessKeys: [] },
    'a service without a domain': { service: 's3', accessKeys: [] },
    nobody: {},
  }
}

/** Every kind of principal, with whatever it may have; policies are not judged here. */
function anyDocument(): fc.Arbitrary<PrincipalsDocument> {
  const name = fc.stringMatching(/^[a-z]{1,12}$/)
  const unique = fc.uniqueArray(name, { maxLength: 6 })
  const policies = fc.dictionary(
    fc.stringMatching(/^[\w+=,.@-]{1,20}$/).filter((key) => key !== '__proto__'),
    fc.constant({ Version: '2012-10-17' }),
    { noNullPrototype: true },
  )
  const tags = fc.dictionary(fc.stringMatching(/^t[a-z:]{1,9}$/), fc.string({ maxLength: 256 }), {
    noNullPrototype: true,
  })
  const extra = fc.record(
    { tags, kmsRoleArn: fc.constant('arn:aws:iam::111122223333:role/r') },
    { requiredKeys: [], noNullPrototype: true },
  )
  const status = fc.constantFrom<{ status?: 'Active' | 'Inactive' }>({}, { status: 'Active' }, { status: 'Inactive' })
  const keysOf = (owner: string) =>
    fc.array(status, { maxLength: 2 }).map((keys) =>
      keys.map((more, n) => ({
        id: `AKIA${owner.toUpperCase()}${n}`.padEnd(20, '0'),
        secret: 's'.repeat(40),
        createdAt: n,
        ...more,
      })),
    )
  const account = 'arn:aws:iam::000000000000'
  const entryOf = (own: string, at: number): fc.Arbitrary<PrincipalsDocument['principals'][number]> => {
    if (at % 3 === 2) return keysOf(own).map((accessKeys) => ({ service: `${own}.amazonaws.com`, accessKeys }))
    if (at % 3 === 1) {
      const maxSessionSeconds = fc.integer({ min: 3_600, max: 43_200 })
      return fc.tuple(policies, extra, maxSessionSeconds).map(([own_, more, seconds]) => ({
        arn: `${account}:role/${own}`,
        roleId: 'AROAABCDEFGHIJKLMNOPQ',
        trustPolicy: {},
        policies: own_,
        maxSessionSeconds: seconds,
        ...more,
      }))
    }
    return fc.tuple(policies, extra, keysOf(own)).map(([own_, more, accessKeys]) => ({
      arn: `${account}:user/${own}`,
      userId: 'AIDAABCDEFGHIJKLMNOPQ',
      accessKeys,
      policies: own_,
      ...more,
    }))
  }
  return unique
    .chain((names) => fc.tuple(...names.map(entryOf)))
    .map((principals) => ({
      version: 2,
      accounts: { '000000000000': { organizationId: 'o-abcdefghij' } },
      principals: [...principals, { arn: `${account}:root`, userId: '000000000000', accessKeys: [] }],
    }))
}

/** Those whose fields are all known; `free` names the maps and documents, in which any may stand. */
function strictObjectsIn(value: unknown, free: ReadonlySet<string>): object[] {
  if (typeof value !== 'object' || value === null) return []
  if (Array.isArray(value)) return value.flatMap((item) => strictObjectsIn(item, free))
  const inner = Object.entries(value).flatMap(([key, item]) => (free.has(key) ? [] : strictObjectsIn(item, free)))
  return [value, ...inner]
}

function withAlice(document: PrincipalsDocument, change: object): object {
  return { ...document, principals: [{ ...setup().alice, ...change }] }
}

function withAnother(document: PrincipalsDocument, arn: string): object {
  return { ...document, principals: [...document.principals, { ...setup().alice, arn, accessKeys: [] }] }
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
