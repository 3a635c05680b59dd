/** Signed requests, each one-step mutation of them, and each signed anew: the KMS says of each what the rules say. */

import assert from 'node:assert/strict'
import { Agent } from 'node:http'
import { suite, test } from 'node:test'
import { startTestKms } from '#shared/test-kms'
import {
  expectedRefusal,
  isDeliverable,
  jsonShapes,
  mutationsOf,
  type Refusal,
  resigned,
  sendWire,
  type WireRequest,
} from '#shared/test-signatures'

/** What there was when this was written; a mutator that stops finding anything shows here. */
const MIN_CASES = 1_000

suite('the KMS', () => {
  test(`authenticates more than ${MIN_CASES} mutated requests as the rules say`, async (t) => {
    await using stage = await setup()
    let cases = 0
    for (const { name, wire } of stage.shapes) {
      assert.equal(await stage.ask(wire), undefined, name)
      for (const [kind, mutations] of mutationsOf(wire)) {
        for (const [what, mutated] of mutations) {
          for (const sent of [mutated, await resigned(mutated, stage.user.secretAccessKey)]) {
            if (!isDeliverable(sent)) continue
            const expected = await expectedRefusal(sent, stage.world())
            assert.equal(await stage.ask(sent), expected && NAMES[expected], `${name}, ${kind}: ${what}`)
            cases++
          }
        }
      }
    }
    t.diagnostic(`${cases} cases of ${stage.shapes.length} requests`)
    assert.ok(cases > MIN_CASES, String(cases))
  })
})

const NAMES: Readonly<Record<Refusal, string>> = {
  MissingAuthenticationToken: 'MissingAuthenticationTokenException',
  IncompleteSignature: 'IncompleteSignatureException',
  InvalidClientTokenId: 'UnrecognizedClientException',
  SignatureDoesNotMatch: 'InvalidSignatureException',
  RequestExpired: 'InvalidSignatureException',
}

async function setup() {
  const kms = await startTestKms()
  const agent = new Agent({ keepAlive: true, maxSockets: 1 })
  const { accessKeyId, secretAccessKey } = kms.user
  const user = { accessKeyId, secretAccessKey }
  const shapes = await jsonShapes({
    user,
    region: 'us-east-1',
    service: 'kms',
    now: Date.now(),
    host: new URL(kms.endpoint).host,
    target: 'TrentService.GenerateRandom',
    json: '{"NumberOfBytes": 1}',
  })
  return {
    shapes,
    user,
    world: () => ({ signers: [user], service: 'kms', now: Date.now() }),
    /** The name of the refusal, undefined where the signature is believed, whatever is said of the rest. */
    async ask(wire: WireRequest): Promise<string | undefined> {
      const { body } = await sendWire(wire, { origin: kms.endpoint, agent })
      const { __type: name } = JSON.parse(body)
      return Object.values(NAMES).includes(name) ? name : undefined
    },
    async [Symbol.asyncDispose]() {
      agent.destroy()
      await kms[Symbol.asyncDispose]()
    },
  }
}
