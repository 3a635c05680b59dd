/**
 * Requests of the AWS SDK's signer, each one-step mutation of them, and each mutation signed anew: parseSignature() and
 * verify() must say what the rules say, and nothing that changes a request's meaning may pass with the old signature.
 */

import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { BrokerError } from '#shared/errors'
import {
  expectedRefusal,
  mutationsOf,
  otherShapes,
  queryShapes,
  readParameters,
  receivedParts,
  resigned,
  type WireRequest,
} from '#shared/test-signatures'
import { createSignatureVerifier, InvalidClientTokenIdError, parseSignature } from './index.ts'

const NOW = Date.UTC(2026, 0, 31, 23, 59, 59)
const SERVICE = 'sns'
const USER = { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY' }
const SESSION = {
  accessKeyId: 'ASIDEXAMPLE',
  secretAccessKey: 'Another/Secret+Key',
  sessionToken: 'a/token+with=signs',
}
const SHAPE_OPTIONS = {
  user: USER,
  session: SESSION,
  region: 'eu-west-1',
  service: SERVICE,
  now: NOW,
  host: 'localhost:4443',
  form: 'Action=Publish&Version=2010-03-31&Message=hello%20world&TopicArn=arn%3Aaws%3Asns%3Aeu-west-1%3A000000000000%3Aorders',
}
const SHAPES = [...(await queryShapes(SHAPE_OPTIONS)), ...(await otherShapes(SHAPE_OPTIONS))]
/** What there was when this was written; a mutator that stops finding anything shows here. */
const MIN_CASES = 20_000

suite('the verdict over a request', () => {
  let cases = 0

  for (const { name, signer, wire } of SHAPES) {
    test(`is that of the rules for every mutation of: ${name}`, async () => {
      assert.equal(await expectedRefusal(wire, world()), undefined)
      assert.equal(verdictOf(wire), undefined)
      for (const [kind, mutations] of mutationsOf(wire)) {
        for (const [what, mutated] of mutations) {
          const verdict = verdictOf(mutated)
          assert.equal(verdict, await expectedRefusal(mutated, world()), `${kind}: ${what}`)
          if (verdict === undefined) assert.deepEqual(meaningOf(mutated), meaningOf(wire), `${kind}: ${what}`)
          const again = await resigned(mutated, signer.secretAccessKey)
          assert.equal(verdictOf(again), await expectedRefusal(again, world()), `${kind}: ${what}, signed anew`)
          cases += 2
        }
      }
    })

    test(`is that of the rules at every edge of the time of: ${name}`, async () => {
      for (const seconds of [0, 1, 60, 900, 604_800]) {
        for (const ms of [-1000, -1, 0, 1, 1000]) {
          for (const now of [NOW + seconds * 1000 + ms, NOW - seconds * 1000 + ms]) {
            assert.equal(verdictOf(wire, { now }), await expectedRefusal(wire, world({ now })), String(now - NOW))
            cases++
          }
        }
      }
    })

    test(`is a refusal by every other service of: ${name}`, async () => {
      for (const service of ['sts', 'kms', 'sqs']) {
        assert.equal(verdictOf(wire, { service }), 'SignatureDoesNotMatch')
        cases++
      }
    })
  }

  test(`was asked for in more than ${MIN_CASES} cases`, (t) => {
    t.diagnostic(`${cases} cases of ${SHAPES.length} requests`)
    assert.ok(cases > MIN_CASES, String(cases))
  })
})

const verifier = createSignatureVerifier()

function world({ now = NOW } = {}) {
  return { signers: [USER, SESSION], service: SERVICE, now }
}

/** SNS's code, as callers of this folder tell it: token looked up between the form and the rest. */
function verdictOf(wire: WireRequest, { now = NOW, service = SERVICE } = {}): string | undefined {
  const request = receivedParts(wire)
  try {
    const parsed = parseSignature(request)
    if (parsed === undefined) return 'MissingAuthenticationToken'
    const signer = world().signers.find(({ accessKeyId }) => accessKeyId === parsed.accessKeyId)
    const sessionToken = signer !== undefined && 'sessionToken' in signer ? signer.sessionToken : undefined
    if (signer === undefined || sessionToken !== parsed.sessionToken) throw new InvalidClientTokenIdError()
    verifier.verify(parsed, { request, secretAccessKey: signer.secretAccessKey, service, now })
    return undefined
  } catch (error) {
    assert.ok(error instanceof BrokerError, String(error))
    return WIRE_CODES.get(error.code)
  }
}

const WIRE_CODES = new Map([
  ['INCOMPLETE_SIGNATURE', 'IncompleteSignature'],
  ['INVALID_CLIENT_TOKEN_ID', 'InvalidClientTokenId'],
  ['SIGNATURE_DOES_NOT_MATCH', 'SignatureDoesNotMatch'],
  ['REQUEST_EXPIRED', 'RequestExpired'],
])

/** What a service would act on: two requests that mean the same may have the same signature, no others. */
function meaningOf(wire: WireRequest) {
  const path: string[] = []
  for (const segment of wire.path.split('/')) {
    if (segment === '..') path.pop()
    else if (segment !== '' && segment !== '.') path.push(segment)
  }
  const parameters = readParameters(wire.query).filter(([name]) => name !== 'X-Amz-Signature')
  const { headers } = receivedParts(wire)
  return {
    method: wire.method,
    path,
    endsInSlash: path.length > 0 && wire.path.endsWith('/'),
    parameters: parameters.map((pair) => JSON.stringify(pair)).sort(),
    body: wire.body,
    host: headers.host,
    target: headers['x-amz-target'],
    token: headers['x-amz-security-token'],
    date: headers['x-amz-date'],
  }
}
